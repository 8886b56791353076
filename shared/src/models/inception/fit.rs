//! Tensors under published names, fitted to the convolutions of a plan.

use std::collections::BTreeSet;

use crate::weights::{NamedTensor, NamedTensors, WeightsError};

use super::names::{Naming, is_training_only};
use super::plan::{Convolution, Layer};

/// torchvision's batch normalisation: `BasicConv2d` sets it.
const BATCH_NORM_EPSILON: f64 = 1e-3;

/// Weights of one convolution, batch normalisation folded in.
#[derive(Clone, Debug, Default)]
pub(super) struct Fitted {
    /// `[outputs, inputs, kernel, kernel]`
    pub weight: Vec<f32>,
    /// `[outputs]`
    pub bias: Vec<f32>,
}

/// Finds the weights of every convolution, in forward order.
///
/// # Errors
/// Everything that is missing, unexpected, wrongly shaped or not finite, in one list.
pub(super) fn fit(
    model: &str,
    layers: &[Layer<()>],
    tensors: NamedTensors,
) -> Result<Vec<Fitted>, WeightsError> {
    let convolutions: Vec<_> = layers.iter().flat_map(Layer::convolutions).collect();
    let mut fitting = Fitting {
        naming: likeliest_naming(&convolutions, &tensors),
        unused: tensors.keys().filter(|name| !is_training_only(name)).cloned().collect(),
        tensors,
        problems: Vec::new(),
    };
    let fitted = convolutions.iter().map(|convolution| fitting.convolution(convolution)).collect();
    let Fitting { mut problems, unused, .. } = fitting;
    problems.extend(unused.iter().map(|name| format!("{name} is unexpected")));
    if problems.is_empty() {
        Ok(fitted)
    } else {
        Err(WeightsError::Misfit { model: model.to_owned(), problems })
    }
}

fn likeliest_naming(convolutions: &[&Convolution<()>], tensors: &NamedTensors) -> Naming {
    let found = |naming: &Naming| {
        let names = convolutions.iter().map(|convolution| naming.of(&convolution.name));
        let belongs = |name: String| tensors.keys().any(|tensor| tensor.starts_with(&name));
        names.filter(|name| belongs(format!("{name}."))).count()
    };
    Naming::ALL.into_iter().max_by_key(found).unwrap_or(Naming::Caffe)
}

/// Names and shapes of the tensors that make up a convolution: weight and bias, or weight and the
/// four parameters of its batch normalisation.
pub(super) fn tensors_of(naming: Naming, plan: &Convolution<()>) -> Vec<(String, Vec<usize>)> {
    let Convolution { inputs, outputs, window, .. } = plan;
    let name = naming.of(&plan.name);
    let kernel = vec![*outputs, *inputs, window.kernel, window.kernel];
    let channel = |part: &str| (format!("{name}.{part}"), vec![*outputs]);
    match (naming, plan.is_classifier()) {
        (_, true) => vec![(format!("{name}.weight"), vec![*outputs, *inputs]), channel("bias")],
        (Naming::Torchvision, false) => vec![
            (format!("{name}.conv.weight"), kernel),
            channel("bn.weight"),
            channel("bn.bias"),
            channel("bn.running_mean"),
            channel("bn.running_var"),
        ],
        (Naming::Caffe | Naming::Lucent, false) => {
            vec![(format!("{name}.weight"), kernel), channel("bias")]
        }
    }
}

struct Fitting {
    naming: Naming,
    tensors: NamedTensors,
    unused: BTreeSet<String>,
    problems: Vec<String>,
}

impl Fitting {
    fn convolution(&mut self, plan: &Convolution<()>) -> Fitted {
        let tensors = tensors_of(self.naming, plan);
        let values = tensors.iter().map(|(name, shape)| self.take(name, shape)).collect::<Vec<_>>();
        match <[Vec<f32>; 5]>::try_from(values) {
            Ok([weight, scale, shift, mean, variance]) => {
                BatchNorm { scale, shift, mean, variance }.fold(weight, plan.outputs)
            }
            Err(plain) => {
                let mut plain = plain.into_iter();
                let mut next = || plain.next().unwrap_or_default();
                Fitted { weight: next(), bias: next() }
            }
        }
    }

    /// The values of a tensor; none, and a problem noted, if it is not as expected.
    fn take(&mut self, name: &str, shape: &[usize]) -> Vec<f32> {
        self.unused.remove(name);
        let problem = match self.tensors.remove(name) {
            None => format!("{name} is missing, expected with shape {shape:?}"),
            Some(tensor) if tensor.shape != shape => {
                format!("{name} has shape {:?}, expected {shape:?}", tensor.shape)
            }
            Some(NamedTensor { values, .. }) => {
                let is_variance = name.ends_with("running_var");
                let is_wrong = |value: &f32| !value.is_finite() || is_variance && *value < 0.0;
                let Some(place) = values.iter().position(is_wrong) else { return values };
                let wanted = if is_variance { "a variance" } else { "a finite number" };
                format!("{name} holds {} at {place}, expected {wanted}", values[place])
            }
        };
        self.problems.push(problem);
        Vec::new()
    }
}

/// Parameters of batch normalisation, each `[channels]`.
struct BatchNorm {
    scale: Vec<f32>,
    shift: Vec<f32>,
    mean: Vec<f32>,
    variance: Vec<f32>,
}

impl BatchNorm {
    /// One convolution that does what the given one (without bias) and this normalisation do:
    /// `scale * (w x - mean) / sqrt(variance + epsilon) + shift`.
    fn fold(&self, mut weight: Vec<f32>, channels: usize) -> Fitted {
        let parameters = [&self.scale, &self.shift, &self.mean, &self.variance];
        if weight.is_empty() || parameters.iter().any(|values| values.len() != channels) {
            // Something was missing and has been noted; there is nothing to fold.
            return Fitted::default();
        }
        let mut bias = Vec::with_capacity(channels);
        let per_channel = weight.len() / channels;
        for (channel, filter) in weight.chunks_exact_mut(per_channel).enumerate() {
            let [scale, shift, mean, variance] =
                parameters.map(|values| f64::from(values[channel]));
            let factor = scale / (variance + BATCH_NORM_EPSILON).sqrt();
            for value in filter {
                *value = (f64::from(*value) * factor) as f32;
            }
            bias.push((shift - mean * factor) as f32);
        }
        Fitted { weight, bias }
    }
}

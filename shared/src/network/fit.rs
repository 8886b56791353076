//! Tensors under published names, fitted to the convolutions of a network.

use std::collections::BTreeSet;

use crate::weights::{NamedTensor, NamedTensors, WeightsError};

/// What a file calls the numbers of one convolution.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The kernels' name.
    pub weight: String,
    /// Their shape, outputs first.
    pub shape: Vec<usize>,
    /// What is done to each output channel.
    pub then: Then,
}

/// What follows the product with the kernels.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// A bias of this name is added.
    Bias(String),
    /// Batch normalisation, whose four tensors begin with this prefix.
    BatchNorm { prefix: String, epsilon: f64 },
}

impl Source {
    /// `{name}.weight` of this shape, and `{name}.bias`.
    pub fn biased(name: &str, shape: impl Into<Vec<usize>>) -> Self {
        let then = Then::Bias(format!("{name}.bias"));
        Self { weight: format!("{name}.weight"), shape: shape.into(), then }
    }

    /// `{name}.weight` of this shape, followed by the batch normalisation called `prefix`.
    pub fn normalised(
        name: &str,
        shape: impl Into<Vec<usize>>,
        prefix: String,
        epsilon: f64,
    ) -> Self {
        let then = Then::BatchNorm { prefix, epsilon };
        Self { weight: format!("{name}.weight"), shape: shape.into(), then }
    }

    /// Names and shapes of the tensors: weight and bias, or weight and the four parameters of its
    /// batch normalisation.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let channels = || vec![self.outputs()];
        let weight = (self.weight.clone(), self.shape.clone());
        match &self.then {
            Then::Bias(name) => vec![weight, (name.clone(), channels())],
            Then::BatchNorm { prefix, .. } => {
                let parameters = ["weight", "bias", "running_mean", "running_var"];
                let named = parameters.map(|name| (format!("{prefix}.{name}"), channels()));
                [weight].into_iter().chain(named).collect()
            }
        }
    }

    fn outputs(&self) -> usize {
        self.shape.first().copied().unwrap_or_default()
    }
}

/// Weights of one convolution, batch normalisation folded in.
#[derive(Clone, Debug, Default)]
pub(super) struct Fitted {
    /// In the shape of its source.
    pub weight: Vec<f32>,
    /// `[outputs]`
    pub bias: Vec<f32>,
}

/// Finds the weights of every convolution, in forward order, under the names of that one of
/// `namings` which the file knows best.
///
/// # Errors
/// Everything that is missing, unexpected, wrongly shaped or not finite, in one list. Tensors that
/// are `ignored` are not unexpected.
pub(super) fn fit(
    model: &str,
    namings: impl IntoIterator<Item = Vec<Source>>,
    tensors: NamedTensors,
    ignored: fn(&str) -> bool,
) -> Result<Vec<Fitted>, WeightsError> {
    let known = |sources: &Vec<Source>| {
        sources.iter().filter(|source| tensors.contains_key(&source.weight)).count()
    };
    // The first of those that are known equally well.
    let sources = namings.into_iter().min_by_key(|sources| std::cmp::Reverse(known(sources)));
    let sources = sources.unwrap_or_default();
    if let (Some(wanted), Some(found)) = (sources.first(), tensors.keys().next())
        && known(&sources) == 0
    {
        // Naming every tensor of two networks would help nobody.
        let problem = format!(
            "none of the kernels is there: expected {} and others, found {found} and others: are \
             these weights another model's?",
            wanted.weight
        );
        return Err(WeightsError::Misfit { model: model.to_owned(), problems: vec![problem] });
    }
    let mut fitting = Fitting {
        unused: tensors.keys().filter(|name| !ignored(name)).cloned().collect(),
        tensors,
        problems: Vec::new(),
    };
    let fitted = sources.iter().map(|source| fitting.convolution(source)).collect();
    let Fitting { mut problems, unused, .. } = fitting;
    problems.extend(unused.iter().map(|name| format!("{name} is unexpected")));
    if problems.is_empty() {
        Ok(fitted)
    } else {
        Err(WeightsError::Misfit { model: model.to_owned(), problems })
    }
}

struct Fitting {
    tensors: NamedTensors,
    unused: BTreeSet<String>,
    problems: Vec<String>,
}

impl Fitting {
    fn convolution(&mut self, source: &Source) -> Fitted {
        let tensors = source.tensors();
        let mut values = tensors.iter().map(|(name, shape)| self.take(name, shape));
        let mut next = || values.next().unwrap_or_default();
        let weight = next();
        match source.then {
            Then::Bias(_) => Fitted { weight, bias: next() },
            Then::BatchNorm { epsilon, .. } => {
                let normalisation = BatchNorm {
                    scale: next(),
                    shift: next(),
                    mean: next(),
                    variance: next(),
                    epsilon,
                };
                normalisation.fold(weight, source.outputs())
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
    epsilon: f64,
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
            let factor = scale / (variance + self.epsilon).sqrt();
            for value in filter {
                *value = (f64::from(*value) * factor) as f32;
            }
            bias.push((shift - mean * factor) as f32);
        }
        Fitted { weight, bias }
    }
}

//! Tensors under published names, fitted to the convolutions of a network.

use std::cmp::Reverse;

use crate::weights::{StoredTensors, WeightsError};

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
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    /// In the shape of its source.
    pub weight: Vec<f32>,
    /// `[outputs]`
    pub bias: Vec<f32>,
}

/// Tensors on their way into one network, with everything noted that is wrong with them.
pub(super) struct Fitting<'a> {
    model: &'static str,
    tensors: StoredTensors<'a>,
    problems: Vec<String>,
}

impl<'a> Fitting<'a> {
    /// What the file calls the numbers of every convolution, in forward order: that one of
    /// `namings` which it knows best. Tensors that are `ignored` are let go.
    ///
    /// # Errors
    /// None of the kernels is there.
    pub fn new(
        model: &'static str,
        namings: Vec<Vec<Source>>,
        mut tensors: StoredTensors<'a>,
        ignored: fn(&str) -> bool,
    ) -> Result<(Vec<Source>, Self), WeightsError> {
        let known = |sources: &Vec<Source>| {
            sources.iter().filter(|source| tensors.shape(&source.weight).is_some()).count()
        };
        // The first of those that are known equally well.
        let sources = namings.into_iter().min_by_key(|sources| Reverse(known(sources)));
        let sources = sources.unwrap_or_default();
        if let (Some(wanted), Some((found, _))) = (sources.first(), tensors.shapes().next())
            && known(&sources) == 0
        {
            // Naming every tensor of two networks would help nobody.
            let problem = format!(
                "none of the kernels is there: expected {} and others, found {found} and others: \
                 are these weights another model's?",
                wanted.weight
            );
            return Err(WeightsError::Misfit { model: model.to_owned(), problems: vec![problem] });
        }
        tensors.retain(|name| !ignored(name));
        Ok((sources, Self { model, tensors, problems: Vec::new() }))
    }

    /// The weights of one convolution; none once anything is wrong.
    pub fn convolution(&mut self, source: &Source) -> Option<Fitted> {
        let tensors = source.tensors();
        let values: Vec<_> =
            tensors.iter().filter_map(|(name, shape)| self.take(name, shape)).collect();
        if !self.problems.is_empty() {
            return None;
        }
        let mut values = values.into_iter();
        let weight = values.next()?;
        Some(match source.then {
            Then::Bias(_) => Fitted { weight, bias: values.next()? },
            Then::BatchNorm { epsilon, .. } => {
                let normalisation = BatchNorm {
                    scale: values.next()?,
                    shift: values.next()?,
                    mean: values.next()?,
                    variance: values.next()?,
                    epsilon,
                };
                normalisation.fold(weight)
            }
        })
    }

    /// The values of a tensor; none, and a problem noted, if it is not as expected.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
        let problem = match self.tensors.take(name, shape) {
            Err(not_taken) => not_taken.to_string(),
            Ok(values) => {
                let is_variance = name.ends_with("running_var");
                let is_wrong = |value: &f32| !value.is_finite() || is_variance && *value < 0.0;
                let Some(place) = values.iter().position(is_wrong) else { return Some(values) };
                let wanted = if is_variance { "a variance" } else { "a finite number" };
                format!("{name} holds {} at {place}, expected {wanted}", values[place])
            }
        };
        self.problems.push(problem);
        None
    }

    /// # Errors
    /// Everything that was missing, wrongly shaped or not finite, or is left over, in one list.
    pub fn finish(self) -> Result<(), WeightsError> {
        let Self { model, tensors, mut problems } = self;
        problems.extend(tensors.shapes().map(|(name, _)| format!("{name} is unexpected")));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(WeightsError::Misfit { model: model.to_owned(), problems })
        }
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
    fn fold(&self, mut weight: Vec<f32>) -> Fitted {
        let parameters = [&self.scale, &self.shift, &self.mean, &self.variance];
        let channels = self.scale.len();
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

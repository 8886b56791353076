//! Tensors under published names, fitted to the operations of a network.

use std::cmp::Reverse;

use crate::weights::{StoredTensors, WeightsError};

/// What a file calls the numbers of one operation.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Kernels that lie one after another along the outputs.
    pub parts: Vec<Part>,
    /// What is done to each output channel.
    pub then: Then,
}

/// Kernels in one tensor.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The tensor's name.
    pub weight: String,
    /// Its shape, outputs first unless it is transposed.
    pub shape: Vec<usize>,
    /// Whether it is a matrix with its inputs first.
    pub is_transposed: bool,
    /// The name of what is added, if anything is.
    pub bias: Option<String>,
}

impl Part {
    /// A tensor of this name and shape, to which nothing is added.
    pub fn plain(weight: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        let (weight, shape) = (weight.into(), shape.into());
        Self { weight, shape, is_transposed: false, bias: None }
    }

    fn outputs(&self) -> usize {
        let outputs = if self.is_transposed { self.shape.last() } else { self.shape.first() };
        outputs.copied().unwrap_or_default()
    }
}

/// What follows the product with the kernels.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// Nothing but the biases.
    Nothing,
    /// Batch normalisation, whose four tensors begin with this prefix.
    BatchNorm { prefix: String, epsilon: f64 },
    /// A factor, from the tensor of this name (layer scale, Touvron et al. 2021, arXiv:2103.17239).
    Scale(String),
    /// The biases count by the factors in the tensor of this name.
    MaskBias(String),
    /// The first and the last third of the outputs have biases of these names.
    OuterBiases([String; 2]),
    /// The kernels are tokens without a place; positions follow, of which the first may be added to
    /// the first token.
    Positions { name: String, shape: Vec<usize>, has_class: bool },
}

impl Source {
    /// `{name}.weight` of this shape, and `{name}.bias`.
    pub fn biased(name: &str, shape: impl Into<Vec<usize>>) -> Self {
        let bias = Some(format!("{name}.bias"));
        let part = Part { bias, ..Part::plain(format!("{name}.weight"), shape) };
        Self { parts: vec![part], then: Then::Nothing }
    }

    /// `{name}.weight` of this shape, and no bias.
    pub fn plain(name: &str, shape: impl Into<Vec<usize>>) -> Self {
        Self { parts: vec![Part::plain(format!("{name}.weight"), shape)], then: Then::Nothing }
    }

    /// `{name}.weight` of this shape, followed by the batch normalisation called `prefix`.
    pub fn normalised(
        name: &str,
        shape: impl Into<Vec<usize>>,
        prefix: String,
        epsilon: f64,
    ) -> Self {
        let part = Part::plain(format!("{name}.weight"), shape);
        Self { parts: vec![part], then: Then::BatchNorm { prefix, epsilon } }
    }

    /// Names and shapes of the tensors, kernels before their biases.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let of_part = |part: &Part| {
            let bias = part.bias.clone().map(|bias| (bias, vec![part.outputs()]));
            std::iter::once((part.weight.clone(), part.shape.clone())).chain(bias)
        };
        let of_parts = self.parts.iter().flat_map(of_part);
        let channels = || vec![self.parts.iter().map(Part::outputs).sum()];
        match &self.then {
            Then::Nothing => of_parts.collect(),
            Then::BatchNorm { prefix, .. } => {
                let named = BATCH_NORM.map(|name| (format!("{prefix}.{name}"), channels()));
                of_parts.chain(named).collect()
            }
            Then::Scale(name) | Then::MaskBias(name) => {
                of_parts.chain([(name.clone(), channels())]).collect()
            }
            Then::OuterBiases(names) => {
                let third = self.parts.iter().map(Part::outputs).sum::<usize>() / 3;
                of_parts.chain(names.iter().map(|name| (name.clone(), vec![third]))).collect()
            }
            Then::Positions { name, shape, .. } => {
                of_parts.chain([(name.clone(), shape.clone())]).collect()
            }
        }
    }
}

/// Batch normalisation's tensors.
const BATCH_NORM: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

/// The numbers of one operation, with what follows it folded in.
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
    /// What the file calls the numbers of every operation, in forward order: that one of
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
            let named = sources.iter().flat_map(Source::tensors);
            named.filter(|(name, _)| tensors.shape(name).is_some()).count()
        };
        // The first of those that are known equally well.
        let sources = namings.into_iter().min_by_key(|sources| Reverse(known(sources)));
        let sources = sources.unwrap_or_default();
        let wanted = sources.iter().flat_map(|source| &source.parts).next();
        if let (Some(wanted), Some((found, _))) = (wanted, tensors.shapes().next())
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

    /// The numbers of an operation with so many outputs; none once anything is wrong.
    pub fn fitted(&mut self, source: &Source, outputs: usize) -> Option<Fitted> {
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for part in &source.parts {
            let values = self.take(&part.weight, &part.shape).unwrap_or_default();
            weight.extend(match part.shape[..] {
                [_, columns] if part.is_transposed => transposed(&values, columns),
                _ => values,
            });
            match &part.bias {
                Some(name) => bias.extend(self.take(name, &[part.outputs()]).unwrap_or_default()),
                None => bias.resize(bias.len() + part.outputs(), 0.0),
            }
        }
        let mut fitted = Fitted { weight, bias };
        let channels = [outputs];
        match &source.then {
            Then::Nothing => {}
            Then::BatchNorm { prefix, epsilon } => {
                let taken =
                    BATCH_NORM.map(|name| self.take(&format!("{prefix}.{name}"), &channels));
                if let [Some(scale), Some(shift), Some(mean), Some(variance)] = taken
                    && self.problems.is_empty()
                {
                    let folded = BatchNorm { scale, shift, mean, variance, epsilon: *epsilon };
                    fitted = folded.fold(fitted.weight);
                }
            }
            Then::Scale(name) => {
                let factors = self.take(name, &channels)?;
                let inputs = fitted.weight.len() / outputs;
                let rows = fitted.weight.chunks_mut(inputs.max(1)).zip(&mut fitted.bias);
                for ((row, bias), factor) in rows.zip(factors) {
                    row.iter_mut().for_each(|value| *value *= factor);
                    *bias *= factor;
                }
            }
            Then::MaskBias(name) => {
                let factors = self.take(name, &channels)?;
                fitted.bias.iter_mut().zip(factors).for_each(|(bias, factor)| *bias *= factor);
            }
            Then::OuterBiases([first, last]) => {
                let third = [outputs / 3];
                let (first, last) = (self.take(first, &third)?, self.take(last, &third)?);
                fitted.bias = [first, vec![0.0; outputs / 3], last].concat();
            }
            Then::Positions { name, shape, has_class } => {
                let positions = self.take(name, shape)?;
                let width = shape.last().copied().unwrap_or_default();
                let (class, rest) = positions.split_at(if *has_class { width } else { 0 });
                fitted.weight.iter_mut().zip(class).for_each(|(token, class)| *token += class);
                fitted.weight.extend(rest);
            }
        }
        // Tokens have none.
        fitted.bias.resize(outputs, 0.0);
        self.problems.is_empty().then_some(fitted)
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

/// A matrix of so many columns with its columns as rows.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let column = |column| values.iter().skip(column).step_by(columns).copied();
    (0..columns).flat_map(column).collect()
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

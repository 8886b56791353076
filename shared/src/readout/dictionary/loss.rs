//! The loss of a batch in tensors, as the papers have it: for every device, and the slow twin of
//! [`super::gradient`].

use std::array;

use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::config::{Activation, Config, Revival};
use super::explain::ANY;
use super::parameters::Parameters;
use super::precision::Precision;

/// [`Parameters`] on a device.
#[derive(Clone, Debug)]
pub struct Tensors {
    /// `[latents, channels]`
    pub encoder: Tensor<2>,
    /// `[1, latents]`
    pub encoder_bias: Tensor<2>,
    /// `[latents, channels]`
    pub decoder: Tensor<2>,
    /// `[1, channels]`
    pub decoder_bias: Tensor<2>,
    /// `[1, latents]`, or one that nobody looks at.
    pub threshold: Tensor<2>,
    /// `[1, latents]`, or one that nobody looks at.
    pub magnitude_scale: Tensor<2>,
    /// `[1, latents]`, or one that nobody looks at.
    pub magnitude_bias: Tensor<2>,
}

/// What a batch costs, differentiable. Each `[1]`, a mean over examples.
#[derive(Clone, Debug)]
pub struct Loss {
    /// What training makes small.
    pub total: Tensor<1>,
    /// Of each prefix.
    pub squared_errors: Vec<Tensor<1>>,
    /// As [`super::explain::Losses::auxiliary`].
    pub auxiliary: Option<Tensor<1>>,
    /// As [`super::explain::Losses::l1`].
    pub l1: Tensor<1>,
    /// `[examples, latents]`
    pub latents: Tensor<2>,
    /// `[examples, channels]`
    pub reconstruction: Tensor<2>,
}

impl Tensors {
    /// On a device.
    pub fn new(parameters: &Parameters, channels: usize, device: &Device) -> Self {
        let latents = parameters.encoder.len() / channels;
        let arrays = parameters.all();
        Self::from(array::from_fn(|place| {
            let is_matrix = Parameters::MATRICES.contains(&Parameters::NAMES[place]);
            let rows = if is_matrix { latents } else { 1 };
            // One that a kind does not have is never looked at.
            let values = if arrays[place].is_empty() { &[0.0] } else { arrays[place] };
            let data = TensorData::new::<f32, _>(values.to_vec(), [rows, values.len() / rows]);
            Tensor::from_data(data, device)
        }))
    }

    /// The same, to be differentiated with respect to.
    pub fn tracked(&self) -> Self {
        Self::from(self.all().map(|tensor| tensor.clone().autodiff().require_grad()))
    }

    /// In the order of [`Parameters::all`].
    pub fn all(&self) -> [&Tensor<2>; 7] {
        [
            &self.encoder,
            &self.encoder_bias,
            &self.decoder,
            &self.decoder_bias,
            &self.threshold,
            &self.magnitude_scale,
            &self.magnitude_bias,
        ]
    }
}

impl From<[Tensor<2>; 7]> for Tensors {
    fn from(all: [Tensor<2>; 7]) -> Self {
        let [
            encoder,
            encoder_bias,
            decoder,
            decoder_bias,
            threshold,
            magnitude_scale,
            magnitude_bias,
        ] = all;
        Self {
            encoder,
            encoder_bias,
            decoder,
            decoder_bias,
            threshold,
            magnitude_scale,
            magnitude_bias,
        }
    }
}

/// The loss of a batch. `dead`, `[1, latents]`, are those that [`Revival`] brings back.
///
/// # Shapes
/// - `examples`: `[examples, channels]`
pub fn loss(
    config: &Config,
    precision: Precision,
    tensors: &Tensors,
    examples: Tensor<2>,
    dead: Tensor<2, Bool>,
) -> Loss {
    let product = |left, right| precision.product(left, right);
    let [count, _] = examples.dims();
    let examples = Tensor::from_inner(examples);
    let centred = match config.centred {
        true => examples.clone() - tensors.decoder_bias.clone(),
        false => examples.clone(),
    };
    let encoded = product(centred, tensors.encoder.clone().transpose());
    let pre = encoded.clone() + tensors.encoder_bias.clone();
    // A sum over everything, of an example in the mean; axis by axis, as a device gives each sum to one
    // thread.
    let each = |values: Tensor<2>| -> Tensor<1> {
        values.sum_dim(1).sum_dim(0).reshape([1]).div_scalar(count as f32)
    };
    let squares = |error: Tensor<2>| each(error.square());

    let mut auxiliary = None;
    let mut penalty = None;
    // What is counted as the sum of latents, where it is not that of their values.
    let mut counted = None;
    let latents = match config.activation {
        Activation::Relu { l1, by_norm } => {
            let latents = positive(pre.clone());
            let weighed = match by_norm {
                true => latents.clone() * norms(tensors.decoder.clone()),
                false => latents.clone(),
            };
            let sum = each(weighed);
            penalty = Some(sum.clone().mul_scalar(l1));
            counted = Some(sum);
            latents
        }
        Activation::TopK { k } => {
            let least = least_of_largest(pre.clone().inner(), k, Among::Row);
            let chosen = pre.clone().inner().greater_equal(least).float();
            positive(pre.clone() * Tensor::from_inner(chosen))
        }
        Activation::BatchTopK { k } => {
            let latents = positive(pre.clone());
            let least = least_of_largest(latents.clone().inner(), k * count, Among::All);
            let chosen = latents.clone().inner().greater_equal(least).float();
            latents * Tensor::from_inner(chosen)
        }
        Activation::JumpRelu { l0, bandwidth, logarithmic } => {
            let threshold = match logarithmic {
                true => tensors.threshold.clone().exp(),
                false => positive(tensors.threshold.clone()),
            };
            let (values, height) = (pre.clone().inner(), threshold.clone().inner());
            let fires = values.clone().greater(height.clone().expand(values.dims())).float();
            let near = ((values - height.clone()).div_scalar(bandwidth)).abs().lower_elem(0.5);
            let kernel = near.float().div_scalar(-bandwidth);
            // Zero, with the gradient that is estimated.
            let rise = threshold.clone() - Tensor::from_inner(height.clone());
            let jump = rise * Tensor::from_inner(kernel);
            let fires = Tensor::from_inner(fires);
            penalty = Some(each(fires.clone() + jump.clone()).mul_scalar(l0));
            pre.clone() * fires + jump * Tensor::from_inner(height)
        }
        Activation::Gated { l1 } => {
            let gates = positive(pre.clone());
            let open = Tensor::from_inner(gates.clone().inner().greater_elem(0.0).float());
            let sum = each(gates.clone());
            penalty = Some(sum.clone().mul_scalar(l1));
            counted = Some(sum);
            let frozen = |tensor: &Tensor<2>| Tensor::from_inner(tensor.clone().inner());
            let of_gates = product(gates, frozen(&tensors.decoder)) + frozen(&tensors.decoder_bias);
            auxiliary = Some((squares(of_gates - examples.clone()), 1.0));
            let magnitude = encoded * tensors.magnitude_scale.clone().exp();
            positive(magnitude + tensors.magnitude_bias.clone()) * open
        }
    };

    let mut reconstruction = tensors.decoder_bias.clone().expand(examples.dims());
    let mut squared_errors = Vec::new();
    let mut begin = 0;
    for &end in &config.prefixes {
        let some = latents.clone().narrow(1, begin, end - begin);
        let rows = tensors.decoder.clone().narrow(0, begin, end - begin);
        reconstruction = reconstruction + product(some, rows);
        squared_errors.push(squares(reconstruction.clone() - examples.clone()));
        begin = end;
    }
    if let Some(Revival::Ghost) = config.revival {
        let left = (examples.clone() - reconstruction.clone()).inner();
        let hidden = dead.clone().expand(pre.dims()).bool_not();
        // Before the exponential: that of a latent that fires may be infinite, and so its gradient.
        let values = pre.clone().mask_fill(Tensor::from_inner(hidden), NOTHING).exp();
        let made = product(values, tensors.decoder.clone());
        let squares_of = |rows: Tensor<2>| rows.square().sum_dim(1);
        let missing = squares_of(left.clone());
        let length = squares_of(made.clone().inner()).sqrt();
        let shorter = missing.clone().sqrt() / length.mul_scalar(2.0).add_scalar(ANY);
        let unexplained = squares_of(made * Tensor::from_inner(shorter) - Tensor::from_inner(left));
        let weight = missing / unexplained.clone().inner().add_scalar(ANY);
        let cost = unexplained * Tensor::from_inner(weight);
        auxiliary = Some((each(cost), 1.0));
    }
    if let Some(Revival::AuxK { k, coefficient, normalized }) = config.revival {
        let left = (examples - reconstruction.clone()).inner();
        let dead = dead.expand(pre.dims());
        let hidden = dead.clone().bool_not();
        // The others stand below all of the dead.
        let values = pre.clone().inner();
        let below = values.clone().min_dim(1).sub_scalar(1.0).expand(values.dims());
        let excited = values.mask_where(hidden.clone(), below);
        let least = least_of_largest(excited.clone(), k, Among::Row);
        let chosen = excited.greater_equal(least).float().mask_fill(hidden, 0.0);
        let helping = positive(pre * Tensor::from_inner(chosen));
        let helped = product(helping, tensors.decoder.clone());
        let mut unexplained = squares(helped - Tensor::from_inner(left.clone()));
        if normalized {
            let variance = squares(left.clone() - left.mean_dim(0));
            unexplained = unexplained / Tensor::from_inner(variance);
        }
        auxiliary = Some((unexplained, coefficient));
    }

    let errors = squared_errors.iter().cloned().reduce(|sum, error| sum + error);
    let weighed = auxiliary.clone().map(|(error, weight)| error.mul_scalar(weight));
    let terms = errors.into_iter().chain(penalty).chain(weighed);
    // There is always a prefix.
    let total = terms.reduce(|sum, term| sum + term).expect("squared errors");
    let auxiliary = auxiliary.map(|(error, _)| error);
    let l1 = counted.unwrap_or_else(|| each(latents.clone()));
    Loss { total, squared_errors, auxiliary, l1, latents, reconstruction }
}

/// What has no exponential.
const NOTHING: f32 = -1e3;

/// Halvings of an interval: after so many it is narrower than what single precision tells apart.
const HALVINGS: usize = 32;

/// Which values the largest are among.
#[derive(Clone, Copy)]
enum Among {
    Row,
    All,
}

/// What the `k` largest values of each row, or of all, are at least as large as, and no other: found
/// by halving an interval, as a device sorts slowly what is long.
///
/// # Shapes
/// - `values`: `[rows, columns]`, finite
/// - returns: `[rows, 1]`, or `[1, 1]`
fn least_of_largest(values: Tensor<2>, k: usize, among: Among) -> Tensor<2> {
    // Axis by axis: a device gives each sum to one thread.
    let reduce = |values: Tensor<2>, along: fn(Tensor<2>, usize) -> Tensor<2>| match among {
        Among::Row => along(values, 1),
        Among::All => along(along(values, 1), 0),
    };
    // At least so many reach the one; fewer the other, or as many where it is the largest.
    let mut low = reduce(values.clone(), |values, axis| values.min_dim(axis));
    let mut high = reduce(values.clone(), |values, axis| values.max_dim(axis));
    for _ in 0..HALVINGS {
        let middle = low.clone() + (high.clone() - low.clone()).mul_scalar(0.5);
        let reached = values.clone().greater_equal(middle.clone()).float();
        let reached = reduce(reached, |values, axis| values.sum_dim(axis));
        let enough = reached.greater_equal_elem(k as f32);
        low = low.mask_where(enough.clone(), middle.clone());
        high = middle.mask_where(enough, high);
    }
    low
}

fn positive(tensor: Tensor<2>) -> Tensor<2> {
    burn::tensor::activation::relu(tensor)
}

/// Of rows, `[1, rows]`.
fn norms(rows: Tensor<2>) -> Tensor<2> {
    rows.square().sum_dim(1).sqrt().transpose()
}

//! The loss of a batch in tensors, as the papers have it: for every device, and the slow twin of
//! [`super::gradient`].

use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::config::{Activation, AuxK, Config};
use super::parameters::Parameters;
use crate::ops::product;

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
    /// As [`super::gradient::Losses::auxiliary`].
    pub auxiliary: Option<Tensor<1>>,
    /// `[examples, latents]`
    pub latents: Tensor<2>,
    /// `[examples, channels]`
    pub reconstruction: Tensor<2>,
}

impl Tensors {
    /// On a device, to be differentiated with respect to.
    pub fn tracked(parameters: &Parameters, channels: usize, device: &Device) -> Self {
        let tensor = |values: &[f32], rows: usize| {
            let columns = values.len() / rows;
            // One that a kind does not have is never looked at.
            let values = if values.is_empty() { vec![0.0] } else { values.to_vec() };
            let data = TensorData::new::<f32, _>(values, [rows, columns.max(1)]);
            Tensor::<2>::from_data(data, device).autodiff().require_grad()
        };
        let latents = parameters.encoder.len() / channels;
        Self {
            encoder: tensor(&parameters.encoder, latents),
            encoder_bias: tensor(&parameters.encoder_bias, 1),
            decoder: tensor(&parameters.decoder, latents),
            decoder_bias: tensor(&parameters.decoder_bias, 1),
            threshold: tensor(&parameters.threshold, 1),
            magnitude_scale: tensor(&parameters.magnitude_scale, 1),
            magnitude_bias: tensor(&parameters.magnitude_bias, 1),
        }
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

/// The loss of a batch. `dead`, `[1, latents]`, are those that [`AuxK`] brings back.
///
/// # Shapes
/// - `examples`: `[examples, channels]`
pub fn loss(
    config: &Config,
    tensors: &Tensors,
    examples: Tensor<2>,
    dead: Tensor<2, Bool>,
) -> Loss {
    let [count, _] = examples.dims();
    let examples = Tensor::from_inner(examples);
    let centred = match config.centred {
        true => examples.clone() - tensors.decoder_bias.clone(),
        false => examples.clone(),
    };
    let encoded = product(centred, tensors.encoder.clone().transpose());
    let pre = encoded.clone() + tensors.encoder_bias.clone();
    let each = |sum: Tensor<1>| sum.div_scalar(count as f32);
    let squares = |error: Tensor<2>| each(error.square().sum());

    let mut auxiliary = None;
    let mut penalty = None;
    let latents = match config.activation {
        Activation::Relu { l1, by_norm } => {
            let latents = positive(pre.clone());
            let weighed = match by_norm {
                true => latents.clone() * norms(tensors.decoder.clone()),
                false => latents.clone(),
            };
            penalty = Some(each(weighed.sum()).mul_scalar(l1));
            latents
        }
        Activation::TopK { k } => {
            let least = pre.clone().inner().topk(k, 1).narrow(1, k - 1, 1);
            let chosen = pre.clone().inner().greater_equal(least).float();
            positive(pre.clone() * Tensor::from_inner(chosen))
        }
        Activation::BatchTopK { k } => {
            let latents = positive(pre.clone());
            let flat = latents.clone().inner().reshape([1, -1]);
            let least = flat.topk(k * count, 1).narrow(1, k * count - 1, 1);
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
            penalty = Some(each((fires.clone() + jump.clone()).sum()).mul_scalar(l0));
            pre.clone() * fires + jump * Tensor::from_inner(height)
        }
        Activation::Gated { l1 } => {
            let gates = positive(pre.clone());
            let open = Tensor::from_inner(gates.clone().inner().greater_elem(0.0).float());
            penalty = Some(each(gates.clone().sum()).mul_scalar(l1));
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
    if let Some(AuxK { k, coefficient, normalized }) = config.revival {
        let left = (examples - reconstruction.clone()).inner();
        let dead = dead.expand(pre.dims());
        let hidden = dead.clone().bool_not();
        let excited = pre.clone().inner().mask_fill(hidden.clone(), f32::NEG_INFINITY);
        let least = excited.clone().topk(k, 1).narrow(1, k - 1, 1);
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
    Loss { total, squared_errors, auxiliary, latents, reconstruction }
}

fn positive(tensor: Tensor<2>) -> Tensor<2> {
    burn::tensor::activation::relu(tensor)
}

/// Of rows, `[1, rows]`.
fn norms(rows: Tensor<2>) -> Tensor<2> {
    rows.square().sum_dim(1).sqrt().transpose()
}

//! What transformers do to tokens, which lie side by side as the places of a picture do:
//! `[batch, channels, 1, tokens]`.

use burn::backend::Dispatch;
use burn::tensor::{Tensor, activation};

use super::VisionOps;

/// Gaussian error linear units (Hendrycks and Gimpel 2016, arXiv:1606.08415).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gelu {
    /// `x * Phi(x)`, with the normal distribution's `Phi`.
    Exact,
    /// `x * sigmoid(1.702 * x)`, as in OpenAI's CLIP.
    Quick,
}

/// Factor of the sigmoid's argument in [`Gelu::Quick`].
pub(super) const QUICK: f32 = 1.702;

/// Each token made one of mean 0 and variance 1 over its channels, then scaled and shifted (Ba et
/// al. 2016, arXiv:1607.06450).
///
/// # Shapes
/// - `input`, returns: `[batch, channels, 1, tokens]`
/// - `scale`, `shift`: `[channels]`
pub fn layer_norm(input: Tensor<4>, scale: Tensor<1>, shift: Tensor<1>, epsilon: f32) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as VisionOps>::layer_norm(
        input.into_dispatch(),
        scale.into_dispatch(),
        shift.into_dispatch(),
        epsilon,
    ))
}

/// Gaussian error linear units.
///
/// # Shapes
/// - `input`, returns: the same
pub fn gelu(input: Tensor<4>, kind: Gelu) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as VisionOps>::gelu(input.into_dispatch(), kind))
}

/// Gated units: the first half of the channels through SiLU, times the second (Shazeer 2020,
/// arXiv:2002.05202, SwiGLU).
///
/// # Shapes
/// - `input`: `[batch, 2 * channels, 1, tokens]`
/// - returns: `[batch, channels, 1, tokens]`
pub fn gated(input: Tensor<4>) -> Tensor<4> {
    let channels = input.dims()[1] / 2;
    activation::silu(input.clone().narrow(1, 0, channels)) * input.narrow(1, channels, channels)
}

/// Multi-head attention of every token to every token (Vaswani et al. 2017, arXiv:1706.03762,
/// 3.2): of each head, `softmax(q k / sqrt(channels of a head)) v`.
///
/// # Shapes
/// - `input`: `[batch, 3 * channels, 1, tokens]`: queries, keys, values, each head after head
/// - returns: `[batch, channels, 1, tokens]`, head after head
pub fn attention(input: Tensor<4>, heads: usize) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as VisionOps>::attention(input.into_dispatch(), heads))
}

/// How much each token attends to each other, by head.
///
/// # Shapes
/// - `input`: as of [`attention`]
/// - returns: `[batch, heads, tokens that look, tokens that are looked at]`; the last sums to 1
pub fn attention_weights(input: Tensor<4>, heads: usize) -> Tensor<4> {
    let [batch, channels, _, tokens] = input.dims();
    let of_head = channels / 3 / heads;
    let part = |part: usize| {
        let part = input.clone().narrow(1, part * channels / 3, channels / 3);
        part.reshape([batch, heads, of_head, tokens])
    };
    let scores = part(0).swap_dims(2, 3).matmul(part(1)) / (of_head as f64).sqrt();
    activation::softmax(scores, 3)
}

//! Tensor operations that the networks here need and the tensor library lacks or does slowly.
//!
//! Each is one function on [`Tensor`], backed by a trait that every device implements: in terms of
//! the library's own operations by default, with loops of our own on the processor. Gradients are
//! closed forms.
//!
//! Tokens of transformers lie side by side as the places of a picture do:
//! `[batch, channels, 1, tokens]`.

#[cfg(any(feature = "wgpu", feature = "webgpu", feature = "cuda"))]
mod cube;
pub(crate) mod flex;
mod gradient;
mod normalization;
mod primitives;
mod units;
mod window;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Tensor, activation};

pub use normalization::{Beta, Lrn};
pub use units::{Gelu, Rectifier};
pub use window::{Padding, Pool, Window};

/// What a ReLU does to the gradient passing back through it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReluGradient {
    /// The true gradient: zero wherever the input is negative.
    #[default]
    Exact,
    /// Where the true gradient would be zero for a whole picture, lets through what pushes
    /// negative inputs up (Lucid's redirected ReLU). For the first steps from noise.
    Redirected,
}

/// What a device must be able to do beyond the tensor library.
///
/// # Shapes
/// All activations are `[batch, channels, height, width]`.
#[backend_extension(
    Flex,
    Cube: cfg(any(feature = "wgpu", feature = "webgpu", feature = "cuda")),
    Autodiff
)]
pub trait VisionOps: Backend {
    /// A product of matrices in full single precision; axes before the last two may be 1 in one
    /// of them.
    fn product(left: FloatTensor<Self>, right: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_matmul(left, right)
    }

    /// A convolution with weights `[outputs, inputs, kernel, kernel]` and a bias `[outputs]`;
    /// what lies over the edge counts as zero. Weights are frozen: they receive no gradient.
    fn convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        primitives::convolution::<Self>(input, weight, bias, window)
    }

    /// The gradient of [`VisionOps::convolution`] with respect to its input.
    fn convolution_backward(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        primitives::convolution_backward::<Self>(input, weight, gradient, window)
    }

    /// A convolution of every channel by itself, with weights `[channels, 1, kernel, kernel]` and
    /// a bias `[channels]`; else as [`VisionOps::convolution`].
    fn depthwise_convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        primitives::depthwise_convolution::<Self>(input, weight, bias, window)
    }

    /// The gradient of [`VisionOps::depthwise_convolution`] with respect to its input.
    fn depthwise_convolution_backward(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        primitives::depthwise_convolution_backward::<Self>(input, weight, gradient, window)
    }

    /// The largest value in each window, clipped to the picture.
    fn clipped_max_pool(input: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        primitives::max_pool::<Self>(input, window)
    }

    /// The gradient of [`VisionOps::clipped_max_pool`]; of equal values the first takes it.
    fn clipped_max_pool_backward(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        primitives::max_pool_backward::<Self>(input, gradient, window)
    }

    /// Local response normalization.
    fn local_response_norm(input: FloatTensor<Self>, lrn: Lrn) -> FloatTensor<Self> {
        primitives::local_response_norm::<Self>(input, lrn)
    }

    /// The gradient of [`VisionOps::local_response_norm`].
    fn local_response_norm_backward(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        lrn: Lrn,
    ) -> FloatTensor<Self> {
        primitives::local_response_norm_backward::<Self>(input, gradient, lrn)
    }

    /// Rectified linear units. Their gradient may be redirected, at both ends.
    fn rectify(
        input: FloatTensor<Self>,
        kind: Rectifier,
        _gradient: ReluGradient,
    ) -> FloatTensor<Self> {
        match kind {
            Rectifier::Relu => Self::relu(input),
            Rectifier::Relu6 => Self::float_clamp(input, 0f32.into(), kind.ceiling().into()),
        }
    }

    /// The true gradient of [`VisionOps::rectify`], from what that gave: zero where it gave zero or
    /// its ceiling.
    fn rectify_backward(
        output: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        kind: Rectifier,
    ) -> FloatTensor<Self> {
        primitives::rectify_backward::<Self>(output, gradient, kind)
    }

    /// Layer normalization over the channels, with a scale and a shift `[channels]`, which are
    /// frozen.
    fn layer_norm(
        input: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        primitives::transformer::layer_norm::<Self>(input, scale, shift, epsilon)
    }

    /// The gradient of [`VisionOps::layer_norm`] with respect to its input.
    fn layer_norm_backward(
        input: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        primitives::transformer::layer_norm_backward::<Self>(input, scale, gradient, epsilon)
    }

    /// Gaussian error linear units, of which there are two kinds.
    fn gelu(input: FloatTensor<Self>, kind: Gelu) -> FloatTensor<Self> {
        primitives::transformer::gelu::<Self>(input, kind)
    }

    /// The gradient of [`VisionOps::gelu`].
    fn gelu_backward(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        kind: Gelu,
    ) -> FloatTensor<Self> {
        primitives::transformer::gelu_backward::<Self>(input, gradient, kind)
    }

    /// Attention among tokens, from `[batch, 3 * channels, 1, tokens]`, in so many heads.
    fn attention(input: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        primitives::transformer::attention::<Self>(input, heads, Self::product)
    }

    /// The gradient of [`VisionOps::attention`].
    fn attention_backward(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        heads: usize,
    ) -> FloatTensor<Self> {
        primitives::transformer::attention_backward::<Self>(input, gradient, heads, Self::product)
    }
}

/// A product of matrices in full single precision: what the library gives may be less exact where a
/// device is quicker so.
///
/// # Shapes
/// - `left`: `[.., rows, inner]`
/// - `right`: `[.., inner, columns]`; axes before may be 1 in one of them
/// - returns: `[.., rows, columns]`
pub fn product<const D: usize>(left: Tensor<D>, right: Tensor<D>) -> Tensor<D> {
    let (left, right) = (left.into_dispatch(), right.into_dispatch());
    Tensor::from_dispatch(<Dispatch as VisionOps>::product(left, right))
}

/// `max(x, 0)`.
pub fn relu<const D: usize>(input: Tensor<D>, gradient: ReluGradient) -> Tensor<D> {
    rectify(input, Rectifier::Relu, gradient)
}

/// `min(max(x, 0), 6)` (Krizhevsky 2010). Redirected, the gradient that is let through pushes
/// values back between 0 and 6 from either side, as in Lucid.
pub fn relu6(input: Tensor<4>, gradient: ReluGradient) -> Tensor<4> {
    rectify(input, Rectifier::Relu6, gradient)
}

fn rectify<const D: usize>(input: Tensor<D>, kind: Rectifier, gradient: ReluGradient) -> Tensor<D> {
    let input = input.into_dispatch();
    Tensor::from_dispatch(<Dispatch as VisionOps>::rectify(input, kind, gradient))
}

/// A convolution with frozen weights; padding counts as zero. Channels are in so many `groups`,
/// each of which sees only itself: 1 mixes all of them, as many as there are channels none.
///
/// # Shapes
/// - `input`: `[batch, inputs, height, width]`
/// - `weight`: `[outputs, inputs / groups, kernel, kernel]`
/// - `bias`: `[outputs]`
/// - returns: `[batch, outputs, windows down, windows across]` as [`Pool::layout`] counts them;
///   there must be at least one
pub fn convolution(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    pool: Pool,
    groups: usize,
) -> Tensor<4> {
    let inputs = input.dims()[1];
    let outputs = weight.dims()[0];
    if groups != 1 && (groups != inputs || groups != outputs) {
        let of_group = |group: usize| {
            let (wide, narrow) = (inputs / groups, outputs / groups);
            convolution(
                input.clone().narrow(1, group * wide, wide),
                weight.clone().narrow(0, group * narrow, narrow),
                bias.clone().narrow(0, group * narrow, narrow),
                pool,
                1,
            )
        };
        return Tensor::cat((0..groups).map(of_group).collect(), 1);
    }
    let window = pool.window(&input);
    let run = match groups {
        1 => <Dispatch as VisionOps>::convolution,
        _ => <Dispatch as VisionOps>::depthwise_convolution,
    };
    Tensor::from_dispatch(run(
        input.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        window,
    ))
}

/// The largest value in each window; padding never wins.
///
/// # Shapes
/// - `input`: `[batch, channels, height, width]`
/// - returns: `[batch, channels, windows down, windows across]` as [`Pool::layout`] counts them;
///   there must be at least one
pub fn max_pool(input: Tensor<4>, pool: Pool) -> Tensor<4> {
    let window = pool.window(&input);
    Tensor::from_dispatch(<Dispatch as VisionOps>::clipped_max_pool(input.into_dispatch(), window))
}

/// Local response normalization across channels.
///
/// # Shapes
/// - `input`, returns: `[batch, channels, height, width]`
pub fn local_response_norm(input: Tensor<4>, lrn: Lrn) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as VisionOps>::local_response_norm(input.into_dispatch(), lrn))
}

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
    let scores = product(part(0).swap_dims(2, 3), part(1)) / (of_head as f64).sqrt();
    activation::softmax(scores, 3)
}

#[cfg(test)]
mod tests;

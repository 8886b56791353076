//! The operations on tracked tensors: what each remembers, and its closed-form gradient.

mod transformer;

use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind, binary, unary};

use super::{Gelu, Lrn, Rectifier, ReluGradient, VisionOps, Window, primitives};
use transformer::{Attention, GeluUnits, LayerNorm};

#[derive(Debug)]
struct Product;

impl<B: Backend + VisionOps> Backward<B, 2> for Product {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (left, right) = ops.state;
        let (like_left, like_right) = (left.shape(), right.shape());
        binary::<B, _, _>(
            ops.parents,
            ops.node,
            grads,
            |gradient| {
                let right = B::float_transpose(right);
                summed::<B>(B::product(gradient, right), &like_left)
            },
            |gradient| {
                let left = B::float_transpose(left);
                summed::<B>(B::product(left, gradient), &like_right)
            },
        );
    }
}

/// Summed over axes that a factor has only once.
fn summed<B: Backend>(gradient: FloatTensor<B>, like: &Shape) -> FloatTensor<B> {
    (0..like.num_dims()).fold(gradient, |gradient, axis| {
        if gradient.shape()[axis] == like[axis] {
            return gradient;
        }
        B::float_sum_dim(gradient, axis)
    })
}

#[derive(Debug)]
struct Convolution;

impl<B: Backend + VisionOps> Backward<B, 1> for Convolution {
    type State = (FloatTensor<B>, FloatTensor<B>, Window);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (input, weight, window) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            B::convolution_backward(input, weight, gradient, window)
        });
    }
}

#[derive(Debug)]
struct DepthwiseConvolution;

impl<B: Backend + VisionOps> Backward<B, 1> for DepthwiseConvolution {
    type State = (FloatTensor<B>, FloatTensor<B>, Window);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (input, weight, window) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            B::depthwise_convolution_backward(input, weight, gradient, window)
        });
    }
}

#[derive(Debug)]
struct MaxPool;

impl<B: Backend + VisionOps> Backward<B, 1> for MaxPool {
    type State = (FloatTensor<B>, Window);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (input, window) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            B::clipped_max_pool_backward(input, gradient, window)
        });
    }
}

#[derive(Debug)]
struct LocalResponseNorm;

impl<B: Backend + VisionOps> Backward<B, 1> for LocalResponseNorm {
    type State = (FloatTensor<B>, Lrn);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (input, lrn) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            B::local_response_norm_backward(input, gradient, lrn)
        });
    }
}

#[derive(Debug)]
struct Rectified;

impl<B: Backend + VisionOps> Backward<B, 1> for Rectified {
    type State = (FloatTensor<B>, Rectifier, ReluGradient);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (output, kind, manner) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| match manner {
            ReluGradient::Exact => B::rectify_backward(output, gradient, kind),
            ReluGradient::Redirected => redirect::<B>(output, gradient, kind),
        });
    }
}

/// Where the gradient, that of a loss, pushes down.
fn pushes_down<B: Backend>(gradient: FloatTensor<B>) -> BoolTensor<B> {
    let bools = burn::backend::get_or_init_device_settings::<B>(&gradient.device()).bool_dtype;
    B::float_greater_elem(gradient, 0f32.into(), bools)
}

/// The true gradient, except for those pictures of the batch where it is zero everywhere: there, all
/// of the gradient but what would push units that are off further off.
fn redirect<B: Backend + VisionOps>(
    output: FloatTensor<B>,
    gradient: FloatTensor<B>,
    kind: Rectifier,
) -> FloatTensor<B> {
    let shape = gradient.shape();
    let down = pushes_down::<B>(gradient.clone());
    let mut refused = B::bool_and(primitives::is_low::<B>(output.clone()), down.clone());
    if let Some(high) = primitives::is_high::<B>(output.clone(), kind) {
        refused = B::bool_or(refused, B::bool_and(high, B::bool_not(down)));
    }
    let exact = B::rectify_backward(output, gradient.clone(), kind);
    let redirected = B::float_mask_fill(gradient, refused, 0f32.into());

    // Axis by axis: a GPU gives every sum to one thread.
    let size = (1..shape.num_dims())
        .rev()
        .fold(B::float_abs(exact.clone()), |sum, axis| B::float_sum_dim(sum, axis));
    let size = B::float_expand(size, shape);
    let bools = burn::backend::get_or_init_device_settings::<B>(&size.device()).bool_dtype;
    let alive = B::float_greater_elem(size, 0f32.into(), bools);
    B::float_mask_where(redirected, alive, exact)
}

impl<B: Backend + VisionOps, C: CheckpointStrategy> VisionOps for Autodiff<B, C> {
    fn product(left: FloatTensor<Self>, right: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [left.node(), right.node()];
        let (left, right) = (left.into_primitive(), right.into_primitive());
        match Product.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = <B as VisionOps>::product(left.clone(), right.clone());
                prep.finish((left, right), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(<B as VisionOps>::product(left, right)),
        }
    }

    fn convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        let node = input.node();
        let [input, weight, bias] = [input, weight, bias].map(|tensor| tensor.into_primitive());
        match Convolution.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = B::convolution(input.clone(), weight.clone(), bias, window);
                prep.finish((input, weight, window), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolution(input, weight, bias, window)),
        }
    }

    fn depthwise_convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        let node = input.node();
        let [input, weight, bias] = [input, weight, bias].map(|tensor| tensor.into_primitive());
        match DepthwiseConvolution.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = B::depthwise_convolution(input.clone(), weight.clone(), bias, window);
                prep.finish((input, weight, window), output)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::depthwise_convolution(input, weight, bias, window))
            }
        }
    }

    fn clipped_max_pool(input: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        let node = input.node();
        let input = input.into_primitive();
        match MaxPool.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = B::clipped_max_pool(input.clone(), window);
                prep.finish((input, window), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::clipped_max_pool(input, window)),
        }
    }

    fn local_response_norm(input: FloatTensor<Self>, lrn: Lrn) -> FloatTensor<Self> {
        let node = input.node();
        let input = input.into_primitive();
        match LocalResponseNorm.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = B::local_response_norm(input.clone(), lrn);
                prep.finish((input, lrn), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::local_response_norm(input, lrn)),
        }
    }

    fn rectify(
        input: FloatTensor<Self>,
        kind: Rectifier,
        gradient: ReluGradient,
    ) -> FloatTensor<Self> {
        let node = input.node();
        let output = B::rectify(input.into_primitive(), kind, gradient);
        // What comes behind keeps the output as well, so that it costs no memory.
        match Rectified.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((output.clone(), kind, gradient), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn layer_norm(
        input: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        let node = input.node();
        let [input, scale, shift] = [input, scale, shift].map(|tensor| tensor.into_primitive());
        match LayerNorm.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output =
                    <B as VisionOps>::layer_norm(input.clone(), scale.clone(), shift, epsilon);
                prep.finish((input, scale, epsilon), output)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(<B as VisionOps>::layer_norm(input, scale, shift, epsilon))
            }
        }
    }

    fn gelu(input: FloatTensor<Self>, kind: Gelu) -> FloatTensor<Self> {
        let node = input.node();
        let input = input.into_primitive();
        match GeluUnits.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = <B as VisionOps>::gelu(input.clone(), kind);
                prep.finish((input, kind), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(<B as VisionOps>::gelu(input, kind)),
        }
    }

    fn attention(input: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        let node = input.node();
        let input = input.into_primitive();
        match Attention.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = <B as VisionOps>::attention(input.clone(), heads);
                prep.finish((input, heads), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(<B as VisionOps>::attention(input, heads)),
        }
    }
}

//! The operations on tracked tensors: what each remembers, and its closed-form gradient.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind, unary};

use super::{Lrn, VisionOps, Window};

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
struct RedirectedRelu;

impl<B: Backend> Backward<B, 1> for RedirectedRelu {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let input = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| redirect::<B>(input, gradient));
    }
}

/// The true gradient of a ReLU, except for those pictures of the batch where it is zero
/// everywhere: there, all of the gradient but what pushes negative inputs further down.
/// The gradient is that of a loss, so a positive one pushes down.
fn redirect<B: Backend>(input: FloatTensor<B>, gradient: FloatTensor<B>) -> FloatTensor<B> {
    let shape = input.shape();
    let batch = shape[0];
    let bools = burn::backend::get_or_init_device_settings::<B>(&input.device()).bool_dtype;
    let off = B::float_lower_equal_elem(input, 0f32.into(), bools);
    let pushes_down = B::float_greater_elem(gradient.clone(), 0f32.into(), bools);
    let exact = B::float_mask_fill(gradient.clone(), off.clone(), 0f32.into());
    let redirected = B::float_mask_fill(gradient, B::bool_and(off, pushes_down), 0f32.into());

    let per_picture = Shape::from(vec![batch, shape.num_elements() / batch]);
    let size = B::float_sum_dim(B::float_abs(B::float_reshape(exact.clone(), per_picture)), 1);
    let mut broadcast = shape.clone();
    for axis in 1..broadcast.num_dims() {
        broadcast[axis] = 1;
    }
    let size = B::float_expand(B::float_reshape(size, broadcast), shape);
    let alive = B::float_greater_elem(size, 0f32.into(), bools);
    B::float_mask_where(redirected, alive, exact)
}

impl<B: Backend + VisionOps, C: CheckpointStrategy> VisionOps for Autodiff<B, C> {
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

    fn redirected_relu(input: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = input.node();
        let input = input.into_primitive();
        match RedirectedRelu.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = B::relu(input.clone());
                prep.finish(input, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::relu(input)),
        }
    }
}

//! Operations on tracked tokens.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, unary};

use super::super::{Gelu, VisionOps};

#[derive(Debug)]
pub(super) struct LayerNorm;

impl<B: Backend + VisionOps> Backward<B, 1> for LayerNorm {
    type State = (FloatTensor<B>, FloatTensor<B>, f32);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (input, scale, epsilon) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            <B as VisionOps>::layer_norm_backward(input, scale, gradient, epsilon)
        });
    }
}

#[derive(Debug)]
pub(super) struct GeluUnits;

impl<B: Backend + VisionOps> Backward<B, 1> for GeluUnits {
    type State = (FloatTensor<B>, Gelu);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (input, kind) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            <B as VisionOps>::gelu_backward(input, gradient, kind)
        });
    }
}

#[derive(Debug)]
pub(super) struct Attention;

impl<B: Backend + VisionOps> Backward<B, 1> for Attention {
    type State = (FloatTensor<B>, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (input, heads) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            <B as VisionOps>::attention_backward(input, gradient, heads)
        });
    }
}

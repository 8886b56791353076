//! Inception V1: against independent implementations (the reference network on trained weights
//! where they lie beside the checkout, small committed outputs of `scripts/inception_reference.py`
//! everywhere), its layers and their names, the weights it takes.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

#[path = "inception/formula.rs"]
mod formula;
#[path = "inception/golden.rs"]
mod golden;
#[path = "inception/layers.rs"]
mod layers;
mod reference;
#[path = "inception/weights.rs"]
mod weights;

use shared::burn::tensor::Tensor;
use shared::device::read;

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    pollster::block_on(read(tensor)).unwrap()
}

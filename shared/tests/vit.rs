//! Vision transformers on the processor.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use pollster::block_on;
use shared::device::cpu;
use shared::weights::{NamedTensors, from_safetensors};

#[allow(dead_code, reason = "the rest is for GPUs")]
mod agreement;
#[path = "reference/mod.rs"]
mod place;

use agreement::Reference;

fn file(name: &str) -> Option<NamedTensors> {
    let bytes = fs::read(place::path(name)?).unwrap();
    Some(from_safetensors(&bytes).unwrap().into_iter().collect())
}

#[test]
fn the_tiny_one_with_reference_weights_reproduces_timm() {
    let Some(weights) = file("weights/vit_tiny_patch16_224.safetensors") else { return };
    let golden = file("golden/vit_tiny.safetensors").unwrap();
    block_on(agreement::transformer::reproduces_the_transformer(
        &Reference { weights, golden },
        &cpu(),
    ));
}

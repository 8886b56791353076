//! The network and the stepper on a native GPU: `cargo xtask test --device wgpu` or `cuda`.
#![cfg(any(feature = "wgpu", feature = "cuda"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use pollster::block_on;
use shared::burn::tensor::Device;
use shared::device::{self, cpu};
use shared::weights::{NamedTensors, from_safetensors};

mod agreement;
#[path = "reference/mod.rs"]
mod place;

use agreement::Reference;

/// Every driver that was compiled in.
fn gpus() -> Vec<Device> {
    vec![
        #[cfg(feature = "wgpu")]
        device::wgpu(),
        #[cfg(feature = "cuda")]
        device::cuda(),
    ]
}

fn file(name: &str) -> Option<NamedTensors> {
    let bytes = fs::read(place::path(name)?).unwrap();
    Some(from_safetensors(&bytes).unwrap().into_iter().collect())
}

fn reference() -> Option<Reference> {
    let weights = file("weights/bvlc_googlenet.safetensors")?;
    Some(Reference { weights, golden: file("golden/googlenet.safetensors")? })
}

#[test]
fn our_own_operations_agree_between_processor_and_gpu() {
    for gpu in gpus() {
        block_on(agreement::operations_agree(&cpu(), &gpu));
    }
}

#[test]
fn three_steps_of_a_dream_agree_between_processor_and_gpu() {
    for gpu in gpus() {
        let weights = agreement::weights_within(0.0, "");
        block_on(agreement::dreams_are_the_processors(weights, &gpu)).unwrap();
    }
}

#[test]
fn a_dictionary_is_trained_on_the_gpu_as_on_the_processor() {
    for gpu in gpus() {
        block_on(agreement::dictionary::dictionaries_agree(&gpu));
    }
}

#[test]
fn latents_are_on_the_gpu_what_they_are_on_the_processor() {
    for gpu in gpus() {
        block_on(agreement::dictionary::latents_agree(&gpu));
    }
}

#[test]
fn the_gpu_reproduces_the_reference() {
    let Some(reference) = reference() else { return };
    for gpu in gpus() {
        block_on(agreement::reproduces_the_reference(&reference, &gpu));
    }
}

#[test]
fn the_gpu_reproduces_the_reference_transformer() {
    let Some(weights) = file("weights/vit_tiny_patch16_224.safetensors") else { return };
    let golden = file("golden/vit_tiny.safetensors").unwrap();
    let reference = Reference { weights, golden };
    for gpu in gpus() {
        block_on(agreement::transformer::reproduces_the_transformer(&reference, &gpu));
    }
}

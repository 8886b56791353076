//! The network and the stepper inside a real browser, on the processor and on its GPU.
//!
//! `cargo xtask test` copies the reference data to `tests/wasm-data`, from where the test runner
//! serves it; where there is none, what compares with it says so and passes.
#![cfg(target_family = "wasm")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;

use shared::burn::tensor::Device;
use shared::device::cpu;
use shared::device::webgpu::WebGpu;
use shared::weights::{NamedTensors, from_safetensors};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

mod agreement;

use agreement::Reference;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen(inline_js = "
    export async function bytes(path) {
        const answer = await fetch(new URL(path, self.location.origin));
        return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : new Uint8Array();
    }
")]
extern "C" {
    async fn bytes(path: &str) -> wasm_bindgen::JsValue;
}

/// A file of the reference data; nothing, and a line saying so, where there is none.
async fn file(name: &str) -> Option<NamedTensors> {
    let data = js_sys::Uint8Array::from(bytes(&format!("/tests/wasm-data/{name}")).await).to_vec();
    if data.is_empty() {
        console_log!("skipped: reference data is not here");
        return None;
    }
    Some(from_safetensors(&data).unwrap().into_iter().collect())
}

async fn reference() -> Option<Reference> {
    let weights = file("weights.safetensors").await?;
    Some(Reference { weights, golden: file("golden.safetensors").await? })
}

async fn transformer() -> Option<Reference> {
    let weights = file("vit-weights.safetensors").await?;
    Some(Reference { weights, golden: file("vit-golden.safetensors").await? })
}

/// The browser's GPU, which can be started only once.
async fn gpu() -> Device {
    thread_local!(static STARTED: RefCell<Option<WebGpu>> = const { RefCell::new(None) });
    if STARTED.with_borrow(Option::is_none) {
        let gpu = WebGpu::start().await.unwrap();
        STARTED.set(Some(gpu));
    }
    STARTED.with_borrow(|gpu| gpu.as_ref().unwrap().device().clone())
}

#[wasm_bindgen_test]
async fn the_processor_reproduces_the_reference() {
    let Some(reference) = reference().await else { return };
    agreement::reproduces_the_reference(&reference, &cpu()).await;
}

#[wasm_bindgen_test]
async fn webgpu_reproduces_the_reference() {
    let Some(reference) = reference().await else { return };
    agreement::reproduces_the_reference(&reference, &gpu().await).await;
}

#[wasm_bindgen_test]
async fn the_processor_reproduces_the_reference_transformer() {
    let Some(reference) = transformer().await else { return };
    agreement::transformer::reproduces_the_transformer(&reference, &cpu()).await;
}

#[wasm_bindgen_test]
async fn webgpu_reproduces_the_reference_transformer() {
    let Some(reference) = transformer().await else { return };
    agreement::transformer::reproduces_the_transformer(&reference, &gpu().await).await;
}

#[wasm_bindgen_test]
async fn three_steps_of_a_dream_agree_between_processor_and_webgpu() {
    let weights = agreement::weights_within(0.0, "");
    agreement::dreams_are_the_processors(weights, &gpu().await).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_dictionary_is_trained_on_webgpu_as_on_the_processor() {
    agreement::dictionary::dictionaries_agree(&gpu().await).await;
}

#[wasm_bindgen_test]
async fn latents_are_on_webgpu_what_they_are_on_the_processor() {
    agreement::dictionary::latents_agree(&gpu().await).await;
}

#[wasm_bindgen_test]
async fn our_own_operations_agree_between_processor_and_webgpu() {
    agreement::operations_agree(&cpu(), &gpu().await).await;
}

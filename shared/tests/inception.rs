//! Inception V1: against independent implementations (the reference network on trained weights
//! where they lie beside the checkout, small committed outputs of `scripts/inception_reference.py`
//! everywhere), its layers and their names, the weights it takes.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod caught;
mod closed_form;
mod closeness;
#[path = "inception/formula.rs"]
#[allow(dead_code, reason = "its file is for other tests")]
mod formula;
#[path = "inception/golden.rs"]
mod golden;
#[path = "inception/layers.rs"]
mod layers;
mod protobuf;
#[path = "hostile/pth.rs"]
mod pth;
mod reference;
#[path = "inception/weights.rs"]
mod weights;
#[path = "inception/wrapped.rs"]
mod wrapped;
#[path = "hostile/zip.rs"]
#[allow(dead_code, reason = "PyTorch writes its own kind of archive")]
mod zip;

use closeness::values;

//! The engine without a browser: real requests, a host made for the test.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../shared/tests/closed_form/mod.rs"]
mod closed_form;
#[path = "../../../shared/tests/inception/formula.rs"]
#[allow(dead_code, reason = "its picture and network are for other tests")]
mod formula;
mod host;
mod made;
mod page;
#[path = "../../../shared/tests/protobuf/mod.rs"]
#[allow(dead_code, reason = "the newer of Caffe's layouts needs less of it")]
mod protobuf;
#[path = "../../../shared/tests/hostile/pth.rs"]
#[allow(dead_code, reason = "not all that scripts save is tried here")]
mod pth;
mod reference;
mod waves;
#[path = "../../../shared/tests/hostile/zip.rs"]
mod zip;

mod attend;
mod bundle;
mod classify;
mod dream;
mod endings;
mod latents;
mod learn;
mod load;
mod respond;
mod session;
mod slot;
mod unpack;
mod weights;
mod window;

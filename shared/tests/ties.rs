//! How dreams on devices are compared: what rounding decides is let pass, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "its other checks need another device")]
mod agreement;

use agreement::{dreams_are_the_processors, weights_within};
use pollster::block_on;
use shared::device::cpu;

#[test]
fn a_dream_that_is_rounded_otherwise_is_the_same_and_one_of_other_weights_is_not() {
    for device in 0..8 {
        let rounded = weights_within(1e-6, &format!("device {device}"));
        block_on(dreams_are_the_processors(rounded, &cpu())).unwrap();
    }
    let others = weights_within(1e-2, "other");
    block_on(dreams_are_the_processors(others, &cpu())).unwrap_err();
}

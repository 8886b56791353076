//! Whether what devices are compared by can be compared at all.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "its other checks need another device")]
mod agreement;

use shared::device::cpu;

#[test]
fn the_dreams_that_devices_are_compared_by_hang_on_no_tie() {
    pollster::block_on(agreement::dreams_hang_on_no_tie(&cpu()));
}

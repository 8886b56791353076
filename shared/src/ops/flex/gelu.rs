//! Gaussian error linear units on the processor.

use super::super::units::{Gelu, QUICK};
use super::exponential::{erf, exp};
use super::parallel;

/// Values that a core takes at once.
const PIECE: usize = 1 << 12;

/// `x * Phi(x)` or its quick likeness.
pub fn forward(input: &[f32], kind: Gelu) -> Vec<f32> {
    let mut output = input.to_vec();
    parallel::each_piece(
        &mut output,
        PIECE,
        || (),
        |_, values, ()| match kind {
            Gelu::Exact => values.iter_mut().for_each(|x| *x *= normal(*x)),
            Gelu::Quick => values.iter_mut().for_each(|x| *x *= sigmoid(QUICK * *x)),
        },
    );
    output
}

/// The gradient at the input.
pub fn backward(input: &[f32], gradient: &[f32], kind: Gelu) -> Vec<f32> {
    let mut output = gradient.to_vec();
    parallel::each_piece(
        &mut output,
        PIECE,
        || (),
        |index, values, ()| {
            let values = values.iter_mut().zip(&input[index * PIECE..]);
            match kind {
                Gelu::Exact => values.for_each(|(value, &x)| *value *= normal(x) + x * bell(x)),
                Gelu::Quick => values.for_each(|(value, &x)| {
                    let share = sigmoid(QUICK * x);
                    *value *= share + QUICK * x * share * (1.0 - share);
                }),
            }
        },
    );
    output
}

/// The normal distribution's `Phi`.
#[inline(always)]
fn normal(x: f32) -> f32 {
    0.5 + 0.5 * erf(x * std::f32::consts::FRAC_1_SQRT_2)
}

/// Its density.
#[inline(always)]
fn bell(x: f32) -> f32 {
    exp(-0.5 * x * x) * 0.398_942_3
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

//! Rectified linear units on the processor.

use super::super::units::Rectifier;
use super::parallel;

/// Values that a core takes at once.
const PIECE: usize = 1 << 12;

/// Puts values between zero and the units' ceiling. What is no number stays so.
pub fn forward(values: &mut [f32], kind: Rectifier) {
    let ceiling = kind.ceiling();
    parallel::each_piece(
        values,
        PIECE,
        || (),
        |_, values, ()| {
            for value in values {
                let above = if *value < 0.0 { 0.0 } else { *value };
                *value = if ceiling < above { ceiling } else { above };
            }
        },
    );
}

/// Turns a gradient into that at the input, from what the units gave.
pub fn backward(output: &[f32], gradient: &mut [f32], kind: Rectifier) {
    let ceiling = kind.ceiling();
    parallel::each_piece(
        gradient,
        PIECE,
        || (),
        |index, gradient, ()| {
            for (gradient, &output) in gradient.iter_mut().zip(&output[index * PIECE..]) {
                let off = output <= 0.0 || ceiling <= output;
                *gradient = if off { 0.0 } else { *gradient };
            }
        },
    );
}

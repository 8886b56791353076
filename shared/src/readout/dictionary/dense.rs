//! The same sums as over the latents in use, as products of matrices: quicker where examples use
//! many of them, as they do while sparsity has only begun to cost.

use std::ops::Range;

use super::codes::Codes;
use crate::ops::flex::product::{Matrix, Onto, multiply};

/// From which part of all latents on: about where both ways took as long at 192 channels and 3,072
/// latents on two cores.
pub const MANY: f64 = 0.12;

/// Values of latents that are held at a time: 64 MiB of them.
const AT_ONCE: usize = 1 << 24;

/// Examples that are computed together.
pub fn blocks(examples: usize, latents: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = (AT_ONCE / latents).max(1);
    (0..examples).step_by(rows).map(move |from| from..(from + rows).min(examples))
}

/// One number of each use, among zeros.
///
/// # Shapes
/// - `numbers`: one for each use of `codes`
/// - returns: `[examples, latents]`
pub fn spread(
    codes: &Codes,
    examples: Range<usize>,
    latents: usize,
    number: impl Fn(usize) -> f32,
) -> Vec<f32> {
    let mut spread = vec![0.0; examples.len() * latents];
    let mut next = codes.of(0..examples.start).len();
    for (row, example) in spread.chunks_exact_mut(latents).zip(examples) {
        for used in codes.of(example..example + 1) {
            row[used.latent as usize] = number(next);
            next += 1;
        }
    }
    spread
}

/// Adds what latents decode to.
///
/// # Shapes
/// - `errors`: `[examples, channels]`
/// - `values`: `[examples, latents]`
/// - `decoder`: `[latents, channels]`
pub fn decode(errors: &mut [f32], values: &[f32], decoder: &[f32], channels: usize) {
    let latents = decoder.len() / channels;
    let (values, decoder) = (Matrix::dense(values, latents), Matrix::dense(decoder, channels));
    multiply(Onto::Itself, errors, channels, values, decoder);
}

/// Products of errors with decoder rows.
///
/// # Shapes
/// - `errors`: `[examples, channels]`
/// - `decoder`: `[latents, channels]`
/// - returns: `[examples, latents]`
pub fn along(errors: &[f32], decoder: &[f32], channels: usize) -> Vec<f32> {
    let latents = decoder.len() / channels;
    let mut along = vec![0.0; errors.len() / channels * latents];
    let turned =
        Matrix { values: decoder, rows: channels, columns: latents, strides: [1, channels] };
    multiply(Onto::Nothing, &mut along, latents, Matrix::dense(errors, channels), turned);
    along
}

/// Adds to each latent's row the examples' rows, weighed by numbers of that latent.
///
/// # Shapes
/// - `rows`: `[latents, channels]`
/// - `numbers`: `[examples, latents]`
/// - `examples`: `[examples, channels]`
pub fn gather(rows: &mut [f32], numbers: &[f32], examples: &[f32], channels: usize) {
    let latents = rows.len() / channels;
    let count = examples.len() / channels;
    let turned = Matrix { values: numbers, rows: latents, columns: count, strides: [1, latents] };
    multiply(Onto::Itself, rows, channels, turned, Matrix::dense(examples, channels));
}

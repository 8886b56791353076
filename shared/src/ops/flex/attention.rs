//! Attention on the processor, a head at a time: what a head's tokens make of each other then stays
//! in the cache.

use super::exponential::exp;
use super::parallel;
use super::product::{Matrix, Onto, multiply};

/// Sizes of a batch of queries, keys and values, `[batch, 3 * channels, tokens]`.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Of a token, over all heads.
    pub channels: usize,
    /// That share the channels.
    pub heads: usize,
    /// Of each picture.
    pub tokens: usize,
}

impl Sizes {
    fn of_head(&self) -> usize {
        self.channels / self.heads
    }

    fn scale(&self) -> f32 {
        (self.of_head() as f32).sqrt().recip()
    }

    /// Queries, keys and values of a head.
    ///
    /// # Shapes
    /// - `picture`: `[3 * channels, tokens]`
    /// - returns: `[channels of a head, tokens]` each
    fn parts<'a>(&self, picture: &'a [f32], head: usize) -> [&'a [f32]; 3] {
        let size = self.of_head() * self.tokens;
        [0, 1, 2].map(|part| &picture[part * self.channels * self.tokens + head * size..][..size])
    }

    /// How much each token attends to each other, `[tokens that look, tokens looked at]`.
    fn weigh(&self, queries: &[f32], keys: &[f32], weights: &mut [f32]) {
        let (tokens, scale) = (self.tokens, self.scale());
        let ones = vec![1.0; tokens];
        let keys = Matrix::dense(keys, tokens);
        multiply(Onto::Nothing, weights, tokens, turned(queries, tokens), keys);
        parallel::each_piece(
            weights,
            tokens,
            || (),
            |_, row, ()| {
                let largest =
                    row.iter().fold(
                        f32::NEG_INFINITY,
                        |most, &value| {
                            if most < value { value } else { most }
                        },
                    );
                row.iter_mut().for_each(|value| *value = exp((*value - largest) * scale));
                let inverse = 1.0 / dot(row, &ones);
                row.iter_mut().for_each(|value| *value *= inverse);
            },
        );
    }
}

/// A dense matrix of so many columns, transposed.
fn turned(values: &[f32], columns: usize) -> Matrix<'_> {
    let Matrix { rows, .. } = Matrix::dense(values, columns);
    Matrix { values, rows: columns, columns: rows, strides: [1, columns] }
}

/// The product of two rows, in eight sums side by side, which vector instructions add at once.
fn dot(row: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    let (eights, others) = (row.chunks_exact(8), other.chunks_exact(8));
    let rest = eights.remainder().iter().zip(others.remainder());
    let rest: f32 = rest.map(|(value, other)| value * other).sum();
    for (eight, other) in eights.zip(others) {
        for place in 0..8 {
            sums[place] += eight[place] * other[place];
        }
    }
    rest + sums.iter().sum::<f32>()
}

/// # Shapes
/// - `input`: `[batch, 3 * channels, tokens]`
/// - returns: `[batch, channels, tokens]`
pub fn forward(input: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes { channels, heads, tokens } = sizes;
    let size = channels * tokens;
    let mut output = vec![0.0; input.len() / 3];
    let mut weights = vec![0.0; tokens * tokens];
    for (output, picture) in output.chunks_exact_mut(size).zip(input.chunks_exact(3 * size)) {
        for (head, output) in output.chunks_exact_mut(size / heads).enumerate() {
            let [queries, keys, values] = sizes.parts(picture, head);
            sizes.weigh(queries, keys, &mut weights);
            let values = Matrix::dense(values, tokens);
            multiply(Onto::Nothing, output, tokens, values, turned(&weights, tokens));
        }
    }
    output
}

/// The gradient with respect to the input.
///
/// # Shapes
/// - `input`, returns: `[batch, 3 * channels, tokens]`
/// - `gradient`: `[batch, channels, tokens]`
pub fn backward(input: &[f32], gradient: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes { channels, heads, tokens } = sizes;
    let (size, scale) = (channels * tokens, sizes.scale());
    let mut output = vec![0.0; input.len()];
    let mut weights = vec![0.0; tokens * tokens];
    let mut of_scores = vec![0.0; tokens * tokens];
    let pictures = input.chunks_exact(3 * size).zip(gradient.chunks_exact(size));
    for (output, (picture, gradient)) in output.chunks_exact_mut(3 * size).zip(pictures) {
        let (of_queries, rest) = output.split_at_mut(size);
        let (of_keys, of_values) = rest.split_at_mut(size);
        for head in 0..heads {
            let [queries, keys, values] = sizes.parts(picture, head);
            let here = head * (size / heads)..(head + 1) * (size / heads);
            let gradient = &gradient[here.clone()];
            sizes.weigh(queries, keys, &mut weights);
            let [queries, keys, values] =
                [queries, keys, values].map(|part| Matrix::dense(part, tokens));

            let of_values = &mut of_values[here.clone()];
            let dense = Matrix::dense(gradient, tokens);
            multiply(Onto::Nothing, of_values, tokens, dense, Matrix::dense(&weights, tokens));
            let looking = turned(gradient, tokens);
            multiply(Onto::Nothing, &mut of_scores, tokens, looking, values);
            // Through the softmax: weights * (gradient - its weighted mean).
            parallel::each_piece(
                &mut of_scores,
                tokens,
                || (),
                |row, gradients, ()| {
                    let weights = &weights[row * tokens..][..tokens];
                    let mean = dot(gradients, weights);
                    for (gradient, weight) in gradients.iter_mut().zip(weights) {
                        *gradient = weight * (*gradient - mean) * scale;
                    }
                },
            );
            let of_queries = &mut of_queries[here.clone()];
            multiply(Onto::Nothing, of_queries, tokens, keys, turned(&of_scores, tokens));
            let of_keys = &mut of_keys[here];
            let scores = Matrix::dense(&of_scores, tokens);
            multiply(Onto::Nothing, of_keys, tokens, queries, scores);
        }
    }
    output
}

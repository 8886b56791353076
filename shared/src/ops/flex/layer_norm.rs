//! Layer normalisation on the processor: tokens lie side by side, so that sums over channels are
//! sums of rows.

use super::parallel;

/// Sizes of a batch of tokens, `[batch, channels, tokens]`.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Of each token.
    pub channels: usize,
    /// Of each picture.
    pub tokens: usize,
}

/// Of every token: its mean, and the inverse of its deviation.
struct Moments {
    means: Vec<f32>,
    inverses: Vec<f32>,
}

impl Moments {
    /// # Shapes
    /// - `picture`: `[channels, tokens]`
    fn of(picture: &[f32], Sizes { channels, tokens }: Sizes, epsilon: f32) -> Self {
        let mut means = vec![0.0; tokens];
        for row in picture.chunks_exact(tokens) {
            means.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        means.iter_mut().for_each(|sum| *sum /= channels as f32);
        let mut inverses = vec![0.0; tokens];
        for row in picture.chunks_exact(tokens) {
            let centred = row.iter().zip(&means).map(|(value, mean)| value - mean);
            inverses.iter_mut().zip(centred).for_each(|(sum, value)| *sum += value * value);
        }
        let invert = |sum: &mut f32| *sum = 1.0 / (*sum / channels as f32 + epsilon).sqrt();
        inverses.iter_mut().for_each(invert);
        Self { means, inverses }
    }
}

/// # Shapes
/// - `input`, returns: `[batch, channels, tokens]`
/// - `scale`, `shift`: `[channels]`
pub fn forward(
    input: &[f32],
    scale: &[f32],
    shift: &[f32],
    sizes: Sizes,
    epsilon: f32,
) -> Vec<f32> {
    let size = sizes.channels * sizes.tokens;
    let mut output = vec![0.0; input.len()];
    for (output, picture) in output.chunks_exact_mut(size).zip(input.chunks_exact(size)) {
        let Moments { means, inverses } = Moments::of(picture, sizes, epsilon);
        let rows = |channel: usize, output: &mut [f32], (): &mut ()| {
            let (scale, shift) = (scale[channel], shift[channel]);
            let row = &picture[channel * sizes.tokens..][..sizes.tokens];
            let moments = means.iter().zip(&inverses);
            for ((output, value), (mean, inverse)) in output.iter_mut().zip(row).zip(moments) {
                *output = (value - mean) * inverse * scale + shift;
            }
        };
        parallel::each_piece(output, sizes.tokens, || (), rows);
    }
    output
}

/// The gradient with respect to the input.
///
/// # Shapes
/// - `input`, `gradient`, returns: `[batch, channels, tokens]`
/// - `scale`: `[channels]`
pub fn backward(
    input: &[f32],
    scale: &[f32],
    gradient: &[f32],
    sizes: Sizes,
    epsilon: f32,
) -> Vec<f32> {
    let Sizes { channels, tokens } = sizes;
    let size = channels * tokens;
    let mut output = vec![0.0; input.len()];
    let pictures = input.chunks_exact(size).zip(gradient.chunks_exact(size));
    for (output, (picture, gradient)) in output.chunks_exact_mut(size).zip(pictures) {
        let Moments { means, inverses } = Moments::of(picture, sizes, epsilon);
        // Of the gradient at what was normalised: its mean, and its mean along the values.
        let (mut shared, mut along) = (vec![0.0; tokens], vec![0.0; tokens]);
        let rows = picture.chunks_exact(tokens).zip(gradient.chunks_exact(tokens));
        for ((row, gradient), scale) in rows.zip(scale) {
            for token in 0..tokens {
                let scaled = gradient[token] * scale;
                shared[token] += scaled;
                along[token] += scaled * (row[token] - means[token]);
            }
        }
        for token in 0..tokens {
            shared[token] /= channels as f32;
            // What is left of two divisions by the deviation.
            along[token] *= inverses[token] * inverses[token] / channels as f32;
        }
        let rows = |channel: usize, output: &mut [f32], (): &mut ()| {
            let scale = scale[channel];
            let row = &picture[channel * tokens..][..tokens];
            let gradient = &gradient[channel * tokens..][..tokens];
            for (token, output) in output.iter_mut().enumerate() {
                let rest = gradient[token] * scale
                    - shared[token]
                    - (row[token] - means[token]) * along[token];
                *output = rest * inverses[token];
            }
        };
        parallel::each_piece(output, tokens, || (), rows);
    }
    output
}

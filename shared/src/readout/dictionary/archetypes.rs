//! Relaxed archetypal decoders (Fel et al. 2025, "Archetypal SAE", arXiv:2502.12892): each row is a
//! convex combination of data points, and a little more.
//!
//! ```text
//! decoder = exp(scale) (weights points + relaxation)
//! ```
//! Rows of `weights` are not negative and sum to 1; rows of `relaxation` are at most so long. After
//! every step both are brought back to that, as the authors' own program (`overcomplete`) does. Such
//! decoders cannot go far from the data.

use serde::{Deserialize, Serialize};

use super::k_means::KMeans;
use super::optimizer::{Moved, Pace, adam};
use super::rows::{dot, row_mut};
use crate::ops::flex::parallel;
use crate::ops::flex::product::{Matrix, Onto, multiply};

/// What a decoder is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Archetypal {
    /// How many data points; at least as many as there are latents.
    pub points: usize,
    /// How long a row of the relaxation may be.
    pub relaxation: f32,
}

/// A decoder made of data points, in training.
#[derive(Clone, Debug, PartialEq)]
pub struct Archetypes {
    /// How long a row of the relaxation may be.
    pub most: f32,
    /// `[points, channels]`, centroids of data less its mean; they stay.
    pub points: Vec<f32>,
    /// What is trained.
    pub trained: Trained,
    /// Adam's running means of gradients and of their squares.
    pub moments: [Trained; 2],
}

/// What of such a decoder is trained; gradients and moments have the same shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// `[latents, points]`
    pub weights: Vec<f32>,
    /// `[latents, channels]`
    pub relaxation: Vec<f32>,
    /// The logarithm of what all rows are multiplied by, a single number.
    pub scale: Vec<f32>,
}

impl Trained {
    /// All zero.
    pub fn zeros(latents: usize, points: usize, channels: usize) -> Self {
        Self {
            weights: vec![0.0; latents * points],
            relaxation: vec![0.0; latents * channels],
            scale: vec![0.0],
        }
    }

    /// All numbers, in one order.
    pub fn all(&self) -> [&[f32]; 3] {
        [&self.weights, &self.relaxation, &self.scale]
    }

    /// The same, to be changed.
    pub fn all_mut(&mut self) -> [&mut [f32]; 3] {
        [&mut self.weights, &mut self.relaxation, &mut self.scale]
    }
}

/// Examples from which centroids learn at a time.
const BATCH: usize = 4096;

impl Archetypes {
    /// Each latent begins at a centroid of its own; rows are 1 long in the mean.
    ///
    /// # Shapes
    /// - `sample`: `[examples, channels]`, at least as many as points, less their mean
    pub fn new(wanted: Archetypal, latents: usize, sample: &[f32], channels: usize) -> Self {
        let count = wanted.points;
        let (first, rest) = sample.split_at(count * channels);
        let mut centroids = KMeans::new(first.to_vec(), channels);
        rest.chunks(BATCH * channels).for_each(|some| centroids.learn(some));
        let points = centroids.centroids().to_vec();
        let mut trained = Trained::zeros(latents, count, channels);
        for latent in 0..latents {
            trained.weights[latent * count + latent] = 1.0;
        }
        let lengths = points.chunks_exact(channels).take(latents).map(|row| dot(row, row).sqrt());
        let mean = lengths.sum::<f32>() / latents as f32;
        if 0.0 < mean {
            trained.scale[0] = -mean.ln();
        }
        let zeros = Trained::zeros(latents, count, channels);
        Self { most: wanted.relaxation, points, trained, moments: [zeros.clone(), zeros] }
    }

    /// The decoder, `[latents, channels]`.
    pub fn decoder(&self, channels: usize) -> Vec<f32> {
        let mut decoder = self.trained.relaxation.clone();
        let count = self.points.len() / channels;
        let weights = Matrix::dense(&self.trained.weights, count);
        let points = Matrix::dense(&self.points, channels);
        multiply(Onto::Itself, &mut decoder, channels, weights, points);
        let scale = self.trained.scale[0].exp();
        decoder.iter_mut().for_each(|value| *value *= scale);
        decoder
    }

    /// The gradient of what is trained, from the decoder's.
    ///
    /// # Shapes
    /// - `gradient`, `decoder`: `[latents, channels]`
    pub fn pull(&self, gradient: &[f32], decoder: &[f32], channels: usize) -> Trained {
        let count = self.points.len() / channels;
        let latents = decoder.len() / channels;
        let scale = self.trained.scale[0].exp();
        let mut pulled = Trained::zeros(latents, count, channels);
        pulled.relaxation.iter_mut().zip(gradient).for_each(|(own, slope)| *own = scale * slope);
        let of_rows = Matrix::dense(&pulled.relaxation, channels);
        let points =
            Matrix { values: &self.points, rows: channels, columns: count, strides: [1, channels] };
        multiply(Onto::Nothing, &mut pulled.weights, count, of_rows, points);
        let pairs = gradient.iter().zip(decoder);
        pulled.scale[0] = pairs.map(|(slope, value)| f64::from(slope * value)).sum::<f64>() as f32;
        pulled
    }

    /// Moves what is trained, and brings it back to where it may be.
    pub fn advance(&mut self, gradient: &Trained, channels: usize, pace: Pace) {
        let [first, second] = &mut self.moments;
        let moments = first.all_mut().into_iter().zip(second.all_mut());
        let arrays = self.trained.all_mut().into_iter().zip(gradient.all()).zip(moments);
        let moved = arrays.map(|((values, gradient), (first, second))| Moved {
            values,
            gradient,
            first,
            second,
        });
        adam(moved, Pace { weight_decay: 0.0, ..pace });
        let count = self.points.len() / channels;
        parallel::each_piece(
            &mut self.trained.weights,
            count,
            || (),
            |_, weights, ()| {
                weights.iter_mut().for_each(|weight| *weight = weight.max(0.0));
                let sum: f32 = weights.iter().sum();
                // Of a row that lost all of them nothing but the relaxation is left.
                if 0.0 < sum {
                    weights.iter_mut().for_each(|weight| *weight /= sum);
                }
            },
        );
        for latent in 0..self.trained.relaxation.len() / channels {
            let row = row_mut(&mut self.trained.relaxation, latent, channels);
            let length = dot(row, row).sqrt();
            if self.most < length {
                row.iter_mut().for_each(|value| *value *= self.most / length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const CHANNELS: usize = 4;
    const LATENTS: usize = 3;
    const POINTS: usize = 5;

    fn random(count: usize, seed: u64) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
    }

    fn archetypes() -> Archetypes {
        let wanted = Archetypal { points: POINTS, relaxation: 0.3 };
        let mut made = Archetypes::new(wanted, LATENTS, &random(20 * CHANNELS, 1), CHANNELS);
        made.trained.weights = random(LATENTS * POINTS, 2);
        made.trained.relaxation = random(LATENTS * CHANNELS, 3);
        made
    }

    #[test]
    fn a_decoder_begins_with_points_of_mean_length_one() {
        let wanted = Archetypal { points: POINTS, relaxation: 0.3 };
        let made = Archetypes::new(wanted, LATENTS, &random(20 * CHANNELS, 1), CHANNELS);
        let decoder = made.decoder(CHANNELS);
        let length = |row: &[f32]| dot(row, row).sqrt();
        let mean = decoder.chunks(CHANNELS).map(length).sum::<f32>() / LATENTS as f32;
        assert!((mean - 1.0).abs() < 1e-5, "{mean}");
        for (row, point) in decoder.chunks(CHANNELS).zip(made.points.chunks(CHANNELS)) {
            let cosine = dot(row, point) / length(row) / length(point);
            assert!(0.9999 < cosine, "{cosine}");
        }
    }

    #[test]
    fn gradients_match_differences() {
        let made = archetypes();
        let slopes = random(LATENTS * CHANNELS, 4);
        let found = made.pull(&slopes, &made.decoder(CHANNELS), CHANNELS);
        let value = |made: &Archetypes| -> f64 {
            let decoder = made.decoder(CHANNELS);
            slopes.iter().zip(&decoder).map(|(slope, value)| f64::from(slope * value)).sum()
        };
        for array in 0..3 {
            for place in 0..found.all()[array].len() {
                let moved = |by: f32| {
                    let mut moved = made.clone();
                    moved.trained.all_mut()[array][place] += by;
                    value(&moved)
                };
                let difference = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                let gradient = f64::from(found.all()[array][place]);
                let allowed = 1e-3 * (1.0 + difference.abs());
                assert!((gradient - difference).abs() < allowed, "{gradient}, {difference}");
            }
        }
    }

    #[test]
    fn rows_stay_near_the_points() {
        let mut made = archetypes();
        let pace = Pace { step: 1, learning_rate: 0.5, shorter: 1.0, weight_decay: 0.0 };
        let mut gradient = Trained::zeros(LATENTS, POINTS, CHANNELS);
        gradient.weights = random(LATENTS * POINTS, 5);
        gradient.relaxation = random(LATENTS * CHANNELS, 6);
        made.advance(&gradient, CHANNELS, pace);
        for weights in made.trained.weights.chunks(POINTS) {
            let sum: f32 = weights.iter().sum();
            assert!(weights.iter().all(|weight| 0.0 <= *weight), "{weights:?}");
            assert!((sum - 1.0).abs() < 1e-5 || sum == 0.0, "{sum}");
        }
        for row in made.trained.relaxation.chunks(CHANNELS) {
            assert!(dot(row, row).sqrt() < 0.3 + 1e-5);
        }
    }
}

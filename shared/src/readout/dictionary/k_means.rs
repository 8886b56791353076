//! Centroids of activations: what they are worth alone, and where directions may begin.

use super::rows::{row, row_mut};
use super::top::largest;
use crate::ops::flex::parallel;
use crate::ops::flex::product::{Matrix, Onto, multiply};

/// Values that are computed before the largest is picked out of a row: 64 MiB of them.
const AT_ONCE: usize = 1 << 24;

/// Centroids, found from batches (Sculley 2010, "Web-scale k-means clustering").
#[derive(Clone, Debug)]
pub struct KMeans {
    channels: usize,
    /// `[centroids, channels]`
    centroids: Vec<f32>,
    /// How many examples each has had, itself included.
    counts: Vec<u64>,
}

impl KMeans {
    /// Begins with these examples, a centroid each.
    ///
    /// # Shapes
    /// - `examples`: `[centroids, channels]`
    pub fn new(examples: Vec<f32>, channels: usize) -> Self {
        let counts = vec![1; examples.len() / channels];
        Self { channels, centroids: examples, counts }
    }

    /// `[centroids, channels]`
    pub fn centroids(&self) -> &[f32] {
        &self.centroids
    }

    /// Each of these examples draws the centroid that is nearest before any of them has moved one,
    /// so that a centroid is the mean of all that it ever had.
    ///
    /// # Shapes
    /// - `examples`: `[examples, channels]`
    pub fn learn(&mut self, examples: &[f32]) {
        let nearest = self.nearest(examples);
        for (example, centroid) in examples.chunks_exact(self.channels).zip(nearest) {
            let centroid = centroid as usize;
            self.counts[centroid] += 1;
            let step = 1.0 / self.counts[centroid] as f32;
            let values = row_mut(&mut self.centroids, centroid, self.channels);
            values.iter_mut().zip(example).for_each(|(value, at)| *value += step * (at - *value));
        }
    }

    /// Which centroid each example is nearest to; of equally near ones the first.
    pub fn nearest(&self, examples: &[f32]) -> Vec<u32> {
        let (channels, count) = (self.channels, self.counts.len());
        // |x - c|^2 = |x|^2 - 2 (x c - |c|^2 / 2), of which an example shares the first.
        let halves: Vec<f32> = self
            .centroids
            .chunks_exact(channels)
            .map(|centroid| -0.5 * centroid.iter().map(|value| value * value).sum::<f32>())
            .collect();
        let directions = Matrix {
            values: &self.centroids,
            rows: channels,
            columns: count,
            strides: [1, channels],
        };
        let rows_at_once = (AT_ONCE / count).max(1);
        let mut nearest = Vec::with_capacity(examples.len() / channels);
        for block in examples.chunks(rows_at_once * channels) {
            let rows = block.len() / channels;
            let mut scores = halves.repeat(rows);
            let block = Matrix::dense(block, channels);
            multiply(Onto::Itself, &mut scores, count, block, directions);
            let parts = parallel::map(parallel::shares(rows, 1), |rows| {
                let rows = &scores[rows.start * count..rows.end * count];
                rows.chunks_exact(count).map(|row| largest(row) as u32).collect::<Vec<_>>()
            });
            nearest.extend(parts.into_iter().flatten());
        }
        nearest
    }

    /// Squared distances of examples from their centroids, summed.
    pub fn squared_error(&self, examples: &[f32]) -> f64 {
        let nearest = self.nearest(examples);
        let pairs = examples.chunks_exact(self.channels).zip(nearest);
        pairs
            .map(|(example, centroid)| {
                let centroid = row(&self.centroids, centroid as usize, self.channels);
                let pairs = example.iter().zip(centroid);
                pairs.map(|(value, at)| f64::from(value - at).powi(2)).sum::<f64>()
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const CHANNELS: usize = 3;

    /// So many examples around each of four corners, in an order that mixes them.
    fn examples(of_each: usize) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let corners = [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0], [-4.0, -4.0, 0.0]];
        (0..of_each)
            .flat_map(|_| corners)
            .flatten()
            .map(|corner| corner + random.random_range(-0.5..0.5))
            .collect()
    }

    #[test]
    fn the_nearest_is_the_one_that_measuring_all_distances_finds() {
        let examples = examples(50);
        let found = KMeans::new(examples[..17 * CHANNELS].to_vec(), CHANNELS);
        let mut error = 0.0;
        for (example, nearest) in examples.chunks(CHANNELS).zip(found.nearest(&examples)) {
            let distance = |centroid: &[f32]| {
                let pairs = example.iter().zip(centroid);
                pairs.map(|(one, other)| f64::from(one - other).powi(2)).sum::<f64>()
            };
            let all: Vec<f64> = found.centroids().chunks(CHANNELS).map(distance).collect();
            let least = all.iter().copied().fold(f64::INFINITY, f64::min);
            assert!(all[nearest as usize] <= least + 1e-5);
            error += least;
        }
        assert!((found.squared_error(&examples) - error).abs() < 1e-3 * error);
    }

    #[test]
    fn a_centroid_is_the_mean_of_what_it_had() {
        let examples = examples(100);
        let mut found = KMeans::new(examples[..4 * CHANNELS].to_vec(), CHANNELS);
        examples[4 * CHANNELS..].chunks(8 * CHANNELS).for_each(|some| found.learn(some));
        for (corner, centroid) in found.centroids().chunks(CHANNELS).enumerate() {
            for (channel, value) in centroid.iter().enumerate() {
                let of_corner = examples.chunks(CHANNELS).skip(corner).step_by(4);
                let mean = of_corner.map(|example| example[channel]).sum::<f32>() / 100.0;
                assert!((mean - value).abs() < 1e-4, "{corner}: {value}, expected {mean}");
            }
        }
        // Uniform noise of width 1 in each of three channels.
        let expected = examples.len() as f64 / 12.0;
        let error = found.squared_error(&examples);
        assert!((error - expected).abs() < 0.2 * expected, "{error}, expected about {expected}");
    }
}

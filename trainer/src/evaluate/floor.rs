//! What any dictionary must be better than: the mean, principal components, centroids.

use anyhow::Result;
use nalgebra::{DMatrix, SymmetricEigen};
use shared::readout::dictionary::k_means::KMeans;

use crate::interrupt;
use crate::progress::{Counted, Progress};
use crate::shards::Store;
use crate::train::stream::Stream;

/// Activations from which centroids learn at a time.
const BATCH: usize = 4096;

/// Bytes of activations that are mixed with each other.
const BUFFER: u64 = 256 << 20;

/// So many centroids of a layer, or as many as there are activations, found from every activation
/// once, in an order that is drawn, always the same.
///
/// # Errors
/// The layer is not in the store, or a shard cannot be read.
pub fn centroids(store: &Store, layer: &str, count: usize) -> Result<KMeans> {
    let stream = Stream::new(store, layer, BUFFER, 0)?;
    let all = stream.activations();
    let mut progress = Progress::new("k-means", Some(all), Counted::Things("activations"));
    let first = all.min(count as u64);
    let begin = stream.batches(0, first as usize).batch()?;
    let mut found = KMeans::new(begin.values, stream.channels());
    let mut batches = stream.batches(first, BATCH);
    let mut done = first;
    while done < all {
        interrupt::check()?;
        let batch = batches.batch()?;
        // The last one goes on into the next epoch.
        let new = (all - done).min(BATCH as u64);
        found.learn(&batch.values[..new as usize * stream.channels()]);
        done += new;
        progress.advance(new);
    }
    progress.clear();
    Ok(found)
}

/// Sums of activations and of their products.
pub struct Moments {
    count: u64,
    sums: Vec<f64>,
    /// `[channels, channels]`
    products: Vec<f64>,
}

impl Moments {
    /// Of nothing yet.
    pub fn new(channels: usize) -> Self {
        Self { count: 0, sums: vec![0.0; channels], products: vec![0.0; channels * channels] }
    }

    /// Width of an activation.
    pub fn channels(&self) -> usize {
        self.sums.len()
    }

    /// Activations so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes in `[activations, channels]`.
    pub fn add(&mut self, values: &[f32]) {
        let channels = self.channels();
        let rows = values.len() / channels;
        self.count += rows as u64;
        for example in values.chunks_exact(channels) {
            self.sums.iter_mut().zip(example).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let examples = DMatrix::from_column_slice(channels, rows, values);
        let products = &examples * examples.transpose();
        let all = self.products.iter_mut().zip(products.iter());
        all.for_each(|(sum, product)| *sum += f64::from(*product));
    }

    /// Squared distances from the mean, summed.
    pub fn variance(&self) -> f64 {
        let channels = self.channels();
        (0..channels).map(|channel| self.covariance(channel, channel)).sum()
    }

    fn covariance(&self, one: usize, other: usize) -> f64 {
        let product = self.products[one * self.channels() + other];
        product - self.sums[one] * self.sums[other] / self.count as f64
    }

    /// The part of the variance that so many principal components leave.
    pub fn unexplained(&self, components: usize) -> f64 {
        let channels = self.channels();
        let matrix =
            DMatrix::from_fn(channels, channels, |row, column| self.covariance(row, column));
        let mut values: Vec<f64> =
            SymmetricEigen::new(matrix).eigenvalues.iter().copied().collect();
        values.sort_by(|one, other| other.total_cmp(one));
        let all: f64 = values.iter().map(|value| value.max(0.0)).sum();
        let left: f64 = values.iter().skip(components).map(|value| value.max(0.0)).sum();
        if 0.0 < all { left / all } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_explain_the_longest_axes_first() {
        let mut moments = Moments::new(3);
        // About (1, 1, 1): 3, 2 and 1 to either side along each axis.
        for (axis, length) in [3.0, 2.0, 1.0].into_iter().enumerate() {
            for sign in [-1.0, 1.0] {
                let mut example = [1.0; 3];
                example[axis] += sign * length;
                moments.add(&example);
            }
        }
        assert!((moments.variance() - 2.0 * 14.0).abs() < 1e-6);
        for (components, left) in [(0, 1.0), (1, 5.0 / 14.0), (2, 1.0 / 14.0), (3, 0.0)] {
            assert!((moments.unexplained(components) - left).abs() < 1e-6, "{components}");
        }
    }
}

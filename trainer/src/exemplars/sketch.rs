//! How a unit's activations are distributed, from a stream of them, in bounded memory.
//!
//! A sketch counts values in buckets that are evenly wide on a logarithmic scale, or nearly: a
//! bucket holds the numbers that share sign, exponent and the first `MANTISSA_BITS` bits behind
//! the point, which is where a number's own bits are cut. The middle of a bucket is then within
//! 0.8 % of everything in it, at any scale. (DDSketch, Masson et al. 2019, arXiv:1908.10693, has
//! the same guarantee.) What is exactly zero, the smallest and the largest are exact.

use serde::{Deserialize, Serialize};
use shared::format::exemplars::{BARS, QUANTILES};

/// Buckets double with each; 64 between a number and its double make half a bucket 0.8 %.
const MANTISSA_BITS: u32 = 6;

/// Bits of a number that do not matter for its bucket.
const SHIFT: u32 = f32::MANTISSA_DIGITS - 1 - MANTISSA_BITS;

/// Values looked at together.
const BLOCK: usize = 128;

/// The bit that makes a number negative.
const SIGN: u32 = 1 << 31;

/// Counts of the values seen so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sketch {
    zeros: u64,
    positive: Counts,
    negative: Counts,
    /// The smallest and the largest value, once there is one.
    range: Option<(f32, f32)>,
}

/// Counts by magnitude.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counts {
    /// The first bucket that is held.
    first: usize,
    counts: Vec<u64>,
}

impl Counts {
    #[inline]
    fn count(&mut self, magnitude_bits: u32) {
        let bucket = (magnitude_bits >> SHIFT) as usize;
        match self.counts.get_mut(bucket.wrapping_sub(self.first)) {
            Some(count) => *count += 1,
            None => *self.make_room(bucket) += 1,
        }
    }

    #[cold]
    fn make_room(&mut self, bucket: usize) -> &mut u64 {
        if self.counts.is_empty() {
            self.first = bucket;
        }
        if bucket < self.first {
            let missing = self.first - bucket;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = bucket;
        }
        let place = bucket - self.first;
        if self.counts.len() <= place {
            self.counts.resize(place + 1, 0);
        }
        &mut self.counts[place]
    }

    /// Each bucket's bounds, ascending, with its count.
    fn buckets(&self) -> impl DoubleEndedIterator<Item = (f32, f32, u64)> {
        let bound = |bucket: usize| f32::from_bits((bucket as u32) << SHIFT);
        self.counts.iter().enumerate().map(move |(place, &count)| {
            let bucket = self.first + place;
            // The last bucket ends where infinity begins.
            (bound(bucket), bound(bucket + 1).min(f32::MAX), count)
        })
    }
}

impl Sketch {
    /// Counts finite values of which the smallest and the largest are known already.
    pub fn add(&mut self, values: &[f32], smallest: f32, largest: f32) {
        self.range = Some(match self.range {
            Some((low, high)) => (low.min(smallest), high.max(largest)),
            None => (smallest, largest),
        });
        if smallest == 0.0 && largest == 0.0 {
            self.zeros += values.len() as u64;
            return;
        }
        // Behind a nonlinearity most values are zero, and where is hard to foretell: they are sorted
        // out without a branch, and only the rest is counted one by one.
        let mut rest = [0; BLOCK];
        for block in values.chunks(BLOCK) {
            let mut count = 0;
            for value in block {
                rest[count] = value.to_bits();
                // The sign falls off: -0.0 is zero as well.
                count += usize::from(value.to_bits() << 1 != 0);
            }
            self.zeros += (block.len() - count) as u64;
            for bits in &rest[..count] {
                let side = if bits & SIGN == 0 { &mut self.positive } else { &mut self.negative };
                side.count(bits & !SIGN);
            }
        }
    }

    /// How many values there were.
    pub fn total(&self) -> u64 {
        self.zeros + self.not_zero()
    }

    fn not_zero(&self) -> u64 {
        self.positive.counts.iter().chain(&self.negative.counts).sum()
    }

    /// The share that is exactly zero, 0..=1. Exact; 0 where there were no values.
    pub fn zero_share(&self) -> f64 {
        self.zeros as f64 / self.total().max(1) as f64
    }

    /// Bounds and counts of all buckets, ascending; zeros are a bucket without width.
    fn buckets(&self) -> impl Iterator<Item = (f32, f32, u64)> {
        let negative = self.negative.buckets().rev().map(|(low, high, count)| (-high, -low, count));
        let zero = std::iter::once((0.0, 0.0, self.zeros));
        negative.chain(zero).chain(self.positive.buckets())
    }

    /// The values below which the shares [`QUANTILES`] of all lie. The first and the last are the
    /// smallest and the largest; the others are within 0.8 % of the value of their rank.
    pub fn quantiles(&self) -> [f32; QUANTILES.len()] {
        let (smallest, largest) = self.range.unwrap_or_default();
        let last_rank = self.total().saturating_sub(1) as f64;
        let mut buckets = self.buckets();
        let mut middle = smallest;
        let mut counted = 0;
        let mut quantiles = QUANTILES.map(|share| {
            let rank = (share * last_rank).round() as u64;
            while counted <= rank {
                let Some((low, high, count)) = buckets.next() else { break };
                counted += count;
                if 0 < count {
                    middle = low + (high - low) / 2.0;
                }
            }
            middle.clamp(smallest, largest)
        });
        quantiles[0] = smallest;
        quantiles[QUANTILES.len() - 1] = largest;
        quantiles
    }

    /// How many in a thousand of the values that are not exactly zero fall into each of equally wide
    /// bars from the smallest value to the largest. A bucket is spread evenly over the bars it
    /// reaches into.
    pub fn histogram(&self) -> [u32; BARS] {
        let mut bars = [0.0; BARS];
        let (smallest, largest) = self.range.unwrap_or_default();
        let (smallest, largest) = (f64::from(smallest), f64::from(largest));
        let width = (largest - smallest) / BARS as f64;
        for (low, high, count) in self.buckets() {
            if low == high || count == 0 {
                continue;
            }
            let low = f64::from(low).clamp(smallest, largest);
            let high = f64::from(high).clamp(smallest, largest);
            let bar_of = |value: f64| (((value - smallest) / width) as usize).min(BARS - 1);
            if width <= 0.0 || high <= low {
                // All values are the same, or the bucket holds nothing but an end of the range.
                bars[if width <= 0.0 { 0 } else { bar_of(low) }] += count as f64;
                continue;
            }
            for (bar, sum) in bars.iter_mut().enumerate().take(bar_of(high) + 1).skip(bar_of(low)) {
                let from = (smallest + bar as f64 * width).max(low);
                let to = (smallest + (bar + 1) as f64 * width).min(high);
                *sum += count as f64 * (to - from).max(0.0) / (high - low);
            }
        }
        let total = self.not_zero().max(1) as f64;
        bars.map(|count| (1000.0 * count / total).round() as u32)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn sketch(values: &[f32], piece: usize) -> Sketch {
        let mut sketch = Sketch::default();
        for values in values.chunks(piece) {
            let smallest = values.iter().copied().fold(f32::INFINITY, f32::min);
            let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            sketch.add(values, smallest, largest);
        }
        sketch
    }

    /// Sorts, and takes the value of the rank.
    fn slow_quantiles(values: &[f32]) -> Vec<f32> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f32::total_cmp);
        let last = (sorted.len() - 1) as f64;
        QUANTILES.iter().map(|share| sorted[(share * last).round() as usize]).collect()
    }

    fn slow_histogram(values: &[f32]) -> Vec<f64> {
        let smallest = values.iter().copied().fold(f32::INFINITY, f32::min);
        let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let not_zero: Vec<_> = values.iter().filter(|&&value| value != 0.0).collect();
        let mut bars = vec![0.0; BARS];
        for &&value in &not_zero {
            let place = (value - smallest) / (largest - smallest) * BARS as f32;
            bars[(place as usize).min(BARS - 1)] += 1000.0 / not_zero.len() as f64;
        }
        bars
    }

    /// Distributions as layers have them: rectified, signed, long-tailed, tiny, huge.
    fn distributions() -> Vec<(&'static str, Vec<f32>)> {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let mut many = |make: &dyn Fn(f32, f32) -> f32| -> Vec<f32> {
            (0..20_000).map(|_| make(rng.random::<f32>(), rng.random::<f32>())).collect()
        };
        let normal =
            |a: f32, b: f32| (-2.0 * a.max(1e-9).ln()).sqrt() * (std::f32::consts::TAU * b).cos();
        vec![
            ("rectified", many(&|a, b| (30.0 * normal(a, b) - 20.0).max(0.0))),
            ("signed", many(&|a, b| 3.0 * normal(a, b) + 0.5)),
            ("long-tailed", many(&|a, b| (4.0 * normal(a, b)).exp())),
            ("tiny", many(&|a, _| 1e-30 * a)),
            ("huge and negative", many(&|a, _| -1e30 * a)),
            ("mostly zero", many(&|a, b| if a < 0.95 { 0.0 } else { b })),
        ]
    }

    #[test]
    fn quantiles_are_within_one_per_cent_of_the_sorted_values() {
        for (name, values) in distributions() {
            let found = sketch(&values, 784).quantiles();
            for (found, expected) in found.into_iter().zip(slow_quantiles(&values)) {
                let off = (found - expected).abs();
                assert!(off <= 0.01 * expected.abs(), "{name}: {found} beside {expected}");
            }
            assert!(found.is_sorted(), "{name}: {found:?}");
            let ends = (slow_quantiles(&values)[0], slow_quantiles(&values)[8]);
            assert_eq!((found[0], found[8]), ends, "{name}");
        }
    }

    #[test]
    fn zeros_are_counted_exactly_whatever_their_sign() {
        for (name, values) in distributions() {
            let zeros = values.iter().filter(|&&value| value == 0.0).count();
            let sketch = sketch(&values, 49);
            assert_eq!(sketch.total(), values.len() as u64, "{name}");
            assert_eq!(sketch.zero_share(), zeros as f64 / values.len() as f64, "{name}");
        }
        assert_eq!(sketch(&[0.0, -0.0, 1.0, -0.0], 4).zero_share(), 0.75);
        assert_eq!(sketch(&[-0.0; 9], 9).zero_share(), 1.0);
    }

    #[test]
    fn bars_are_as_high_as_by_counting_one_by_one() {
        for (name, values) in distributions() {
            let found = sketch(&values, 196).histogram();
            let expected = slow_histogram(&values);
            // A bucket that reaches over the edge of a bar is shared out evenly: that moves at most
            // a few of a thousand.
            let off: f64 =
                found.iter().zip(&expected).map(|(&f, e)| (f64::from(f) - e).abs()).sum();
            assert!(off < 60.0, "{name}: off by {off}\n{found:?}\n{expected:?}");
            let sum: u32 = found.iter().sum();
            assert!((988..=1012).contains(&sum), "{name}: {sum}");
        }
    }

    #[test]
    fn the_order_and_the_pieces_do_not_matter() {
        for (name, mut values) in distributions() {
            let one = sketch(&values, 784);
            assert_eq!(one, sketch(&values, 1), "{name}");
            values.reverse();
            assert_eq!(one.quantiles(), sketch(&values, 100).quantiles(), "{name}");
        }
    }

    #[test]
    fn values_that_are_all_the_same_fill_one_bar() {
        let same = sketch(&[2.5; 10], 10);
        assert_eq!(same.quantiles(), [2.5; QUANTILES.len()]);
        assert_eq!(same.histogram().iter().sum::<u32>(), 1000);
        let zero = sketch(&[0.0; 10], 10);
        assert_eq!((zero.quantiles(), zero.histogram()), ([0.0; 9], [0; BARS]));
        assert_eq!(Sketch::default().quantiles(), [0.0; 9]);
    }
}

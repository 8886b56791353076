//! The features themselves: directions, how often and how much they fire, and who depends on whom.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use shared::readout::dictionary::rows::dot;

use super::design::Design;
use super::normal::quantile;

/// Steps that push directions apart. After these, all directions together lean nowhere.
const STEPS: usize = 100;

/// The least part of what makes a feature fire that is its own.
const OWN: f64 = 0.01;

/// Everything that activations are drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Unit vectors, `[features, channels]`.
    pub directions: Vec<f32>,
    /// What every activation has besides, `[channels]`.
    pub bias: Vec<f32>,
    /// How often each fires, about, the most frequent first.
    pub frequencies: Vec<f32>,
    /// How often each would, were it not for parents and siblings; at most 1.
    pub unhindered: Vec<f32>,
    /// Mean value where one fires.
    pub means: Vec<f32>,
    /// And its deviation.
    pub deviations: Vec<f32>,
    /// How a feature depends on causes that it shares with others, `[features, rank]`.
    pub causes: Vec<f32>,
    /// The children of each, which lie side by side.
    pub children: Vec<Range<usize>>,
}

impl Features {
    /// Draws features; the same seed, the same features.
    pub fn new(design: &Design) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(design.seed);
        let children = trees(design);
        let frequencies = design.frequencies();
        let unhindered = unhindered(design, &frequencies, &children);
        let directions = directions(design, &mut random);
        let mut bias = normals(design.channels, &mut random);
        let length = f64::from(dot(&bias, &bias)).sqrt();
        bias.iter_mut().for_each(|value| *value *= (design.bias / length) as f32);
        let last = (design.features - 1).max(1) as f64;
        let [first, end] = design.mean;
        let mean = |number: usize| (first + (end - first) * number as f64 / last) as f32;
        let [middle, spread] = design.deviation;
        let deviations = normals(design.features, &mut random)
            .iter()
            .map(|normal| (middle + spread * f64::from(*normal)).abs() as f32)
            .collect();
        Self {
            directions,
            bias,
            frequencies: singles(&frequencies),
            unhindered: singles(&unhindered),
            means: (0..design.features).map(mean).collect(),
            deviations,
            causes: causes(design, &mut random),
            children,
        }
    }

    /// What a feature's cause must be greater than for it to fire.
    pub fn thresholds(&self) -> Vec<f64> {
        self.unhindered.iter().map(|part| quantile(1.0 - f64::from(*part))).collect()
    }

    /// The parent of each.
    pub fn parents(&self) -> Vec<Option<usize>> {
        let mut parents = vec![None; self.children.len()];
        for (parent, children) in self.children.iter().enumerate() {
            parents[children.clone()].fill(Some(parent));
        }
        parents
    }
}

fn singles(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|number| *number as f32).collect()
}

fn normals(count: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
    (0..count).map(|_| random.sample(StandardNormal)).collect()
}

/// The children of each feature. Roots come first, then their children, generation by generation;
/// what is left when all trees are full belongs to none.
fn trees(design: &Design) -> Vec<Range<usize>> {
    let mut children = vec![0..0; design.features];
    let mut generation = 0..design.trees.min(design.features);
    for _ in 0..design.depth {
        let begin = generation.end;
        let mut next = begin;
        for parent in generation {
            let end = (next + design.branching).min(design.features);
            children[parent] = next..end;
            next = end;
        }
        generation = begin..next;
    }
    children
}

/// How often a feature has to want to fire so that it does as often as it should: its parent must
/// fire too, and of siblings that want to only one does (the paper's compensation).
fn unhindered(design: &Design, frequencies: &[f64], children: &[Range<usize>]) -> Vec<f64> {
    let mut unhindered = frequencies.to_vec();
    for (parent, children) in children.iter().enumerate() {
        let all: f64 = frequencies[children.clone()].iter().sum();
        for child in children.clone() {
            let rivals = match design.exclusive && 1 < children.len() {
                true => (all - frequencies[child]) / frequencies[parent],
                false => 0.0,
            };
            let wanted = frequencies[child] / frequencies[parent] * (1.0 + rivals);
            unhindered[child] = wanted.min(1.0);
        }
    }
    unhindered
}

/// Unit vectors pushed apart, as far as there is room, by descent on the sum of their squared
/// products. Its gradient for a vector w is S w, where S is the sum of all outer products.
fn directions(design: &Design, random: &mut ChaCha8Rng) -> Vec<f32> {
    let channels = design.channels;
    let mut rows = normals(design.features * channels, random);
    normalize(&mut rows, channels);
    // Twice as far, two vectors that lean to each other would swap sides.
    let rate = 0.25 / (design.features as f32 / channels as f32).max(1.0);
    for _ in 0..STEPS {
        let mut outer = vec![0.0; channels * channels];
        for row in rows.chunks_exact(channels) {
            for (sums, &value) in outer.chunks_exact_mut(channels).zip(row) {
                sums.iter_mut().zip(row).for_each(|(sum, other)| *sum += value * other);
            }
        }
        for row in rows.chunks_exact_mut(channels) {
            let slope: Vec<f32> = outer.chunks_exact(channels).map(|sums| dot(sums, row)).collect();
            row.iter_mut().zip(slope).for_each(|(value, slope)| *value -= rate * slope);
        }
        normalize(&mut rows, channels);
    }
    rows
}

fn normalize(rows: &mut [f32], channels: usize) {
    for row in rows.chunks_exact_mut(channels) {
        let length = dot(row, row).sqrt().max(f32::MIN_POSITIVE);
        row.iter_mut().for_each(|value| *value /= length);
    }
}

/// Rows whose squares sum to less than 1: the rest is a feature's own.
fn causes(design: &Design, random: &mut ChaCha8Rng) -> Vec<f32> {
    let mut causes = normals(design.features * design.rank, random);
    for row in causes.chunks_exact_mut(design.rank.max(1)) {
        row.iter_mut().for_each(|value| *value *= design.correlation as f32);
        let squares = f64::from(dot(row, row));
        if 1.0 - OWN < squares {
            let shorter = ((1.0 - OWN) / squares).sqrt() as f32;
            row.iter_mut().for_each(|value| *value *= shorter);
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Design {
        Design {
            features: 100,
            channels: 16,
            trees: 2,
            branching: 3,
            depth: 2,
            ..Design::default()
        }
    }

    #[test]
    fn trees_are_filled_generation_by_generation() {
        let features = Features::new(&small());
        assert_eq!(features.children[..4], [2..5, 5..8, 8..11, 11..14]);
        let parents = features.parents();
        let of = |parent| parents.iter().filter(|found| **found == parent).count();
        assert_eq!((of(None), of(Some(0)), of(Some(7))), (2 + 100 - 2 * 13, 3, 3));
        let cut = trees(&Design { features: 7, ..small() });
        assert_eq!(cut.iter().map(Range::len).collect::<Vec<_>>(), [3, 2, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn directions_are_units_that_lean_nowhere_and_are_square_where_there_is_room() {
        let features = Features::new(&small());
        let rows: Vec<&[f32]> = features.directions.chunks_exact(16).collect();
        let products = |one: &[f32]| rows.iter().map(|other| dot(one, other).powi(2)).sum::<f32>();
        // A hundred units in sixteen channels cannot have a smaller sum of squared products: the
        // bound of Welch (1974). Drawn alone they have about a seventh more.
        let sum: f32 = rows.iter().map(|row| products(row)).sum();
        let least = 100.0 * 100.0 / 16.0;
        assert!((0.999 * least..1.01 * least).contains(&sum), "{sum}, at least {least}");
        let few = Features::new(&Design { features: 8, trees: 1, ..small() });
        let rows: Vec<&[f32]> = few.directions.chunks_exact(16).collect();
        for (number, row) in rows.iter().enumerate() {
            for (other_number, other) in rows.iter().enumerate() {
                let expected = if number == other_number { 1.0 } else { 0.0 };
                assert!((dot(row, other) - expected).abs() < 1e-3, "{number} {other_number}");
            }
        }
    }

    #[test]
    fn what_parents_and_siblings_take_away_is_made_up_for() {
        let design = small();
        let frequencies = vec![0.2; 100];
        let children = trees(&design);
        let found = unhindered(&design, &frequencies, &children);
        // A child as frequent as its parent would have to fire always, and then some.
        assert_eq!((found[0], found[2]), (0.2, 1.0));
        let mut rare = frequencies;
        rare[2..5].copy_from_slice(&[0.02, 0.03, 0.05]);
        let found = unhindered(&design, &rare, &children);
        assert!((found[2] - 0.1 * (1.0 + 0.4)).abs() < 1e-12, "{}", found[2]);
        let alone = unhindered(&Design { exclusive: false, ..design }, &rare, &children);
        assert!((alone[2] - 0.1).abs() < 1e-12);
    }

    #[test]
    fn no_feature_is_ruled_by_others_alone() {
        let design = Design { correlation: 1.0, ..small() };
        let features = Features::new(&design);
        for row in features.causes.chunks_exact(design.rank) {
            assert!(dot(row, row) < 0.9901);
        }
        assert!(Features::new(&Design { rank: 0, ..design }).causes.is_empty());
    }
}

//! Activations drawn from features.

use std::ops::Range;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use shared::readout::dictionary::codes::{Codes, Use};
use shared::readout::dictionary::rows::{add, dot};

use super::design::Design;
use super::features::Features;

/// Draws activations.
pub struct Draw<'a> {
    design: &'a Design,
    features: &'a Features,
    thresholds: Vec<f64>,
    /// How much of what makes a feature fire is its own.
    own: Vec<f64>,
    /// Features without a parent.
    tops: Vec<usize>,
    random: ChaCha8Rng,
}

impl<'a> Draw<'a> {
    /// Of some features; another `draw` gives other activations of the same.
    pub fn new(design: &'a Design, features: &'a Features, draw: u64) -> Self {
        let own = |feature: usize| {
            let row = &features.causes[feature * design.rank..][..design.rank];
            (1.0 - f64::from(dot(row, row))).sqrt()
        };
        let parents = features.parents();
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&design.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&draw.to_le_bytes());
        Self {
            design,
            features,
            thresholds: features.thresholds(),
            own: (0..design.features).map(own).collect(),
            tops: (0..design.features).filter(|feature| parents[*feature].is_none()).collect(),
            random: ChaCha8Rng::from_seed(seed),
        }
    }

    /// Which features make up examples, with their values. An example depends on its number alone.
    pub fn codes(&self, examples: Range<u64>) -> Codes {
        let drawn: Vec<Vec<Use>> =
            examples.into_par_iter().map(|example| self.example(example)).collect();
        let mut codes = Codes::default();
        drawn.into_iter().for_each(|uses| codes.push(uses));
        codes
    }

    /// The activations that they make, `[examples, channels]`.
    pub fn activations(&self, codes: &Codes) -> Vec<f32> {
        let channels = self.design.channels;
        let mut activations = Vec::with_capacity(codes.ends.len() * channels);
        for example in 0..codes.ends.len() {
            let begin = activations.len();
            activations.extend_from_slice(&self.features.bias);
            for used in codes.of(example..example + 1) {
                let direction = &self.features.directions[used.latent as usize * channels..];
                add(&mut activations[begin..], &direction[..channels], used.pre);
            }
        }
        activations
    }

    /// A feature is only asked where its parent fires, since otherwise it would not fire anyway.
    fn example(&self, example: u64) -> Vec<Use> {
        let mut random = self.random.clone();
        random.set_stream(example);
        let shared: Vec<f32> =
            (0..self.design.rank).map(|_| random.sample(StandardNormal)).collect();
        let mut uses: Vec<(usize, f32)> = Vec::new();
        for &top in &self.tops {
            uses.extend(self.value(top, &shared, &mut random).map(|value| (top, value)));
        }
        let mut next = 0;
        while let Some(&(parent, of_parent)) = uses.get(next) {
            next += 1;
            let mut firing: Vec<(usize, f32)> = Vec::new();
            for child in self.features.children[parent].clone() {
                firing.extend(self.value(child, &shared, &mut random).map(|value| (child, value)));
            }
            if self.design.exclusive && 1 < firing.len() {
                firing = firing.choose(&mut random).into_iter().copied().collect();
            }
            let factor = match self.design.scaled {
                true => of_parent / self.features.means[parent],
                false => 1.0,
            };
            uses.extend(firing.into_iter().map(|(child, value)| (child, value * factor)));
        }
        uses.sort_by_key(|(feature, _)| *feature);
        uses.into_iter().map(|(feature, pre)| Use { latent: feature as u32, pre }).collect()
    }

    /// What a feature gives, if it fires: where a normal variable, which is in part others' too, is
    /// beyond its threshold (a Gaussian copula).
    fn value(&self, feature: usize, shared: &[f32], random: &mut ChaCha8Rng) -> Option<f32> {
        let causes = &self.features.causes[feature * self.design.rank..][..self.design.rank];
        let own: f64 = random.sample(StandardNormal);
        let cause = f64::from(dot(causes, shared)) + self.own[feature] * own;
        if cause <= self.thresholds[feature] {
            return None;
        }
        let normal: f32 = random.sample(StandardNormal);
        let value = self.features.means[feature] + self.features.deviations[feature] * normal;
        Some(value).filter(|value| 0.0 < *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLES: u64 = 40_000;

    fn design() -> Design {
        Design {
            features: 60,
            channels: 8,
            trees: 2,
            branching: 3,
            depth: 2,
            most: 0.3,
            least: 0.02,
            ..Design::default()
        }
    }

    /// Examples as rows of all features' values.
    fn drawn(design: &Design) -> (Features, Vec<Vec<f32>>) {
        let features = Features::new(design);
        let codes = Draw::new(design, &features, 0).codes(0..EXAMPLES);
        let rows = (0..EXAMPLES as usize).map(|example| {
            let mut row = vec![0.0; design.features];
            let uses = codes.of(example..example + 1);
            uses.iter().for_each(|used| row[used.latent as usize] = used.pre);
            row
        });
        let rows = rows.collect();
        (features, rows)
    }

    #[test]
    fn features_fire_about_as_often_as_they_should_and_never_without_their_parent() {
        let design = Design { correlation: 0.0, ..design() };
        let (features, rows) = drawn(&design);
        let frequency = |feature: usize| {
            rows.iter().filter(|row| 0.0 < row[feature]).count() as f64 / EXAMPLES as f64
        };
        for (feature, parent) in features.parents().iter().enumerate() {
            let expected = f64::from(features.frequencies[feature]);
            let Some(parent) = *parent else {
                let deviation = (expected * (1.0 - expected) / EXAMPLES as f64).sqrt();
                let found = frequency(feature);
                assert!((found - expected).abs() < 5.0 * deviation, "{feature}: {found}");
                continue;
            };
            assert!(rows.iter().all(|row| row[feature] == 0.0 || 0.0 < row[parent]));
            // What is made up for siblings is an approximation, and ends where a child would have to
            // fire always.
            if features.unhindered[feature] < 1.0 {
                let of_parent = expected / f64::from(features.frequencies[parent]);
                let ratio = frequency(feature) / frequency(parent) / of_parent;
                assert!((0.5..1.5).contains(&ratio), "{feature}: {ratio}");
            }
        }
        for children in &features.children {
            let together = |row: &&Vec<f32>| {
                1 < row[children.clone()].iter().filter(|value| 0.0 < **value).count()
            };
            assert_eq!(rows.iter().filter(together).count(), 0);
        }
    }

    #[test]
    fn a_child_is_larger_where_its_parent_is() {
        let scaled = Design { mean: [5.0, 5.0], deviation: [1.0, 0.0], ..design() };
        let slope = |design: &Design| {
            let (_, rows) = drawn(design);
            let both = rows.iter().filter(|row| 0.0 < row[2]).map(|row| (row[0], row[2]));
            let both: Vec<(f32, f32)> = both.collect();
            let count = both.len() as f32;
            let [one, other] = [
                both.iter().map(|pair| pair.0).sum::<f32>() / count,
                both.iter().map(|pair| pair.1).sum::<f32>() / count,
            ];
            let product: f32 = both.iter().map(|pair| (pair.0 - one) * (pair.1 - other)).sum();
            product / both.iter().map(|pair| (pair.0 - one).powi(2)).sum::<f32>()
        };
        assert!((slope(&scaled) - 1.0).abs() < 0.15, "{}", slope(&scaled));
        let apart = Design { scaled: false, ..scaled };
        assert!(slope(&apart).abs() < 0.15, "{}", slope(&apart));
    }

    #[test]
    fn features_with_causes_in_common_fire_together() {
        let design = Design { trees: 0, correlation: 0.3, rank: 4, ..design() };
        let (features, rows) = drawn(&design);
        let products: Vec<(f32, f64)> = (1..20)
            .map(|other| {
                let causes = |feature: usize| &features.causes[feature * 4..][..4];
                let both = rows.iter().filter(|row| 0.0 < row[0] && 0.0 < row[other]).count();
                let alone = f64::from(features.frequencies[0] * features.frequencies[other]);
                (dot(causes(0), causes(other)), both as f64 / EXAMPLES as f64 / alone)
            })
            .collect();
        let (least, most) = (
            products.iter().min_by(|one, other| one.0.total_cmp(&other.0)).unwrap(),
            products.iter().max_by(|one, other| one.0.total_cmp(&other.0)).unwrap(),
        );
        assert!(least.1 < 0.9 && 1.1 < most.1, "{least:?} {most:?}");
    }

    #[test]
    fn an_example_depends_on_its_number_and_the_draw_alone() {
        let design = design();
        let features = Features::new(&design);
        let draw = Draw::new(&design, &features, 3);
        let (all, some) = (draw.codes(0..20), draw.codes(7..9));
        assert_eq!(all.of(7..9), some.of(0..2));
        assert_ne!(all, Draw::new(&design, &features, 4).codes(0..20));
        let values = draw.activations(&some);
        let mut slow = features.bias.clone();
        for used in some.of(1..2) {
            for (channel, value) in slow.iter_mut().enumerate() {
                *value += used.pre * features.directions[used.latent as usize * 8 + channel];
            }
        }
        assert!(values[8..].iter().zip(&slow).all(|(one, other)| (one - other).abs() < 1e-5));
    }
}

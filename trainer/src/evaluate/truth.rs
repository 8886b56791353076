//! A dictionary beside the features that activations were drawn from, where these are known.
//!
//! As SynthSAEBench has it (Chanin and Garriga-Alonso 2026, arXiv:2602.14687), and SAELens computes
//! it: dead latents count like all others.

use std::collections::BTreeSet;

use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use shared::readout::dictionary::Dictionary;
use shared::readout::dictionary::codes::Codes;
use shared::readout::dictionary::rows::dot;

use super::stability::{matching, unit_rows};
use crate::shards::Store;
use crate::synthetic::truth::Truth;

/// Shorter activations have no shrinkage.
const SHORT: f64 = 1e-6;

/// What a dictionary finds of the features. A stable interface: scripts read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Truths {
    /// Mean over latents of [`Found::f1`].
    pub f1: f64,
    /// Of [`Found::precision`].
    pub precision: f64,
    /// Of [`Found::recall`].
    pub recall: f64,
    /// Mean absolute cosine of decoder rows and features that are matched one to one so that it is
    /// largest (Song et al. 2025, arXiv:2505.20254). Not where there are too many to match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcc: Option<f64>,
    /// Features that are some latent's most alike, over latents.
    pub uniqueness: f64,
    /// Length of a reconstruction over that of its activation, in the mean.
    pub shrinkage: f64,
    /// Features of an activation, in the mean.
    pub true_l0: f64,
}

/// What a latent is, told by the feature whose direction is most alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// That feature.
    pub feature: usize,
    /// Absolute cosine of it and the decoder row.
    pub cosine: f64,
    /// Where the latent fires, in which part the feature does.
    pub precision: f64,
    /// Where the feature fires, in which part the latent does.
    pub recall: f64,
    /// The harmonic mean of both; 0 where one is.
    pub f1: f64,
}

/// Counts over activations.
pub struct Against {
    truth: Truth,
    /// The shard whose features are at hand.
    shard: Option<(u64, Codes)>,
    /// Each latent's most alike feature, and absolute cosine.
    alike: Vec<(usize, f32)>,
    mcc: Option<f64>,
    /// How often each latent fires, together with its feature, and how often each feature does.
    fires: Vec<u64>,
    together: Vec<u64>,
    features: Vec<u64>,
    activations: u64,
    shrinkage: f64,
    long: u64,
}

impl Against {
    /// Of a store, if its features are known.
    ///
    /// # Errors
    /// They are damaged.
    pub fn beside(store: &Store, dictionary: &Dictionary) -> Result<Option<Self>> {
        let [_, sha256] = store.made_with();
        let Some(truth) = Truth::beside(store.folder(), sha256)? else { return Ok(None) };
        let rows = unit_rows(dictionary);
        let cosines = cosines(&rows, &truth.directions, dictionary.config().channels);
        let (latents, features) = (cosines.len(), truth.features);
        Ok(Some(Self {
            alike: cosines.iter().map(|row| largest(row)).collect(),
            mcc: mcc(&cosines),
            shard: None,
            fires: vec![0; latents],
            together: vec![0; latents],
            features: vec![0; features],
            activations: 0,
            shrinkage: 0.0,
            long: 0,
            truth,
        }))
    }

    /// Takes in some activations, one an example.
    ///
    /// # Shapes
    /// - `values`, `reconstruction`: `[examples, channels]`
    ///
    /// # Errors
    /// The features of a shard cannot be read.
    pub fn add(
        &mut self,
        store: &Store,
        examples: &[u64],
        (values, reconstruction): (&[f32], &[f32]),
        codes: &Codes,
    ) -> Result<()> {
        let per_shard = store.layout().examples_per_shard;
        let channels = values.len() / examples.len().max(1);
        for (place, example) in examples.iter().enumerate() {
            let number = example / per_shard;
            let read = match self.shard.take() {
                Some((shard, uses)) if shard == number => uses,
                _ => self.truth.uses(number)?,
            };
            let within = (example % per_shard) as usize;
            let true_uses = read.of(within..within + 1);
            for used in true_uses {
                self.features[used.latent as usize] += 1;
            }
            for used in codes.of(place..place + 1) {
                let latent = used.latent as usize;
                let feature = self.alike[latent].0 as u32;
                self.fires[latent] += 1;
                let found = true_uses.binary_search_by_key(&feature, |used| used.latent);
                self.together[latent] += u64::from(found.is_ok());
            }
            self.shard = Some((number, read));
            let length = |rows: &[f32]| {
                let row = &rows[place * channels..][..channels];
                row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
            };
            if SHORT < length(values) {
                self.shrinkage += length(reconstruction) / length(values);
                self.long += 1;
            }
        }
        self.activations += examples.len() as u64;
        Ok(())
    }

    /// What follows, of all and of each latent.
    pub fn finish(self) -> (Truths, Vec<Found>) {
        let ratio = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
        let found = self.alike.iter().enumerate().map(|(latent, &(feature, cosine))| {
            let together = self.together[latent];
            let precision = ratio(together, self.fires[latent]);
            let recall = ratio(together, self.features[feature]);
            let sum = precision + recall;
            let f1 = if 0.0 < sum { 2.0 * precision * recall / sum } else { 0.0 };
            Found { feature, cosine: f64::from(cosine), precision, recall, f1 }
        });
        let found: Vec<Found> = found.collect();
        let latents = found.len() as f64;
        let mean = |of: fn(&Found) -> f64| found.iter().map(of).sum::<f64>() / latents;
        let known: BTreeSet<usize> = found.iter().map(|found| found.feature).collect();
        let truths = Truths {
            f1: mean(|found| found.f1),
            precision: mean(|found| found.precision),
            recall: mean(|found| found.recall),
            mcc: self.mcc,
            uniqueness: known.len() as f64 / latents,
            shrinkage: self.shrinkage / (self.long.max(1) as f64),
            true_l0: ratio(self.features.iter().sum(), self.activations),
        };
        (truths, found)
    }
}

/// Absolute cosines of unit rows: for each of the first, those with all others.
fn cosines(rows: &[f32], others: &[f32], channels: usize) -> Vec<Vec<f32>> {
    let with_all = |row: &[f32]| -> Vec<f32> {
        others.chunks_exact(channels).map(|other| dot(row, other).abs()).collect()
    };
    rows.par_chunks_exact(channels).map(with_all).collect()
}

/// The first of the largest.
fn largest(values: &[f32]) -> (usize, f32) {
    let numbered = values.iter().copied().enumerate();
    let larger = |best: (usize, f32), next: (usize, f32)| if best.1 < next.1 { next } else { best };
    numbered.fold((0, f32::NEG_INFINITY), larger)
}

/// The mean of matched cosines, of a matrix of any shape.
fn mcc(cosines: &[Vec<f32>]) -> Option<f64> {
    let columns = cosines.first()?.len();
    let turned: Vec<Vec<f32>>;
    let wide = if cosines.len() <= columns {
        cosines
    } else {
        turned =
            (0..columns).map(|column| cosines.iter().map(|row| row[column]).collect()).collect();
        &turned
    };
    let partners = matching(wide)?;
    let sum: f64 = partners.iter().zip(wide).map(|(&other, row)| f64::from(row[other])).sum();
    Some(sum / wide.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equally_alike_features_the_first_is_taken() {
        assert_eq!(largest(&[0.1, 0.7, 0.7, 0.2]), (1, 0.7));
    }

    #[test]
    fn correlation_is_the_mean_of_the_best_matching_whichever_side_is_larger() {
        // The first row's best is taken away from it by the second, which has nothing else.
        let wide = vec![vec![0.9, 0.8, 0.1], vec![0.7, 0.0, 0.0]];
        let tall: Vec<Vec<f32>> =
            (0..3).map(|column| wide.iter().map(|row| row[column]).collect()).collect();
        for cosines in [wide, tall] {
            assert!((mcc(&cosines).unwrap() - 0.75).abs() < 1e-6);
        }
    }
}

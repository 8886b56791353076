//! Sums over activations, and what follows from them.

use std::collections::BTreeMap;

use anyhow::Result;
use shared::format::shards::Array;
use shared::readout::dictionary::codes::Codes;
use shared::readout::dictionary::{Config, Dictionary};

use super::embeddings::Embeddings;
use super::floor::Moments;
use super::stability::nearest;
use super::worth::{DENSE, Evaluation, Latent, RARE};
use crate::shards::Store;

/// Pictures that a latent is told by.
const TOP: usize = 20;

/// Latents that are told to be alike.
const NEAREST: usize = 5;

/// Sums over activations.
pub struct Tally<'a> {
    extra: usize,
    grid: Option<[usize; 2]>,
    tokens: usize,
    moments: Moments,
    squared_error: f64,
    cosine: f64,
    pictures: u64,
    latents: Vec<OfLatent>,
    embeddings: Option<&'a Embeddings>,
}

/// What is summed of a latent.
#[derive(Clone, Default)]
struct OfLatent {
    fires: u64,
    sum: f64,
    max: f32,
    /// Places around those where it fires, and those of them where it fires too.
    around: [u64; 2],
    /// Its largest value in a picture, and the picture; the best.
    top: Vec<(f32, u64)>,
    /// Of embeddings times its largest values, and of these, and of their squares.
    weighed: Vec<f32>,
    weights: f64,
    squares: f64,
}

impl<'a> Tally<'a> {
    pub fn new(config: &Config, array: &Array, embeddings: Option<&'a Embeddings>) -> Self {
        let width = embeddings.map_or(0, |embeddings| embeddings.width);
        let one = OfLatent { weighed: vec![0.0; width], ..OfLatent::default() };
        Self {
            extra: array.extra,
            grid: array.grid,
            tokens: array.tokens,
            moments: Moments::new(array.channels),
            squared_error: 0.0,
            cosine: 0.0,
            pictures: 0,
            latents: vec![one; config.latents],
            embeddings,
        }
    }

    /// Takes in some pictures.
    ///
    /// # Shapes
    /// - `values`, `reconstruction`: `[pictures, tokens, channels]`
    pub fn add(&mut self, pictures: &[u64], values: &[f32], codes: &Codes, reconstruction: &[f32]) {
        let channels = self.moments.channels();
        let rows = values.chunks_exact(channels).zip(reconstruction.chunks_exact(channels));
        for (value, made) in rows {
            let [mut error, mut product, mut one, mut other] = [0.0; 4];
            for (&value, &made) in value.iter().zip(made) {
                let (value, made) = (f64::from(value), f64::from(made));
                error += (value - made).powi(2);
                product += value * made;
                one += value * value;
                other += made * made;
            }
            self.squared_error += error;
            if 0.0 < one && 0.0 < other {
                self.cosine += product / (one * other).sqrt();
            }
        }
        self.moments.add(values);
        let mut fires = Vec::new();
        for (place, &picture) in pictures.iter().enumerate() {
            self.pictures += 1;
            fires.clear();
            for token in 0..self.tokens {
                let activation = place * self.tokens + token;
                let uses = codes.of(activation..activation + 1);
                fires.extend(uses.iter().map(|used| (used.latent, token, used.pre)));
            }
            fires.sort_by_key(|&(latent, token, _)| (latent, token));
            for of_latent in fires.chunk_by(|one, other| one.0 == other.0) {
                self.add_latent(picture, of_latent);
            }
        }
    }

    /// Takes in where in a picture a latent fires.
    fn add_latent(&mut self, picture: u64, fires: &[(u32, usize, f32)]) {
        let latent = &mut self.latents[fires[0].0 as usize];
        let mut largest = 0.0_f32;
        for &(_, _, value) in fires {
            latent.fires += 1;
            latent.sum += f64::from(value);
            largest = largest.max(value);
        }
        latent.max = latent.max.max(largest);
        let least = latent.top.last().map_or(0.0, |(value, _)| *value);
        if latent.top.len() < TOP || least < largest {
            let behind = latent.top.partition_point(|(value, _)| largest <= *value);
            latent.top.insert(behind, (largest, picture));
            latent.top.truncate(TOP);
        }
        if let Some([rows, columns]) = self.grid {
            let extra = self.extra;
            let places = || fires.iter().filter_map(|(_, token, _)| token.checked_sub(extra));
            let is_there = |place: usize| {
                fires.binary_search_by_key(&(place + extra), |(_, token, _)| *token).is_ok()
            };
            for place in places() {
                let (row, column) = (place / columns, place % columns);
                let around = [
                    (0 < row).then(|| place - columns),
                    (row + 1 < rows).then(|| place + columns),
                    (0 < column).then(|| place - 1),
                    (column + 1 < columns).then(|| place + 1),
                ];
                for place in around.into_iter().flatten() {
                    latent.around[0] += 1;
                    latent.around[1] += u64::from(is_there(place));
                }
            }
        }
        if let Some(vector) = self.embeddings.and_then(|embeddings| embeddings.of.get(&picture)) {
            latent.weights += f64::from(largest);
            latent.squares += f64::from(largest).powi(2);
            for (sum, value) in latent.weighed.iter_mut().zip(vector) {
                *sum += largest * value;
            }
        }
    }

    /// What follows; `of_centroids` are squared distances from centroids, summed.
    pub fn finish(
        self,
        store: &Store,
        dictionary: &Dictionary,
        labels: &BTreeMap<u64, String>,
        of_centroids: Option<f64>,
    ) -> Result<(Evaluation, Vec<Latent>)> {
        let count = self.moments.count() as f64;
        let nearest = nearest(dictionary, NEAREST);
        let latents: Vec<Latent> = self
            .latents
            .iter()
            .zip(nearest)
            .enumerate()
            .map(|(number, (latent, nearest))| latent.told(number, count, nearest, labels))
            .collect();
        let share = |is: &dyn Fn(f64) -> bool| {
            latents.iter().filter(|latent| is(latent.frequency)).count() as f64
                / latents.len() as f64
        };
        let fires: f64 = latents.iter().map(|latent| latent.frequency).sum();
        let variance = self.moments.variance();
        let normalized = |error: f64| if 0.0 < variance { error / variance } else { 0.0 };
        let normalized_mse = normalized(self.squared_error);
        let evaluation = Evaluation {
            normalized_mse,
            explained_variance: 1.0 - normalized_mse,
            cosine: self.cosine / count,
            l0: fires,
            dead_share: share(&|frequency| frequency == 0.0),
            dense_share: share(&|frequency| DENSE < frequency),
            rare_share: share(&|frequency| 0.0 < frequency && frequency < RARE),
            purity: mean(&latents, |latent| latent.purity),
            coherence: mean(&latents, |latent| latent.coherence),
            monosemanticity: mean(&latents, |latent| latent.monosemanticity),
            pca_normalized_mse: self.moments.unexplained(fires.round() as usize),
            k_means_normalized_mse: of_centroids.map(normalized),
            activations: self.moments.count(),
            pictures: self.pictures,
            store_sha256: store.sha256().to_owned(),
            ..Evaluation::default()
        };
        Ok((evaluation, latents))
    }
}

impl OfLatent {
    fn told(
        &self,
        latent: usize,
        count: f64,
        nearest: Vec<usize>,
        labels: &BTreeMap<u64, String>,
    ) -> Latent {
        let mut counts = BTreeMap::new();
        for label in self.top.iter().filter_map(|(_, picture)| labels.get(picture)) {
            *counts.entry(label.as_str()).or_insert(0_u32) += 1;
        }
        let all: u32 = counts.values().sum();
        // Of equal ones the first by name.
        let most = counts.iter().max_by_key(|(label, count)| (**count, std::cmp::Reverse(**label)));
        let [around, fire_too] = self.around.map(|count| count as f64);
        // Pairs of different pictures: the square of the sum less each with itself, whose cosine is 1.
        let pairs = self.weights.powi(2) - self.squares;
        let alike: f64 = self.weighed.iter().map(|sum| f64::from(*sum).powi(2)).sum();
        let fires = self.fires as f64;
        Latent {
            latent,
            frequency: fires / count,
            mean: if 0.0 < fires { self.sum / fires } else { 0.0 },
            max: self.max,
            purity: most.map(|(_, count)| f64::from(*count) / f64::from(all)),
            label: most.map(|(label, _)| (*label).to_owned()),
            coherence: (0.0 < around).then(|| fire_too / around),
            monosemanticity: (1e-9 * self.squares < pairs).then(|| (alike - self.squares) / pairs),
            stability: None,
            partner: None,
            truth: None,
            nearest,
            top: self.top.iter().map(|(_, picture)| *picture).collect(),
        }
    }
}

/// Of those latents that have it.
fn mean(latents: &[Latent], of: impl Fn(&Latent) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = latents.iter().filter_map(of).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use shared::readout::dictionary::codes::Use;
    use shared::readout::dictionary::{Activation, Parameters};

    use super::*;

    const LATENTS: usize = 4;
    const PICTURES: usize = 9;

    fn dictionary() -> Dictionary {
        let config = Config {
            channels: 2,
            latents: LATENTS,
            activation: Activation::TopK { k: 2 },
            centred: false,
            prefixes: vec![LATENTS],
            revival: None,
        };
        let parameters = Parameters { decoder: vec![1.0; 8], ..Parameters::zeros(&config) };
        Dictionary::new(config, parameters).unwrap()
    }

    /// What is found of pictures with these values, `[pictures, tokens, latents]`.
    fn found(
        values: &[f32],
        grid: Option<[usize; 2]>,
        embeddings: Option<&Embeddings>,
    ) -> Vec<Latent> {
        let dictionary = dictionary();
        let tokens = grid.map_or(1, |[rows, columns]| rows * columns);
        let array = Array { layers: vec!["a".to_owned()], channels: 2, tokens, extra: 0, grid };
        let mut codes = Codes::default();
        for activation in values.chunks_exact(LATENTS) {
            let uses = activation.iter().enumerate().filter(|(_, value)| 0.0 < **value);
            codes.push(uses.map(|(latent, &pre)| Use { latent: latent as u32, pre }));
        }
        let mut tally = Tally::new(dictionary.config(), &array, embeddings);
        let pictures: Vec<u64> = (0..(codes.ends.len() / tokens) as u64).collect();
        let activations = vec![1.0; codes.ends.len() * 2];
        tally.add(&pictures, &activations, &codes, &activations);
        let count = tally.moments.count() as f64;
        let labels = BTreeMap::new();
        let latents = tally.latents.iter().enumerate();
        latents.map(|(number, latent)| latent.told(number, count, Vec::new(), &labels)).collect()
    }

    #[test]
    fn likeness_of_pictures_is_that_of_all_pairs_weighed() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut draw = |count: usize| -> Vec<f32> {
            (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
        };
        let values: Vec<f32> = draw(PICTURES * LATENTS);
        let mut vectors = Vec::new();
        for _ in 0..PICTURES {
            let vector = draw(5);
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            vectors.push(vector.iter().map(|value| value / length).collect::<Vec<_>>());
        }
        let of = (0..).zip(vectors.iter().cloned()).collect();
        let latents = found(&values, None, Some(&Embeddings { width: 5, of }));
        for (latent, found) in latents.iter().enumerate() {
            let weight = |picture: usize| f64::from(values[picture * LATENTS + latent].max(0.0));
            let [mut alike, mut all] = [0.0; 2];
            for one in 0..PICTURES {
                for other in (0..PICTURES).filter(|other| *other != one) {
                    let pair = weight(one) * weight(other);
                    let products = vectors[one].iter().zip(&vectors[other]);
                    alike += pair * products.map(|(a, b)| f64::from(a * b)).sum::<f64>();
                    all += pair;
                }
            }
            let score = found.monosemanticity.unwrap();
            assert!((score - alike / all).abs() < 1e-5, "{score}, {}", alike / all);
        }
    }

    #[test]
    fn a_latent_is_coherent_where_it_fires_side_by_side() {
        // Of a grid of 2 x 3: the upper row; two corners; nothing; everything.
        let fires = [[1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 1], [0; 6], [1; 6]];
        let values: Vec<f32> =
            (0..6).flat_map(|place| fires.map(|latent| latent[place] as f32)).collect();
        let latents = found(&values, Some([2, 3]), None);
        let coherence: Vec<_> = latents.iter().map(|latent| latent.coherence).collect();
        assert_eq!(coherence, [Some(4.0 / 7.0), Some(0.0), None, Some(1.0)]);
        let frequency: Vec<_> = latents.iter().map(|latent| latent.frequency).collect();
        assert_eq!(frequency, [0.5, 2.0 / 6.0, 0.0, 1.0]);
    }
}

//! A dictionary in training on the processor: how it begins, and what a step does.

use std::ops::Range;

use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::config::{Activation, Config};
use super::encode::{encode, value};
use super::gradient::{Losses, Outcome, gradient};
use super::parameters::Parameters;
use super::rows::{add, dot, row};
use crate::ops::flex::parallel;
use crate::{Error, Result};

/// How a dictionary is trained, whatever its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Of Adam.
    pub learning_rate: f32,
    /// Steps over which the learning rate rises to that.
    pub warm_up: u64,
    /// Part of all steps at the end over which it falls to nothing.
    pub decay: f32,
    /// Steps over which what sparsity costs rises to what the dictionary's kind says.
    pub sparsity_warm_up: u64,
    /// A gradient longer than this is shortened to it.
    pub clip: f32,
    /// Decoder rows have length 1; what of a gradient would only change lengths is taken off
    /// (Bricken et al. 2023).
    pub unit_norm: bool,
    /// A latent that fires in none of so many examples is dead.
    pub dead_after: u64,
    /// How much of a data point a latent begins with, the rest being noise; 0 is noise alone.
    pub from_data: f32,
    /// Where JumpReLU's thresholds begin.
    pub first_threshold: f32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            warm_up: 500,
            decay: 0.2,
            sparsity_warm_up: 1000,
            clip: 1.0,
            unit_norm: true,
            dead_after: 1_000_000,
            from_data: 0.8,
            first_threshold: 0.01,
        }
    }
}

/// A dictionary in training. Everything that a step depends on but the batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// What it is.
    pub config: Config,
    /// How it is trained.
    pub options: Options,
    /// How many steps there will be.
    pub steps: u64,
    /// What it has learned.
    pub parameters: Parameters,
    /// Adam's running means of gradients and of their squares.
    pub moments: [Parameters; 2],
    /// Steps made.
    pub step: u64,
    /// Examples since each latent fired.
    pub silent: Vec<u64>,
    /// The running mean of the smallest value that BatchTopK kept, above which latents fire when
    /// there is no batch.
    pub threshold: f32,
}

/// What a step found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Before it.
    pub losses: Losses,
    /// The rate that it was made with.
    pub learning_rate: f32,
    /// Length of the gradient.
    pub gradient_norm: f64,
    /// Latents that are dead after it.
    pub dead: usize,
}

/// Kingma and Ba 2014, arXiv:1412.6980.
const DECAYS: [f32; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;

/// How much a batch's smallest kept value counts in the running mean (saev).
const THRESHOLD_MOMENTUM: f32 = 0.1;

/// Examples that the encoder's length is fitted on.
const FITTED: usize = 512;

/// Numbers that Adam moves at a time on one core.
const PIECE: usize = 1 << 16;

impl Training {
    /// Before the first step.
    ///
    /// # Shapes
    /// - `sample`: `[examples, channels]`, some of what it will be trained on, at least one
    ///
    /// # Errors
    /// A setting that cannot be trained with.
    pub fn new(
        config: Config,
        options: Options,
        steps: u64,
        seed: u64,
        sample: &[f32],
    ) -> Result<Self> {
        config.check()?;
        let mut parameters = first(&config, &options, seed, sample);
        fit_length(&config, &mut parameters, sample);
        let zeros = Parameters::zeros(&config);
        let silent = vec![0; config.latents];
        let moments = [zeros.clone(), zeros];
        Ok(Self { config, options, steps, parameters, moments, step: 0, silent, threshold: 0.0 })
    }

    /// The latents that are dead, ascending.
    pub fn dead(&self) -> Vec<u32> {
        let latents = (0..).zip(&self.silent);
        latents
            .filter(|(_, silent)| self.options.dead_after <= **silent)
            .map(|(dead, _)| dead)
            .collect()
    }

    /// A step down the gradient of a batch.
    ///
    /// # Shapes
    /// - `examples`: `[examples, channels]`, at least one
    ///
    /// # Errors
    /// The loss or its gradient is not finite; nothing has changed then.
    pub fn step(&mut self, examples: &[f32]) -> Result<Report> {
        let warm = (self.step + 1) as f32 / self.options.sparsity_warm_up.max(1) as f32;
        let config = Config {
            activation: self.config.activation.with_sparsity(warm.min(1.0)),
            ..self.config.clone()
        };
        let found = gradient(&config, &self.parameters, examples, &self.dead());
        let Outcome { losses, mut gradient, fired, least } = found;
        if self.options.unit_norm {
            project(&mut gradient.decoder, &self.parameters.decoder, self.config.channels);
        }
        let gradient_norm = norm(&gradient);
        if !losses.total.is_finite() || !gradient_norm.is_finite() {
            let what = if losses.total.is_finite() { "the gradient" } else { "the loss" };
            return Err(Error::NotFinite { step: self.step as usize, what });
        }
        let shorter = (f64::from(self.options.clip) / gradient_norm).min(1.0) as f32;
        let learning_rate = self.learning_rate();
        self.step += 1;
        self.move_by(&gradient, shorter, learning_rate);
        if self.options.unit_norm {
            normalize(&mut self.parameters.decoder, self.config.channels);
        }
        let count = (examples.len() / self.config.channels) as u64;
        for (silent, fired) in self.silent.iter_mut().zip(fired) {
            *silent = if fired == 0 { *silent + count } else { 0 };
        }
        if let Some(least) = least {
            let momentum = if self.step == 1 { 1.0 } else { THRESHOLD_MOMENTUM };
            self.threshold += momentum * (least - self.threshold);
        }
        Ok(Report { losses, learning_rate, gradient_norm, dead: self.dead().len() })
    }

    /// Of the next step.
    fn learning_rate(&self) -> f32 {
        let rise = (self.step + 1) as f32 / self.options.warm_up.max(1) as f32;
        let falling = (self.options.decay * self.steps as f32).max(1.0);
        let left = self.steps.saturating_sub(self.step) as f32;
        self.options.learning_rate * rise.min(1.0) * (left / falling).min(1.0)
    }

    /// Adam.
    fn move_by(&mut self, gradient: &Parameters, shorter: f32, learning_rate: f32) {
        let steps = self.step.min(1 << 20) as i32;
        let [first_correction, second_correction] = DECAYS.map(|decay| 1.0 - decay.powi(steps));
        let [first, second] = &mut self.moments;
        let mut pieces = Vec::new();
        let arrays = self.parameters.all_mut().into_iter().zip(gradient.all());
        for ((values, gradient), (first, second)) in
            arrays.zip(first.all_mut().into_iter().zip(second.all_mut()))
        {
            let moments = first.chunks_mut(PIECE).zip(second.chunks_mut(PIECE));
            let values = values.chunks_mut(PIECE).zip(gradient.chunks(PIECE));
            pieces.extend(values.zip(moments));
        }
        parallel::all(pieces, |((values, gradient), (first, second))| {
            let moments = first.iter_mut().zip(second);
            for ((value, gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments)
            {
                let gradient = gradient * shorter;
                *first += (1.0 - DECAYS[0]) * (gradient - *first);
                *second += (1.0 - DECAYS[1]) * (gradient * gradient - *second);
                let size = (*second / second_correction).sqrt() + EPSILON;
                *value -= learning_rate * (*first / first_correction) / size;
            }
        });
    }
}

impl Activation {
    /// The same with a part of what sparsity costs.
    fn with_sparsity(self, part: f32) -> Self {
        match self {
            Self::Relu { l1, by_norm } => Self::Relu { l1: l1 * part, by_norm },
            Self::JumpRelu { l0, bandwidth, logarithmic } => {
                Self::JumpRelu { l0: l0 * part, bandwidth, logarithmic }
            }
            Self::Gated { l1 } => Self::Gated { l1: l1 * part },
            Self::TopK { .. } | Self::BatchTopK { .. } => self,
        }
    }
}

/// How a dictionary begins: decoder rows are data points less their mean, blended with noise, of
/// length 1; the encoder's point the same way; the decoder's bias is the mean.
fn first(config: &Config, options: &Options, seed: u64, sample: &[f32]) -> Parameters {
    let &Config { channels, latents, activation, .. } = config;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let count = sample.len() / channels;
    let mut mean = vec![0.0; channels];
    for example in sample.chunks_exact(channels) {
        mean.iter_mut().zip(example).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let mean: Vec<f32> = mean.into_iter().map(|sum| (sum / count as f64) as f32).collect();
    let mut points = (0..count).sample(&mut random, latents);
    points.resize_with(latents, || random.random_range(0..count));
    let mut parameters = Parameters::zeros(config);
    for (row, point) in parameters.decoder.chunks_exact_mut(channels).zip(points) {
        let point: Vec<f32> = sample[point * channels..]
            .iter()
            .zip(&mean)
            .map(|(value, mean)| value - mean)
            .collect();
        let noise: Vec<f32> = (0..channels).map(|_| random.sample(StandardNormal)).collect();
        let unit = |values: &[f32]| {
            let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
            if 0.0 < length { length.recip() } else { 0.0 }
        };
        let (of_point, of_noise) = (unit(&point), unit(&noise));
        for (value, (point, noise)) in row.iter_mut().zip(point.iter().zip(&noise)) {
            let data = options.from_data;
            *value = data * point * of_point + (1.0 - data) * noise * of_noise;
        }
    }
    normalize(&mut parameters.decoder, channels);
    parameters.encoder.clone_from(&parameters.decoder);
    parameters.decoder_bias = mean;
    if let Activation::JumpRelu { logarithmic, .. } = activation {
        let start = options.first_threshold;
        parameters.threshold.fill(if logarithmic { start.ln() } else { start });
    }
    parameters
}

/// Makes what the encoder gives as large as explains a sample best. As it begins, an example excites
/// many latents that are alike, whose sum is several times too long: without this the first hundreds
/// of steps only shorten it.
fn fit_length(config: &Config, parameters: &mut Parameters, sample: &[f32]) {
    let channels = config.channels;
    let mut examples = sample[..sample.len().min(FITTED * channels)].to_vec();
    examples
        .chunks_exact_mut(channels)
        .for_each(|example| add(example, &parameters.decoder_bias, -1.0));
    // With or without the decoder's bias taken off: it is the mean, and latents begin without bias.
    let codes = encode(config, parameters, &examples, &[]).chosen;
    let (mut along, mut length) = (0.0, 0.0);
    for (place, example) in examples.chunks_exact(channels).enumerate() {
        let mut sum = vec![0.0; channels];
        for used in codes.of(place..place + 1) {
            let direction = row(&parameters.decoder, used.latent as usize, channels);
            add(&mut sum, direction, value(config, parameters, used));
        }
        along += f64::from(dot(&sum, example));
        length += f64::from(dot(&sum, &sum));
    }
    if 0.0 < along && 0.0 < length {
        let factor = (along / length) as f32;
        parameters.encoder.iter_mut().for_each(|value| *value *= factor);
    }
}

/// Rows of length 1; one without length stays as it is.
pub fn normalize(rows: &mut [f32], columns: usize) {
    parallel::each_piece(
        rows,
        columns,
        || (),
        |_, row, ()| {
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            if 0.0 < length {
                row.iter_mut().for_each(|value| *value /= length);
            }
        },
    );
}

/// Takes off each row of a gradient what points along the parameters' row, which has length 1.
pub fn project(gradient: &mut [f32], rows: &[f32], columns: usize) {
    parallel::each_piece(
        gradient,
        columns,
        || (),
        |index, gradient, ()| {
            let row = &rows[index * columns..][..columns];
            let along: f32 = gradient.iter().zip(row).map(|(slope, value)| slope * value).sum();
            gradient.iter_mut().zip(row).for_each(|(slope, value)| *slope -= along * value);
        },
    );
}

fn norm(gradient: &Parameters) -> f64 {
    let squares = |values: &[f32], range: Range<usize>| {
        values[range].iter().map(|value| f64::from(value * value)).sum::<f64>()
    };
    let all = gradient.all().into_iter();
    all.flat_map(|values| {
        parallel::map(parallel::shares(values.len(), 1), |range| squares(values, range))
    })
    .sum::<f64>()
    .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readout::dictionary::AuxK;

    const CHANNELS: usize = 16;
    const FEATURES: usize = 24;

    fn config(activation: Activation) -> Config {
        Config {
            channels: CHANNELS,
            latents: 2 * FEATURES,
            activation,
            centred: true,
            prefixes: vec![2 * FEATURES],
            revival: None,
        }
    }

    fn quick() -> Options {
        Options { learning_rate: 5e-3, warm_up: 10, sparsity_warm_up: 50, ..Options::default() }
    }

    /// Directions of length 1, and batches of sums of two of them.
    struct World {
        directions: Vec<f32>,
        random: ChaCha8Rng,
    }

    impl World {
        fn new() -> Self {
            let mut random = ChaCha8Rng::seed_from_u64(5);
            let mut directions: Vec<f32> =
                (0..FEATURES * CHANNELS).map(|_| random.sample(StandardNormal)).collect();
            normalize(&mut directions, CHANNELS);
            Self { directions, random }
        }

        fn batch(&mut self, count: usize) -> Vec<f32> {
            let mut examples = vec![0.3; count * CHANNELS];
            for example in examples.chunks_exact_mut(CHANNELS) {
                for feature in (0..FEATURES).sample(&mut self.random, 2) {
                    let strength = self.random.random_range(1.0..2.0);
                    let direction = &self.directions[feature * CHANNELS..][..CHANNELS];
                    example.iter_mut().zip(direction).for_each(|(x, d)| *x += strength * d);
                }
            }
            examples
        }
    }

    #[test]
    fn every_kind_finds_most_of_the_directions_that_its_examples_are_made_of() {
        for activation in [
            Activation::TopK { k: 2 },
            Activation::BatchTopK { k: 2 },
            Activation::Relu { l1: 0.15, by_norm: false },
            Activation::JumpRelu { l0: 0.2, bandwidth: 0.5, logarithmic: false },
            Activation::Gated { l1: 1.2 },
        ] {
            let mut world = World::new();
            let sample = world.batch(512);
            let mut training =
                Training::new(config(activation), quick(), 1500, 1, &sample).unwrap();
            for _ in 0..1500 {
                training.step(&world.batch(128)).unwrap();
            }
            let rows = || training.parameters.decoder.chunks_exact(CHANNELS);
            let best = |direction: &[f32]| {
                let cosines = rows().map(|row| row.iter().zip(direction).map(|(a, b)| a * b).sum());
                cosines.fold(0.0, f32::max)
            };
            let found =
                world.directions.chunks_exact(CHANNELS).filter(|row| 0.9 < best(row)).count();
            assert!(3 * FEATURES / 4 <= found, "{activation:?}: {found} of {FEATURES}");
        }
    }

    #[test]
    fn the_same_seed_and_batches_give_the_same_dictionary() {
        let run = |seed| {
            let mut world = World::new();
            let sample = world.batch(64);
            let config = Config {
                revival: Some(AuxK { k: 4, coefficient: 0.1, normalized: true }),
                ..config(Activation::BatchTopK { k: 2 })
            };
            let options = Options { dead_after: 100, ..quick() };
            let mut training = Training::new(config, options, 40, seed, &sample).unwrap();
            (0..40).for_each(|_| drop(training.step(&world.batch(32)).unwrap()));
            training
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).parameters, run(2).parameters);
    }

    #[test]
    fn a_step_that_is_not_finite_changes_nothing() {
        let mut world = World::new();
        let sample = world.batch(64);
        let topk = config(Activation::TopK { k: 2 });
        let mut training = Training::new(topk, quick(), 10, 1, &sample).unwrap();
        let before = training.clone();
        let mut broken = world.batch(8);
        broken[3] = f32::NAN;
        let error = training.step(&broken).unwrap_err().to_string();
        assert!(error.contains("step 0"), "{error}");
        assert_eq!(training, before);
    }

    #[test]
    fn the_learning_rate_rises_holds_and_falls_to_nothing() {
        let options = Options { learning_rate: 1.0, warm_up: 10, decay: 0.2, ..Options::default() };
        let topk = config(Activation::TopK { k: 2 });
        let mut training = Training::new(topk, options, 100, 1, &[0.5; CHANNELS]).unwrap();
        let mut rate = |step| {
            training.step = step;
            training.learning_rate()
        };
        assert_eq!([rate(0), rate(9), rate(50), rate(80), rate(90)], [0.1, 1.0, 1.0, 1.0, 0.5]);
        assert!(rate(99) <= 0.051 && rate(100) == 0.0);
    }
}

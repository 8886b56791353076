//! A dictionary in training on the processor: how it begins, and what a step does.

use std::ops::Range;

use rand::seq::index::sample_weighted;
use rand::seq::{IteratorRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::archetypes::{Archetypal, Archetypes, Trained};
use super::config::{Activation, Config};
use super::encode::{encode, value};
use super::explain::Losses;
use super::gradient::{Outcome, gradient};
use super::optimizer::{Optimizer, Pace, advance};
use super::parameters::Parameters;
use super::precision::Precision;
use super::resample::Renewed;
use super::rows::{add, dot, row};
use crate::ops::flex::parallel;
use crate::{Error, Result};

/// How a dictionary is trained, whatever its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which way down.
    pub optimizer: Optimizer,
    /// How far.
    pub learning_rate: f32,
    /// In what a device multiplies; the processor does so in single precision.
    pub precision: Precision,
    /// Part of itself that a number loses in each step, in units of the learning rate.
    pub weight_decay: f32,
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
    /// After so many steps dead latents begin anew (Bricken et al. 2023); 0 is never. Not while the
    /// learning rate falls.
    pub resample_every: u64,
    /// Matryoshka with as many prefixes, drawn anew in each step, the shorter the likelier; 0 is
    /// none.
    pub drawn_prefixes: usize,
    /// Decoder rows near convex combinations of data points.
    pub archetypal: Option<Archetypal>,
    /// How much of a data point a latent begins with, the rest being noise; 0 is noise alone.
    pub from_data: f32,
    /// Where JumpReLU's thresholds begin.
    pub first_threshold: f32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::Adam,
            learning_rate: 1e-3,
            precision: Precision::Single,
            weight_decay: 0.0,
            warm_up: 500,
            decay: 0.2,
            sparsity_warm_up: 1000,
            clip: 1.0,
            unit_norm: true,
            dead_after: 1_000_000,
            resample_every: 0,
            drawn_prefixes: 0,
            archetypal: None,
            from_data: 0.8,
            first_threshold: 0.01,
        }
    }
}

impl Options {
    /// What suits a run of so many steps over so many examples in all: shorter ones warm up sooner,
    /// and a latent that is silent for a twentieth of them is dead.
    pub fn of_run(steps: u64, examples: u64) -> Self {
        let usual = Self::default();
        Self {
            warm_up: usual.warm_up.min(steps / 20),
            sparsity_warm_up: usual.sparsity_warm_up.min(steps / 10),
            dead_after: usual.dead_after.min(examples / 20),
            ..usual
        }
    }

    /// Whether a dictionary can be trained so.
    ///
    /// # Errors
    /// The first setting that cannot be, with what it must be.
    fn check(&self, config: &Config, sample: &[f32]) -> Result<()> {
        let wrong =
            |name, found: String, expected: String| Err(Error::Setting { name, found, expected });
        if let Some(Archetypal { points, relaxation }) = self.archetypal {
            let most = sample.len() / config.channels;
            if !(config.latents..=most).contains(&points) {
                let expected = format!(
                    "{} to {most}: at least a data point for each latent, of as many as there are",
                    config.latents
                );
                return wrong("points", points.to_string(), expected);
            }
            if !(0.0 <= relaxation && relaxation.is_finite()) {
                return wrong("relaxation", relaxation.to_string(), "0 or more".to_owned());
            }
            if self.unit_norm || self.resample_every != 0 {
                let found = if self.unit_norm { "unit_norm" } else { "resample_every" };
                let expected = "alone: rows made of data points have lengths of their own, and \
                                cannot begin anew"
                    .to_owned();
                return wrong("archetypal", format!("beside {found}"), expected);
            }
        }
        if config.latents <= self.drawn_prefixes {
            let expected = format!("less than {}, the number of latents", config.latents);
            return wrong("drawn_prefixes", self.drawn_prefixes.to_string(), expected);
        }
        if 1 < self.drawn_prefixes && 1 < config.prefixes.len() {
            let found = format!("{} beside prefixes", self.drawn_prefixes);
            return wrong("drawn_prefixes", found, "one of the two".to_owned());
        }
        Ok(())
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
    /// Running means of gradients and of their squares.
    pub moments: [Parameters; 2],
    /// What the decoder is made of, if it is made of data points.
    pub archetypes: Option<Archetypes>,
    /// Of what is drawn.
    pub seed: u64,
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

impl Report {
    /// The squared error over the batch's [`variance`]: 0 is perfect.
    pub fn normalized_mse(&self, variance: f64) -> f64 {
        let error = self.losses.squared_errors.last().copied().unwrap_or(0.0);
        if 0.0 < variance { error / variance } else { 0.0 }
    }
}

/// What brings the mean length of activations to the root of their channels (Anthropic, "Circuits
/// Updates", April 2024); nothing where they are all zero, or not finite.
///
/// # Shapes
/// - `sample`: `[examples, channels]`
pub fn scale(sample: &[f32], channels: usize) -> Option<f32> {
    let length =
        |example: &[f32]| example.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    let count = (sample.len() / channels) as f64;
    let mean = sample.chunks_exact(channels).map(length).sum::<f64>() / count;
    let scale = ((channels as f64).sqrt() / mean) as f32;
    (0.0 < scale && scale.is_finite()).then_some(scale)
}

/// Mean over examples of their squared distance from their mean.
///
/// # Shapes
/// - `examples`: `[examples, channels]`
pub fn variance(examples: &[f32], channels: usize) -> f64 {
    let count = (examples.len() / channels) as f64;
    let mut mean = vec![0.0; channels];
    let mut squares = 0.0;
    for example in examples.chunks_exact(channels) {
        for (sum, &value) in mean.iter_mut().zip(example) {
            *sum += f64::from(value);
            squares += f64::from(value).powi(2);
        }
    }
    let of_mean: f64 = mean.iter().map(|sum| (sum / count).powi(2)).sum();
    (squares / count - of_mean).max(0.0)
}

/// How much a batch's smallest kept value counts in the running mean (saev).
const THRESHOLD_MOMENTUM: f32 = 0.1;

/// Examples that the encoder's length is fitted on.
const FITTED: usize = 512;

/// How fast longer prefixes become less likely: one of `n` latents or fewer has a likelihood in
/// proportion to `1 - n^-POWER` (saev).
const POWER: f64 = 0.5;

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
        options.check(&config, sample)?;
        let mut parameters = first(&config, &options, seed, sample);
        let channels = config.channels;
        let archetypes = options.archetypal.map(|wanted| {
            // Centroids depend on the order: another seed must not find the same by default.
            let mut order: Vec<usize> = (0..sample.len() / channels).collect();
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(u64::MAX);
            order.shuffle(&mut random);
            let mut centred = Vec::with_capacity(sample.len());
            order.iter().for_each(|place| centred.extend_from_slice(row(sample, *place, channels)));
            centred
                .chunks_exact_mut(channels)
                .for_each(|example| add(example, &parameters.decoder_bias, -1.0));
            Archetypes::new(wanted, config.latents, &centred, channels)
        });
        if let Some(archetypes) = &archetypes {
            parameters.decoder = archetypes.decoder(channels);
            parameters.encoder.clone_from(&parameters.decoder);
        }
        fit_length(&config, &mut parameters, sample);
        let zeros = Parameters::zeros(&config);
        let silent = vec![0; config.latents];
        let moments = [zeros.clone(), zeros];
        Ok(Self {
            config,
            options,
            steps,
            parameters,
            moments,
            archetypes,
            seed,
            step: 0,
            silent,
            threshold: 0.0,
        })
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
        let dead = self.dead();
        let found = gradient(&self.config_of_step(&dead), &self.parameters, examples, &dead);
        let Outcome { losses, mut gradient, fired, least } = found;
        if self.options.unit_norm {
            project(&mut gradient.decoder, &self.parameters.decoder, self.config.channels);
        }
        let channels = self.config.channels;
        let of_archetypes = self.archetypes.as_ref().map(|archetypes| {
            let decoder =
                std::mem::replace(&mut gradient.decoder, vec![0.0; self.parameters.decoder.len()]);
            archetypes.pull(&decoder, &self.parameters.decoder, channels)
        });
        let arrays = gradient.all().into_iter();
        let gradient_norm = norm(arrays.chain(of_archetypes.iter().flat_map(Trained::all)));
        let pace = self.pace(losses.total, gradient_norm)?;
        let optimizer = self.options.optimizer;
        advance(optimizer, &mut self.parameters, &gradient, &mut self.moments, pace);
        if let (Some(archetypes), Some(gradient)) = (&mut self.archetypes, of_archetypes) {
            archetypes.advance(&gradient, channels, pace);
            self.parameters.decoder = archetypes.decoder(channels);
        }
        if self.options.unit_norm {
            normalize(&mut self.parameters.decoder, self.config.channels);
        }
        self.count(examples, fired.iter().map(|count| 0 < *count), least);
        if self.resamples() {
            self.resample(examples);
        }
        let learning_rate = pace.learning_rate;
        Ok(Report { losses, learning_rate, gradient_norm, dead: self.dead().len() })
    }

    /// What the next step makes small: sparsity costs less at the beginning, prefixes may be drawn,
    /// and where none is dead, none is brought back.
    pub(super) fn config_of_step(&self, dead: &[u32]) -> Config {
        let warm = (self.step + 1) as f32 / self.options.sparsity_warm_up.max(1) as f32;
        let mut config = Config {
            activation: self.config.activation.with_sparsity(warm.min(1.0)),
            revival: self.config.revival.filter(|_| !dead.is_empty()),
            ..self.config.clone()
        };
        if 1 < self.options.drawn_prefixes {
            config.prefixes = self.prefixes();
        }
        config
    }

    /// How far the next step goes, which begins with that.
    ///
    /// # Errors
    /// The loss or its gradient is not finite; nothing has begun then.
    pub(super) fn pace(&mut self, loss: f64, gradient_norm: f64) -> Result<Pace> {
        if !loss.is_finite() || !gradient_norm.is_finite() {
            let what = if loss.is_finite() { "the gradient" } else { "the loss" };
            return Err(Error::NotFinite { step: self.step as usize, what });
        }
        let shorter = (f64::from(self.options.clip) / gradient_norm).min(1.0) as f32;
        let learning_rate = self.learning_rate();
        self.step += 1;
        let weight_decay = self.options.weight_decay;
        Ok(Pace { step: self.step, learning_rate, shorter, weight_decay })
    }

    /// Remembers which latents fired in a step's batch, and its smallest value.
    pub(super) fn count(
        &mut self,
        examples: &[f32],
        fired: impl Iterator<Item = bool>,
        least: Option<f32>,
    ) {
        let count = (examples.len() / self.config.channels) as u64;
        for (silent, fired) in self.silent.iter_mut().zip(fired) {
            *silent = if fired { 0 } else { *silent + count };
        }
        if let Some(least) = least {
            let momentum = if self.step == 1 { 1.0 } else { THRESHOLD_MOMENTUM };
            self.threshold += momentum * (least - self.threshold);
        }
    }

    /// Whether the dead begin anew after the step that was made.
    pub(super) fn resamples(&self) -> bool {
        let every = self.options.resample_every;
        every != 0 && self.step.is_multiple_of(every) && self.left() == 1.0
    }

    /// Lets the dead begin anew.
    pub(super) fn resample(&mut self, examples: &[f32]) {
        let dead = self.dead();
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        // The first stream is that of how it began.
        random.set_stream(1 + self.step);
        let first_threshold = start_of_thresholds(&self.config, &self.options);
        let Self { config, parameters, moments, silent, .. } = self;
        Renewed { config, parameters, moments, silent, first_threshold }.resample(
            &dead,
            examples,
            &mut random,
        );
    }

    /// Lengths of prefixes for the next step, all latents last.
    fn prefixes(&self) -> Vec<usize> {
        let latents = self.config.latents;
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream((1 << 63) + self.step);
        let within = |length: usize| 1.0 - (length as f64).powf(-POWER);
        let weight = |place: usize| within(place + 1) - within(place.max(1));
        // One latent alone has no likelihood; nor has the whole, which is always there.
        let few = self.options.drawn_prefixes - 1;
        let drawn = sample_weighted(&mut random, latents - 1, weight, few);
        let mut prefixes: Vec<usize> = drawn.into_iter().flatten().map(|place| place + 1).collect();
        prefixes.push(latents);
        prefixes.sort_unstable();
        prefixes
    }

    /// Of the next step.
    fn learning_rate(&self) -> f32 {
        let rise = (self.step + 1) as f32 / self.options.warm_up.max(1) as f32;
        self.options.learning_rate * rise.min(1.0) * self.left()
    }

    /// Which part of the learning rate is left, at the end.
    fn left(&self) -> f32 {
        let falling = (self.options.decay * self.steps as f32).max(1.0);
        let left = self.steps.saturating_sub(self.step) as f32;
        (left / falling).min(1.0)
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
    if let Activation::JumpRelu { .. } = activation {
        parameters.threshold.fill(start_of_thresholds(config, options));
    }
    parameters
}

/// As they are trained.
fn start_of_thresholds(config: &Config, options: &Options) -> f32 {
    let start = options.first_threshold;
    match config.activation {
        Activation::JumpRelu { logarithmic: true, .. } => start.ln(),
        _ => start,
    }
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

fn norm<'a>(arrays: impl Iterator<Item = &'a [f32]>) -> f64 {
    let squares = |values: &[f32], range: Range<usize>| {
        values[range].iter().map(|value| f64::from(value * value)).sum::<f64>()
    };
    arrays
        .flat_map(|values| {
            parallel::map(parallel::shares(values.len(), 1), |range| squares(values, range))
        })
        .sum::<f64>()
        .sqrt()
}

#[cfg(test)]
mod tests;

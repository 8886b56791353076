//! How well a dictionary explains a batch, on the processor: its losses, and how they change with
//! the latents in use.
//!
//! A dictionary's latents are few in each example. So what is decoded are sums over the latents in
//! use, or products of matrices where many are.

use std::ops::Range;

use super::codes::{Codes, Use};
use super::config::{Activation, Config, Revival};
use super::dense;
use super::encode::{Encoded, encode, is_near, threshold, value};
use super::parameters::Parameters;
use super::rows::{add, dot, row, take};
use crate::ops::flex::parallel;

/// What a batch costs; each a mean over its examples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses {
    /// What training makes small.
    pub total: f64,
    /// Of each prefix, the last of all latents: summed over channels.
    pub squared_errors: Vec<f64>,
    /// The sum of latents; of a gated dictionary of its gates.
    pub l1: f64,
    /// How many latents fire.
    pub l0: f64,
    /// What [`Revival`] adds, before its coefficient; of a gated dictionary the squared error of its
    /// gates.
    pub auxiliary: f64,
}

/// What keeps lengths from being divided by nothing.
pub(super) const ANY: f32 = 1e-6;

/// Examples, encoded.
pub(super) struct Batch<'a> {
    pub(super) config: &'a Config,
    pub(super) parameters: &'a Parameters,
    pub(super) examples: &'a [f32],
    /// Without the decoder's bias where the dictionary takes it off.
    pub(super) centred: Vec<f32>,
    pub(super) encoded: Encoded,
    /// How many.
    pub(super) count: usize,
    /// Sums are products of matrices.
    pub(super) is_dense: bool,
}

/// How the loss changes with what the encoder gives for a latent in use.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slope {
    /// What the decoder gets.
    pub(super) value: f32,
    /// By the way of `pre`; of a gated dictionary of the gate. Before that is known, the product of
    /// the example's error and the decoder's row.
    pub(super) pre: f32,
    /// With the threshold, or with a gated dictionary's magnitude. Before that is known, the product
    /// of what the gates leave and the decoder's row.
    pub(super) other: f32,
}

/// What decoding finds.
pub(super) struct Explained {
    pub(super) losses: Losses,
    /// Errors of the reconstructions, summed from each prefix to the last.
    /// `[examples, prefixes, channels]`
    pub(super) errors: Vec<f32>,
    /// For each use.
    pub(super) slopes: Vec<Slope>,
    /// Squared errors of a gated dictionary's gates, summed.
    pub(super) of_gates: f64,
    /// What the dead do not explain of what is left, `[examples, channels]`; of ghosts, in units of
    /// how much that counts.
    pub(super) left: Vec<f32>,
    /// For each use of a dead latent.
    pub(super) of_dead: Vec<f32>,
    /// How much what the dead leave counts.
    pub(super) weight: f32,
}

/// The part of an explanation that belongs to a range of examples.
struct Share<'a> {
    examples: Range<usize>,
    errors: &'a mut [f32],
    slopes: &'a mut [Slope],
    left: &'a mut [f32],
    of_dead: &'a mut [f32],
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        config: &'a Config,
        parameters: &'a Parameters,
        examples: &'a [f32],
        dead: &[u32],
        is_dense: Option<bool>,
    ) -> Self {
        let mut centred = examples.to_vec();
        if config.centred {
            for example in centred.chunks_exact_mut(config.channels) {
                add(example, &parameters.decoder_bias, -1.0);
            }
        }
        let encoded = encode(config, parameters, &centred, dead);
        let count = examples.len() / config.channels;
        let many = dense::MANY * (count * config.latents) as f64;
        // Prefixes have errors of their own, each of fewer latents.
        let is_dense = config.prefixes.len() == 1
            && is_dense.unwrap_or(many < encoded.chosen.uses.len() as f64);
        Self { config, parameters, examples, centred, encoded, count, is_dense }
    }

    /// Of a squared error's mean over examples.
    pub(super) fn scale(&self) -> f32 {
        2.0 / self.count as f32
    }

    pub(super) fn decoder_row(&self, latent: u32) -> &'a [f32] {
        row(&self.parameters.decoder, latent as usize, self.config.channels)
    }

    pub(super) fn explain(&self) -> Explained {
        let &Config { channels, ref prefixes, revival, .. } = self.config;
        let Encoded { chosen, dead, .. } = &self.encoded;
        let mut explained = Explained {
            losses: Losses::default(),
            errors: vec![0.0; self.count * prefixes.len() * channels],
            slopes: vec![Slope::default(); chosen.uses.len()],
            of_gates: 0.0,
            left: vec![0.0; if revival.is_some() { self.count * channels } else { 0 }],
            of_dead: vec![0.0; dead.uses.len()],
            weight: 1.0,
        };
        if self.is_dense {
            self.decode_all(&mut explained);
        }
        let shares = self.shares(&mut explained);
        let sums = parallel::map(shares, |share| self.explain_share(share));
        let mut losses = Losses { squared_errors: vec![0.0; prefixes.len()], ..Losses::default() };
        let mut penalty = 0.0;
        for (sum, of_share) in sums {
            let errors = losses.squared_errors.iter_mut().zip(&sum.squared_errors);
            errors.for_each(|(all, one)| *all += one);
            losses.l1 += sum.l1;
            losses.l0 += sum.l0;
            losses.auxiliary += sum.auxiliary;
            penalty += of_share;
        }
        losses.auxiliary += explained.of_gates;
        let count = self.count as f64;
        losses.squared_errors.iter_mut().for_each(|sum| *sum /= count);
        for sum in [&mut losses.l1, &mut losses.l0, &mut losses.auxiliary, &mut penalty] {
            *sum /= count;
        }
        losses.total = losses.squared_errors.iter().sum::<f64>() + penalty;
        if let Some(Revival::AuxK { coefficient, normalized, .. }) = revival {
            if normalized {
                let variance = self.variance_of_errors(&explained.errors);
                explained.weight = if 0.0 < variance { variance.recip() as f32 } else { 0.0 };
                losses.auxiliary *= f64::from(explained.weight);
            }
            explained.weight *= coefficient;
            losses.total += f64::from(coefficient) * losses.auxiliary;
        }
        if let Some(Revival::Ghost) = revival {
            losses.total += losses.auxiliary;
        }
        if matches!(self.config.activation, Activation::Gated { .. }) {
            losses.total += losses.auxiliary;
        }
        explained.losses = losses;
        explained
    }

    /// The buffers cut into one share of examples for each core.
    fn shares<'b>(&self, explained: &'b mut Explained) -> Vec<Share<'b>> {
        let channels = self.config.channels;
        let width = self.config.prefixes.len() * channels;
        let Explained { errors, slopes, left, of_dead, .. } = explained;
        let (mut errors, mut slopes) = (errors.as_mut_slice(), slopes.as_mut_slice());
        let (mut left, mut of_dead) = (left.as_mut_slice(), of_dead.as_mut_slice());
        let mut shares = Vec::new();
        for examples in parallel::shares(self.count, 1) {
            let count = |codes: &Codes| codes.of(examples.clone()).len();
            let left_width = if left.is_empty() { 0 } else { channels };
            shares.push(Share {
                errors: take(&mut errors, examples.len() * width),
                slopes: take(&mut slopes, count(&self.encoded.chosen)),
                left: take(&mut left, examples.len() * left_width),
                of_dead: take(&mut of_dead, count(&self.encoded.dead)),
                examples,
            });
        }
        shares
    }

    /// Sums over a share's examples, and their penalties'.
    fn explain_share(&self, share: Share<'_>) -> (Losses, f64) {
        let &Config { channels, ref prefixes, .. } = self.config;
        let width = prefixes.len() * channels;
        let mut sums = Losses { squared_errors: vec![0.0; prefixes.len()], ..Losses::default() };
        let mut penalty = 0.0;
        let (mut slopes, mut of_dead) = (share.slopes, share.of_dead);
        for (place, example) in share.examples.enumerate() {
            let uses = self.encoded.chosen.of(example..example + 1);
            let slopes = take(&mut slopes, uses.len());
            let errors = &mut share.errors[place * width..][..width];
            if self.is_dense {
                sums.squared_errors[0] += f64::from(dot(errors, errors));
            } else {
                for (slope, used) in slopes.iter_mut().zip(uses) {
                    slope.value = value(self.config, self.parameters, used);
                }
                self.reconstruct(example, uses, slopes, errors, &mut sums.squared_errors);
                sums.auxiliary += self.along(example, uses, slopes, errors);
            }
            penalty += self.slopes(uses, slopes, &mut sums);
            if !share.left.is_empty() {
                let left = &mut share.left[place * channels..][..channels];
                let dead = self.encoded.dead.of(example..example + 1);
                let of_dead = take(&mut of_dead, dead.len());
                sums.auxiliary += self.revive(dead, &errors[width - channels..], left, of_dead);
            }
        }
        (sums, penalty)
    }

    /// The errors of an example's reconstructions, summed from each prefix to the last.
    fn reconstruct(
        &self,
        example: usize,
        uses: &[Use],
        slopes: &[Slope],
        errors: &mut [f32],
        squared_errors: &mut [f64],
    ) {
        let &Config { channels, ref prefixes, .. } = self.config;
        let target = row(self.examples, example, channels);
        let mut next = 0;
        for (prefix, end) in prefixes.iter().enumerate() {
            let (before, rest) = errors.split_at_mut(prefix * channels);
            let error = &mut rest[..channels];
            match prefix {
                0 => {
                    error.copy_from_slice(&self.parameters.decoder_bias);
                    add(error, target, -1.0);
                }
                _ => error.copy_from_slice(&before[(prefix - 1) * channels..]),
            }
            while let Some(used) = uses.get(next).filter(|used| (used.latent as usize) < *end) {
                add(error, self.decoder_row(used.latent), slopes[next].value);
                next += 1;
            }
            squared_errors[prefix] += f64::from(dot(error, error));
        }
        for prefix in (1..prefixes.len()).rev() {
            let (before, rest) = errors.split_at_mut(prefix * channels);
            add(&mut before[(prefix - 1) * channels..], &rest[..channels], 1.0);
        }
    }

    /// The products of an example's errors with decoder rows; the square of what a gated
    /// dictionary's gates leave is returned.
    fn along(&self, example: usize, uses: &[Use], slopes: &mut [Slope], errors: &[f32]) -> f64 {
        let channels = self.config.channels;
        let gates = self.error_of_gates(example, uses);
        for (used, slope) in uses.iter().zip(slopes) {
            let decoder = self.decoder_row(used.latent);
            let error = row(errors, self.config.prefix_of(used.latent as usize), channels);
            slope.pre = dot(error, decoder);
            slope.other = gates.as_ref().map_or(0.0, |error| dot(error, decoder));
        }
        gates.map_or(0.0, |gates| f64::from(dot(&gates, &gates)))
    }

    /// Values, errors and products of all examples, as products of matrices.
    fn decode_all(&self, explained: &mut Explained) {
        let &Config { channels, latents, activation, .. } = self.config;
        let (codes, decoder) = (&self.encoded.chosen, &self.parameters.decoder);
        let gated = matches!(activation, Activation::Gated { .. });
        for (slope, used) in explained.slopes.iter_mut().zip(&codes.uses) {
            slope.value = value(self.config, self.parameters, used);
        }
        for examples in dense::blocks(self.count, latents) {
            let inside = examples.start * channels..examples.end * channels;
            let begin = |errors: &mut [f32]| {
                let targets = self.examples[inside.clone()].chunks_exact(channels);
                for (error, target) in errors.chunks_exact_mut(channels).zip(targets) {
                    error.copy_from_slice(&self.parameters.decoder_bias);
                    add(error, target, -1.0);
                }
            };
            let errors = &mut explained.errors[inside.clone()];
            begin(errors);
            let number = |place: usize| explained.slopes[place].value;
            let values = dense::spread(codes, examples.clone(), latents, number);
            dense::decode(errors, &values, decoder, channels);
            let of_values = dense::along(errors, decoder, channels);
            let of_gates = gated.then(|| {
                let gate = |place: usize| {
                    let used = codes.uses[place];
                    used.pre + self.parameters.encoder_bias[used.latent as usize]
                };
                let values = dense::spread(codes, examples.clone(), latents, gate);
                let mut errors = vec![0.0; inside.len()];
                begin(&mut errors);
                dense::decode(&mut errors, &values, decoder, channels);
                explained.of_gates +=
                    errors.chunks_exact(channels).map(|row| f64::from(dot(row, row))).sum::<f64>();
                dense::along(&errors, decoder, channels)
            });
            let mut next = codes.of(0..examples.start).len();
            for (place, example) in examples.enumerate() {
                for used in codes.of(example..example + 1) {
                    let at = place * latents + used.latent as usize;
                    let slope = &mut explained.slopes[next];
                    slope.pre = of_values[at];
                    slope.other = of_gates.as_ref().map_or(0.0, |of_gates| of_gates[at]);
                    next += 1;
                }
            }
        }
    }

    /// Turns products into the slopes of an example's latents; its penalty is returned.
    fn slopes(&self, uses: &[Use], slopes: &mut [Slope], sums: &mut Losses) -> f64 {
        let (scale, each) = (self.scale(), 1.0 / self.count as f32);
        let mut penalty = 0.0;
        for (used, slope) in uses.iter().zip(slopes) {
            let latent = used.latent as usize;
            let decoder = self.decoder_row(used.latent);
            let of_value = scale * slope.pre;
            let of_gates = slope.other;
            (slope.pre, slope.other) = (0.0, 0.0);
            let fires = 0.0 < slope.value;
            sums.l0 += f64::from(u8::from(fires));
            match self.config.activation {
                Activation::TopK { .. } | Activation::BatchTopK { .. } => {
                    sums.l1 += f64::from(slope.value);
                    slope.pre = of_value;
                }
                Activation::Relu { l1, by_norm } => {
                    let norm = if by_norm { dot(decoder, decoder).sqrt() } else { 1.0 };
                    sums.l1 += f64::from(slope.value * norm);
                    penalty += f64::from(l1 * slope.value * norm);
                    slope.pre = of_value + l1 * norm * each;
                }
                Activation::JumpRelu { l0, bandwidth, logarithmic } => {
                    let trained = self.parameters.threshold[latent];
                    let threshold = threshold(trained, logarithmic);
                    sums.l1 += f64::from(slope.value);
                    if threshold < used.pre {
                        penalty += f64::from(l0);
                        slope.pre = of_value;
                    }
                    if is_near(used.pre, threshold, bandwidth) {
                        let of_threshold = -(threshold * of_value + l0 * each) / bandwidth;
                        slope.other = match logarithmic {
                            true => of_threshold * threshold,
                            false if trained < 0.0 => 0.0,
                            false => of_threshold,
                        };
                    }
                }
                Activation::Gated { l1 } => {
                    let gate = used.pre + self.parameters.encoder_bias[latent];
                    sums.l1 += f64::from(gate);
                    penalty += f64::from(l1 * gate);
                    slope.pre = l1 * each + scale * of_gates;
                    slope.other = if fires { of_value } else { 0.0 };
                }
            }
        }
        penalty
    }

    /// What a gated dictionary's gates alone leave of an example.
    fn error_of_gates(&self, example: usize, uses: &[Use]) -> Option<Vec<f32>> {
        let Activation::Gated { .. } = self.config.activation else { return None };
        let mut error = self.parameters.decoder_bias.clone();
        add(&mut error, row(self.examples, example, self.config.channels), -1.0);
        for used in uses {
            let gate = used.pre + self.parameters.encoder_bias[used.latent as usize];
            add(&mut error, self.decoder_row(used.latent), gate);
        }
        Some(error)
    }

    /// What the dead leave of what an example's reconstruction leaves; what that costs is returned.
    fn revive(&self, dead: &[Use], error: &[f32], left: &mut [f32], slopes: &mut [f32]) -> f64 {
        let ghosts = matches!(self.config.revival, Some(Revival::Ghost));
        if !ghosts {
            left.copy_from_slice(error);
        }
        for used in dead {
            add(left, self.decoder_row(used.latent), used.pre);
        }
        let mut cost = dot(left, left);
        if ghosts {
            let missing = dot(error, error);
            let shorter = missing.sqrt() / (2.0 * cost.sqrt() + ANY);
            left.iter_mut().zip(error).for_each(|(made, error)| *made = shorter * *made + error);
            // So that it counts as much as what is left; how much of that it is has no gradient.
            let weight = shorter * missing / (dot(left, left) + ANY);
            left.iter_mut().for_each(|left| *left *= weight);
            cost = missing;
        }
        for (slope, used) in slopes.iter_mut().zip(dead) {
            let rise = if ghosts { used.pre } else { 1.0 };
            *slope = rise * dot(left, self.decoder_row(used.latent));
        }
        f64::from(cost)
    }

    /// Mean over examples of the squared distance of what is left from its mean.
    fn variance_of_errors(&self, errors: &[f32]) -> f64 {
        let channels = self.config.channels;
        let width = self.config.prefixes.len() * channels;
        let mut mean = vec![0.0; channels];
        let mut squares = 0.0;
        for errors in errors.chunks_exact(width) {
            let error = &errors[width - channels..];
            squares += f64::from(dot(error, error));
            mean.iter_mut().zip(error).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let count = self.count as f64;
        let of_mean: f64 = mean.iter().map(|sum| (sum / count).powi(2)).sum();
        (squares / count - of_mean).max(0.0)
    }
}

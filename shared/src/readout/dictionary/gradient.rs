//! The loss of a batch and its gradient, on the processor.
//!
//! Only the encoder's product is computed in full; what flows back are sums over the latents in use,
//! or products of matrices where many are. [`super::loss`] is the same in tensors, for every device,
//! and what this is tested against.

use std::ops::Range;

use super::codes::ByLatent;
use super::config::{Activation, Config};
use super::dense;
use super::explain::{Batch, Explained, Losses};
use super::parameters::Parameters;
use super::rows::{add, dot, row, row_mut, take};
use crate::ops::flex::parallel;

/// What a batch says about a dictionary.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What it costs.
    pub losses: Losses,
    /// How the cost changes with each number.
    pub gradient: Parameters,
    /// In how many of the examples each latent fires.
    pub fired: Vec<u32>,
    /// The smallest value that BatchTopK kept.
    pub least: Option<f32>,
}

/// The loss of a batch and its gradient. `dead` are the latents that
/// [`Revival`](super::config::Revival) brings back, by number, ascending.
///
/// # Shapes
/// - `examples`: `[examples, channels]`, at least one
pub fn gradient(
    config: &Config,
    parameters: &Parameters,
    examples: &[f32],
    dead: &[u32],
) -> Outcome {
    gradient_by(None, config, parameters, examples, dead)
}

/// [`gradient`], with products of matrices, or with sums over the latents in use; or, where nothing
/// is said, as many of these as there are say.
pub(super) fn gradient_by(
    is_dense: Option<bool>,
    config: &Config,
    parameters: &Parameters,
    examples: &[f32],
    dead: &[u32],
) -> Outcome {
    let batch = Batch::new(config, parameters, examples, dead, is_dense);
    let explained = batch.explain();
    batch.pull(explained)
}

impl Batch<'_> {
    fn pull(&self, explained: Explained) -> Outcome {
        let &Config { channels, latents, ref prefixes, .. } = self.config;
        let mut gradient = Parameters::zeros(self.config);
        let width = prefixes.len() * channels;
        let scale = self.scale();
        let mut of_bias = vec![0.0; channels];
        for errors in explained.errors.chunks_exact(width) {
            add(&mut of_bias, &errors[..channels], scale);
        }
        let chosen = ByLatent::new(&self.encoded.chosen, latents);
        let dead = ByLatent::new(&self.encoded.dead, latents);
        let mut fired = vec![0; latents];
        let pulls = LatentShare::cut(&mut gradient, &mut fired, channels, latents);
        let of_centre =
            parallel::map(pulls, |share| self.pull_share(share, &explained, &chosen, &dead));
        if self.is_dense {
            self.gather_all(&explained, &mut gradient);
        }
        if self.config.centred {
            of_centre.iter().for_each(|share| add(&mut of_bias, share, -1.0));
        }
        gradient.decoder_bias = of_bias;
        let least = self.encoded.least;
        Outcome { losses: explained.losses, gradient, fired, least }
    }

    /// The gradients of encoder and decoder by way of the latents in use, as products of matrices.
    fn gather_all(&self, explained: &Explained, gradient: &mut Parameters) {
        let &Config { channels, latents, .. } = self.config;
        let (codes, scale) = (&self.encoded.chosen, self.scale());
        let magnitudes: Vec<f32> =
            self.parameters.magnitude_scale.iter().map(|scale| scale.exp()).collect();
        for examples in dense::blocks(self.count, latents) {
            let inside = examples.start * channels..examples.end * channels;
            let number = |place: usize| scale * explained.slopes[place].value;
            let values = dense::spread(codes, examples.clone(), latents, number);
            let errors = &explained.errors[inside.clone()];
            dense::gather(&mut gradient.decoder, &values, errors, channels);
            let number = |place: usize| {
                let slope = explained.slopes[place];
                let magnitude = magnitudes.get(codes.uses[place].latent as usize);
                slope.pre + magnitude.map_or(0.0, |magnitude| slope.other * magnitude)
            };
            let slopes = dense::spread(codes, examples, latents, number);
            dense::gather(&mut gradient.encoder, &slopes, &self.centred[inside], channels);
        }
    }

    /// The gradient of a share of latents; of encoder and decoder only what comes from the dead where
    /// the rest is products of matrices. Returns how the loss changes with the centred examples,
    /// by way of these latents, summed over examples.
    fn pull_share(
        &self,
        share: LatentShare<'_>,
        explained: &Explained,
        chosen: &ByLatent,
        dead: &ByLatent,
    ) -> Vec<f32> {
        let &Config { channels, ref prefixes, activation, .. } = self.config;
        let width = prefixes.len() * channels;
        let scale = self.scale();
        let auxiliary = explained.weight;
        let mut of_centre = vec![0.0; channels];
        for (place, latent) in share.latents.clone().enumerate() {
            let encoder = row_mut(share.encoder, place, channels);
            let decoder = row_mut(share.decoder, place, channels);
            let from = self.config.prefix_of(latent) * channels;
            let magnitude =
                self.parameters.magnitude_scale.get(latent).map_or(0.0, |scale| scale.exp());
            let (mut of_pre, mut of_values) = (0.0, 0.0);
            for (example, index) in chosen.of(latent) {
                let slope = &explained.slopes[index];
                let pre = self.encoded.chosen.uses[index].pre;
                let error = &explained.errors[example * width + from..][..channels];
                let back = slope.pre + slope.other * magnitude;
                if slope.value != 0.0 && !self.is_dense {
                    add(decoder, error, scale * slope.value);
                }
                if 0.0 < slope.value {
                    share.fired[place] += 1;
                    of_values += slope.value;
                }
                if back != 0.0 && !self.is_dense {
                    add(encoder, row(&self.centred, example, channels), back);
                }
                of_pre += back;
                if let Activation::Gated { .. } = activation {
                    share.magnitude_bias[place] += slope.other;
                    share.magnitude_scale[place] += slope.other * pre * magnitude;
                }
                share.encoder_bias[place] += slope.pre;
                if let Activation::JumpRelu { .. } = activation {
                    share.threshold[place] += slope.other;
                }
            }
            for (example, index) in dead.of(latent) {
                let pre = self.encoded.dead.uses[index].pre;
                let left = row(&explained.left, example, channels);
                add(decoder, left, auxiliary * scale * pre);
                let back = auxiliary * scale * explained.of_dead[index];
                add(encoder, row(&self.centred, example, channels), back);
                share.encoder_bias[place] += back;
                of_pre += back;
            }
            if let Activation::Relu { l1, by_norm: true } = activation {
                let own = self.decoder_row(latent as u32);
                let norm = dot(own, own).sqrt();
                if 0.0 < norm {
                    add(decoder, own, l1 * of_values / self.count as f32 / norm);
                }
            }
            if of_pre != 0.0 {
                add(&mut of_centre, row(&self.parameters.encoder, latent, channels), of_pre);
            }
        }
        of_centre
    }
}

/// The gradient of a range of latents.
struct LatentShare<'a> {
    latents: Range<usize>,
    encoder: &'a mut [f32],
    decoder: &'a mut [f32],
    encoder_bias: &'a mut [f32],
    threshold: &'a mut [f32],
    magnitude_scale: &'a mut [f32],
    magnitude_bias: &'a mut [f32],
    fired: &'a mut [u32],
}

impl<'a> LatentShare<'a> {
    /// One for each core.
    fn cut(
        gradient: &'a mut Parameters,
        mut fired: &'a mut [u32],
        channels: usize,
        latents: usize,
    ) -> Vec<Self> {
        let Parameters { encoder, encoder_bias, decoder, threshold, magnitude_scale, .. } =
            gradient;
        let mut magnitude_bias = gradient.magnitude_bias.as_mut_slice();
        let (mut encoder, mut decoder) = (encoder.as_mut_slice(), decoder.as_mut_slice());
        let (mut encoder_bias, mut threshold) =
            (encoder_bias.as_mut_slice(), threshold.as_mut_slice());
        let mut magnitude_scale = magnitude_scale.as_mut_slice();
        let mut shares = Vec::new();
        for latents in parallel::shares(latents, 1) {
            let count = latents.len();
            // What this kind of dictionary does not have is empty.
            let few = |values: &[f32]| count.min(values.len());
            shares.push(Self {
                latents,
                encoder: take(&mut encoder, count * channels),
                decoder: take(&mut decoder, count * channels),
                encoder_bias: take(&mut encoder_bias, count),
                threshold: {
                    let few = few(threshold);
                    take(&mut threshold, few)
                },
                magnitude_scale: {
                    let few = few(magnitude_scale);
                    take(&mut magnitude_scale, few)
                },
                magnitude_bias: {
                    let few = few(magnitude_bias);
                    take(&mut magnitude_bias, few)
                },
                fired: take(&mut fired, count),
            });
        }
        shares
    }
}

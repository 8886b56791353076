//! Dead latents begin anew at what is explained worst (Bricken et al. 2023, "Towards
//! Monosemanticity", "Neuron resampling").

use rand::Rng;
use rand::seq::index::sample_weighted;

use super::config::Config;
use super::encode::{encode, value};
use super::parameters::Parameters;
use super::rows::{add, dot, row, row_mut};

/// How long a new encoder row is, over the mean of those that fire.
const LENGTH: f32 = 0.2;

/// What of a dictionary in training begins anew.
pub struct Renewed<'a> {
    /// What it is.
    pub config: &'a Config,
    /// What it has learned.
    pub parameters: &'a mut Parameters,
    /// What the optimizer keeps.
    pub moments: &'a mut [Parameters; 2],
    /// Examples since each latent fired.
    pub silent: &'a mut [u64],
    /// Where JumpReLU's thresholds begin, as they are trained.
    pub first_threshold: f32,
}

impl Renewed<'_> {
    /// Gives each dead latent an example of its own, drawn by the square of its loss; where examples
    /// are fewer, the others wait. Its decoder row is the example's direction, its encoder row too,
    /// its biases are nothing, and the optimizer knows nothing of it.
    ///
    /// # Shapes
    /// - `dead`: numbers of latents, ascending
    /// - `examples`: `[examples, channels]`
    pub fn resample(&mut self, dead: &[u32], examples: &[f32], random: &mut impl Rng) {
        let channels = self.config.channels;
        let mut from_bias = examples.to_vec();
        from_bias
            .chunks_exact_mut(channels)
            .for_each(|example| add(example, &self.parameters.decoder_bias, -1.0));
        let weights = self.weights(examples, &from_bias);
        let count = weights.len();
        let drawn = sample_weighted(random, count, |place| weights[place], dead.len());
        // Where all examples are explained, none has anything to give.
        let Ok(drawn) = drawn else { return };
        let length = LENGTH * self.mean_length(dead);
        for (&latent, place) in dead.iter().zip(drawn) {
            let example = row(&from_bias, place, channels);
            let norm = dot(example, example).sqrt();
            if 0.0 < norm && 0.0 < weights[place] {
                self.renew(latent as usize, example, norm, length);
            }
        }
    }

    /// The square of each example's loss.
    fn weights(&self, examples: &[f32], from_bias: &[f32]) -> Vec<f64> {
        let Self { config, parameters, .. } = self;
        let channels = config.channels;
        let seen = if config.centred { from_bias } else { examples };
        let codes = encode(config, parameters, seen, &[]).chosen;
        let mut left = from_bias.to_vec();
        let places = left.chunks_exact_mut(channels).enumerate();
        places
            .map(|(place, left)| {
                for used in codes.of(place..place + 1) {
                    let direction = row(&parameters.decoder, used.latent as usize, channels);
                    add(left, direction, -value(config, parameters, used));
                }
                f64::from(dot(left, left)).powi(2)
            })
            .collect()
    }

    /// Of the encoder rows of those latents that fire.
    fn mean_length(&self, dead: &[u32]) -> f32 {
        let rows = (0..).zip(self.parameters.encoder.chunks_exact(self.config.channels));
        let alive = rows.filter(|(latent, _)| dead.binary_search(latent).is_err());
        let (mut sum, mut count) = (0.0, 0_u32);
        for (_, row) in alive {
            sum += f64::from(dot(row, row).sqrt());
            count += 1;
        }
        if count == 0 { 1.0 } else { (sum / f64::from(count)) as f32 }
    }

    fn renew(&mut self, latent: usize, example: &[f32], norm: f32, length: f32) {
        let &Config { channels, latents, .. } = self.config;
        let [first, second] = &mut *self.moments;
        for numbers in [&mut *self.parameters, first, second] {
            for (name, values) in Parameters::NAMES.into_iter().zip(numbers.all_mut()) {
                // What a kind of dictionary does not have is empty.
                if name != "decoder bias" && !values.is_empty() {
                    let width = values.len() / latents;
                    values[latent * width..][..width].fill(0.0);
                }
            }
        }
        add(row_mut(&mut self.parameters.decoder, latent, channels), example, norm.recip());
        add(row_mut(&mut self.parameters.encoder, latent, channels), example, length / norm);
        if let Some(threshold) = self.parameters.threshold.get_mut(latent) {
            *threshold = self.first_threshold;
        }
        self.silent[latent] = 0;
    }
}

//! The numbers of a dictionary; gradients and an optimizer's moments have the same shape.

use super::config::{Activation, Config};

/// Row after row. What a kind of dictionary does not have is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// `[latents, channels]`: a latent's row is what excites it.
    pub encoder: Vec<f32>,
    /// `[latents]`; of a gated dictionary the gate's.
    pub encoder_bias: Vec<f32>,
    /// `[latents, channels]`: a latent's row is what it stands for.
    pub decoder: Vec<f32>,
    /// `[channels]`
    pub decoder_bias: Vec<f32>,
    /// `[latents]`, of JumpReLU: thresholds, or their logarithms, as they are trained.
    pub threshold: Vec<f32>,
    /// `[latents]`, of a gated dictionary: logarithm of what the magnitude's rows are, in units of
    /// the gate's.
    pub magnitude_scale: Vec<f32>,
    /// `[latents]`, of a gated dictionary.
    pub magnitude_bias: Vec<f32>,
}

impl Parameters {
    /// What they are called, in the order of [`Self::all`].
    pub const NAMES: [&str; 7] = [
        "encoder",
        "encoder bias",
        "decoder",
        "decoder bias",
        "threshold",
        "magnitude scale",
        "magnitude bias",
    ];

    /// Those of them with a row for each latent.
    pub const MATRICES: [&str; 2] = ["encoder", "decoder"];

    /// All zero.
    pub fn zeros(config: &Config) -> Self {
        let &Config { channels, latents, activation, .. } = config;
        let of = |there: bool| vec![0.0; if there { latents } else { 0 }];
        let gated = matches!(activation, Activation::Gated { .. });
        Self {
            encoder: vec![0.0; latents * channels],
            encoder_bias: of(true),
            decoder: vec![0.0; latents * channels],
            decoder_bias: vec![0.0; channels],
            threshold: of(matches!(activation, Activation::JumpRelu { .. })),
            magnitude_scale: of(gated),
            magnitude_bias: of(gated),
        }
    }

    /// All of them, in one order.
    pub fn all(&self) -> [&[f32]; 7] {
        [
            &self.encoder,
            &self.encoder_bias,
            &self.decoder,
            &self.decoder_bias,
            &self.threshold,
            &self.magnitude_scale,
            &self.magnitude_bias,
        ]
    }

    /// All of them, in the same order.
    pub fn all_mut(&mut self) -> [&mut [f32]; 7] {
        [
            &mut self.encoder,
            &mut self.encoder_bias,
            &mut self.decoder,
            &mut self.decoder_bias,
            &mut self.threshold,
            &mut self.magnitude_scale,
            &mut self.magnitude_bias,
        ]
    }
}

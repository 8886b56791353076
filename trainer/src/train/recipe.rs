//! What one dictionary is and how it is trained, by the names that a sweep has for it.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::readout::dictionary::archetypes::Archetypal;
use shared::readout::dictionary::optimizer::Optimizer;
use shared::readout::dictionary::precision::Precision;
use shared::readout::dictionary::training::Options;
use shared::readout::dictionary::{Activation, Config, Revival};

/// One run. Everything that its result depends on but the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// Which of the store's layers; may be left out where there is one.
    pub layer: Option<String>,
    /// Which latents an example has.
    pub kind: Kind,
    /// Of topk and batch-topk: latents of an example.
    pub k: usize,
    /// Of relu and gated: what a latent costs for each unit of its value. 5 by default, and 20 of
    /// gated.
    pub l1: Option<f32>,
    /// Of relu: values count times the length of their decoder row.
    pub by_norm: bool,
    /// Of jumprelu: what a latent that fires costs.
    pub l0: f32,
    /// Of jumprelu: width of the window around a threshold in which gradients are estimated.
    pub bandwidth: f32,
    /// Of jumprelu: the threshold's logarithm is trained, as in the paper.
    pub logarithmic: bool,
    /// Of jumprelu: where thresholds begin.
    pub first_threshold: f32,
    /// Latents; where it is left out, `expansion` times the channels.
    pub latents: Option<usize>,
    /// See `latents`.
    pub expansion: usize,
    /// The decoder's bias is taken off before the encoder.
    pub centred: bool,
    /// Matryoshka: the first so many latents reconstruct on their own, for each of these; all
    /// latents need not be named.
    pub prefixes: Vec<usize>,
    /// How many dead latents explain what is left of each example; 0 is none. By default half as
    /// many as there are channels, and none of gated.
    pub auxk: Option<usize>,
    /// How much their squared error counts.
    pub auxk_coefficient: f32,
    /// In units of what is left's variance.
    pub auxk_normalized: bool,
    /// Ghost gradients in the place of that.
    pub ghosts: bool,
    /// A latent that fires in none of so many activations is dead; by default a twentieth of all, and
    /// at most a million.
    pub dead_after: Option<u64>,
    /// Activations are multiplied so that their mean length is the root of the channels.
    pub scaled: bool,
    /// Dead latents begin anew after so many steps, each at an example that is explained badly;
    /// 0 is never.
    pub resample_every: u64,
    /// Matryoshka with so many prefixes, drawn anew in each step; 0 is none.
    pub drawn_prefixes: usize,
    /// Decoder rows are near convex combinations of data points.
    pub archetypal: bool,
    /// Of archetypal: how many data points; by default as many as latents.
    pub points: Option<usize>,
    /// Of archetypal: how far from such a combination a row may be.
    pub relaxation: f32,
    /// In what a GPU multiplies.
    pub precision: Precision,
    /// How a gradient moves numbers.
    pub optimizer: Optimizer,
    /// How far.
    pub learning_rate: f32,
    /// Part of itself that a number loses in each step, in units of the learning rate.
    pub weight_decay: f32,
    /// Steps over which the learning rate rises; by default a twentieth of all, and at most 500.
    pub warm_up: Option<u64>,
    /// Part of all steps at the end over which it falls to nothing.
    pub decay: f32,
    /// Steps over which what sparsity costs rises; by default a tenth of all, and at most 1,000.
    pub sparsity_warm_up: Option<u64>,
    /// A gradient longer than this is shortened to it.
    pub clip: f32,
    /// Decoder rows have length 1.
    pub unit_norm: bool,
    /// How much of an activation a latent begins with, the rest being noise.
    pub from_data: f32,
    /// Activations in a step.
    pub batch: usize,
    /// Activations to train on, in thousands; where the store has fewer, they come again.
    pub thousands: u64,
    /// Of the draw that it begins with.
    pub seed: u64,
}

/// The activations that there are, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Bricken et al. 2023.
    Relu,
    /// Gao et al. 2024.
    Topk,
    /// Bussmann et al. 2024.
    BatchTopk,
    /// Rajamanoharan et al. 2024.
    Jumprelu,
    /// Rajamanoharan et al. 2024.
    Gated,
}

impl Default for Recipe {
    fn default() -> Self {
        let Options {
            optimizer,
            learning_rate,
            precision,
            weight_decay,
            decay,
            clip,
            unit_norm,
            resample_every,
            drawn_prefixes,
            from_data,
            first_threshold,
            ..
        } = Options::default();
        Self {
            layer: None,
            kind: Kind::Topk,
            k: 32,
            l1: None,
            by_norm: false,
            l0: 0.5,
            bandwidth: 0.5,
            logarithmic: false,
            first_threshold,
            latents: None,
            expansion: 16,
            centred: true,
            prefixes: Vec::new(),
            auxk: None,
            auxk_coefficient: Revival::COEFFICIENT,
            auxk_normalized: false,
            ghosts: false,
            dead_after: None,
            scaled: true,
            resample_every,
            drawn_prefixes,
            archetypal: false,
            points: None,
            relaxation: 1.0,
            precision,
            optimizer,
            learning_rate,
            weight_decay,
            warm_up: None,
            decay,
            sparsity_warm_up: None,
            clip,
            unit_norm,
            from_data,
            batch: 4096,
            thousands: 10_000,
            seed: 0,
        }
    }
}

impl Recipe {
    fn latents(&self, channels: usize) -> usize {
        self.latents.unwrap_or_else(|| self.expansion.saturating_mul(channels))
    }

    /// The dictionary, of activations so wide.
    ///
    /// # Errors
    /// What cannot be trained, by name.
    pub fn config(&self, channels: usize) -> Result<Config> {
        let latents = self.latents(channels);
        let activation = match self.kind {
            Kind::Relu => Activation::Relu { l1: self.l1.unwrap_or(5.0), by_norm: self.by_norm },
            Kind::Topk => Activation::TopK { k: self.k },
            Kind::BatchTopk => Activation::BatchTopK { k: self.k },
            Kind::Jumprelu => Activation::JumpRelu {
                l0: self.l0,
                bandwidth: self.bandwidth,
                logarithmic: self.logarithmic,
            },
            Kind::Gated => Activation::Gated { l1: self.l1.unwrap_or(20.0) },
        };
        let gated = self.kind == Kind::Gated;
        let none = gated || self.ghosts;
        let auxk = self.auxk.unwrap_or(if none { 0 } else { Revival::usual_k(channels, latents) });
        if gated && (0 < auxk || self.ghosts) {
            let what = if self.ghosts { "ghosts".to_owned() } else { format!("auxk is {auxk}") };
            bail!("{what}; a gated dictionary has an auxiliary loss of its own, and no other");
        }
        if self.ghosts && 0 < auxk {
            bail!("auxk is {auxk} beside ghosts; dead latents are brought back in one way");
        }
        let (k, coefficient, normalized) = (auxk, self.auxk_coefficient, self.auxk_normalized);
        let auxk = (0 < auxk).then_some(Revival::AuxK { k, coefficient, normalized });
        let revival = if self.ghosts { Some(Revival::Ghost) } else { auxk };
        let mut prefixes = self.prefixes.clone();
        if prefixes.last() != Some(&latents) {
            prefixes.push(latents);
        }
        let centred = self.centred;
        let config = Config { channels, latents, activation, centred, prefixes, revival };
        config.check()?;
        self.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if self.batch == 0 || self.thousands == 0 {
            bail!("batch and thousands must be at least 1");
        }
        for (name, value) in [
            ("learning_rate", self.learning_rate),
            ("clip", self.clip),
            ("first_threshold", self.first_threshold),
        ] {
            if !(0.0 < value && value.is_finite()) {
                bail!("{name} is {value}; it must be more than 0");
            }
        }
        // A number that loses more than all of itself would turn.
        let lost = self.weight_decay * self.learning_rate;
        for (name, value) in
            [("decay", self.decay), ("from_data", self.from_data), ("weight_decay", lost)]
        {
            if !(0.0..=1.0).contains(&value) {
                bail!("{name} is {value}; it must be 0 to 1");
            }
        }
        Ok(())
    }

    /// How it is trained, on activations so wide.
    pub fn options(&self, channels: usize) -> Options {
        let usual = Options::of_run(self.steps(), 1000 * self.thousands);
        let points = self.points.unwrap_or_else(|| self.latents(channels));
        let archetypal =
            self.archetypal.then_some(Archetypal { points, relaxation: self.relaxation });
        Options {
            optimizer: self.optimizer,
            learning_rate: self.learning_rate,
            precision: self.precision,
            weight_decay: self.weight_decay,
            warm_up: self.warm_up.unwrap_or(usual.warm_up),
            decay: self.decay,
            sparsity_warm_up: self.sparsity_warm_up.unwrap_or(usual.sparsity_warm_up),
            clip: self.clip,
            // Rows made of data points have lengths of their own.
            unit_norm: self.unit_norm && !self.archetypal,
            dead_after: self.dead_after.unwrap_or(usual.dead_after),
            resample_every: self.resample_every,
            drawn_prefixes: self.drawn_prefixes,
            archetypal,
            from_data: self.from_data,
            first_threshold: self.first_threshold,
        }
    }

    /// As JSON, by way of its text, so that 0.2 in single precision is called 0.2.
    ///
    /// # Errors
    /// A number that is not finite.
    pub fn to_json(&self) -> Result<Value> {
        Ok(serde_json::from_str(&serde_json::to_string(self)?)?)
    }

    /// How many steps that makes.
    pub fn steps(&self) -> u64 {
        (1000 * self.thousands).div_ceil(self.batch as u64)
    }
}

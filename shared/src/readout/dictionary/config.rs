//! What a dictionary is, and what its training makes small.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A dictionary and its loss, which is the mean over examples of
/// `squared error + sparsity + auxiliary`, where the squared error is summed over channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Width of the activations.
    pub channels: usize,
    /// Directions that they are taken apart into.
    pub latents: usize,
    /// Which latents an example has.
    pub activation: Activation,
    /// Whether the decoder's bias is taken off before the encoder (Bricken et al. 2023).
    pub centred: bool,
    /// Matryoshka (Bussmann et al. 2025, arXiv:2503.17547): the first so many latents reconstruct
    /// on their own as well, and squared errors are summed. Ascending; the last is all of them.
    /// An ordinary dictionary has that one alone.
    pub prefixes: Vec<usize>,
    /// What brings latents back that never fire.
    pub revival: Option<Revival>,
}

/// How latents follow from `pre = encoder (x - bias) + encoder bias`, and what keeps them few.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Activation {
    /// `max(pre, 0)`, and the sum of latents costs (Bricken et al. 2023; Cunningham et al. 2023,
    /// arXiv:2309.08600).
    Relu {
        /// What a latent costs for each unit of its value.
        l1: f32,
        /// Values count times the length of the latent's decoder row (Anthropic, "Circuits
        /// Updates", April 2024).
        by_norm: bool,
    },
    /// The largest few of each example, where they are positive (Gao et al. 2024, arXiv:2406.04093).
    TopK {
        /// How many.
        k: usize,
    },
    /// The largest positive ones of a whole batch (Bussmann, Leask, Nanda 2024, arXiv:2412.06410).
    BatchTopK {
        /// How many an example has in the mean.
        k: usize,
    },
    /// `pre` where it is above the latent's threshold, and firing costs (Rajamanoharan et al. 2024,
    /// arXiv:2407.14435). Gradients of the jump are estimated from what is within half a bandwidth
    /// of it.
    JumpRelu {
        /// What a latent that fires costs.
        l0: f32,
        /// Width of the window around a threshold.
        bandwidth: f32,
        /// What is trained is the threshold's logarithm, as in the paper; else itself.
        logarithmic: bool,
    },
    /// A gate says which fire, a magnitude how much, both from one product (Rajamanoharan et al.
    /// 2024, arXiv:2404.16014). The encoder's bias is the gate's.
    Gated {
        /// What an open gate costs for each unit of its value.
        l1: f32,
    },
}

/// Latents that do not fire any more are trained to explain what is left of an example.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Revival {
    /// The most excited of them do (Gao et al. 2024, appendix A.2).
    AuxK {
        /// How many of the dead help each example.
        k: usize,
        /// How much their squared error counts.
        coefficient: f32,
        /// In units of what is left's variance.
        normalized: bool,
    },
    /// All of them do, as if their values were the exponential of `pre`. What they make is shortened
    /// to half of what is left, and its squared error counts as much as what is left does (Jermyn and
    /// Templeton 2024, "Ghost grads: An improvement on resampling").
    Ghost,
}

impl Revival {
    /// How much AuxK counts where nobody says (Gao et al. 2024).
    pub const COEFFICIENT: f32 = 1.0 / 32.0;

    /// How many of the dead help each example where nobody says.
    pub fn usual_k(channels: usize, latents: usize) -> usize {
        (channels / 2).clamp(1, latents.max(1))
    }
}

impl Config {
    /// Whether it can be trained.
    ///
    /// # Errors
    /// The first setting that cannot be, with what it must be.
    pub fn check(&self) -> Result<()> {
        let wrong =
            |name, found: String, expected: String| Err(Error::Setting { name, found, expected });
        let sizes = [("channels", self.channels, 1 << 20), ("latents", self.latents, 1 << 24)];
        for (name, size, most) in sizes {
            if !(1..=most).contains(&size) {
                return wrong(name, size.to_string(), format!("1 to {most}"));
            }
        }
        let latents = self.latents;
        let few = |name, k: usize| match k {
            k if (1..=latents).contains(&k) => Ok(()),
            k => wrong(name, k.to_string(), format!("1 to {latents}, the number of latents")),
        };
        let not_negative = |name, value: f32| {
            if 0.0 <= value && value.is_finite() {
                return Ok(());
            }
            wrong(name, value.to_string(), "0 or more".to_owned())
        };
        match self.activation {
            Activation::TopK { k } | Activation::BatchTopK { k } => few("k", k)?,
            Activation::Relu { l1, .. } | Activation::Gated { l1 } => not_negative("l1", l1)?,
            Activation::JumpRelu { l0, bandwidth, .. } => {
                not_negative("l0", l0)?;
                if !(0.0 < bandwidth && bandwidth.is_finite()) {
                    return wrong("bandwidth", bandwidth.to_string(), "more than 0".to_owned());
                }
            }
        }
        if let Some(Revival::AuxK { k, coefficient, .. }) = self.revival {
            few("the auxiliary k", k)?;
            not_negative("the auxiliary coefficient", coefficient)?;
        }
        let ascend = self.prefixes.is_sorted_by(|less, more| less < more);
        if !ascend || self.prefixes.first() == Some(&0) || self.prefixes.last() != Some(&latents) {
            let expected = format!("ascending from 1 or more to {latents}, the number of latents");
            return wrong("the prefixes", format!("{:?}", self.prefixes), expected);
        }
        Ok(())
    }

    /// Which prefix of [`Self::prefixes`] is the first that a latent belongs to.
    pub fn prefix_of(&self, latent: usize) -> usize {
        self.prefixes.partition_point(|&end| end <= latent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Config {
        Config {
            channels: 4,
            latents: 8,
            activation: Activation::TopK { k: 2 },
            centred: true,
            prefixes: vec![8],
            revival: None,
        }
    }

    #[test]
    fn what_cannot_be_trained_is_named() {
        let jump = Activation::JumpRelu { l0: 1.0, bandwidth: 0.0, logarithmic: false };
        let aux = Revival::AuxK { k: 9, coefficient: 1.0, normalized: false };
        for (config, said) in [
            (Config { latents: 0, prefixes: vec![0], ..plain() }, "latents is 0"),
            (Config { activation: Activation::TopK { k: 9 }, ..plain() }, "k is 9"),
            (Config { activation: Activation::BatchTopK { k: 0 }, ..plain() }, "k is 0"),
            (Config { activation: Activation::Gated { l1: f32::NAN }, ..plain() }, "l1 is NaN"),
            (Config { activation: jump, ..plain() }, "bandwidth is 0"),
            (Config { revival: Some(aux), ..plain() }, "the auxiliary k is 9"),
            (Config { prefixes: vec![4, 4, 8], ..plain() }, "the prefixes is [4, 4, 8]"),
            (Config { prefixes: vec![0, 8], ..plain() }, "the prefixes is [0, 8]"),
            (Config { prefixes: vec![4], ..plain() }, "the prefixes is [4]"),
            (Config { prefixes: Vec::new(), ..plain() }, "the prefixes is []"),
        ] {
            let error = config.check().unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
        plain().check().unwrap();
    }

    #[test]
    fn a_latent_belongs_to_every_prefix_from_its_first_on() {
        let config = Config { prefixes: vec![1, 3, 8], ..plain() };
        let first: Vec<_> = (0..8).map(|latent| config.prefix_of(latent)).collect();
        assert_eq!(first, [0, 1, 1, 2, 2, 2, 2, 2]);
    }
}

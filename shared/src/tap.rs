//! A layer's name and the activation caught there.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use strsim::levenshtein;

/// Which of its model's layers: a place in [`crate::network::ModelInfo::layers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerId(pub usize);

/// Where a layer has its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grid {
    /// At one place only: one value a channel.
    None,
    /// At places in rows and columns.
    Convolutional {
        /// Input pixels between neighbouring places.
        stride: usize,
    },
}

impl Grid {
    /// Input pixels between neighbouring places, where there are any.
    pub fn stride(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Convolutional { stride } => Some(stride),
        }
    }
}

/// What one place of a layer can see of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sees {
    /// A square of so many pixels a side.
    Pixels(usize),
    /// All of it.
    Everything,
}

impl Sees {
    /// Pixels of a side, where that is less than everything.
    pub fn pixels(self) -> Option<usize> {
        match self {
            Self::Pixels(side) => Some(side),
            Self::Everything => None,
        }
    }
}

/// What a layer is to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Values that the network found.
    Features,
    /// The same before their nonlinearity, which comes next: they may be negative.
    BeforeNonlinearity,
    /// Another layer's values, pooled or normalised.
    PassedThrough,
    /// A value for each class.
    Classes,
    /// What a readout finds in another layer.
    Latents,
}

/// What can be said of a layer without running it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerInfo {
    /// The canonical name, Distill's for InceptionV1: `mixed4a`, `mixed4a_3x3_pre_relu`.
    pub name: String,
    /// Published names for the same layer: Caffe's, torchvision's, Lucent's.
    pub aliases: Vec<String>,
    /// Length of the channel axis.
    pub channels: usize,
    /// Where it has its values.
    pub grid: Grid,
    /// What one place can see.
    pub sees: Sees,
    /// What it is to the network.
    pub role: Role,
}

impl LayerInfo {
    /// Whether this is its canonical name or an alias.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Whether its channels are classes.
    pub fn is_classes(&self) -> bool {
        self.role == Role::Classes
    }

    /// The layer of so many latents that a readout called `name` finds in this one: it has the
    /// same places, and they see the same.
    pub fn of_latents(&self, name: &str, latents: usize) -> Self {
        Self {
            name: format!("{}/{name}", self.name),
            aliases: Vec::new(),
            channels: latents,
            role: Role::Latents,
            ..self.clone()
        }
    }
}

/// Activations by layer, each `[batch, channels, height, width]`.
/// Layers without positions (logits) have height and width 1.
#[derive(Clone, Debug, Default)]
pub struct Activations(pub BTreeMap<LayerId, Tensor<4>>);

impl Activations {
    /// The activation caught at a layer, if it was asked for.
    pub fn get(&self, layer: LayerId) -> Option<Tensor<4>> {
        self.0.get(&layer).cloned()
    }

    /// The same values as leaves of a gradient's graph of their own.
    pub fn tracked(&self) -> Self {
        let track = |(layer, value): (&LayerId, &Tensor<4>)| {
            (*layer, value.clone().inner().autodiff().require_grad())
        };
        Self(self.0.iter().map(track).collect())
    }

    /// The gradients at tracked activations of a value that was made of them; those it depends on.
    ///
    /// # Shapes
    /// - `value`: `[1]`
    pub fn gradients(&self, value: Tensor<1>) -> Self {
        let mut gradients = value.backward();
        let of = |(layer, tracked): (&LayerId, &Tensor<4>)| {
            Some((*layer, tracked.grad_remove(&mut gradients)?))
        };
        Self(self.0.iter().filter_map(of).collect())
    }
}

/// The candidate with the smallest edit distance to `name` (Levenshtein).
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| levenshtein(name, candidate))
}

/// The nearest candidate, if a third of the letters or fewer are different: a slip, not another
/// name.
pub fn near<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    nearest(name, candidates)
        .filter(|candidate| 3 * levenshtein(name, candidate) <= candidate.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_layer() {
        let layers = ["mixed3a", "mixed4a", "mixed4b", "logits"];
        assert_eq!(nearest("mixde4a", layers.into_iter()), Some("mixed4a"));
        assert_eq!(nearest("logit", layers.into_iter()), Some("logits"));
        assert_eq!(near("mixde4a", layers.into_iter()), Some("mixed4a"));
        assert_eq!(near("photographs", layers.into_iter()), None);
    }
}

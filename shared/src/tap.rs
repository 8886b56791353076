//! A layer's name and the activation caught there.

use std::collections::BTreeMap;

use burn::tensor::{Gradients, Tensor};
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
    /// At patches in rows and columns, and at tokens that have no place: class and registers.
    Patches {
        /// Pixels of a patch's side.
        stride: usize,
        /// Tokens without a place; the first is the class token.
        extra: usize,
    },
}

impl Grid {
    /// Input pixels between neighbouring places, where there are any.
    pub fn stride(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Convolutional { stride } | Self::Patches { stride, .. } => Some(stride),
        }
    }

    /// Tokens that have no place.
    pub fn extra(self) -> usize {
        match self {
            Self::None | Self::Convolutional { .. } => 0,
            Self::Patches { extra, .. } => extra,
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
    /// Queries, keys and values, as so many heads compare them.
    Attention {
        /// Heads.
        heads: usize,
    },
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

/// What a layer gave for a batch of pictures.
#[derive(Clone, Debug)]
pub struct Caught {
    /// `[batch, channels, height, width]`; a layer without places has height and width 1.
    pub grid: Tensor<4>,
    /// What has no place, `[batch, channels, tokens]`: the class token, then registers.
    pub extra: Option<Tensor<3>>,
}

impl From<Tensor<4>> for Caught {
    fn from(grid: Tensor<4>) -> Self {
        Self { grid, extra: None }
    }
}

impl Caught {
    /// The same values outside any gradient's graph.
    pub fn inner(&self) -> Self {
        Self { grid: self.grid.clone().inner(), extra: self.extra.clone().map(Tensor::inner) }
    }

    /// The same values as leaves of a gradient's graph of their own.
    pub fn tracked(&self) -> Self {
        let Self { grid, extra } = self.inner();
        let extra = extra.map(|extra| extra.autodiff().require_grad());
        Self { grid: grid.autodiff().require_grad(), extra }
    }

    /// The gradient at tracked values; nothing where none of them has one.
    pub fn gradient(&self, gradients: &mut Gradients) -> Option<Self> {
        let grid = self.grid.grad_remove(gradients);
        let extra = self.extra.as_ref().map(|extra| (extra, extra.grad_remove(gradients)));
        if grid.is_none() && extra.as_ref().is_none_or(|(_, gradient)| gradient.is_none()) {
            return None;
        }
        let grid = grid.unwrap_or_else(|| self.grid.clone().inner().zeros_like());
        let extra = extra.map(|(extra, gradient)| {
            gradient.unwrap_or_else(|| extra.clone().inner().zeros_like())
        });
        Some(Self { grid, extra })
    }

    /// The sum of the products with another of the same layer and batch.
    ///
    /// # Shapes
    /// - returns: `[1]`
    pub fn dot(self, other: Self) -> Tensor<1> {
        let grid = (self.grid * other.grid).sum();
        match (self.extra, other.extra) {
            (Some(extra), Some(other)) => grid + (extra * other).sum(),
            _ => grid,
        }
    }
}

/// What a pass caught, by layer.
#[derive(Clone, Debug, Default)]
pub struct Activations(pub BTreeMap<LayerId, Caught>);

impl Activations {
    /// What a layer gave, if it was asked for.
    pub fn get(&self, layer: LayerId) -> Option<&Caught> {
        self.0.get(&layer)
    }

    /// What a layer gave at its places, if it was asked for.
    ///
    /// # Shapes
    /// - returns: `[batch, channels, height, width]`
    pub fn grid(&self, layer: LayerId) -> Option<Tensor<4>> {
        self.get(layer).map(|caught| caught.grid.clone())
    }

    /// The same values as leaves of a gradient's graph of their own.
    pub fn tracked(&self) -> Self {
        Self(self.0.iter().map(|(layer, caught)| (*layer, caught.tracked())).collect())
    }

    /// The gradients at tracked activations of a value that was made of them; those it depends on.
    ///
    /// # Shapes
    /// - `value`: `[1]`
    pub fn gradients(&self, value: Tensor<1>) -> Self {
        let mut gradients = value.backward();
        let of = |(layer, tracked): (&LayerId, &Caught)| {
            Some((*layer, tracked.gradient(&mut gradients)?))
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

//! The list of vision models that exist; each is a file that builds a network's graph.

pub mod efficientnet_lite;
pub mod inception;
pub mod vit;

use std::collections::BTreeMap;

use burn::tensor::Device;

use crate::network::{Blueprint, Network};
use crate::weights::{Precision, StoredTensors};
use crate::{Error, Result};

pub use crate::network::{Choice, ModelInfo};

/// A model that can be built.
#[derive(Clone, Copy)]
enum Known {
    Inception(inception::Variant),
    EfficientNetLite(efficientnet_lite::Variant),
    Vit(&'static vit::Architecture),
}

impl Known {
    fn all() -> impl Iterator<Item = Self> {
        let inception = inception::Variant::ALL.into_iter().map(Self::Inception);
        let lite = efficientnet_lite::Variant::ALL.into_iter().map(Self::EfficientNetLite);
        inception.chain(lite).chain(vit::ALL.iter().map(Self::Vit))
    }

    fn named(name: &str) -> Result<Self> {
        Self::all().find(|known| known.is_called(name)).ok_or_else(|| {
            let known: Vec<_> = Self::all().map(Self::name).collect();
            let nearest = crate::tap::near(&name.to_lowercase(), known.iter().copied());
            Error::UnknownModel {
                name: name.to_owned(),
                nearest: nearest.map(str::to_owned),
                known: known.join(", "),
            }
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Inception(variant) => variant.name(),
            Self::EfficientNetLite(variant) => variant.name(),
            Self::Vit(architecture) => architecture.name,
        }
    }

    fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Inception(_) | Self::EfficientNetLite(_) => &[],
            Self::Vit(architecture) => architecture.aliases,
        }
    }

    /// Whether this is its name or one of its publishers' own spellings.
    fn is_called(self, name: &str) -> bool {
        self.name() == name || self.aliases().contains(&name)
    }

    fn blueprint(self) -> Blueprint {
        match self {
            Self::Inception(variant) => variant.blueprint(),
            Self::EfficientNetLite(variant) => variant.blueprint(),
            Self::Vit(architecture) => architecture.blueprint(),
        }
    }
}

/// Models that can be built, in the order they are offered.
pub fn registry() -> Vec<ModelInfo> {
    Known::all().map(|known| known.blueprint().info).collect()
}

/// What the publishers of the model called `name` call it, where that is not its name.
pub fn aliases(name: &str) -> Result<&'static [&'static str]> {
    Known::named(name).map(Known::aliases)
}

/// The model called `name`, without its weights.
pub fn blueprint(name: &str) -> Result<Blueprint> {
    Known::named(name).map(Known::blueprint)
}

/// What is known of the model called `name`.
pub fn info(name: &str) -> Result<ModelInfo> {
    Ok(blueprint(name)?.info)
}

/// Which of the sets of weights in a file the model called `name` takes; nothing where no more
/// than one fits.
pub fn choice(name: &str, weights: &StoredTensors<'_>) -> Result<Option<Choice>> {
    Ok(blueprint(name)?.choice(weights))
}

/// Builds the model called `name` from weights in any of its published namings, whatever a
/// training script put before the names ([`choice`]).
pub fn load<'a>(
    name: &str,
    weights: impl Into<StoredTensors<'a>>,
    device: &Device,
) -> Result<Network> {
    blueprint(name)?.load(weights, device)
}

/// A safetensors file of the tensors that the model called `name` needs: what only training needs
/// is left out, and where batch normalisation can be folded into the convolutions, it is.
///
/// # Errors
/// Weights that do not fit the model, or a value too large for the precision.
pub fn distilled<'a>(
    name: &str,
    weights: impl Into<StoredTensors<'a>>,
    precision: Precision,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>> {
    match Known::named(name)? {
        Known::Inception(variant) => variant.blueprint().taken(weights, precision, metadata),
        Known::EfficientNetLite(variant) => variant.folded(weights, precision, metadata),
        Known::Vit(architecture) => architecture.blueprint().taken(weights, precision, metadata),
    }
}

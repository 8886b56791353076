//! The trait every vision model meets, and the list of those that exist.

pub mod efficientnet_lite;
mod fit;
pub mod inception;
pub mod labels;
mod manner;
mod seen;
mod sets;
mod tape;

use burn::tensor::{Device, Tensor};

use crate::preprocess::Preprocessing;
use crate::tap::{Activations, LayerInfo};
use crate::weights::NamedTensors;
use crate::{Error, Result};

use efficientnet_lite::EfficientNetLite;
use fit::Source;
use inception::Inception;

pub use manner::{Erosion, Manner};
pub use sets::Choice;

/// What can be said of a model without its weights.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// The name on the command line and in addresses: `googlenet`.
    pub name: &'static str,
    /// The name for people: "GoogLeNet".
    pub title: &'static str,
    /// Where its weights come from, in a few words.
    pub origin: &'static str,
    /// How pictures become its input.
    pub preprocessing: Preprocessing,
    /// Every layer that can be tapped, in forward order; the last is `logits`.
    pub layers: Vec<LayerInfo>,
}

impl ModelInfo {
    /// The layer of this canonical name or alias.
    pub fn layer(&self, name: &str) -> Result<&LayerInfo> {
        self.layers.iter().find(|layer| layer.is_called(name)).ok_or_else(|| Error::UnknownLayer {
            model: self.name.to_owned(),
            name: name.to_owned(),
            nearest: self.nearest_layer(name),
        })
    }

    /// The canonical name closest to a misspelt one.
    pub fn nearest_layer(&self, name: &str) -> String {
        let names = self.layers.iter().map(|layer| layer.name.as_str());
        crate::tap::nearest(name, names).unwrap_or_default().to_owned()
    }
}

/// A network that can be looked into.
pub trait VisionModel: Send + Sync {
    /// Names, sizes, preprocessing.
    fn info(&self) -> &ModelInfo;

    /// Runs as far as the deepest of `taps` (canonical names) and no further.
    ///
    /// The network is frozen: gradients flow to `input` when it is tracked, never to weights.
    ///
    /// # Shapes
    /// - `input`: `[batch, 3, height, width]`, preprocessed; any height and width the strides allow
    ///
    /// # Errors
    /// An unknown name, or an input so small that a layer has no position left.
    fn forward(&self, input: Tensor<4>, taps: &[&str], manner: Manner) -> Result<Activations>;
}

/// A model that can be built.
#[derive(Clone, Copy)]
enum Known {
    Inception(inception::Variant),
    EfficientNetLite(efficientnet_lite::Variant),
}

impl Known {
    fn all() -> impl Iterator<Item = Self> {
        let inception = inception::Variant::ALL.into_iter().map(Self::Inception);
        let lite = efficientnet_lite::Variant::ALL.into_iter().map(Self::EfficientNetLite);
        inception.chain(lite)
    }

    fn named(name: &str) -> Result<Self> {
        Self::all().find(|known| known.info().name == name).ok_or_else(|| {
            let known: Vec<_> = Self::all().map(|known| known.info().name).collect();
            let nearest = crate::tap::near(&name.to_lowercase(), known.iter().copied());
            Error::UnknownModel {
                name: name.to_owned(),
                nearest: nearest.map(str::to_owned),
                known: known.join(", "),
            }
        })
    }

    fn info(self) -> ModelInfo {
        match self {
            Self::Inception(variant) => variant.info(),
            Self::EfficientNetLite(variant) => variant.info(),
        }
    }

    /// What each published naming calls its weights.
    fn namings(self) -> Vec<Vec<Source>> {
        match self {
            Self::Inception(variant) => variant.namings(),
            Self::EfficientNetLite(variant) => variant.namings(),
        }
    }
}

/// Models that can be built, in the order they are offered.
pub fn registry() -> Vec<ModelInfo> {
    Known::all().map(Known::info).collect()
}

/// What is known of the model called `name`.
pub fn info(name: &str) -> Result<ModelInfo> {
    Known::named(name).map(Known::info)
}

/// Which of the sets of weights in a file the model called `name` takes; nothing where no more
/// than one fits.
pub fn choice(name: &str, weights: &NamedTensors) -> Result<Option<Choice>> {
    let choice = sets::choose(&Known::named(name)?.namings(), weights);
    Ok(Some(choice).filter(|choice| !choice.left.is_empty()))
}

/// Builds the model called `name` from weights in any of its published namings, whatever a
/// training script put before the names ([`choice`]).
pub fn load(name: &str, weights: NamedTensors, device: &Device) -> Result<Box<dyn VisionModel>> {
    let known = Known::named(name)?;
    let weights = sets::taken(&known.namings(), weights);
    Ok(match known {
        Known::Inception(variant) => Box::new(Inception::load(variant, weights, device)?),
        Known::EfficientNetLite(variant) => {
            Box::new(EfficientNetLite::load(variant, weights, device)?)
        }
    })
}

/// The tensors that a file for the model called `name` needs to hold: what only training needs is
/// left out, and where batch normalisation can be folded into the convolutions, it is.
///
/// # Errors
/// Weights that do not fit the model.
pub fn distilled(name: &str, weights: NamedTensors) -> Result<NamedTensors> {
    let known = Known::named(name)?;
    let mut weights = sets::taken(&known.namings(), weights);
    match known {
        Known::Inception(variant) => {
            weights.retain(|name, _| !inception::is_training_only(name));
            Inception::load(variant, weights.clone(), &crate::device::cpu())?;
            Ok(weights)
        }
        Known::EfficientNetLite(variant) => variant.folded(weights),
    }
}

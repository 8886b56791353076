//! The trait every vision model meets, and the list of those that exist.

pub mod inception;
pub mod labels;

use burn::tensor::{Device, Tensor};

use crate::ops::ReluGradient;
use crate::preprocess::Preprocessing;
use crate::tap::{Activations, LayerInfo};
use crate::weights::NamedTensors;
use crate::{Error, Result};

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
        self.layers
            .iter()
            .find(|layer| layer.name == name || layer.aliases.iter().any(|alias| alias == name))
            .ok_or_else(|| Error::UnknownLayer {
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
    fn forward(&self, input: Tensor<4>, taps: &[&str], relu: ReluGradient) -> Result<Activations>;
}

/// Models that can be built, in the order they are offered.
pub fn registry() -> Vec<ModelInfo> {
    inception::Variant::ALL.iter().map(|variant| variant.info()).collect()
}

/// What is known of the model called `name`.
pub fn info(name: &str) -> Result<ModelInfo> {
    registry().into_iter().find(|info| info.name == name).ok_or_else(|| unknown(name))
}

/// Builds the model called `name` from weights in any of its published namings.
pub fn load(name: &str, weights: NamedTensors, device: &Device) -> Result<Box<dyn VisionModel>> {
    let variant = inception::Variant::ALL.iter().find(|variant| variant.info().name == name);
    let variant = variant.ok_or_else(|| unknown(name))?;
    Ok(Box::new(inception::Inception::load(*variant, weights, device)?))
}

/// Whether a tensor of this name only helped in training: no model here needs it.
pub fn is_training_only(tensor: &str) -> bool {
    inception::is_training_only(tensor)
}

fn unknown(name: &str) -> Error {
    let known: Vec<_> = registry().iter().map(|info| info.name).collect();
    Error::UnknownModel { name: name.to_owned(), known: known.join(", ") }
}

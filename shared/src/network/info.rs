//! What can be said of a model without its weights.

use crate::preprocess::Preprocessing;
use crate::tap::{self, LayerId, LayerInfo};
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
    /// Every layer that can be tapped, in forward order; a [`LayerId`] counts them.
    pub layers: Vec<LayerInfo>,
}

impl ModelInfo {
    /// The layer of this canonical name or alias.
    ///
    /// # Errors
    /// There is none; the error has the nearest.
    pub fn layer(&self, name: &str) -> Result<&LayerInfo> {
        self.layer_id(name).map(|id| self.at(id))
    }

    /// The number of the layer of this canonical name or alias.
    ///
    /// # Errors
    /// There is none; the error has the nearest.
    pub fn layer_id(&self, name: &str) -> Result<LayerId> {
        find_layer(self.name, &self.layers, name)
    }

    /// The layer of this number, which must be one of this model's.
    pub fn at(&self, layer: LayerId) -> &LayerInfo {
        &self.layers[layer.0]
    }

    /// Pixels that must divide the sides of a picture of which all is to be seen: those of a
    /// patch's side, or 1.
    pub fn patch(&self) -> usize {
        let patches = self.layers.iter().filter(|layer| 0 < layer.grid.extra());
        patches.filter_map(|layer| layer.grid.stride()).next().unwrap_or(1)
    }

    /// The layer whose channels are classes.
    ///
    /// # Errors
    /// The model has none.
    pub fn classes(&self) -> Result<LayerId> {
        let found = self.layers.iter().position(LayerInfo::is_classes);
        found.map(LayerId).ok_or_else(|| Error::UnknownLayer {
            model: self.name.to_owned(),
            name: "classes".to_owned(),
            nearest: self.nearest_layer("classes"),
        })
    }

    /// What is to be said where activations hold nothing of a layer.
    pub fn not_caught(&self, layer: LayerId) -> Error {
        Error::NotCaught { layer: self.at(layer).name.clone() }
    }

    /// The canonical name closest to a misspelt one.
    pub fn nearest_layer(&self, name: &str) -> String {
        nearest_layer(&self.layers, name)
    }
}

/// The number of the one of a model's layers that has this canonical name or alias.
///
/// # Errors
/// There is none; the error has the nearest.
pub fn find_layer(model: &str, layers: &[LayerInfo], name: &str) -> Result<LayerId> {
    let found = layers.iter().position(|layer| layer.is_called(name));
    found.map(LayerId).ok_or_else(|| Error::UnknownLayer {
        model: model.to_owned(),
        name: name.to_owned(),
        nearest: nearest_layer(layers, name),
    })
}

fn nearest_layer(layers: &[LayerInfo], name: &str) -> String {
    let names = layers.iter().map(|layer| layer.name.as_str());
    tap::nearest(name, names).unwrap_or_default().to_owned()
}

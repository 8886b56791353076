//! What the page opens: `bundle.json` and the parts it names. `docs/bundle.md` is normative.
//!
//! Everything in a bundle is untrusted. [`Bundle::parse`] checks every field before anything is
//! allocated or fetched by it, [`Part::check`] every part's bytes, and each kind of part has a
//! reader of its own that checks what is inside.

mod index;
mod layer;
mod sprites;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::models::{self, ModelInfo};
use crate::preprocess::Preprocessing;
use crate::{Error, Result};

pub use self::index::{Entry, INDEX_LIMIT, Index};
pub use self::layer::{DictionaryFiles, Dreams, Layer};
pub use self::sprites::{OnSheet, SHEET_LIMIT, Sprites};
pub use super::document::SCHEMA;
use super::document::{json_text, parse_json, schema};
use super::field::Field;
pub use super::part::{Part, WEIGHTS_LIMIT};

/// The longest `bundle.json` that is read, in bytes.
pub const MANIFEST_LIMIT: usize = 4 << 20;

/// The largest list of labels that is accepted, in bytes.
pub const LABELS_LIMIT: u64 = 4 << 20;

/// The largest list of the gallery's pictures that is accepted, in bytes.
pub const CREDITS_LIMIT: u64 = 64 << 20;

/// The longest label, in characters.
const LABEL_LIMIT: usize = 500;

/// `bundle.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bundle {
    /// `[major, minor]`; a reader refuses another major version and accepts a later minor one.
    pub schema: [u32; 2],
    /// A name from the model registry: `googlenet`.
    pub model: String,
    /// How pictures become the model's input, the same as the registry's.
    pub preprocessing: Preprocessing,
    /// The weights, safetensors. A bundle without them shows what was made beforehand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Part>,
    /// Class labels, one a line, in the order of the logits.
    pub labels: Part,
    /// The photographs that exemplars are chosen from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gallery: Option<Gallery>,
    /// What was made beforehand, layer by layer, in the order they are offered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
}

/// Photographs, and whose they are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gallery {
    /// What each picture shows, its author and licence: [`crate::format::credits`].
    pub credits: Part,
    /// The pictures, in the same order.
    pub sprites: Sprites,
}

impl Bundle {
    /// A bundle of this version for a model of the registry, with nothing made beforehand.
    pub fn new(info: &ModelInfo, weights: Option<Part>, labels: Part) -> Self {
        Self {
            schema: SCHEMA,
            model: info.name.to_owned(),
            preprocessing: info.preprocessing.clone(),
            weights,
            labels,
            gallery: None,
            layers: Vec::new(),
        }
    }

    /// What was made beforehand of a layer, if anything was.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// Every part, in the order of `bundle.json`.
    pub fn parts(&self) -> Vec<&Part> {
        let mut parts: Vec<&Part> = self.weights.iter().chain([&self.labels]).collect();
        if let Some(gallery) = &self.gallery {
            parts.push(&gallery.credits);
            parts.extend(&gallery.sprites.sheets);
        }
        parts.extend(self.layers.iter().flat_map(Layer::parts));
        parts
    }

    /// Reads and checks `bundle.json`. Fields it does not know belong to a later minor version.
    ///
    /// # Errors
    /// Name the field, say what was found and what can stand there.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = parse_json("bundle.json", bytes, MANIFEST_LIMIT)?;
        let root = Field::root("bundle.json", &value);
        // First, because everything else may mean something different in another version.
        let schema = schema(&root.get("schema")?)?;
        let model = root.get("model")?;
        let info = models::info(model.text()?).map_err(|error| model.wrong(error))?;
        let preprocessing = preprocessing(&root.get("preprocessing")?, &info)?;
        let weights = root.optional("weights")?;
        let weights = weights.map(|field| Part::read(&field, WEIGHTS_LIMIT)).transpose()?;
        let labels = Part::read(&root.get("labels")?, LABELS_LIMIT)?;
        let gallery = root.optional("gallery")?.map(|field| gallery(&field)).transpose()?;
        let n_pictures = gallery.as_ref().map_or(0, |gallery| gallery.sprites.count);
        let layers = match root.optional("layers")? {
            Some(field) => layer::read(&field, &info, n_pictures)?,
            None => Vec::new(),
        };
        let model = info.name.to_owned();
        let bundle = Self { schema, model, preprocessing, weights, labels, gallery, layers };
        let mut paths = BTreeSet::new();
        for part in bundle.parts() {
            if !paths.insert(&part.path) {
                return Err(root.wrong(format!("two parts share the path {:?}", part.path)));
            }
        }
        Ok(bundle)
    }

    /// The text of `bundle.json`.
    pub fn to_json(&self) -> Result<String> {
        json_text("bundle.json", self)
    }
}

/// The labels in a part: UTF-8, one for each class, one a line.
pub fn labels_from_bytes(bytes: &[u8], n_classes: usize) -> Result<Vec<String>> {
    let wrong = |reason| Error::Format { what: "labels".to_owned(), reason };
    let text = std::str::from_utf8(bytes).map_err(|error| wrong(format!("no UTF-8: {error}")))?;
    let labels: Vec<String> = text.lines().map(str::to_owned).collect();
    if labels.len() != n_classes {
        return Err(wrong(format!("{} lines for a model of {n_classes} classes", labels.len())));
    }
    for (class, label) in labels.iter().enumerate() {
        let line = class + 1;
        if label.is_empty() || LABEL_LIMIT < label.chars().count() {
            return Err(wrong(format!(
                "line {line} is empty or longer than {LABEL_LIMIT} characters"
            )));
        }
        if label.chars().any(char::is_control) {
            return Err(wrong(format!("line {line} holds a control character")));
        }
    }
    Ok(labels)
}

/// The text of the labels part.
pub fn labels_to_text(labels: &[String]) -> String {
    labels.iter().flat_map(|label| [label.as_str(), "\n"]).collect()
}

fn preprocessing(field: &Field<'_>, info: &ModelInfo) -> Result<Preprocessing> {
    let found: Preprocessing = field.parsed()?;
    // Two sources that could differ would give pictures the network was never trained on.
    if found != info.preprocessing {
        return Err(field.wrong(format!(
            "differs from what {} is built for: was this bundle exported for another variant?",
            info.name
        )));
    }
    Ok(found)
}

fn gallery(field: &Field<'_>) -> Result<Gallery> {
    Ok(Gallery {
        credits: Part::read(&field.get("credits")?, CREDITS_LIMIT)?,
        sprites: Sprites::read(&field.get("sprites")?)?,
    })
}

#[cfg(test)]
mod tests;

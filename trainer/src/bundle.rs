//! A bundle: gathered from what was made before, checked as its reader does, written whole or not
//! at all.

mod check;
mod dictionaries;
mod dreams;
mod existing;
mod files;
mod folder;
pub mod gallery;
mod ingredients;
mod kinds;
mod layers;
mod list;
mod map;
mod sheets;

use std::path::Path;

use anyhow::Result;
use shared::format::bundle::{Bundle, labels_to_text};
use shared::models;
use shared::weights::Precision;

use self::files::Files;
use self::layers::Layers;
use crate::convert::convert;
use crate::failure::WrongCall;
use crate::labels;
use crate::weights::Weights;

pub use self::existing::{Existing, MANIFEST};
pub use self::ingredients::{Ingredients, WeightsFrom};
pub use self::list::{INDEX, list};

/// Writes a bundle to `target`, in place of a bundle that is there already.
///
/// # Errors
/// Everything is gathered and checked before anything is written; what was there stays as it is.
pub fn export(ingredients: &Ingredients, target: &Path) -> Result<Bundle> {
    let from = ingredients.from.as_deref().map(Existing::open).transpose()?;
    let from_model = from.as_ref().map(|from| from.bundle.model.as_str());
    let Some(model) = ingredients.model.as_deref().or(from_model) else {
        return Err(WrongCall("no model was named".to_owned()).into());
    };
    let info = models::info(model)?;
    if let Some(other) = from_model.filter(|other| *other != info.name) {
        return Err(WrongCall(format!("--from is a bundle of {other}, not of {model}")).into());
    }
    folder::refuse_to_replace_what_is_no_bundle(target)?;

    let mut files = Files::default();
    let weights = match (&ingredients.weights, &from) {
        (WeightsFrom::Given { weights, precision }, _) => {
            let bytes = encoded(model, weights, *precision)?;
            Some(files.add("weights.safetensors", bytes))
        }
        (WeightsFrom::Bundle, Some(from)) => {
            from.bundle.weights.as_ref().map(|part| from.take(part, &mut files)).transpose()?
        }
        (WeightsFrom::Bundle, None) | (WeightsFrom::Nowhere, _) => None,
    };
    let labels = match (&from, &ingredients.weights) {
        (Some(from), _) => from.take(&from.bundle.labels, &mut files)?,
        (None, WeightsFrom::Given { weights, .. }) => {
            let labels = labels::beside(&info, weights);
            files.add("labels.txt", labels_to_text(&labels).into_bytes())
        }
        (None, _) => files.add("labels.txt", labels_to_text(&labels::known(&info)).into_bytes()),
    };
    let mut bundle = Bundle::new(&info, weights, labels);
    let layers = Layers { ingredients, info: &info, from: from.as_ref(), target };
    (bundle.gallery, bundle.layers) = layers.gather(&mut files)?;

    let manifest = bundle.to_json()?.into_bytes();
    let bundle = check::check(&manifest, &files)?;
    folder::write(target, &files.finished_by(MANIFEST, manifest))?;
    Ok(bundle)
}

/// Weights as a bundle's part.
fn encoded(model: &str, weights: &Weights, precision: Option<Precision>) -> Result<Vec<u8>> {
    if let (Weights::BuiltIn(bytes), None) = (weights, precision) {
        // More bits would tell nothing more.
        return Ok(bytes.to_vec());
    }
    let precision = precision.unwrap_or(Precision::F16);
    Ok(convert(model, weights, &weights.name(), precision)?.bytes)
}

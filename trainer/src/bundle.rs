//! A bundle: gathered from what was made before, checked as its reader does, written whole or not
//! at all.

mod check;
mod dreams;
mod existing;
mod files;
mod folder;
pub mod gallery;
mod layers;
mod list;
mod sheets;

use std::path::{Path, PathBuf};

use anyhow::Result;
use shared::format::bundle::{Bundle, labels_to_text};
use shared::models;
use shared::weights::Precision;

use self::files::Files;
use self::layers::Layers;
use crate::failure::WrongCall;
use crate::{cache, convert};

pub use self::existing::Existing;
pub use self::list::{INDEX, list};

/// The name of the file that makes a folder a bundle.
pub const MANIFEST: &str = "bundle.json";

/// What a bundle is made of.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Its model's name in the registry; that of `from` if there is none.
    pub model: Option<String>,
    /// The network itself.
    pub weights: Weights,
    /// A folder of photographs with `gallery.json`.
    pub gallery: Option<PathBuf>,
    /// A folder of exemplars chosen from the gallery.
    pub exemplars: Option<PathBuf>,
    /// A folder of exemplars chosen from other pictures, to measure the gallery by.
    pub reference: Option<PathBuf>,
    /// Folders of pictures from `pellucid visualize`.
    pub dreams: Vec<PathBuf>,
    /// Layers in the order they are offered; of exemplars, only these. None: all.
    pub layers: Vec<String>,
    /// A bundle to take everything else from.
    pub from: Option<PathBuf>,
}

/// What a bundle holds of its network.
#[derive(Clone, Debug, Default)]
pub enum Weights {
    /// Those of the bundle it is made from, if that has any.
    #[default]
    Kept,
    /// None: it shows what was made beforehand.
    Without,
    /// These, in any published format.
    Given {
        /// Where they are.
        weights: cache::Weights,
        /// Bits of a weight; nothing for half precision, or for as many as those inside the
        /// program have.
        precision: Option<Precision>,
    },
}

/// Writes a bundle to `target`, in place of a bundle that is there already.
///
/// # Errors
/// Everything is gathered and checked before anything is written; what was there stays as it is.
pub fn export(order: &Order, target: &Path) -> Result<Bundle> {
    let from = order.from.as_deref().map(Existing::open).transpose()?;
    let from_model = from.as_ref().map(|from| from.bundle.model.as_str());
    let Some(model) = order.model.as_deref().or(from_model) else {
        return Err(WrongCall("no model was named".to_owned()).into());
    };
    let info = models::info(model)?;
    if let Some(other) = from_model.filter(|other| *other != info.name) {
        return Err(WrongCall(format!("--from is a bundle of {other}, not of {model}")).into());
    }
    folder::refuse_to_replace_what_is_no_bundle(target)?;

    let mut files = Files::default();
    let weights = match (&order.weights, &from) {
        (Weights::Given { weights, precision }, _) => {
            let bytes = encoded(model, weights, *precision)?;
            Some(files.add("weights.safetensors", bytes))
        }
        (Weights::Kept, Some(from)) => {
            from.bundle.weights.as_ref().map(|part| from.take(part, &mut files)).transpose()?
        }
        (Weights::Kept, None) | (Weights::Without, _) => None,
    };
    let labels = match (&from, &order.weights) {
        (Some(from), _) => from.take(&from.bundle.labels, &mut files)?,
        (None, Weights::Given { weights, .. }) => {
            let labels = cache::labels_beside(&info, weights);
            files.add("labels.txt", labels_to_text(&labels).into_bytes())
        }
        (None, _) => files.add("labels.txt", labels_to_text(&cache::labels(&info)).into_bytes()),
    };
    let mut bundle = Bundle::new(&info, weights, labels);
    let layers = Layers { order, info: &info, from: from.as_ref(), target };
    (bundle.gallery, bundle.layers) = layers.gather(&mut files)?;

    let manifest = bundle.to_json()?.into_bytes();
    let bundle = check::check(&manifest, &files)?;
    folder::write(target, &files.finished_by(MANIFEST, manifest))?;
    Ok(bundle)
}

/// Weights as a bundle's part.
fn encoded(model: &str, weights: &cache::Weights, precision: Option<Precision>) -> Result<Vec<u8>> {
    if let (cache::Weights::BuiltIn(bytes), None) = (weights, precision) {
        // More bits would tell nothing more.
        return Ok(bytes.to_vec());
    }
    let (tensors, origin) = convert::read(model, weights)?;
    convert::encode(model, &tensors, precision.unwrap_or(Precision::F16), &origin)
}

//! What a bundle is made of.

use std::path::PathBuf;

use shared::weights::Precision;

use crate::weights::Weights;

/// Everything that is gathered.
#[derive(Clone, Debug, Default)]
pub struct Ingredients {
    /// Its model's name in the registry; that of `from` if there is none.
    pub model: Option<String>,
    /// The network itself.
    pub weights: WeightsFrom,
    /// A folder of photographs with `gallery.json`.
    pub gallery: Option<PathBuf>,
    /// A folder of exemplars chosen from the gallery.
    pub exemplars: Option<PathBuf>,
    /// A folder of exemplars chosen from other pictures, to measure the gallery by.
    pub reference: Option<PathBuf>,
    /// Folders of pictures from `pellucid visualize`.
    pub dreams: Vec<PathBuf>,
    /// Dictionaries whose latents are layers: `FOLDER`, `NAME=FOLDER` or `LAYER/NAME=FOLDER`.
    pub dictionaries: Vec<String>,
    /// Layers in the order they are offered; of exemplars, only these. None: all.
    pub layers: Vec<String>,
    /// A bundle to take everything else from.
    pub from: Option<PathBuf>,
}

/// Where a bundle's weights come from.
#[derive(Clone, Debug, Default)]
pub enum WeightsFrom {
    /// From the bundle it is made from, if that has any.
    #[default]
    Bundle,
    /// It has none, and shows what was made beforehand.
    Nowhere,
    /// These, in any published format.
    Given {
        /// Where they are.
        weights: Weights,
        /// Bits of a weight; nothing for half precision, or for as many as those inside the
        /// program have.
        precision: Option<Precision>,
    },
}

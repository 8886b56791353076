//! What a model's classes are called, in the order of its logits.
//!
//! ImageNet's thousand are known. Another order of classes is read from `NAME.labels.txt` in the
//! cache or beside the weights, one name a line; without that file classes go by their number. A
//! network without classes has no labels.

use std::fs;
use std::path::PathBuf;

use shared::classes;
use shared::models::ModelInfo;

use crate::cache;
use crate::weights::Weights;

/// As far as they are known without weights.
pub fn known(info: &ModelInfo) -> Vec<String> {
    from([cache::weights_file(info.name).ok()], info)
}

/// Preferring those that lie beside the weights.
pub fn beside(info: &ModelInfo, weights: &Weights) -> Vec<String> {
    let beside = match weights {
        Weights::File(path) => Some(path.clone()),
        Weights::BuiltIn(_) => None,
    };
    from([beside, cache::weights_file(info.name).ok()], info)
}

/// Labels from the first file of them that lies beside one of these weights.
fn from<const N: usize>(weights: [Option<PathBuf>; N], info: &ModelInfo) -> Vec<String> {
    let classes = info.layers.iter().find(|layer| layer.is_classes());
    let n_classes = classes.map_or(0, |layer| layer.channels);
    let mut files = weights.into_iter().flatten().map(|path| cache::labels_file(&path));
    let file = files.find_map(|path| fs::read_to_string(path).ok());
    let labels = match file {
        Some(text) => classes::from_lines(&text, n_classes),
        None => classes::for_classes(n_classes),
    };
    labels.into_iter().map(|label| label.name).collect()
}

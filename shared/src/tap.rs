//! A layer's name and the activation caught there.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Where a layer stands relative to its nonlinearity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nonlinearity {
    /// Values may be negative; the nonlinearity comes next.
    Before,
    /// The nonlinearity's output (or something computed from it, as pooling is).
    After,
    /// No nonlinearity belongs to this layer, as for logits.
    None,
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
    /// Input pixels between neighbouring positions. For a layer without positions, 0.
    pub stride: usize,
    /// Side of the input square that one position can see, in pixels. For logits, 0: everything.
    pub receptive_field: usize,
    /// Before or after the nonlinearity.
    pub nonlinearity: Nonlinearity,
}

impl LayerInfo {
    /// Whether this is its canonical name or an alias.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }
}

/// Activations by canonical layer name, each `[batch, channels, height, width]`.
/// Layers without positions (logits) have height and width 1.
#[derive(Clone, Debug, Default)]
pub struct Activations(pub BTreeMap<String, Tensor<4>>);

impl Activations {
    /// The activation caught at a layer, if it was asked for.
    pub fn get(&self, layer: &str) -> Option<Tensor<4>> {
        self.0.get(layer).cloned()
    }
}

/// The candidate with the smallest edit distance to `name` (Levenshtein).
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| edit_distance(name, candidate))
}

/// The nearest candidate, if a third of the letters or fewer are different: a slip, not another
/// name.
pub fn near<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    nearest(name, candidates)
        .filter(|candidate| 3 * edit_distance(name, candidate) <= candidate.chars().count())
}

fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, wanted) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = done + 1;
        for (place, &found) in to.iter().enumerate() {
            let substituted = diagonal + usize::from(wanted != found);
            diagonal = row[place + 1];
            row[place + 1] = substituted.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
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

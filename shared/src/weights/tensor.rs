//! Tensors as files name them.

use std::collections::BTreeMap;

/// One tensor in full precision.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Length of each axis, outermost first.
    pub shape: Vec<usize>,
    /// Row by row.
    pub values: Vec<f32>,
}

/// Tensors by the name their file gives them.
pub type NamedTensors = BTreeMap<String, NamedTensor>;

//! Bytes to named tensors.
//!
//! Every reader here takes untrusted bytes: sizes are checked against the bytes that are there
//! before anything is allocated.

mod caffemodel;
mod safetensors;

use std::collections::BTreeMap;

pub use caffemodel::from_caffemodel;
pub use safetensors::{Precision, from_safetensors, to_safetensors};

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

/// Weights that cannot be read or do not fit.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The bytes are no file of this kind.
    #[error("not a readable {format} file: {reason}")]
    Unreadable {
        /// "safetensors", "caffemodel".
        format: &'static str,
        /// What the reader said.
        reason: String,
    },
    /// Tensors missing, unexpected, of the wrong shape or not finite, all at once.
    #[error("these weights do not fit {model}: {}", problems.join("; "))]
    Misfit {
        /// The model they were read for.
        model: String,
        /// A sentence for each tensor.
        problems: Vec<String>,
    },
    /// A value beyond the range of half precision.
    #[error("{name} holds {value}, more than half precision reaches (65504); write it in f32")]
    TooLargeForHalf {
        /// The tensor.
        name: String,
        /// Its first value out of range.
        value: f32,
    },
}

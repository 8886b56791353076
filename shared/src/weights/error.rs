//! Why weights are not taken.

use super::foreign::Foreign;

/// Weights that cannot be read or do not fit.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The bytes are no file of this kind.
    #[error("not a readable {format} file: {reason}")]
    Unreadable {
        /// "safetensors", "caffemodel", ".pth".
        format: &'static str,
        /// What the reader said.
        reason: String,
    },
    /// The bytes are something else.
    #[error("{0}; {next}", next = .0.next())]
    Foreign(Foreign),
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

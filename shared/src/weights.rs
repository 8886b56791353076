//! Bytes to named tensors.
//!
//! Every reader here takes untrusted bytes: sizes are checked against the bytes that are there
//! before anything is allocated.

mod caffemodel;
mod safetensors;

use std::collections::BTreeMap;

pub use caffemodel::from_caffemodel;
pub use safetensors::{Precision, from_safetensors, to_safetensors};

/// The kinds of weights files that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightsFormat {
    /// safetensors.
    Safetensors,
    /// A `.caffemodel`.
    Caffe,
}

impl WeightsFormat {
    /// Which kind a file of `length` bytes is, by how it begins (`head`, 9 bytes or more where
    /// there are as many): names lie.
    pub fn of(head: &[u8], length: u64) -> Option<Self> {
        // A length that fits into the file, then JSON.
        if let Some((header_length, b"{")) =
            head.get(..9).and_then(|start| start.split_first_chunk::<8>())
            && u64::from_le_bytes(*header_length) <= length.saturating_sub(8)
        {
            return Some(Self::Safetensors);
        }
        // A `NetParameter` starts with its name (field 1), or a layer (fields 2 and 100).
        let starts_as_net = matches!(head, [0x0a | 0x12, ..] | [0xa2, 0x06, ..]);
        starts_as_net.then_some(Self::Caffe)
    }
}

/// Reads safetensors or a `.caffemodel`, told apart by content.
pub fn from_bytes(bytes: &[u8]) -> Result<NamedTensors, WeightsError> {
    match WeightsFormat::of(bytes, bytes.len() as u64) {
        Some(WeightsFormat::Safetensors) => from_safetensors(bytes),
        Some(WeightsFormat::Caffe) => from_caffemodel(bytes),
        None => Err(WeightsError::Unreadable {
            format: "weights",
            reason: format!("{} bytes that are neither safetensors nor .caffemodel", bytes.len()),
        }),
    }
}

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
        /// "safetensors", "caffemodel"; "weights" where it is none of them.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_file_is_told_by_its_content() {
        let tensor = NamedTensor { shape: vec![1], values: vec![0.5] };
        let tensors = NamedTensors::from([("fc.weight".to_owned(), tensor)]);
        let written = to_safetensors(&tensors, Precision::F32, &BTreeMap::new()).unwrap();
        assert_eq!(from_bytes(&written).unwrap(), tensors);
        // NetParameter { layer: { name: "fc", blobs: { shape: { dim: 1 }, data: 0.5 } } }
        let caffe = [
            &[0xa2, 0x06, 17, 0x0a, 2][..],
            b"fc",
            &[0x3a, 11, 0x3a, 3, 0x0a, 1, 1, 0x2a, 4],
            &0.5_f32.to_le_bytes(),
        ];
        assert_eq!(from_bytes(&caffe.concat()).unwrap(), tensors);
        for other in [&b"<html>"[..], b"", b"{}", b"PK\x03\x04", &[0x80, 2]] {
            let error = from_bytes(other).unwrap_err().to_string();
            assert!(error.contains("neither safetensors nor .caffemodel"), "{error}");
        }
    }
}

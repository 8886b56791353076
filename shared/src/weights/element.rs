//! The kinds of numbers that weights are stored as.

use half::{bf16, f16};

/// A kind of number, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    BF16,
    I8,
}

impl Element {
    /// Bytes of each.
    pub fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::I8 => 1,
        }
    }

    /// The numbers in full precision; bytes after the last whole one are left out.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F64 => decode(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
            Self::F32 => decode(bytes, f32::from_le_bytes),
            Self::F16 => decode(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Self::BF16 => decode(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Self::I8 => decode(bytes, |bytes| f32::from(i8::from_le_bytes(bytes))),
        }
    }
}

fn decode<const SIZE: usize>(bytes: &[u8], read: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<SIZE>().0.iter().map(|bytes| read(*bytes)).collect()
}

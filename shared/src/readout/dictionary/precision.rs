//! In what numbers a device multiplies.

use burn::tensor::{FloatDType, Tensor};
use serde::{Deserialize, Serialize};

use crate::ops;

/// What products of matrices are computed in. Everything else, what is trained included, is in
/// single precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// Single precision.
    #[default]
    #[serde(rename = "f32")]
    Single,
    /// 8 bits of mantissa.
    #[serde(rename = "bf16")]
    Brain,
}

impl Precision {
    /// As recipes have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "f32",
            Self::Brain => "bf16",
        }
    }

    /// What of a device it needs.
    pub fn float(self) -> FloatDType {
        match self {
            Self::Single => FloatDType::F32,
            Self::Brain => FloatDType::BF16,
        }
    }

    /// A product in single precision, of numbers that may be rounded first.
    ///
    /// # Shapes
    /// - `left`: `[rows, inner]`
    /// - `right`: `[inner, columns]`
    /// - returns: `[rows, columns]`
    pub fn product(self, left: Tensor<2>, right: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Single => ops::product(left, right),
            Self::Brain => {
                let [left, right] = [left, right].map(|side| side.cast(self.float()));
                left.matmul(right).cast(FloatDType::F32)
            }
        }
    }
}

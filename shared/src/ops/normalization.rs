//! What local response normalization does.

/// The exponent of a local response normalization; both are made of square roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beta {
    /// 1/2, as in TensorFlow's Inception.
    Half,
    /// 3/4, as in Krizhevsky et al. 2012 and Caffe.
    ThreeQuarters,
}

impl Beta {
    /// As a number.
    pub fn value(self) -> f32 {
        match self {
            Self::Half => 0.5,
            Self::ThreeQuarters => 0.75,
        }
    }

    /// `base` to the power of minus this.
    #[inline(always)]
    pub fn inverse_power(self, base: f32) -> f32 {
        let root = base.sqrt();
        match self {
            Self::Half => 1.0 / root,
            Self::ThreeQuarters => 1.0 / (root * root.sqrt()),
        }
    }
}

/// Normalization of each value by its neighbours in the channel axis (Krizhevsky et al. 2012, 3.3):
/// `x / (bias + alpha * sum of squares over 2 * radius + 1 channels) ^ beta`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lrn {
    /// Channels on either side; those beyond the ends count as zero.
    pub radius: usize,
    /// Factor of the plain sum of squares (Caffe divides its own by the window's length).
    pub alpha: f32,
    /// Added to it.
    pub bias: f32,
    /// The exponent.
    pub beta: Beta,
}

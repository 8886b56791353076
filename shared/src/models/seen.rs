//! What one position of a layer sees of the input, followed from layer to layer.

use crate::ops::Pool;
use crate::tap::{LayerInfo, Nonlinearity};

/// What one position of a layer sees of the input.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub channels: usize,
    pub stride: usize,
    pub receptive_field: usize,
}

impl Seen {
    /// A pixel of an RGB picture.
    pub const PIXEL: Self = Self { channels: 3, stride: 1, receptive_field: 1 };

    /// After windows have been laid over it.
    pub fn through(self, Pool { kernel, stride, .. }: Pool) -> Self {
        Self {
            channels: self.channels,
            stride: self.stride * stride,
            receptive_field: self.receptive_field + (kernel - 1) * self.stride,
        }
    }

    /// After a convolution with this many outputs.
    pub fn through_convolution(self, window: Pool, channels: usize) -> Self {
        Self { channels, ..self.through(window) }
    }

    /// After the mean over all positions.
    pub fn averaged(self) -> Self {
        Self { stride: 0, receptive_field: 0, ..self }
    }

    /// What can be said of a layer here.
    pub fn info(self, name: &str, aliases: Vec<String>, nonlinearity: Nonlinearity) -> LayerInfo {
        LayerInfo {
            name: name.to_owned(),
            aliases,
            channels: self.channels,
            stride: self.stride,
            receptive_field: self.receptive_field,
            nonlinearity,
        }
    }
}

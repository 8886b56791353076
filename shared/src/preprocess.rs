//! A picture moved into the range its model declares.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::image::Picture;

/// The order of a network's input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first, as Caffe's networks want it.
    Bgr,
}

/// How RGB in 0..=1 becomes a network's input: reordered, times `scale`, plus `offset`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Order of the input channels.
    pub order: ChannelOrder,
    /// Factor for each channel, in the network's order.
    pub scale: [f32; 3],
    /// Added after scaling, in the network's order.
    pub offset: [f32; 3],
    /// For classification: the shorter side is made this long first.
    pub resize_shorter_side: usize,
    /// For classification: then the middle square of this side is cut out.
    pub crop: usize,
}

impl Preprocessing {
    /// The network's input for pictures that already have the wanted size. Differentiable.
    ///
    /// # Shapes
    /// - `rgb`: `[batch, 3, height, width]`, 0..=1
    /// - returns: the same shape
    pub fn apply(&self, rgb: Tensor<4>) -> Tensor<4> {
        let device = rgb.device().inner();
        let channels =
            |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
        let ordered = match self.order {
            ChannelOrder::Rgb => rgb,
            ChannelOrder::Bgr => rgb.flip([1]),
        };
        ordered * channels(self.scale) + channels(self.offset)
    }

    /// Resizes, crops, and applies: what a classifier sees of a photograph.
    ///
    /// # Shapes
    /// - returns: `[1, 3, crop, crop]`
    pub fn classification_input(&self, picture: &Picture, device: &Device) -> Tensor<4> {
        self.apply(self.classification_crop(picture).to_tensor(device))
    }

    /// The part of a photograph that a classifier sees, in its size.
    pub fn classification_crop(&self, picture: &Picture) -> Picture {
        picture.resize_shorter_side(self.resize_shorter_side).center_crop(self.crop, self.crop)
    }
}

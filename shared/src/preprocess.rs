//! A picture moved into the range its model declares.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::image::{Picture, Resampling};

/// The order of a network's input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first, as Caffe's networks want it.
    Bgr,
}

/// How a photograph is scaled before it is classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Its shorter side is made this long, and its aspect kept.
    ShorterSide(usize),
    /// Both its sides are made this long, whatever its aspect.
    BothSides(usize),
}

impl Resize {
    /// How long the shorter side is then.
    pub fn side(self) -> usize {
        match self {
            Self::ShorterSide(side) | Self::BothSides(side) => side,
        }
    }
}

/// How many times its shorter side of a photograph is scaled before the middle is cut out. More than
/// the middle needs, so that scaling finds all it looks at around a pixel.
const LONGEST: usize = 4;

/// How RGB in 0..=1 becomes a network's input: reordered, times `scale`, plus `offset`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Order of the input channels.
    pub order: ChannelOrder,
    /// Factor for each channel, in the network's order.
    pub scale: [f32; 3],
    /// Added after scaling, in the network's order.
    pub offset: [f32; 3],
    /// For classification: how a photograph is scaled first.
    pub resize: Resize,
    /// For classification: what the pixels of the scaled photograph are made of.
    pub resampling: Resampling,
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

    /// The gradient at RGB pictures, from that at the network's input.
    ///
    /// # Shapes
    /// - `gradient`, returns: `[batch, 3, height, width]`
    pub fn pull_back(&self, gradient: Tensor<4>) -> Tensor<4> {
        let scale = Tensor::<1>::from_floats(self.scale, &gradient.device());
        let scaled = gradient * scale.reshape([1, 3, 1, 1]);
        match self.order {
            ChannelOrder::Rgb => scaled,
            ChannelOrder::Bgr => scaled.flip([1]),
        }
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
        let scaled = match self.resize {
            Resize::ShorterSide(side) => self.shorter_side_resized(picture, side),
            Resize::BothSides(side) => picture.resize(side, side, self.resampling),
        };
        scaled.center_crop(self.crop, self.crop)
    }

    fn shorter_side_resized(&self, picture: &Picture, side: usize) -> Picture {
        // What is cut away in the end need not be scaled first: of a picture one pixel wide and
        // sixty thousand high that would be gigabytes.
        let longest = LONGEST * picture.width().min(picture.height());
        let middle;
        let picture = if longest < picture.width().max(picture.height()) {
            middle = picture.center_crop(longest, longest);
            &middle
        } else {
            picture
        };
        picture.resize_shorter_side(side, self.resampling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models;

    #[test]
    fn a_picture_as_thin_as_can_be_is_cut_before_it_is_scaled() {
        let preprocessing = models::info("googlenet").unwrap().preprocessing;
        // Scaled whole it would have 13 thousand million pixels.
        let thin = Picture::from_planes(1, 200_000, vec![0.5; 600_000]).unwrap();
        let seen = preprocessing.classification_crop(&thin);
        assert_eq!((seen.width(), seen.height()), (224, 224));
        assert!(seen.planes().iter().all(|value| (value - 0.5).abs() < 1e-5));
    }

    #[test]
    fn the_middle_of_a_long_picture_is_what_it_is_when_all_of_it_is_scaled() {
        let preprocessing = models::info("googlenet").unwrap().preprocessing;
        // Five times as long as high; an even number on either side is cut away.
        let (width, height) = (480, 96);
        let plane = (0..width * height).map(|place| (place * 7 % 251) as f32 / 251.0);
        let planes: Vec<f32> = plane.cycle().take(3 * width * height).collect();
        let picture = Picture::from_planes(width, height, planes).unwrap();
        let seen = preprocessing.classification_crop(&picture);
        let whole = picture
            .resize_shorter_side(preprocessing.resize.side(), preprocessing.resampling)
            .center_crop(preprocessing.crop, preprocessing.crop);
        let apart = seen.planes().iter().zip(whole.planes());
        let apart = apart.map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-3, "{apart}");
    }

    #[test]
    fn a_photograph_is_squashed_where_its_aspect_is_not_kept() {
        let (resize, resampling) = (Resize::BothSides(6), Resampling::Bicubic);
        let googlenet = models::info("googlenet").unwrap().preprocessing;
        let preprocessing = Preprocessing { resize, resampling, crop: 4, ..googlenet };
        let plane = (0..12 * 3).map(|place| (place % 12) as f32 / 12.0);
        let wide = Picture::from_planes(12, 3, plane.cycle().take(3 * 36).collect()).unwrap();
        let seen = preprocessing.classification_crop(&wide);
        assert_eq!((seen.width(), seen.height()), (4, 4));
        // Four of six columns lie in the middle, so the outermost two of twelve are cut away.
        let expected = wide.resize(6, 6, resampling).center_crop(4, 4);
        assert_eq!(seen, expected);
        assert!((seen.planes()[0] - 2.5 / 12.0).abs() < 0.01, "{}", seen.planes()[0]);
    }

    #[test]
    fn a_file_names_how_photographs_are_scaled() {
        let googlenet = models::info("googlenet").unwrap().preprocessing;
        let json = serde_json::to_value(&googlenet).unwrap();
        assert_eq!(json["resize"], serde_json::json!({ "shorter_side": 256 }));
        assert_eq!(json["resampling"], "lanczos");
        assert_eq!(serde_json::from_value::<Preprocessing>(json).unwrap(), googlenet);
    }
}

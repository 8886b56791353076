//! What tells published transformers apart.

use crate::image::Resampling;
use crate::network::{Positions, Resizing};
use crate::ops::Gelu;
use crate::preprocess::{ChannelOrder, Preprocessing, Resize};

/// What its publishers decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// timm's, trained on ImageNet-21k, then ImageNet.
    Augreg,
    /// CLIP's image tower, with these units: OpenAI's quick, others' exact.
    Clip(Gelu),
    /// DINOv2, with or without registers.
    DinoV2,
    /// DINOv3: positions turn queries and keys.
    DinoV3,
}

/// The perceptron of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Perceptron {
    /// Gaussian error linear units, so many.
    Gelu(usize),
    /// So many gated units (SwiGLU).
    Gated(usize),
}

/// Sizes of one published transformer, or of one made to be tested.
#[derive(Clone, Copy, Debug)]
pub struct Architecture {
    /// The name on the command line and in addresses.
    pub name: &'static str,
    /// Its publishers' own spellings.
    pub aliases: &'static [&'static str],
    /// The name for people.
    pub title: &'static str,
    /// Where its weights come from.
    pub origin: &'static str,
    /// What its publishers decided.
    pub family: Family,
    /// Pixels of a patch's side.
    pub patch: usize,
    /// Patches on a side of the pictures it was trained with: those that have learned positions.
    pub side: usize,
    /// Channels of a token.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
    /// Heads of attention.
    pub heads: usize,
    /// What follows attention in each block.
    pub perceptron: Perceptron,
    /// Tokens without a place besides the class token.
    pub registers: usize,
    /// Classes, or values of an embedding; 0 where the network ends with its class token.
    pub outputs: usize,
}

impl Family {
    /// Added to variances.
    pub fn epsilon(self) -> f32 {
        match self {
            Self::Augreg | Self::DinoV2 => 1e-6,
            Self::Clip(_) | Self::DinoV3 => 1e-5,
        }
    }

    /// The units of perceptrons that are not gated.
    pub fn gelu(self) -> Gelu {
        match self {
            Self::Clip(gelu) => gelu,
            Self::Augreg | Self::DinoV2 | Self::DinoV3 => Gelu::Exact,
        }
    }

    /// Whether it is an image tower of CLIP's.
    pub fn is_clip(self) -> bool {
        matches!(self, Self::Clip(_))
    }

    /// Whether what each half of a block adds is scaled, channel by channel.
    pub fn has_layer_scale(self) -> bool {
        matches!(self, Self::DinoV2 | Self::DinoV3)
    }

    /// How a photograph is classified or embedded, as its publishers do it.
    pub fn preprocessing(self) -> Preprocessing {
        let bicubic = |side| (Resize::ShorterSide(side), Resampling::Bicubic);
        let ((resize, resampling), mean, deviation) = match self {
            // Nine tenths are kept.
            Self::Augreg => (bicubic(248), [0.5; 3], [0.5; 3]),
            Self::Clip(_) => (bicubic(224), CLIP_MEAN, CLIP_DEVIATION),
            Self::DinoV2 => (bicubic(256), IMAGENET_MEAN, IMAGENET_DEVIATION),
            Self::DinoV3 => {
                let squashed = (Resize::BothSides(224), Resampling::Bilinear);
                (squashed, IMAGENET_MEAN, IMAGENET_DEVIATION)
            }
        };
        Preprocessing {
            order: ChannelOrder::Rgb,
            scale: deviation.map(|deviation| 1.0 / deviation),
            offset: std::array::from_fn(|channel| -mean[channel] / deviation[channel]),
            resize,
            resampling,
            crop: 224,
        }
    }
}

const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const CLIP_DEVIATION: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];
const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const IMAGENET_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

impl Architecture {
    /// Tokens that have no place: class token and registers.
    pub fn extra(&self) -> usize {
        1 + self.registers
    }

    /// Learned positions of patches, where there are any.
    pub(crate) fn positions(&self) -> Option<Positions> {
        let resizing = match self.family {
            // As each is published: the original DINOv2 smooths only with registers.
            Family::DinoV2 if self.registers == 0 => Resizing::Interpolated,
            Family::Augreg | Family::Clip(_) | Family::DinoV2 => Resizing::Antialiased,
            Family::DinoV3 => return None,
        };
        Some(Positions { side: self.side, resizing })
    }
}

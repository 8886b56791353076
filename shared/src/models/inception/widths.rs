//! What tells the three published variants of Inception V1 apart: one table of widths.

use crate::image::Resampling;
use crate::ops::{Beta, Lrn, Padding};
use crate::preprocess::{ChannelOrder, Preprocessing, Resize};

use super::names::Naming;

/// Output channels of the six convolutions of a module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    pub name: &'static str,
    pub one: usize,
    pub three_bottleneck: usize,
    pub three: usize,
    pub five_bottleneck: usize,
    pub five: usize,
    pub pool_reduce: usize,
}

impl Widths {
    const fn new(name: &'static str, widths: [usize; 6]) -> Self {
        let [one, three_bottleneck, three, five_bottleneck, five, pool_reduce] = widths;
        Self { name, one, three_bottleneck, three, five_bottleneck, five, pool_reduce }
    }
}

/// The modules of the paper: Szegedy et al. 2014, table 1.
const MODULES: [Widths; 9] = [
    Widths::new("mixed3a", [64, 96, 128, 16, 32, 32]),
    Widths::new("mixed3b", [128, 128, 192, 32, 96, 64]),
    Widths::new("mixed4a", [192, 96, 208, 16, 48, 64]),
    Widths::new("mixed4b", [160, 112, 224, 24, 64, 64]),
    Widths::new("mixed4c", [128, 128, 256, 24, 64, 64]),
    Widths::new("mixed4d", [112, 144, 288, 32, 64, 64]),
    Widths::new("mixed4e", [256, 160, 320, 32, 128, 128]),
    Widths::new("mixed5a", [256, 160, 320, 32, 128, 128]),
    Widths::new("mixed5b", [384, 192, 384, 48, 128, 128]),
];

/// Everything in which the variants differ.
#[derive(Clone, Debug)]
pub(super) struct Architecture {
    pub name: &'static str,
    pub title: &'static str,
    pub origin: &'static str,
    pub preprocessing: Preprocessing,
    /// The scheme in which its weights are published.
    pub naming: Naming,
    pub classes: usize,
    pub modules: [Widths; 9],
    /// Kernel of the branch called 5x5.
    pub five_kernel: usize,
    /// Padding of the first convolution, the only one with a stride.
    pub first_padding: Padding,
    /// Padding of the poolings between the stages.
    pub pool_padding: Padding,
    /// Kernel of the pooling after `mixed4e`.
    pub last_pool_kernel: usize,
    pub normalization: Option<Lrn>,
}

pub(super) fn googlenet() -> Architecture {
    Architecture {
        name: "googlenet",
        title: "GoogLeNet",
        origin: "BVLC Caffe model zoo, trained by Sergio Guadarrama",
        preprocessing: Preprocessing {
            order: ChannelOrder::Bgr,
            scale: [255.0; 3],
            offset: [-104.0, -117.0, -123.0],
            resize: Resize::ShorterSide(256),
            resampling: Resampling::Lanczos,
            crop: 224,
        },
        naming: Naming::Caffe,
        classes: 1000,
        modules: MODULES,
        five_kernel: 5,
        first_padding: Padding::Symmetric(3),
        pool_padding: Padding::Ceil(0),
        last_pool_kernel: 3,
        // Caffe divides its alpha of 1e-4 by the five neighbours.
        normalization: Some(Lrn { radius: 2, alpha: 2e-5, bias: 1.0, beta: Beta::ThreeQuarters }),
    }
}

/// The attributes of the normalisation are those stored in TensorFlow's graph, `InceptionV1.pb`:
/// `depth_radius` 5, `bias` 2, `alpha` 1e-4 (not divided), `beta` 0.5. Lucent's port has
/// 1e-4 / 9, radius 4 and bias 1 there (its pull request 51 tells how that came about).
pub(super) fn inception_v1() -> Architecture {
    let mut modules = MODULES;
    modules[2].three = 204;
    modules[7].five_bottleneck = 48;
    Architecture {
        name: "inception-v1",
        title: "InceptionV1",
        origin: "Google's inception5h, the network of Distill's articles and of Lucid",
        preprocessing: Preprocessing {
            order: ChannelOrder::Rgb,
            scale: [255.0; 3],
            offset: [-117.0; 3],
            resize: Resize::ShorterSide(256),
            resampling: Resampling::Lanczos,
            crop: 224,
        },
        naming: Naming::Lucent,
        classes: 1008,
        modules,
        five_kernel: 5,
        first_padding: Padding::Same,
        pool_padding: Padding::Same,
        last_pool_kernel: 3,
        normalization: Some(Lrn { radius: 5, alpha: 1e-4, bias: 2.0, beta: Beta::Half }),
    }
}

pub(super) fn googlenet_torchvision() -> Architecture {
    Architecture {
        name: "googlenet-torchvision",
        title: "GoogLeNet (torchvision)",
        origin: "torchvision's GoogLeNet_Weights.IMAGENET1K_V1, trained with batch normalisation",
        // torchvision normalises by ImageNet's mean and deviation, then `transform_input` undoes
        // that and maps 0..=1 to -1..=1: together 2x - 1.
        preprocessing: Preprocessing {
            order: ChannelOrder::Rgb,
            scale: [2.0; 3],
            offset: [-1.0; 3],
            resize: Resize::ShorterSide(256),
            resampling: Resampling::Lanczos,
            crop: 224,
        },
        naming: Naming::Torchvision,
        classes: 1000,
        modules: MODULES,
        // A slip that its trained weights have kept: github.com/pytorch/vision/issues/906.
        five_kernel: 3,
        first_padding: Padding::Symmetric(3),
        pool_padding: Padding::Ceil(0),
        last_pool_kernel: 2,
        normalization: None,
    }
}

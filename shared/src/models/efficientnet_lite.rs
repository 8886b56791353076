//! EfficientNet-Lite: Tan and Le 2019, arXiv:1905.11946, in the variants that Google published for
//! small devices: no squeeze-and-excitation, ReLU6, stem and head of fixed width.
//!
//! <https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite>
//!
//! Padding is TensorFlow's: it depends on the input's size, and falls on the right and bottom
//! where it is odd.

mod names;

use std::collections::BTreeMap;

use crate::Result;
use crate::image::Resampling;
use crate::network::{Blueprint, Graph, ModelInfo, NodeId};
use crate::ops::{Padding, Pool};
use crate::preprocess::{ChannelOrder, Preprocessing, Resize};
use crate::tap::Role;
use crate::weights::{Precision, StoredTensors};

use names::{BlockPosition, Names, Naming, Part};

/// Classes of ImageNet.
const CLASSES: usize = 1000;

/// Channels of the first and the last convolution, which the Lite networks do not scale.
const STEM: usize = 32;
const HEAD: usize = 1280;

/// Channel numbers are multiples of this.
const DIVISOR: usize = 8;

/// Pixels that are cut off a picture's sides, together, before it is classified.
const CROP_MARGIN: usize = 32;

/// The published sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// 4.7 million parameters, 224 pixels.
    Lite0,
    /// 5.4 million, 240 pixels.
    Lite1,
    /// 6.1 million, 260 pixels.
    Lite2,
    /// 8.2 million, 280 pixels.
    Lite3,
    /// 13.0 million, 300 pixels.
    Lite4,
}

/// What tells the sizes apart.
struct Scale {
    name: &'static str,
    title: &'static str,
    /// Factor of the channels.
    width: f64,
    /// Factor of the blocks in a stage.
    depth: f64,
    /// Pixels of the picture it was trained with.
    side: usize,
}

impl Variant {
    /// Every size, smallest first.
    pub const ALL: [Self; 5] = [Self::Lite0, Self::Lite1, Self::Lite2, Self::Lite3, Self::Lite4];

    fn scale(self) -> Scale {
        let scale = |name, title, width, depth, side| Scale { name, title, width, depth, side };
        match self {
            Self::Lite0 => scale("efficientnet-lite0", "EfficientNet-Lite0", 1.0, 1.0, 224),
            Self::Lite1 => scale("efficientnet-lite1", "EfficientNet-Lite1", 1.0, 1.1, 240),
            Self::Lite2 => scale("efficientnet-lite2", "EfficientNet-Lite2", 1.1, 1.2, 260),
            Self::Lite3 => scale("efficientnet-lite3", "EfficientNet-Lite3", 1.2, 1.4, 280),
            Self::Lite4 => scale("efficientnet-lite4", "EfficientNet-Lite4", 1.4, 1.8, 300),
        }
    }

    /// The name on the command line and in addresses.
    pub fn name(self) -> &'static str {
        self.scale().name
    }

    /// The network without its weights, for tensors under the names of the published `.pth` files,
    /// timm's, or canonical ones.
    pub fn blueprint(self) -> Blueprint {
        let scale = self.scale();
        let info = ModelInfo {
            name: scale.name,
            title: scale.title,
            origin: "Google's EfficientNet-Lite, trained on ImageNet (Apache-2.0)",
            preprocessing: Preprocessing {
                order: ChannelOrder::Rgb,
                // (x - 127) / 128 of 0..=255.
                scale: [255.0 / 128.0; 3],
                offset: [-127.0 / 128.0; 3],
                resize: Resize::ShorterSide(scale.side + CROP_MARGIN),
                resampling: Resampling::Lanczos,
                crop: scale.side,
            },
            layers: Vec::new(),
        };
        Blueprint::new(info, graph(&scale), names::is_training_only)
    }

    /// Names and shapes of the tensors that the variant's own publication holds.
    pub fn published_tensors(self) -> BTreeMap<String, Vec<usize>> {
        self.blueprint().tensors(Naming::Published.position())
    }

    /// A safetensors file of the network's tensors with batch normalisation folded in, under
    /// canonical names.
    ///
    /// # Errors
    /// Every tensor that is missing, unexpected, wrongly shaped or not finite, in one error; or a
    /// value too large for the precision.
    pub fn folded<'a>(
        self,
        weights: impl Into<StoredTensors<'a>>,
        precision: Precision,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>> {
        self.blueprint().folded(weights, Naming::Canonical.position(), precision, metadata)
    }
}

/// Blocks of one shape; only the first has the stride.
struct Stage {
    repeats: usize,
    kernel: usize,
    stride: usize,
    expansion: usize,
    outputs: usize,
}

impl Stage {
    const fn new(
        repeats: usize,
        kernel: usize,
        stride: usize,
        expansion: usize,
        outputs: usize,
    ) -> Self {
        Self { repeats, kernel, stride, expansion, outputs }
    }
}

/// EfficientNet-B0: Tan and Le 2019, table 1.
const STAGES: [Stage; 7] = [
    Stage::new(1, 3, 1, 1, 16),
    Stage::new(2, 3, 2, 6, 24),
    Stage::new(2, 5, 2, 6, 40),
    Stage::new(3, 3, 2, 6, 80),
    Stage::new(3, 5, 1, 6, 112),
    Stage::new(4, 5, 2, 6, 192),
    Stage::new(1, 3, 1, 6, 320),
];

/// The whole network, from the table.
fn graph(scale: &Scale) -> Graph {
    let mut network = Builder::default();
    let mut x = network.activated("stem", &names::stem(), Graph::PICTURE, STEM, window(3, 2), 1);
    let mut number = 0;
    for (stage_number, stage) in STAGES.iter().enumerate() {
        let outputs = scaled_width(stage.outputs, scale.width);
        // The Lite networks do not deepen their first and last stage.
        let is_end = stage_number == 0 || stage_number + 1 == STAGES.len();
        let deeper = (stage.repeats as f64 * scale.depth).ceil() as usize;
        for repeat in 0..if is_end { stage.repeats } else { deeper } {
            let stride = if repeat == 0 { stage.stride } else { 1 };
            let widens = 1 < stage.expansion;
            let position = BlockPosition { number, in_stage: [stage_number, repeat], widens };
            x = network.block(stage, stride, x, outputs, &position);
            number += 1;
        }
    }
    x = network.activated("head", &names::head(), x, HEAD, window(1, 1), 1);
    let graph = &mut network.graph;
    let mean = graph.mean(x);
    let mean = graph.layer(mean, "avgpool", names::average(), Role::PassedThrough);
    let logits = graph.linear(mean, CLASSES, names::classifier_sources);
    graph.layer(logits, "logits", names::classifier(), Role::Classes);
    network.graph
}

fn window(kernel: usize, stride: usize) -> Pool {
    Pool { kernel, stride, padding: Padding::Same }
}

/// The nearest multiple of the divisor, unless that is less than nine tenths.
fn scaled_width(channels: usize, scale: f64) -> usize {
    let wanted = channels as f64 * scale;
    let half = DIVISOR as f64 / 2.0;
    let nearest = ((wanted + half) as usize / DIVISOR * DIVISOR).max(DIVISOR);
    if (nearest as f64) < 0.9 * wanted { nearest + DIVISOR } else { nearest }
}

#[derive(Default)]
struct Builder {
    graph: Graph,
}

impl Builder {
    /// An inverted residual (Sandler et al. 2018, arXiv:1801.04381): wide, depthwise, narrow again.
    fn block(
        &mut self,
        stage: &Stage,
        stride: usize,
        input: NodeId,
        outputs: usize,
        position: &BlockPosition,
    ) -> NodeId {
        let name = format!("block{}", position.number);
        let part = |part: &str| format!("{name}_{part}");
        let inputs = self.graph.channels(input);
        let wide = inputs * stage.expansion;
        let mut x = input;
        if position.widens {
            let published = names::in_block(position, Part::Expanded);
            x = self.activated(&part("expanded"), &published, x, wide, window(1, 1), 1);
        }
        let published = names::in_block(position, Part::Depthwise);
        let filter = window(stage.kernel, stride);
        x = self.activated(&part("depthwise"), &published, x, wide, filter, wide);
        // No nonlinearity follows it.
        let published = names::in_block(position, Part::Projected);
        x = self.convolution(&part("projected"), &published, x, outputs, window(1, 1), 1);
        let aliases = names::aliases(&published).concat();
        self.graph.layer(x, part("projected"), aliases, Role::Features);
        if stride == 1 && inputs == outputs {
            x = self.graph.residual(x, input);
        }
        self.graph.layer(x, name, names::whole_block(position), Role::Features)
    }

    /// A convolution, then ReLU6; both are layers.
    fn activated(
        &mut self,
        name: &str,
        published: &[Names; 2],
        input: NodeId,
        outputs: usize,
        window: Pool,
        groups: usize,
    ) -> NodeId {
        let [before_aliases, after_aliases] = names::aliases(published);
        let before = self.convolution(name, published, input, outputs, window, groups);
        let pre_relu = format!("{name}_pre_relu");
        self.graph.layer(before, pre_relu, before_aliases, Role::BeforeNonlinearity);
        let after = self.graph.relu6(before);
        self.graph.layer(after, name, after_aliases, Role::Features)
    }

    /// A convolution, batch normalisation folded in.
    fn convolution(
        &mut self,
        name: &str,
        published: &[Names; 2],
        input: NodeId,
        outputs: usize,
        window: Pool,
        groups: usize,
    ) -> NodeId {
        self.graph.convolution(input, outputs, window, groups, |shape| {
            names::sources(name, published, shape)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_and_depths_are_the_published_ones() {
        // Numbers of parameters as Google's repository gives them, in millions.
        for (variant, blocks, millions) in [
            (Variant::Lite0, 16, 4.65),
            (Variant::Lite1, 21, 5.42),
            (Variant::Lite2, 21, 6.09),
            (Variant::Lite3, 24, 8.2),
            (Variant::Lite4, 30, 13.0),
        ] {
            let blueprint = variant.blueprint();
            let layers = &blueprint.info.layers;
            assert!(layers.iter().any(|layer| layer.name == format!("block{}", blocks - 1)));
            assert!(layers.iter().all(|layer| layer.name != format!("block{blocks}")));
            // Mean and variance of batch normalisation are measured, not trained.
            let trained = variant.published_tensors().into_iter();
            let trained = trained.filter(|(name, _)| !name.contains(".running_"));
            let numbers: usize = trained.map(|(_, shape)| shape.iter().product::<usize>()).sum();
            let found = numbers as f64 / 1e6;
            assert!((found - millions).abs() < 0.01 * millions, "{variant:?}: {found}");
        }
    }
}

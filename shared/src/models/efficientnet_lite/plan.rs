//! The layers of EfficientNet-Lite in forward order, without weights (`W = ()`) or with them.

use crate::models::efficientnet_lite::names;
use crate::models::seen::Seen;
use crate::ops::{Padding, Pool};
use crate::tap::{LayerInfo, Nonlinearity};

use super::Scale;

/// Classes of ImageNet.
const CLASSES: usize = 1000;

/// Channels of the first and the last convolution, which the Lite networks do not scale.
const STEM: usize = 32;
const HEAD: usize = 1280;

/// Channel numbers are multiples of this.
const DIVISOR: usize = 8;

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

/// Which inputs an output channel is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mixing {
    /// All of them.
    Dense,
    /// The one of its own number.
    Depthwise,
}

/// A convolution, batch normalisation folded in.
#[derive(Clone, Debug)]
pub(super) struct Convolution<W> {
    pub name: String,
    pub inputs: usize,
    pub outputs: usize,
    pub window: Pool,
    pub mixing: Mixing,
    pub weights: W,
}

/// An inverted residual (Sandler et al. 2018, arXiv:1801.04381): wide, depthwise, narrow again.
#[derive(Clone, Debug)]
pub(super) struct Block<W> {
    pub name: String,
    /// Absent where the block does not widen.
    pub expand: Option<Convolution<W>>,
    pub depthwise: Convolution<W>,
    /// No nonlinearity follows it.
    pub project: Convolution<W>,
    /// Whether its input is added to its output.
    pub residual: bool,
    /// Its stage and its place there, as timm counts.
    pub place: [usize; 2],
}

/// The whole network.
#[derive(Clone, Debug)]
pub(super) struct Plan<W> {
    pub stem: Convolution<W>,
    pub blocks: Vec<Block<W>>,
    pub head: Convolution<W>,
    /// A linear layer, as a convolution over the single position that is left.
    pub classifier: Convolution<W>,
}

/// The whole network, from the table.
pub(super) fn plan(scale: &Scale) -> Plan<()> {
    let mut blocks = Vec::new();
    let mut inputs = STEM;
    for (number, stage) in STAGES.iter().enumerate() {
        let outputs = scaled_width(stage.outputs, scale.width);
        // The Lite networks do not deepen their first and last stage.
        let is_end = number == 0 || number + 1 == STAGES.len();
        let deeper = (stage.repeats as f64 * scale.depth).ceil() as usize;
        for repeat in 0..if is_end { stage.repeats } else { deeper } {
            let stride = if repeat == 0 { stage.stride } else { 1 };
            let name = format!("block{}", blocks.len());
            blocks.push(block(name, stage, stride, [inputs, outputs], [number, repeat]));
            inputs = outputs;
        }
    }
    Plan {
        stem: convolution("stem", [3, STEM], 3, 2, Mixing::Dense),
        blocks,
        head: convolution("head", [inputs, HEAD], 1, 1, Mixing::Dense),
        classifier: convolution("logits", [HEAD, CLASSES], 1, 1, Mixing::Dense),
    }
}

fn block(
    name: String,
    stage: &Stage,
    stride: usize,
    [inputs, outputs]: [usize; 2],
    place: [usize; 2],
) -> Block<()> {
    let wide = inputs * stage.expansion;
    let part = |part: &str, channels, kernel, stride, mixing| {
        convolution(&format!("{name}_{part}"), channels, kernel, stride, mixing)
    };
    Block {
        expand: (1 < stage.expansion)
            .then(|| part("expanded", [inputs, wide], 1, 1, Mixing::Dense)),
        depthwise: part("depthwise", [wide, wide], stage.kernel, stride, Mixing::Depthwise),
        project: part("projected", [wide, outputs], 1, 1, Mixing::Dense),
        residual: stride == 1 && inputs == outputs,
        place,
        name,
    }
}

fn convolution(
    name: &str,
    [inputs, outputs]: [usize; 2],
    kernel: usize,
    stride: usize,
    mixing: Mixing,
) -> Convolution<()> {
    let window = Pool { kernel, stride, padding: Padding::Same };
    Convolution { name: name.to_owned(), inputs, outputs, window, mixing, weights: () }
}

/// The nearest multiple of the divisor, unless that is less than nine tenths.
fn scaled_width(channels: usize, scale: f64) -> usize {
    let wanted = channels as f64 * scale;
    let half = DIVISOR as f64 / 2.0;
    let nearest = ((wanted + half) as usize / DIVISOR * DIVISOR).max(DIVISOR);
    if (nearest as f64) < 0.9 * wanted { nearest + DIVISOR } else { nearest }
}

impl<W> Convolution<W> {
    pub fn pre_relu_name(&self) -> String {
        format!("{}_pre_relu", self.name)
    }

    /// `[outputs, inputs of each, kernel, kernel]`
    pub fn kernels(&self) -> [usize; 4] {
        let inputs = match self.mixing {
            Mixing::Dense => self.inputs,
            Mixing::Depthwise => 1,
        };
        [self.outputs, inputs, self.window.kernel, self.window.kernel]
    }

    fn load<L>(self, load: &mut impl FnMut(&Self) -> L) -> Convolution<L> {
        let weights = load(&self);
        let Self { name, inputs, outputs, window, mixing, .. } = self;
        Convolution { name, inputs, outputs, window, mixing, weights }
    }
}

impl<W> Block<W> {
    /// Its convolutions, in forward order.
    pub fn convolutions(&self) -> impl Iterator<Item = &Convolution<W>> {
        self.expand.iter().chain([&self.depthwise, &self.project])
    }
}

impl<W> Plan<W> {
    /// The same network with weights, which `load` finds for each convolution, in forward order.
    pub fn load<L>(self, load: &mut impl FnMut(&Convolution<W>) -> L) -> Plan<L> {
        Plan {
            stem: self.stem.load(load),
            blocks: self
                .blocks
                .into_iter()
                .map(|block| Block {
                    name: block.name,
                    expand: block.expand.map(|expand| expand.load(load)),
                    depthwise: block.depthwise.load(load),
                    project: block.project.load(load),
                    residual: block.residual,
                    place: block.place,
                })
                .collect(),
            head: self.head.load(load),
            classifier: self.classifier.load(load),
        }
    }
}

/// What is known of every layer, in forward order.
pub(super) fn describe(plan: &Plan<()>) -> Vec<LayerInfo> {
    let mut layers = Layers { seen: Seen::PIXEL, infos: Vec::new() };
    layers.activated(&plan.stem, names::stem());
    for block in &plan.blocks {
        if let Some(expand) = &block.expand {
            layers.activated(expand, names::of_block(block, expand));
        }
        layers.activated(&block.depthwise, names::of_block(block, &block.depthwise));
        layers.through(&block.project);
        let [before, after] = names::of_block(block, &block.project);
        layers.add(&block.project.name, [before, after].concat(), Nonlinearity::None);
        layers.add(&block.name, names::whole_block(block), Nonlinearity::None);
    }
    layers.activated(&plan.head, names::head());
    layers.seen = layers.seen.averaged();
    layers.add("avgpool", names::average(), Nonlinearity::After);
    layers.seen.channels = plan.classifier.outputs;
    layers.add(&plan.classifier.name, names::classifier(), Nonlinearity::None);
    layers.infos
}

struct Layers {
    seen: Seen,
    infos: Vec<LayerInfo>,
}

impl Layers {
    fn through(&mut self, convolution: &Convolution<()>) {
        self.seen = self.seen.through_convolution(convolution.window, convolution.outputs);
    }

    fn add(&mut self, name: &str, aliases: Vec<String>, nonlinearity: Nonlinearity) {
        self.infos.push(self.seen.info(name, aliases, nonlinearity));
    }

    /// A convolution before and after its nonlinearity.
    fn activated(&mut self, convolution: &Convolution<()>, [before, after]: [Vec<String>; 2]) {
        self.through(convolution);
        self.add(&convolution.pre_relu_name(), before, Nonlinearity::Before);
        self.add(&convolution.name, after, Nonlinearity::After);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::efficientnet_lite::Variant;

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
            let plan = plan(&variant.scale());
            assert_eq!(plan.blocks.len(), blocks, "{variant:?}");
            // Batch normalisation has a scale and a shift for each channel, the classifier a bias.
            let blocks = plan.blocks.iter().flat_map(Block::convolutions);
            let convolutions = blocks.chain([&plan.stem, &plan.head, &plan.classifier]);
            let numbers = convolutions.map(|convolution| {
                let per_channel = if convolution.name == "logits" { 1 } else { 2 };
                convolution.kernels().iter().product::<usize>() + per_channel * convolution.outputs
            });
            let found = numbers.sum::<usize>() as f64 / 1e6;
            assert!((found - millions).abs() < 0.01 * millions, "{variant:?}: {found}");
        }
    }
}

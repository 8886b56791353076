//! The layers of Inception V1 in forward order, without weights (`W = ()`) or with them.

use crate::models::inception::names;
use crate::models::seen::Seen;
use crate::ops::{Lrn, Padding, Pool};
use crate::tap::{LayerInfo, Nonlinearity};

use super::widths::{Architecture, Widths};

/// A convolution; a ReLU follows it, except for the classifier.
#[derive(Clone, Debug)]
pub(super) struct Convolution<W> {
    pub name: String,
    pub pre_relu_name: String,
    pub inputs: usize,
    pub outputs: usize,
    /// Its kernel moves as a pooling window does.
    pub window: Pool,
    pub weights: W,
}

/// What stands in a branch before its last convolution.
#[derive(Clone, Debug)]
pub(super) enum Entry<W> {
    Straight,
    Bottleneck(Convolution<W>),
    Pool { name: String, pool: Pool },
}

/// One of a module's four ways from input to output.
#[derive(Clone, Debug)]
pub(super) struct Branch<W> {
    pub entry: Entry<W>,
    pub last: Convolution<W>,
}

/// Four branches, joined in the order 1x1, 3x3, 5x5, pooled.
#[derive(Clone, Debug)]
pub(super) struct Module<W> {
    pub name: String,
    pub pre_relu_name: String,
    pub branches: Vec<Branch<W>>,
}

#[derive(Clone, Debug)]
pub(super) enum Layer<W> {
    Convolution(Convolution<W>),
    MaxPool {
        name: String,
        pool: Pool,
    },
    Normalize {
        name: String,
        normalization: Lrn,
    },
    Module(Module<W>),
    /// Mean over all positions.
    Average {
        name: String,
    },
    /// A linear layer, as a convolution over the single position that is left.
    Classify(Convolution<W>),
}

/// The whole network, from the table.
pub(super) fn plan(architecture: &Architecture) -> Vec<Layer<()>> {
    let pool = |name: &str, kernel| Layer::MaxPool {
        name: name.to_owned(),
        pool: Pool { kernel, stride: 2, padding: architecture.pool_padding },
    };
    let normalize = |name: &str| {
        let name = name.to_owned();
        architecture.normalization.map(|normalization| Layer::Normalize { name, normalization })
    };
    let mut first = convolution("conv2d0", 3, 64, 7);
    first.window = Pool { stride: 2, padding: architecture.first_padding, ..first.window };

    let mut layers = vec![Layer::Convolution(first), pool("maxpool0", 3)];
    layers.extend(normalize("localresponsenorm0"));
    layers.push(Layer::Convolution(convolution("conv2d1", 64, 64, 1)));
    layers.push(Layer::Convolution(convolution("conv2d2", 64, 192, 3)));
    layers.extend(normalize("localresponsenorm1"));
    layers.push(pool("maxpool1", 3));
    let mut channels = 192;
    for widths in &architecture.modules {
        layers.push(Layer::Module(module(widths, channels, architecture.five_kernel)));
        channels = widths.output();
        match widths.name {
            "mixed3b" => layers.push(pool("maxpool4", 3)),
            "mixed4e" => layers.push(pool("maxpool10", architecture.last_pool_kernel)),
            _ => {}
        }
    }
    layers.push(Layer::Average { name: "avgpool0".to_owned() });
    layers.push(Layer::Classify(convolution("logits", channels, architecture.classes, 1)));
    layers
}

fn convolution(name: &str, inputs: usize, outputs: usize, kernel: usize) -> Convolution<()> {
    Convolution {
        name: name.to_owned(),
        pre_relu_name: format!("{name}_pre_relu"),
        inputs,
        outputs,
        window: Pool { kernel, stride: 1, padding: Padding::Symmetric(kernel / 2) },
        weights: (),
    }
}

fn module(widths: &Widths, inputs: usize, five_kernel: usize) -> Module<()> {
    let name = widths.name;
    let part = |part: &str, inputs, outputs, kernel| {
        convolution(&format!("{name}_{part}"), inputs, outputs, kernel)
    };
    let bottleneck = |name, outputs| Entry::Bottleneck(part(name, inputs, outputs, 1));
    let branches = vec![
        Branch { entry: Entry::Straight, last: part("1x1", inputs, widths.one, 1) },
        Branch {
            entry: bottleneck("3x3_bottleneck", widths.three_bottleneck),
            last: part("3x3", widths.three_bottleneck, widths.three, 3),
        },
        Branch {
            entry: bottleneck("5x5_bottleneck", widths.five_bottleneck),
            last: part("5x5", widths.five_bottleneck, widths.five, five_kernel),
        },
        Branch {
            entry: Entry::Pool {
                name: format!("{name}_pool"),
                pool: Pool { kernel: 3, stride: 1, padding: Padding::Symmetric(1) },
            },
            last: part("pool_reduce", inputs, widths.pool_reduce, 1),
        },
    ];
    Module { name: name.to_owned(), pre_relu_name: format!("{name}_pre_relu"), branches }
}

impl<W> Module<W> {
    /// Channels of the joined branches.
    pub fn outputs(&self) -> usize {
        self.branches.iter().map(|branch| branch.last.outputs).sum()
    }
}

impl Layer<()> {
    /// The same layer with weights, which `load` finds for each convolution.
    pub fn load<W>(self, load: &mut impl FnMut(&Convolution<()>) -> W) -> Layer<W> {
        let mut fill = |plan: Convolution<()>| {
            let weights = load(&plan);
            let Convolution { name, pre_relu_name, inputs, outputs, window, .. } = plan;
            Convolution { name, pre_relu_name, inputs, outputs, window, weights }
        };
        match self {
            Layer::Convolution(convolution) => Layer::Convolution(fill(convolution)),
            Layer::MaxPool { name, pool } => Layer::MaxPool { name, pool },
            Layer::Normalize { name, normalization } => Layer::Normalize { name, normalization },
            Layer::Average { name } => Layer::Average { name },
            Layer::Classify(convolution) => Layer::Classify(fill(convolution)),
            Layer::Module(Module { name, pre_relu_name, branches }) => {
                let branches = branches.into_iter().map(|Branch { entry, last }| {
                    let entry = match entry {
                        Entry::Straight => Entry::Straight,
                        Entry::Bottleneck(bottleneck) => Entry::Bottleneck(fill(bottleneck)),
                        Entry::Pool { name, pool } => Entry::Pool { name, pool },
                    };
                    Branch { entry, last: fill(last) }
                });
                Layer::Module(Module { name, pre_relu_name, branches: branches.collect() })
            }
        }
    }
}

impl<W> Layer<W> {
    pub fn name(&self) -> &str {
        match self {
            Layer::Convolution(convolution) | Layer::Classify(convolution) => &convolution.name,
            Layer::MaxPool { name, .. } | Layer::Normalize { name, .. } => name,
            Layer::Average { name } => name,
            Layer::Module(module) => &module.name,
        }
    }

    /// Every convolution in it, in forward order.
    pub fn convolutions(&self) -> Vec<&Convolution<W>> {
        match self {
            Layer::Convolution(convolution) | Layer::Classify(convolution) => vec![convolution],
            Layer::Module(module) => module
                .branches
                .iter()
                .flat_map(|branch| {
                    let bottleneck = match &branch.entry {
                        Entry::Bottleneck(bottleneck) => Some(bottleneck),
                        Entry::Straight | Entry::Pool { .. } => None,
                    };
                    bottleneck.into_iter().chain([&branch.last])
                })
                .collect(),
            Layer::MaxPool { .. } | Layer::Normalize { .. } | Layer::Average { .. } => Vec::new(),
        }
    }

    /// Positions along an axis after this layer, for `length` before it; none if it is too short.
    pub fn positions(&self, length: usize) -> Option<usize> {
        match self {
            Layer::Convolution(Convolution { window, .. })
            | Layer::MaxPool { pool: window, .. } => positions(*window, length),
            Layer::Average { .. } => Some(1),
            Layer::Normalize { .. } | Layer::Module(_) | Layer::Classify(_) => Some(length),
        }
    }
}

fn positions(window: Pool, length: usize) -> Option<usize> {
    if let Padding::Ceil(padding) = window.padding
        && length + 2 * padding + window.stride <= window.kernel
    {
        // Here Caffe's formula counts no window, and PyTorch refuses.
        return None;
    }
    let (_, windows) = window.layout(length);
    (0 < windows).then_some(windows)
}

impl<W> Convolution<W> {
    /// Whether it is the linear layer at the end.
    pub fn is_classifier(&self) -> bool {
        self.name == "logits"
    }
}

/// What is known of every layer, in forward order.
pub(super) fn describe(layers: &[Layer<()>]) -> Vec<LayerInfo> {
    let mut seen = Seen::PIXEL;
    let mut infos = Vec::new();
    for layer in layers {
        match layer {
            Layer::Convolution(convolution) => {
                seen = through(seen, convolution);
                infos.push(info(seen, &convolution.pre_relu_name, Nonlinearity::Before));
                infos.push(info(seen, &convolution.name, Nonlinearity::After));
            }
            Layer::MaxPool { name, pool } => {
                seen = seen.through(*pool);
                infos.push(info(seen, name, Nonlinearity::After));
            }
            Layer::Normalize { name, .. } => infos.push(info(seen, name, Nonlinearity::After)),
            Layer::Module(module) => {
                let inner = describe_branches(module, seen);
                seen.channels = module.outputs();
                seen.receptive_field =
                    inner.iter().map(|info| info.receptive_field).max().unwrap_or_default();
                infos.extend(inner);
                infos.push(info(seen, &module.pre_relu_name, Nonlinearity::Before));
                infos.push(info(seen, &module.name, Nonlinearity::After));
            }
            Layer::Average { name } => {
                seen = seen.averaged();
                infos.push(info(seen, name, Nonlinearity::After));
            }
            Layer::Classify(convolution) => {
                seen.channels = convolution.outputs;
                infos.push(info(seen, &convolution.name, Nonlinearity::None));
            }
        }
    }
    infos
}

fn describe_branches(module: &Module<()>, input: Seen) -> Vec<LayerInfo> {
    let mut infos = Vec::new();
    for branch in &module.branches {
        let mut seen = input;
        match &branch.entry {
            Entry::Straight => {}
            Entry::Bottleneck(bottleneck) => {
                seen = through(seen, bottleneck);
                infos.push(info(seen, &bottleneck.pre_relu_name, Nonlinearity::Before));
                infos.push(info(seen, &bottleneck.name, Nonlinearity::After));
            }
            Entry::Pool { name, pool } => {
                seen = seen.through(*pool);
                infos.push(info(seen, name, Nonlinearity::After));
            }
        }
        seen = through(seen, &branch.last);
        infos.push(info(seen, &branch.last.pre_relu_name, Nonlinearity::Before));
        infos.push(info(seen, &branch.last.name, Nonlinearity::After));
    }
    infos
}

fn through<W>(seen: Seen, convolution: &Convolution<W>) -> Seen {
    seen.through_convolution(convolution.window, convolution.outputs)
}

fn info(seen: Seen, name: &str, nonlinearity: Nonlinearity) -> LayerInfo {
    seen.info(name, names::aliases(name), nonlinearity)
}

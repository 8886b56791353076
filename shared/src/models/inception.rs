//! Inception V1 (GoogLeNet): Szegedy et al. 2014, arXiv:1409.4842, in its three published variants.
//!
//! They differ in widths, padding, normalisation and input range, which one table tells; the graph
//! is the same.

mod names;
mod widths;

use std::collections::BTreeMap;

use crate::network::{Blueprint, Graph, ModelInfo, NodeId};
use crate::ops::{Padding, Pool};
use crate::tap::Role;

pub use names::is_training_only;

use names::Naming;
use widths::{Architecture, Widths};

/// The published training runs of Inception V1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// BVLC's, trained with Caffe.
    GoogLeNet,
    /// Google's own, known as inception5h: the network of Distill's articles, Lucid and Lucent.
    InceptionV1,
    /// torchvision's, trained with batch normalisation.
    GoogLeNetTorchvision,
}

impl Variant {
    /// Every variant, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::GoogLeNet, Self::InceptionV1, Self::GoogLeNetTorchvision];

    fn architecture(self) -> Architecture {
        match self {
            Self::GoogLeNet => widths::googlenet(),
            Self::InceptionV1 => widths::inception_v1(),
            Self::GoogLeNetTorchvision => widths::googlenet_torchvision(),
        }
    }

    /// The name on the command line and in addresses.
    pub fn name(self) -> &'static str {
        self.architecture().name
    }

    /// The network without its weights, for tensors under Caffe's, torchvision's or Lucent's names.
    pub fn blueprint(self) -> Blueprint {
        let architecture = self.architecture();
        let graph = graph(&architecture);
        let Architecture { name, title, origin, preprocessing, .. } = architecture;
        let info = ModelInfo { name, title, origin, preprocessing, layers: Vec::new() };
        Blueprint::new(info, graph, is_training_only)
    }

    /// Names and shapes of the tensors that the variant's own publication holds, auxiliary
    /// classifiers left out.
    pub fn published_tensors(self) -> BTreeMap<String, Vec<usize>> {
        self.blueprint().tensors(self.architecture().naming.position())
    }
}

/// The whole network: Szegedy et al. 2014, figure 3, without the auxiliary classifiers.
fn graph(architecture: &Architecture) -> Graph {
    let mut network = Builder { graph: Graph::default(), architecture };
    let first = Pool { kernel: 7, stride: 2, padding: architecture.first_padding };
    let mut x = network.convolution("conv2d0", Graph::PICTURE, 64, first);
    x = network.shrink("maxpool0", x, 3);
    x = network.normalize("localresponsenorm0", x);
    x = network.convolution("conv2d1", x, 64, same(1));
    x = network.convolution("conv2d2", x, 192, same(3));
    x = network.normalize("localresponsenorm1", x);
    x = network.shrink("maxpool1", x, 3);
    for widths in &architecture.modules {
        x = network.module(widths, x);
        x = match widths.name {
            "mixed3b" => network.shrink("maxpool4", x, 3),
            "mixed4e" => network.shrink("maxpool10", x, architecture.last_pool_kernel),
            _ => x,
        };
    }
    let graph = &mut network.graph;
    let mean = graph.mean(x);
    let mean = graph.layer(mean, "avgpool0", names::aliases("avgpool0"), Role::PassedThrough);
    let logits = graph.linear(mean, architecture.classes, |shape| {
        Naming::ALL.map(|naming| naming.classifier(shape)).into()
    });
    graph.layer(logits, "logits", names::classifier_aliases(), Role::Classes);
    network.graph
}

/// A window that keeps the size.
fn same(kernel: usize) -> Pool {
    Pool { kernel, stride: 1, padding: Padding::Symmetric(kernel / 2) }
}

struct Builder<'a> {
    graph: Graph,
    architecture: &'a Architecture,
}

/// A node before and after its ReLU.
#[derive(Clone, Copy)]
struct Rectified {
    before: NodeId,
    after: NodeId,
}

impl Builder<'_> {
    fn layer(&mut self, node: NodeId, name: &str, role: Role) -> NodeId {
        self.graph.layer(node, name, names::aliases(name), role)
    }

    fn rectified(&mut self, name: &str, input: NodeId, outputs: usize, window: Pool) -> Rectified {
        let before = self.graph.convolution(input, outputs, window, 1, |shape| {
            Naming::ALL.map(|naming| naming.convolution(name, shape)).into()
        });
        self.layer(before, &format!("{name}_pre_relu"), Role::BeforeNonlinearity);
        let after = self.graph.relu(before);
        self.layer(after, name, Role::Features);
        Rectified { before, after }
    }

    fn convolution(&mut self, name: &str, input: NodeId, outputs: usize, window: Pool) -> NodeId {
        self.rectified(name, input, outputs, window).after
    }

    fn pool(&mut self, name: &str, input: NodeId, window: Pool) -> NodeId {
        let pooled = self.graph.max_pool(input, window);
        self.layer(pooled, name, Role::PassedThrough)
    }

    /// The pooling between two stages.
    fn shrink(&mut self, name: &str, input: NodeId, kernel: usize) -> NodeId {
        let window = Pool { kernel, stride: 2, padding: self.architecture.pool_padding };
        self.pool(name, input, window)
    }

    fn normalize(&mut self, name: &str, input: NodeId) -> NodeId {
        let Some(normalization) = self.architecture.normalization else { return input };
        let normalized = self.graph.normalize(input, normalization);
        self.layer(normalized, name, Role::PassedThrough)
    }

    /// Figure 2b: four branches, joined in the order 1x1, 3x3, 5x5, pooled.
    fn module(&mut self, widths: &Widths, input: NodeId) -> NodeId {
        let name = widths.name;
        let part = |part: &str| format!("{name}_{part}");
        let five = same(self.architecture.five_kernel);

        let one = self.rectified(&part("1x1"), input, widths.one, same(1));
        let narrow =
            self.convolution(&part("3x3_bottleneck"), input, widths.three_bottleneck, same(1));
        let three = self.rectified(&part("3x3"), narrow, widths.three, same(3));
        let narrow =
            self.convolution(&part("5x5_bottleneck"), input, widths.five_bottleneck, same(1));
        let five = self.rectified(&part("5x5"), narrow, widths.five, five);
        let pooled = self.pool(&part("pool"), input, same(3));
        let pooled = self.rectified(&part("pool_reduce"), pooled, widths.pool_reduce, same(1));

        let branches = [one, three, five, pooled];
        let before = self.graph.concatenate(branches.map(|branch| branch.before).into());
        self.layer(before, &part("pre_relu"), Role::BeforeNonlinearity);
        let parts = branches.map(|branch| branch.after);
        let after = self.graph.concatenate(parts.into());
        self.layer(after, name, Role::Features);
        self.graph.paths(after, &parts)
    }
}

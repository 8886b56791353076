//! Nodes, what flows between them, and which of them are layers.

use crate::network::fit::Source;
use crate::network::tokens::Positions;
use crate::ops::{Gelu, Lrn, Padding, Pool};
use crate::tap::{Grid, LayerId, LayerInfo, Role, Sees};

/// A node of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub(super) usize);

/// What a node makes of its inputs.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    /// The preprocessed picture.
    Picture,
    /// A convolution whose output channels each look at one of so many groups of input channels.
    Convolution { kernel: usize, window: Pool, groups: usize },
    /// The largest value in each window.
    MaxPool(Pool),
    /// Local response normalisation.
    Normalize(Lrn),
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// The mean over all places.
    Mean,
    /// Patches as tokens, behind so many that have no place.
    Tokens { kernel: usize, extra: usize, positions: Option<Positions> },
    /// One of the tokens that have no place.
    Token(usize),
    /// Layer normalisation.
    LayerNorm { kernel: usize, epsilon: f32 },
    /// Gaussian error linear units.
    Gelu(Gelu),
    /// One half of the channels gates the other.
    Gated,
    /// Queries and keys turned by their patches' places.
    Rotated { heads: usize },
    /// Multi-head attention.
    Attention { heads: usize },
    /// The sum of two inputs.
    Add,
    /// Inputs one after the other, along the channels.
    Concatenate,
    /// What others join or what joins others, as paths of so many channels: an eroded pass gives
    /// each of them a weight of its own.
    Paths(Vec<usize>),
}

/// One operation and what is known of its output.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub operation: Operation,
    pub inputs: Vec<NodeId>,
    pub channels: usize,
    pub grid: Grid,
    pub sees: Sees,
}

/// The numbers of one operation, still to be found in a file.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// `[outputs, inputs of each, kernel, kernel]`; of normalisation `[channels, 1, 1, 1]`, of
    /// tokens `[tokens, channels, 1, 1]`.
    pub shape: [usize; 4],
    /// What each published naming calls them, in an order that is the same for the whole network.
    pub sources: Vec<Source>,
}

/// A network as data, without weights. Nodes are in an order in which they can be run.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) kernels: Vec<Kernel>,
    layers: Vec<LayerInfo>,
    /// The node of each layer.
    layer_nodes: Vec<NodeId>,
}

impl Default for Graph {
    fn default() -> Self {
        let picture = Node {
            operation: Operation::Picture,
            inputs: Vec::new(),
            channels: 3,
            grid: Grid::Convolutional { stride: 1 },
            sees: Sees::Pixels(1),
        };
        let nodes = vec![picture];
        Self { nodes, kernels: Vec::new(), layers: Vec::new(), layer_nodes: Vec::new() }
    }
}

impl Graph {
    /// The preprocessed RGB picture, of which every network is made.
    pub const PICTURE: NodeId = NodeId(0);

    /// A convolution in so many groups (as many as channels: depthwise). `sources` tells what each
    /// naming calls kernels of this shape.
    pub(crate) fn convolution(
        &mut self,
        input: NodeId,
        outputs: usize,
        window: Pool,
        groups: usize,
        sources: impl FnOnce([usize; 4]) -> Vec<Source>,
    ) -> NodeId {
        let shape = [outputs, self.channels(input) / groups, window.kernel, window.kernel];
        let kernel = self.kernel(shape, sources(shape));
        self.push(Operation::Convolution { kernel, window, groups }, vec![input], outputs)
    }

    /// A linear layer, at every place or token.
    pub(crate) fn linear(
        &mut self,
        input: NodeId,
        outputs: usize,
        sources: impl FnOnce([usize; 2]) -> Vec<Source>,
    ) -> NodeId {
        let window = Pool { kernel: 1, stride: 1, padding: Padding::Valid };
        self.convolution(input, outputs, window, 1, |[outputs, inputs, ..]| {
            sources([outputs, inputs])
        })
    }

    /// Patches as tokens, behind so many that have no place; learned positions are added, and
    /// resized to the picture's grid. `sources` tells what each naming calls so many tokens.
    pub(crate) fn tokens(
        &mut self,
        patches: NodeId,
        extra: usize,
        positions: Option<Positions>,
        sources: Vec<Source>,
    ) -> NodeId {
        let channels = self.channels(patches);
        let learned = positions.map_or(0, |positions| positions.side * positions.side);
        let kernel = self.kernel([extra + learned, channels, 1, 1], sources);
        self.same_channels(Operation::Tokens { kernel, extra, positions }, patches)
    }

    /// The token of this number among those that have no place, alone.
    pub fn token(&mut self, input: NodeId, number: usize) -> NodeId {
        self.same_channels(Operation::Token(number), input)
    }

    /// Layer normalisation; `sources` tells what each naming calls scale and shift.
    pub(crate) fn layer_norm(
        &mut self,
        input: NodeId,
        epsilon: f32,
        sources: Vec<Source>,
    ) -> NodeId {
        let kernel = self.kernel([self.channels(input), 1, 1, 1], sources);
        self.same_channels(Operation::LayerNorm { kernel, epsilon }, input)
    }

    /// Gaussian error linear units.
    pub fn gelu(&mut self, input: NodeId, kind: Gelu) -> NodeId {
        self.same_channels(Operation::Gelu(kind), input)
    }

    /// One half of the channels, through SiLU, times the other.
    pub fn gated(&mut self, input: NodeId) -> NodeId {
        let channels = self.channels(input) / 2;
        self.push(Operation::Gated, vec![input], channels)
    }

    /// Queries and keys, of queries, keys and values, turned by their patches' places.
    pub fn rotated(&mut self, input: NodeId, heads: usize) -> NodeId {
        self.same_channels(Operation::Rotated { heads }, input)
    }

    /// Multi-head attention, from queries, keys and values.
    pub fn attention(&mut self, input: NodeId, heads: usize) -> NodeId {
        let channels = self.channels(input) / 3;
        self.push(Operation::Attention { heads }, vec![input], channels)
    }

    /// The largest value in each window; padding never wins.
    pub fn max_pool(&mut self, input: NodeId, window: Pool) -> NodeId {
        self.same_channels(Operation::MaxPool(window), input)
    }

    /// Local response normalisation across channels.
    pub fn normalize(&mut self, input: NodeId, normalization: Lrn) -> NodeId {
        self.same_channels(Operation::Normalize(normalization), input)
    }

    /// `max(x, 0)`.
    pub fn relu(&mut self, input: NodeId) -> NodeId {
        self.same_channels(Operation::Relu, input)
    }

    /// `min(max(x, 0), 6)`.
    pub fn relu6(&mut self, input: NodeId) -> NodeId {
        self.same_channels(Operation::Relu6, input)
    }

    /// The mean over all places.
    pub fn mean(&mut self, input: NodeId) -> NodeId {
        self.same_channels(Operation::Mean, input)
    }

    /// What comes out of a block plus what goes past it, where the second can be eroded.
    pub fn residual(&mut self, output: NodeId, past: NodeId) -> NodeId {
        let channels = self.channels(past);
        let past = self.same_channels(Operation::Paths(vec![channels]), past);
        self.push(Operation::Add, vec![output, past], channels)
    }

    /// Inputs one after the other, along the channels.
    pub fn concatenate(&mut self, inputs: Vec<NodeId>) -> NodeId {
        let channels = inputs.iter().map(|input| self.channels(*input)).sum();
        self.push(Operation::Concatenate, inputs, channels)
    }

    /// What was concatenated of these, where each of them can be eroded.
    pub fn paths(&mut self, joined: NodeId, parts: &[NodeId]) -> NodeId {
        let channels = parts.iter().map(|part| self.channels(*part)).collect();
        self.same_channels(Operation::Paths(channels), joined)
    }

    /// Makes a node a layer: it can be tapped, edited and started from under this canonical name.
    pub fn layer(
        &mut self,
        node: NodeId,
        name: impl Into<String>,
        aliases: Vec<String>,
        role: Role,
    ) -> NodeId {
        let Node { channels, grid, sees, .. } = self.nodes[node.0];
        self.layers.push(LayerInfo { name: name.into(), aliases, channels, grid, sees, role });
        self.layer_nodes.push(node);
        node
    }

    /// Length of a node's channel axis.
    pub fn channels(&self, node: NodeId) -> usize {
        self.nodes[node.0].channels
    }

    /// Every layer, in the order they were named.
    pub fn layers(&self) -> &[LayerInfo] {
        &self.layers
    }

    pub(super) fn node(&self, layer: LayerId) -> NodeId {
        self.layer_nodes[layer.0]
    }

    fn kernel(&mut self, shape: [usize; 4], sources: Vec<Source>) -> usize {
        self.kernels.push(Kernel { shape, sources });
        self.kernels.len() - 1
    }

    fn same_channels(&mut self, operation: Operation, input: NodeId) -> NodeId {
        let channels = self.channels(input);
        self.push(operation, vec![input], channels)
    }

    fn push(&mut self, operation: Operation, inputs: Vec<NodeId>, channels: usize) -> NodeId {
        let of_inputs = inputs.iter().map(|input| &self.nodes[input.0]);
        let sees = of_inputs.clone().map(|node| node.sees).max().unwrap_or(Sees::Everything);
        let grid = of_inputs.map(|node| node.grid).next().unwrap_or(Grid::None);
        let (grid, sees) = match &operation {
            Operation::Convolution { window, .. } | Operation::MaxPool(window) => {
                through(*window, grid, sees)
            }
            Operation::Mean | Operation::Token(_) => (Grid::None, Sees::Everything),
            Operation::Attention { .. } => (grid, Sees::Everything),
            Operation::Tokens { extra, .. } => {
                let stride = grid.stride().unwrap_or(1);
                (Grid::Patches { stride, extra: *extra }, sees)
            }
            _ => (grid, sees),
        };
        self.nodes.push(Node { operation, inputs, channels, grid, sees });
        NodeId(self.nodes.len() - 1)
    }
}

/// Grid and sight after windows have been laid over a layer.
fn through(window: Pool, grid: Grid, sees: Sees) -> (Grid, Sees) {
    let Grid::Convolutional { stride } = grid else { return (grid, sees) };
    let sees = match sees {
        Sees::Pixels(side) => Sees::Pixels(side + (window.kernel - 1) * stride),
        Sees::Everything => Sees::Everything,
    };
    (Grid::Convolutional { stride: stride * window.stride }, sees)
}

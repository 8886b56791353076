//! One executor for every network: runs what the taps depend on, and lets go of what nothing needs
//! any more.

use burn::tensor::Tensor;

use crate::network::erosion::Erosion;
use crate::network::graph::{Graph, Node, NodeId, Operation};
use crate::network::pass::{Pass, Pullback, Start};
use crate::network::tokens;
use crate::network::{Frozen, Network};
use crate::ops::{self, ReluGradient};
use crate::tap::{Activations, Caught, LayerId};
use crate::{Error, Result};

impl Network {
    /// Runs from `start` as far as the deepest of the pass's taps, and of that only what a tap
    /// depends on.
    ///
    /// The network is frozen: gradients flow to a start that is tracked, never to weights.
    ///
    /// # Errors
    /// A start that does not alone carry what is tapped or that has another shape than its layer,
    /// an input so small that a layer has no position left, an edit that does not fit its layer.
    pub fn forward(&self, start: Start, pass: &Pass<'_>) -> Result<Activations> {
        let Self { info, graph, .. } = self;
        let (start, layer, value) = match start {
            Start::Picture(input) => (Graph::PICTURE, None, Caught::from(input)),
            Start::After(layer, caught) => (self.node(layer), Some(layer), caught),
        };
        let needed = needed(self, start, layer, pass.taps)?;
        check_shape(self, start, &needed, &value)?;
        check_edits(self, pass, &needed)?;

        let mut uses = vec![0_usize; graph.nodes.len()];
        for (node, _) in graph.nodes.iter().zip(&needed).filter(|(_, needed)| **needed) {
            node.inputs.iter().for_each(|input| uses[input.0] += 1);
        }
        let mut values: Vec<Option<Tensor<4>>> = vec![None; graph.nodes.len()];
        // Rows and columns of places.
        let mut sizes = vec![[0; 2]; graph.nodes.len()];
        let [_, _, rows, columns] = value.grid.dims();
        sizes[start.0] = [rows, columns];
        values[start.0] = Some(tokens::join(value));
        let mut erosion = pass.erosion.clone();
        let mut caught = Activations::default();
        for (place, node) in graph.nodes.iter().enumerate().skip(start.0) {
            if !needed[place] {
                continue;
            }
            let value = match values[place].take() {
                Some(value) => Some(value),
                None => {
                    // The last to need a value gets it whole: what works in place then can.
                    let inputs = node.inputs.iter().filter_map(|input| {
                        uses[input.0] -= 1;
                        let held = &mut values[input.0];
                        if uses[input.0] == 0 { held.take() } else { held.clone() }
                    });
                    let inputs = inputs.collect();
                    let before = node.inputs.first().map_or([0; 2], |input| sizes[input.0]);
                    sizes[place] = before.map(|side| positions(node, side).unwrap_or_default());
                    compute(self, node, inputs, sizes[place], pass.relu, &mut erosion)
                }
            };
            // Nodes are in an order in which each has its inputs.
            let Some(mut value) = value else { continue };
            let here = |layer: &LayerId| self.node(*layer).0 == place;
            let as_caught = |value: Tensor<4>| match node.grid.extra() {
                0 => Caught::from(value),
                extra => tokens::split(value, extra, sizes[place]),
            };
            for edit in pass.edits.iter().filter(|edit| here(&edit.layer)) {
                value = tokens::join(edit.apply(as_caught(value), info)?);
            }
            for layer in pass.taps.iter().filter(|layer| here(layer)) {
                caught.0.insert(*layer, as_caught(value.clone()));
            }
            if 0 < uses[place] {
                values[place] = Some(value);
            }
        }
        Ok(caught)
    }

    /// As [`Network::forward`], and the way back: what was caught is outside the gradient's graph,
    /// and the [`Pullback`] turns gradients at the caught layers into that at the start.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn look(&self, start: Start, pass: &Pass<'_>) -> Result<(Activations, Pullback)> {
        let (start, tracked) = match start {
            Start::Picture(input) => {
                let input = Caught::from(input).tracked();
                (input.clone(), Start::Picture(input.grid))
            }
            Start::After(layer, caught) => {
                let caught = caught.tracked();
                (caught.clone(), Start::After(layer, caught))
            }
        };
        let caught = self.forward(tracked, pass)?;
        let values = caught.0.iter().map(|(layer, value)| (*layer, value.inner()));
        Ok((Activations(values.collect()), Pullback::new(start, caught)))
    }
}

/// Which nodes have to run, the start among them.
fn needed(
    network: &Network,
    start: NodeId,
    layer: Option<LayerId>,
    taps: &[LayerId],
) -> Result<Vec<bool>> {
    let Network { info, graph, .. } = network;
    let mut needed = vec![false; graph.nodes.len()];
    let mut open: Vec<NodeId> = taps.iter().map(|tap| network.node(*tap)).collect();
    while let Some(node) = open.pop() {
        if std::mem::replace(&mut needed[node.0], true) || node == start {
            continue;
        }
        if node == Graph::PICTURE {
            let name = |layer: LayerId| info.at(layer).name.clone();
            let taps: Vec<String> = taps.iter().map(|tap| name(*tap)).collect();
            return Err(Error::Setting {
                name: "where the pass starts",
                found: layer.map(name).unwrap_or_default(),
                expected: format!("a layer that alone carries {}", taps.join(", ")),
            });
        }
        open.extend(&graph.nodes[node.0].inputs);
    }
    Ok(needed)
}

/// Fails unless the start has its channels and every layer that runs has a position left.
fn check_shape(network: &Network, start: NodeId, needed: &[bool], value: &Caught) -> Result<()> {
    let Network { info, graph, .. } = network;
    let [_, channels, height, width] = value.grid.dims();
    let expected = graph.channels(start);
    if channels != expected {
        return Err(Error::Setting {
            name: "the input",
            found: format!("{channels} channels"),
            expected: format!("{expected} channels"),
        });
    }
    let extra = value.extra.as_ref().map_or(0, |extra| extra.dims()[2]);
    let expected = graph.nodes[start.0].grid.extra();
    if extra != expected {
        return Err(Error::Setting {
            name: "the input",
            found: format!("{extra} tokens without a place"),
            expected: format!("{expected} of them"),
        });
    }
    let fits = |side: usize| graph.fits(start, side, needed);
    if fits(height) && fits(width) {
        return Ok(());
    }
    let smallest = (1..).find(|&side| fits(side)).unwrap_or_default();
    let is_needed = |layer: &usize| needed[network.node(LayerId(*layer)).0];
    let deepest = (0..info.layers.len()).rev().find(is_needed);
    let deepest = deepest.map(|layer| info.layers[layer].name.as_str()).unwrap_or_default();
    Err(Error::Setting {
        name: "the input's size",
        found: format!("{width}x{height} pixels"),
        expected: format!("at least {smallest}x{smallest} for {} to reach {deepest}", info.name),
    })
}

/// An edit that nothing tapped would show is a mistake.
fn check_edits(network: &Network, pass: &Pass<'_>, needed: &[bool]) -> Result<()> {
    let idle = pass.edits.iter().find(|edit| !needed[network.node(edit.layer).0]);
    let Some(edit) = idle else { return Ok(()) };
    Err(Error::Setting {
        name: "the layer of an edit",
        found: network.info.at(edit.layer).name.clone(),
        expected: "one on the way from the start to what is tapped".to_owned(),
    })
}

impl Graph {
    /// Whether every node that runs has a position along an axis of which the start has so many.
    fn fits(&self, start: NodeId, side: usize, needed: &[bool]) -> bool {
        let mut lengths = vec![0; self.nodes.len()];
        lengths[start.0] = side;
        let behind = self.nodes.iter().enumerate().skip(start.0 + 1);
        behind.filter(|(place, _)| needed[*place]).all(|(place, node)| {
            let before = node.inputs.first().map_or(0, |input| lengths[input.0]);
            lengths[place] = positions(node, before).unwrap_or_default();
            lengths[place] != 0
        })
    }
}

/// Positions along an axis behind a node, for so many before it; none if those are too few.
fn positions(node: &Node, before: usize) -> Option<usize> {
    match &node.operation {
        Operation::Convolution { window, .. } | Operation::MaxPool(window) => {
            window.positions(before)
        }
        Operation::Mean | Operation::Token(_) => Some(1),
        _ => Some(before),
    }
}

/// Nothing where inputs are missing. The output has places in so many rows and columns.
fn compute(
    network: &Network,
    node: &Node,
    inputs: Vec<Tensor<4>>,
    size: [usize; 2],
    relu: ReluGradient,
    erosion: &mut Erosion,
) -> Option<Tensor<4>> {
    if let Operation::Concatenate = node.operation {
        return Some(Tensor::cat(inputs, 1));
    }
    let mut inputs = inputs.into_iter();
    let input = inputs.next()?;
    Some(match &node.operation {
        Operation::Picture | Operation::Concatenate => input,
        Operation::Convolution { kernel, window, groups } => {
            let Frozen { weight, bias } = network.weights[*kernel].clone();
            ops::convolution(input, weight, bias, *window, *groups)
        }
        Operation::MaxPool(window) => ops::max_pool(input, *window),
        Operation::Normalize(normalization) => ops::local_response_norm(input, *normalization),
        Operation::Relu => ops::relu(input, relu),
        Operation::Relu6 => ops::relu6(input, relu),
        Operation::Mean => input.mean_dims(&[2, 3]),
        Operation::Tokens { kernel, extra, positions } => {
            let Frozen { weight, .. } = network.weights[*kernel].clone();
            tokens::tokens(input, weight, *extra, *positions)
        }
        Operation::Token(number) => input.narrow(3, *number, 1),
        Operation::LayerNorm { kernel, epsilon } => {
            let Frozen { weight, bias } = network.weights[*kernel].clone();
            let scale = weight.reshape([bias.dims()[0]]);
            ops::layer_norm(input, scale, bias, *epsilon)
        }
        Operation::Gelu(kind) => ops::gelu(input, *kind),
        Operation::Gated => ops::gated(input),
        Operation::Rotated { heads } => tokens::rotated(input, *heads, node.grid.extra(), size),
        Operation::Attention { heads } => ops::attention(input, *heads),
        Operation::Add => input + inputs.next()?,
        Operation::Paths(channels) => erosion.of_paths(input, channels),
    })
}

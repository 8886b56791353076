//! Vision transformers: Dosovitskiy et al. 2020, arXiv:2010.11929, as four families publish them:
//! timm's (Steiner et al. 2021, arXiv:2106.10270, "augreg"), CLIP's image tower (Radford et al. 2021,
//! arXiv:2103.00020), DINOv2 (Oquab et al. 2023, arXiv:2304.07193) with and without registers
//! (Darcet et al. 2023, arXiv:2309.16588), DINOv3 (Siméoni et al. 2025, arXiv:2508.10104).
//!
//! The graph is the same; [`Family`] tells what differs.

mod architecture;
mod names;
mod table;

use crate::network::{Blueprint, Graph, ModelInfo, NodeId, Source};
use crate::ops::{Padding, Pool};
use crate::tap::Role;

use names::Names;

pub use architecture::{Architecture, Family, Perceptron};
pub use table::ALL;

impl Architecture {
    /// The network without its weights, for tensors under any of the names its publishers use.
    pub fn blueprint(&self) -> Blueprint {
        let info = ModelInfo {
            name: self.name,
            title: self.title,
            origin: self.origin,
            preprocessing: self.family.preprocessing(),
            layers: Vec::new(),
        };
        Blueprint::new(info, self.graph(), names::is_ignored)
    }

    /// The whole network: Dosovitskiy et al. 2020, figure 1 and equations 1 to 4.
    fn graph(&self) -> Graph {
        let mut network = Builder {
            graph: Graph::default(),
            architecture: self,
            names: Names::of(self),
            epsilon: self.family.epsilon(),
        };
        let mut x = network.embedding();
        for number in 0..self.depth {
            x = network.block(number, x);
        }
        network.head(x);
        network.graph
    }
}

struct Builder<'a> {
    graph: Graph,
    architecture: &'a Architecture,
    names: Names<'a>,
    epsilon: f32,
}

impl Builder<'_> {
    /// Patches become tokens.
    fn embedding(&mut self) -> NodeId {
        let Architecture { patch, width, family, .. } = *self.architecture;
        let window = Pool { kernel: patch, stride: patch, padding: Padding::Valid };
        let patches = self
            .graph
            .convolution(Graph::PICTURE, width, window, 1, |shape| self.names.patches(shape));
        self.layer(patches, "patch_embed", Role::Features);
        let extra = self.architecture.extra();
        let positions = self.architecture.positions();
        let mut tokens = self.graph.tokens(patches, extra, positions, self.names.tokens());
        if family.is_clip() {
            tokens = self.norm(tokens, self.names.norm_before());
        }
        self.layer(tokens, "tokens", Role::Features)
    }

    /// Attention, then a perceptron, each added to what goes past it.
    fn block(&mut self, number: usize, input: NodeId) -> NodeId {
        let name = format!("blocks.{number}");
        let attended = self.attention(number, input);
        self.layer(attended, &format!("{name}.attn"), Role::Features);
        let x = self.graph.residual(attended, input);
        let perceived = self.perceptron(number, x);
        self.layer(perceived, &format!("{name}.mlp"), Role::Features);
        let x = self.graph.residual(perceived, x);
        self.layer(x, &name, Role::Features)
    }

    fn attention(&mut self, number: usize, input: NodeId) -> NodeId {
        let Architecture { width, heads, family, .. } = *self.architecture;
        let x = self.norm(input, self.names.norm_in_block(number, 0));
        let x = self.graph.linear(x, 3 * width, |_| self.names.queries_keys_values(number));
        let (name, role) = (format!("blocks.{number}.attn"), Role::Attention { heads });
        let x = match family {
            Family::DinoV3 => {
                let x = self.layer(x, &format!("{name}.qkv"), Role::Features);
                let x = self.graph.rotated(x, heads);
                self.layer(x, &format!("{name}.rope"), role)
            }
            _ => self.layer(x, &format!("{name}.qkv"), role),
        };
        let x = self.graph.attention(x, heads);
        self.graph.linear(x, width, |shape| self.names.attended(number, shape))
    }

    fn perceptron(&mut self, number: usize, input: NodeId) -> NodeId {
        let Architecture { width, perceptron, family, .. } = *self.architecture;
        let name = |part: &str| format!("blocks.{number}.mlp.{part}");
        let x = self.norm(input, self.names.norm_in_block(number, 1));
        let x = match perceptron {
            Perceptron::Gelu(units) => {
                let x = self.graph.linear(x, units, |shape| self.names.widened(number, shape));
                let x = self.layer(x, &name("fc1"), Role::BeforeNonlinearity);
                self.graph.gelu(x, family.gelu())
            }
            Perceptron::Gated(units) => {
                let x = self.graph.linear(x, 2 * units, |_| self.names.gated(number, units));
                self.graph.gated(x)
            }
        };
        let x = self.layer(x, &name("act"), Role::Features);
        self.graph.linear(x, width, |shape| self.names.narrowed(number, shape))
    }

    /// What is made of the tokens in the end.
    fn head(&mut self, tokens: NodeId) {
        let Architecture { outputs, family, .. } = *self.architecture;
        let tokens = self.norm(tokens, self.names.norm_behind());
        let tokens = self.layer(tokens, "norm", Role::PassedThrough);
        let class = self.graph.token(tokens, 0);
        let class = self.layer(class, "pooled", Role::PassedThrough);
        if outputs == 0 {
            return;
        }
        let x = self.graph.linear(class, outputs, |shape| self.names.head(shape));
        match family.is_clip() {
            true => self.layer(x, "embedding", Role::Features),
            false => self.layer(x, "logits", Role::Classes),
        };
    }

    fn norm(&mut self, input: NodeId, sources: Vec<Source>) -> NodeId {
        self.graph.layer_norm(input, self.epsilon, sources)
    }

    fn layer(&mut self, node: NodeId, name: &str, role: Role) -> NodeId {
        let aliases = self.names.aliases(name);
        self.graph.layer(node, name, aliases, role)
    }
}

#[cfg(test)]
mod tests;

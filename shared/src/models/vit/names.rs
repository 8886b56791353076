//! What published files call a transformer's tensors, and its layers.

use super::architecture::{Architecture, Family, Perceptron};
use crate::network::{Part, Source, Then};

/// What one way of naming calls the parts of a transformer.
struct Scheme {
    /// Stands before every name but the head's.
    prefix: &'static str,
    /// The class token.
    class: &'static str,
    /// Whether tokens and positions are stored without the axis of the batch.
    is_flat: bool,
    registers: &'static str,
    positions: &'static str,
    /// Whether the class token has its own in there; else it was added to the token beforehand.
    has_class_position: bool,
    patches: &'static str,
    norm_before: &'static str,
    /// What precedes the number of a block.
    blocks: &'static str,
    norms: [&'static str; 2],
    attention: Attention,
    attended: &'static str,
    /// Layer scales.
    scales: [&'static str; 2],
    perceptron: [&'static str; 2],
    gated: Gated,
    norm_behind: &'static str,
    head: Head,
}

/// Where queries, keys and values lie.
#[derive(Clone, Copy)]
enum Attention {
    /// Under each other: what precedes `weight` and `bias`.
    Fused(&'static str),
    /// The same, without a bias.
    Unbiased(&'static str),
    /// The same, with the biases of queries and values apart: what precedes `qkv.weight`, `q_bias`,
    /// `v_bias`.
    OuterBiases(&'static str),
    /// The same, with a mask that takes the keys' bias away.
    Masked(&'static str),
    /// Each in a tensor of its own.
    Apart([&'static str; 3]),
}

/// Where a gated perceptron lies.
#[derive(Clone, Copy)]
enum Gated {
    /// Gate and values under each other, then the way back.
    Fused([&'static str; 2]),
    /// Gate, values, the way back.
    Apart([&'static str; 3]),
    /// No published network of the family has one.
    Unknown,
}

#[derive(Clone, Copy)]
enum Head {
    /// A matrix and a bias.
    Linear(&'static str),
    /// A matrix.
    Projection(&'static str),
    /// A matrix with its inputs first, under this very name.
    Transposed(&'static str),
}

const TIMM: Scheme = Scheme {
    prefix: "",
    class: "cls_token",
    is_flat: false,
    registers: "reg_token",
    positions: "pos_embed",
    has_class_position: true,
    patches: "patch_embed.proj",
    norm_before: "norm_pre",
    blocks: "blocks",
    norms: ["norm1", "norm2"],
    attention: Attention::Fused("attn.qkv."),
    attended: "attn.proj",
    scales: ["ls1.gamma", "ls2.gamma"],
    perceptron: ["mlp.fc1", "mlp.fc2"],
    gated: Gated::Unknown,
    norm_behind: "norm",
    head: Head::Linear("head"),
};

const OPENAI: Scheme = Scheme {
    class: "class_embedding",
    is_flat: true,
    positions: "positional_embedding",
    patches: "conv1",
    norm_before: "ln_pre",
    blocks: "transformer.resblocks",
    norms: ["ln_1", "ln_2"],
    attention: Attention::Fused("attn.in_proj_"),
    attended: "attn.out_proj",
    perceptron: ["mlp.c_fc", "mlp.c_proj"],
    norm_behind: "ln_post",
    head: Head::Transposed("proj"),
    ..TIMM
};

const HUGGING_FACE_VIT: Scheme = Scheme {
    prefix: "vit.",
    class: "embeddings.cls_token",
    positions: "embeddings.position_embeddings",
    patches: "embeddings.patch_embeddings.projection",
    blocks: "encoder.layer",
    norms: ["layernorm_before", "layernorm_after"],
    attention: Attention::Apart([
        "attention.attention.query",
        "attention.attention.key",
        "attention.attention.value",
    ]),
    attended: "attention.output.dense",
    perceptron: ["intermediate.dense", "output.dense"],
    norm_behind: "layernorm",
    head: Head::Linear("classifier"),
    ..TIMM
};

const HUGGING_FACE_CLIP: Scheme = Scheme {
    prefix: "vision_model.",
    class: "embeddings.class_embedding",
    is_flat: true,
    positions: "embeddings.position_embedding.weight",
    patches: "embeddings.patch_embedding",
    // Their spelling.
    norm_before: "pre_layrnorm",
    blocks: "encoder.layers",
    norms: ["layer_norm1", "layer_norm2"],
    attention: Attention::Apart(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
    attended: "self_attn.out_proj",
    norm_behind: "post_layernorm",
    head: Head::Projection("visual_projection"),
    ..TIMM
};

const DINOV2: Scheme =
    Scheme { registers: "register_tokens", gated: Gated::Fused(["mlp.w12", "mlp.w3"]), ..TIMM };

const HUGGING_FACE_DINOV2: Scheme = Scheme {
    prefix: "",
    registers: "embeddings.register_tokens",
    norms: ["norm1", "norm2"],
    scales: ["layer_scale1.lambda1", "layer_scale2.lambda1"],
    perceptron: ["mlp.fc1", "mlp.fc2"],
    gated: Gated::Fused(["mlp.weights_in", "mlp.weights_out"]),
    ..HUGGING_FACE_VIT
};

const TIMM_DINOV3: Scheme = Scheme {
    attention: Attention::Unbiased("attn.qkv."),
    scales: ["gamma_1", "gamma_2"],
    gated: Gated::Apart(["mlp.fc1_g", "mlp.fc1_x", "mlp.fc2"]),
    ..TIMM
};

const TIMM_DINOV3_BIASED: Scheme =
    Scheme { attention: Attention::OuterBiases("attn."), ..TIMM_DINOV3 };

const DINOV3: Scheme = Scheme {
    registers: "storage_tokens",
    attention: Attention::Masked("attn.qkv."),
    gated: Gated::Apart(["mlp.w1", "mlp.w2", "mlp.w3"]),
    ..TIMM
};

const HUGGING_FACE_DINOV3: Scheme = Scheme {
    class: "embeddings.cls_token",
    registers: "embeddings.register_tokens",
    patches: "embeddings.patch_embeddings",
    blocks: "layer",
    attention: Attention::Apart(["attention.q_proj", "attention.k_proj", "attention.v_proj"]),
    attended: "attention.o_proj",
    scales: ["layer_scale1.lambda1", "layer_scale2.lambda1"],
    perceptron: ["mlp.up_proj", "mlp.down_proj"],
    gated: Gated::Apart(["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]),
    ..TIMM
};

/// timm's files of networks with registers hold no position of the class token.
const TIMM_REGISTERS: Scheme = Scheme { has_class_position: false, ..TIMM };

/// Whether a tensor may stand in a file of the network's without being part of it: what only
/// training needs, the text tower beside CLIP's, numbers that follow from the sizes.
pub(super) fn is_ignored(tensor: &str) -> bool {
    const BEGINNINGS: [&str; 5] =
        ["text_model.", "text_projection", "logit_scale", "vit.pooler.", "local_cls_norm."];
    const ENDS: [&str; 3] = ["mask_token", "position_ids", "rope_embed.periods"];
    BEGINNINGS.iter().any(|beginning| tensor.starts_with(beginning))
        || ENDS.iter().any(|end| tensor.ends_with(end))
}

/// The names of one architecture's tensors: a source for each way of naming, always in the same
/// order.
pub(super) struct Names<'a> {
    architecture: &'a Architecture,
    schemes: &'static [&'static Scheme],
}

impl<'a> Names<'a> {
    pub fn of(architecture: &'a Architecture) -> Self {
        let schemes: &[&Scheme] = match architecture.family {
            Family::Augreg => &[&TIMM, &HUGGING_FACE_VIT],
            Family::Clip(_) => &[&TIMM, &OPENAI, &HUGGING_FACE_CLIP],
            Family::DinoV2 if architecture.registers == 0 => {
                &[&TIMM, &DINOV2, &HUGGING_FACE_DINOV2]
            }
            Family::DinoV2 => &[&TIMM_REGISTERS, &DINOV2, &HUGGING_FACE_DINOV2],
            Family::DinoV3 => &[&TIMM_DINOV3, &TIMM_DINOV3_BIASED, &DINOV3, &HUGGING_FACE_DINOV3],
        };
        Self { architecture, schemes }
    }

    fn each(&self, source: impl Fn(&Scheme) -> Source) -> Vec<Source> {
        self.schemes.iter().map(|scheme| source(scheme)).collect()
    }

    pub fn patches(&self, shape: [usize; 4]) -> Vec<Source> {
        self.each(|scheme| {
            let name = scheme.named(scheme.patches);
            match self.architecture.family.is_clip() {
                true => Source::plain(&name, shape),
                false => Source::biased(&name, shape),
            }
        })
    }

    /// Tokens without a place, then positions.
    pub fn tokens(&self) -> Vec<Source> {
        let Architecture { width, registers, side, family, .. } = *self.architecture;
        self.each(|scheme| {
            let class = if scheme.is_flat { vec![width] } else { vec![1, 1, width] };
            let mut parts = vec![Part::plain(scheme.named(scheme.class), class)];
            if 0 < registers {
                let name = scheme.named(scheme.registers);
                parts.push(Part::plain(name, [1, registers, width]));
            }
            let has_class = scheme.has_class_position;
            let count = side * side + usize::from(has_class);
            let shape = if scheme.is_flat { vec![count, width] } else { vec![1, count, width] };
            let name = scheme.named(scheme.positions);
            let then = match family {
                Family::DinoV3 => Then::Nothing,
                _ => Then::Positions { name, shape, has_class },
            };
            Source { parts, then }
        })
    }

    pub fn norm_before(&self) -> Vec<Source> {
        self.norm(|scheme| scheme.named(scheme.norm_before))
    }

    pub fn norm_behind(&self) -> Vec<Source> {
        self.norm(|scheme| scheme.named(scheme.norm_behind))
    }

    /// The norm before a block's attention, 0, or its perceptron, 1.
    pub fn norm_in_block(&self, number: usize, half: usize) -> Vec<Source> {
        self.norm(|scheme| scheme.in_block(number, scheme.norms[half]))
    }

    fn norm(&self, name: impl Fn(&Scheme) -> String) -> Vec<Source> {
        self.each(|scheme| Source::biased(&name(scheme), [self.architecture.width]))
    }

    pub fn queries_keys_values(&self, number: usize) -> Vec<Source> {
        let Architecture { width, family, .. } = *self.architecture;
        self.each(|scheme| {
            let fused = |name: &str| {
                let weight = scheme.in_block(number, &format!("{name}weight"));
                Part::plain(weight, [3 * width, width])
            };
            let bias = |name: &str| Some(scheme.in_block(number, &format!("{name}bias")));
            match scheme.attention {
                Attention::Fused(name) => {
                    let part = Part { bias: bias(name), ..fused(name) };
                    Source { parts: vec![part], then: Then::Nothing }
                }
                Attention::Unbiased(name) => {
                    Source { parts: vec![fused(name)], then: Then::Nothing }
                }
                Attention::OuterBiases(name) => {
                    let biases = ["q_bias", "v_bias"];
                    let biases =
                        biases.map(|bias| scheme.in_block(number, &format!("{name}{bias}")));
                    let parts = vec![fused(&format!("{name}qkv."))];
                    Source { parts, then: Then::OuterBiases(biases) }
                }
                Attention::Masked(name) => {
                    let part = Part { bias: bias(name), ..fused(name) };
                    let mask = scheme.in_block(number, &format!("{name}bias_mask"));
                    Source { parts: vec![part], then: Then::MaskBias(mask) }
                }
                Attention::Apart(names) => {
                    let parts = names.iter().enumerate().map(|(place, name)| {
                        let name = scheme.in_block(number, name);
                        let part = Part::plain(format!("{name}.weight"), [width, width]);
                        // The keys of DINOv3 have none.
                        let is_biased = family != Family::DinoV3 || place != 1;
                        Part { bias: is_biased.then(|| format!("{name}.bias")), ..part }
                    });
                    Source { parts: parts.collect(), then: Then::Nothing }
                }
            }
        })
    }

    /// The way out of attention, with its layer scale.
    pub fn attended(&self, number: usize, shape: [usize; 2]) -> Vec<Source> {
        self.each(|scheme| self.scaled(scheme, number, 0, scheme.attended, shape))
    }

    /// The way into a perceptron.
    pub fn widened(&self, number: usize, shape: [usize; 2]) -> Vec<Source> {
        self.each(|scheme| Source::biased(&scheme.in_block(number, scheme.perceptron[0]), shape))
    }

    /// The way into a gated perceptron: the gate, then values.
    pub fn gated(&self, number: usize, units: usize) -> Vec<Source> {
        let width = self.architecture.width;
        self.each(|scheme| {
            let biased = |name: &str, rows| {
                let name = scheme.in_block(number, name);
                let part = Part::plain(format!("{name}.weight"), [rows, width]);
                Part { bias: Some(format!("{name}.bias")), ..part }
            };
            let parts = match scheme.gated {
                Gated::Fused([both, _]) => vec![biased(both, 2 * units)],
                Gated::Apart([gate, values, _]) => {
                    vec![biased(gate, units), biased(values, units)]
                }
                Gated::Unknown => vec![biased(scheme.perceptron[0], 2 * units)],
            };
            Source { parts, then: Then::Nothing }
        })
    }

    /// The way out of a perceptron, with its layer scale.
    pub fn narrowed(&self, number: usize, shape: [usize; 2]) -> Vec<Source> {
        self.each(|scheme| {
            let name = match (self.architecture.perceptron, scheme.gated) {
                (Perceptron::Gated(_), Gated::Fused([_, back]) | Gated::Apart([.., back])) => back,
                _ => scheme.perceptron[1],
            };
            self.scaled(scheme, number, 1, name, shape)
        })
    }

    fn scaled(
        &self,
        scheme: &Scheme,
        number: usize,
        half: usize,
        name: &str,
        shape: [usize; 2],
    ) -> Source {
        let source = Source::biased(&scheme.in_block(number, name), shape);
        match self.architecture.family.has_layer_scale() {
            true => {
                let scale = scheme.in_block(number, scheme.scales[half]);
                Source { then: Then::Scale(scale), ..source }
            }
            false => source,
        }
    }

    pub fn head(&self, [outputs, inputs]: [usize; 2]) -> Vec<Source> {
        self.each(|scheme| match scheme.head {
            Head::Linear(name) => Source::biased(name, [outputs, inputs]),
            Head::Projection(name) => Source::plain(name, [outputs, inputs]),
            Head::Transposed(name) => {
                let part = Part::plain(name, [inputs, outputs]);
                let parts = vec![Part { is_transposed: true, ..part }];
                Source { parts, then: Then::Nothing }
            }
        })
    }

    /// Other names of a layer: published ones, and blocks counted from the end.
    pub fn aliases(&self, layer: &str) -> Vec<String> {
        let Some(rest) = layer.strip_prefix("blocks.") else {
            return self.aliases_outside(layer);
        };
        let (number, part) =
            rest.split_once('.').map_or((rest, ""), |(number, part)| (number, part));
        let dotted = |part: &str| if part.is_empty() { String::new() } else { format!(".{part}") };
        let number: usize = number.parse().unwrap_or_default();
        let from_end = self.architecture.depth - number;
        let mut aliases = vec![format!("blocks.-{from_end}{}", dotted(part))];
        for scheme in self.schemes {
            let theirs = match part {
                "" => "",
                "attn" => scheme.attention_module(),
                "mlp" => "mlp",
                "mlp.fc1" => scheme.perceptron[0],
                _ => continue,
            };
            if theirs == "mlp" && !scheme.perceptron[0].starts_with("mlp.") {
                continue;
            }
            let inside = format!("{}.{number}{}", scheme.blocks, dotted(theirs));
            for alias in [inside.clone(), format!("{}{inside}", scheme.prefix)] {
                if alias != layer && !aliases.contains(&alias) {
                    aliases.push(alias);
                }
            }
        }
        aliases
    }

    fn aliases_outside(&self, layer: &str) -> Vec<String> {
        let mut aliases = Vec::new();
        for scheme in self.schemes {
            let name = match layer {
                "patch_embed" => scheme.named(scheme.patches),
                "norm" => scheme.named(scheme.norm_behind),
                "tokens" if self.architecture.family.is_clip() => scheme.named(scheme.norm_before),
                "logits" | "embedding" => match scheme.head {
                    Head::Linear(name) | Head::Projection(name) | Head::Transposed(name) => {
                        name.to_owned()
                    }
                },
                _ => continue,
            };
            if name != layer && !aliases.contains(&name) {
                aliases.push(name);
            }
        }
        aliases
    }
}

impl Scheme {
    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn in_block(&self, number: usize, name: &str) -> String {
        format!("{}{}.{number}.{name}", self.prefix, self.blocks)
    }

    /// What a block's attention is called.
    fn attention_module(&self) -> &'static str {
        let inside = self.attended;
        inside.split_once('.').map_or(inside, |(module, _)| module)
    }
}

//! One layer, three naming schemes: ours, that of the published `.pth` files, timm's.
//!
//! A convolution is followed by batch normalisation there; here the two are one, so the names of
//! both mean what comes out of the normalisation.

use super::plan::{Block, Convolution, Plan};
use crate::models::fit::{Source, Then};

/// TensorFlow's batch normalisation of these networks.
const BATCH_NORM_EPSILON: f64 = 1e-3;

/// A way to name weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// `block3_depthwise.weight`, `.bias`: normalisation folded in.
    Canonical,
    /// `_blocks.3._depthwise_conv.weight` with batch normalisation in `_blocks.3._bn1`.
    Published,
    /// `blocks.2.0.conv_dw.weight` with batch normalisation in `blocks.2.0.bn2`.
    Timm,
}

impl Naming {
    pub const ALL: [Self; 3] = [Self::Published, Self::Timm, Self::Canonical];

    /// What this scheme calls the numbers of every convolution, in forward order.
    pub fn sources(self, plan: &Plan<()>) -> Vec<Source> {
        let blocks = plan.blocks.iter().flat_map(|block| {
            block.convolutions().map(move |convolution| {
                let [published, timm] = in_block(block, convolution);
                (convolution, published, timm)
            })
        });
        let stem = (&plan.stem, named("_conv_stem", "_bn0"), named("conv_stem", "bn1"));
        let head = (&plan.head, named("_conv_head", "_bn1"), named("conv_head", "bn2"));
        let convolutions = [stem].into_iter().chain(blocks).chain([head]);
        let mut sources: Vec<Source> = convolutions
            .map(|(convolution, published, timm)| match self {
                Self::Canonical => folded(convolution),
                Self::Published => normalised(convolution, published),
                Self::Timm => normalised(convolution, timm),
            })
            .collect();
        let classifier = match self {
            Self::Canonical => plan.classifier.name.as_str(),
            Self::Published => "_fc",
            Self::Timm => "classifier",
        };
        sources.push(Source {
            weight: format!("{classifier}.weight"),
            shape: vec![plan.classifier.outputs, plan.classifier.inputs],
            then: Then::Bias(format!("{classifier}.bias")),
        });
        sources
    }
}

/// What a scheme calls a convolution, and its batch normalisation.
type Names = [String; 2];

fn named(convolution: &str, normalisation: &str) -> Names {
    [convolution.to_owned(), normalisation.to_owned()]
}

/// The published and timm's names of a block's convolution.
fn in_block(block: &Block<()>, convolution: &Convolution<()>) -> [Names; 2] {
    let number = block.name.trim_start_matches("block");
    let part = convolution.name.rsplit('_').next().unwrap_or_default();
    let (published, timm) = match (part, block.expand.is_some()) {
        ("expanded", _) => (["_expand_conv", "_bn0"], ["conv_pw", "bn1"]),
        ("depthwise", true) => (["_depthwise_conv", "_bn1"], ["conv_dw", "bn2"]),
        ("depthwise", false) => (["_depthwise_conv", "_bn1"], ["conv_dw", "bn1"]),
        (_, true) => (["_project_conv", "_bn2"], ["conv_pwl", "bn3"]),
        (_, false) => (["_project_conv", "_bn2"], ["conv_pw", "bn2"]),
    };
    let [stage, place] = block.place;
    [
        published.map(|name| format!("_blocks.{number}.{name}")),
        timm.map(|name| format!("blocks.{stage}.{place}.{name}")),
    ]
}

fn folded(convolution: &Convolution<()>) -> Source {
    let name = &convolution.name;
    let then = Then::Bias(format!("{name}.bias"));
    Source { weight: format!("{name}.weight"), shape: convolution.kernels().into(), then }
}

fn normalised(convolution: &Convolution<()>, [name, prefix]: Names) -> Source {
    let then = Then::BatchNorm { prefix, epsilon: BATCH_NORM_EPSILON };
    Source { weight: format!("{name}.weight"), shape: convolution.kernels().into(), then }
}

/// Aliases of a layer before and after its nonlinearity. timm's normalisation includes the
/// nonlinearity, the published one does not.
type Aliases = [Vec<String>; 2];

fn aliases([convolution, normalisation]: Names, [timm, activation]: Names) -> Aliases {
    [vec![convolution, normalisation, timm], vec![activation]]
}

/// Of the first convolution.
pub(super) fn stem() -> Aliases {
    aliases(named("_conv_stem", "_bn0"), named("conv_stem", "bn1"))
}

/// Of a convolution in a block.
pub(super) fn of_block(block: &Block<()>, convolution: &Convolution<()>) -> Aliases {
    let [published, timm] = in_block(block, convolution);
    aliases(published, timm)
}

/// Of a block as a whole.
pub(super) fn whole_block(block: &Block<()>) -> Vec<String> {
    let [stage, place] = block.place;
    let number = block.name.trim_start_matches("block");
    vec![format!("_blocks.{number}"), format!("blocks.{stage}.{place}")]
}

/// Of the last convolution.
pub(super) fn head() -> Aliases {
    aliases(named("_conv_head", "_bn1"), named("conv_head", "bn2"))
}

/// Of the mean over all positions.
pub(super) fn average() -> Vec<String> {
    vec!["_avg_pooling".to_owned(), "global_pool".to_owned()]
}

/// Of the classifier.
pub(super) fn classifier() -> Vec<String> {
    vec!["_fc".to_owned(), "classifier".to_owned()]
}

/// Whether a tensor of this name only helped in training: counters of batches.
pub(super) fn is_training_only(tensor: &str) -> bool {
    tensor.ends_with("num_batches_tracked")
}

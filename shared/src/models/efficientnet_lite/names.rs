//! One layer, three naming schemes: ours, that of the published `.pth` files, timm's.
//!
//! A convolution is followed by batch normalisation there; here the two are one, so the names of
//! both mean what comes out of the normalisation.

use crate::network::Source;

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
    const ALL: [Self; 3] = [Self::Published, Self::Timm, Self::Canonical];

    /// Where its names stand among those of every scheme.
    pub fn position(self) -> usize {
        Self::ALL.iter().position(|naming| *naming == self).unwrap_or_default()
    }

    /// What this scheme calls the numbers of a convolution of this canonical name.
    fn source(self, canonical: &str, [published, timm]: &[Names; 2], shape: [usize; 4]) -> Source {
        let normalised = |[name, prefix]: &Names| {
            Source::normalised(name, shape, prefix.clone(), BATCH_NORM_EPSILON)
        };
        match self {
            Self::Canonical => Source::biased(canonical, shape),
            Self::Published => normalised(published),
            Self::Timm => normalised(timm),
        }
    }
}

/// What the schemes call the numbers of a convolution.
pub(super) fn sources(canonical: &str, names: &[Names; 2], shape: [usize; 4]) -> Vec<Source> {
    Naming::ALL.map(|naming| naming.source(canonical, names, shape)).into()
}

/// What the schemes call the numbers of the classifier.
pub(super) fn classifier_sources(shape: [usize; 2]) -> Vec<Source> {
    let name = |naming| match naming {
        Naming::Canonical => "logits",
        Naming::Published => "_fc",
        Naming::Timm => "classifier",
    };
    Naming::ALL.map(|naming| Source::biased(name(naming), shape)).into()
}

/// What a scheme calls a convolution, and its batch normalisation.
pub(super) type Names = [String; 2];

fn named(convolution: &str, normalisation: &str) -> Names {
    [convolution.to_owned(), normalisation.to_owned()]
}

/// Where a block stands.
pub(super) struct BlockPosition {
    /// Among all blocks.
    pub number: usize,
    /// Its stage and its place there, as timm counts.
    pub in_stage: [usize; 2],
    /// Whether its first convolution widens.
    pub widens: bool,
}

/// A convolution of a block.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Expanded,
    Depthwise,
    Projected,
}

/// The published and timm's names of a block's convolution.
pub(super) fn in_block(position: &BlockPosition, part: Part) -> [Names; 2] {
    let (published, timm) = match (part, position.widens) {
        (Part::Expanded, _) => (["_expand_conv", "_bn0"], ["conv_pw", "bn1"]),
        (Part::Depthwise, true) => (["_depthwise_conv", "_bn1"], ["conv_dw", "bn2"]),
        (Part::Depthwise, false) => (["_depthwise_conv", "_bn1"], ["conv_dw", "bn1"]),
        (Part::Projected, true) => (["_project_conv", "_bn2"], ["conv_pwl", "bn3"]),
        (Part::Projected, false) => (["_project_conv", "_bn2"], ["conv_pw", "bn2"]),
    };
    let BlockPosition { number, in_stage: [stage, repeat], .. } = position;
    [
        published.map(|name| format!("_blocks.{number}.{name}")),
        timm.map(|name| format!("blocks.{stage}.{repeat}.{name}")),
    ]
}

/// The published and timm's names of the first convolution.
pub(super) fn stem() -> [Names; 2] {
    [named("_conv_stem", "_bn0"), named("conv_stem", "bn1")]
}

/// The published and timm's names of the last convolution.
pub(super) fn head() -> [Names; 2] {
    [named("_conv_head", "_bn1"), named("conv_head", "bn2")]
}

/// Aliases of a convolution's output before and after its nonlinearity. timm's normalisation
/// includes the nonlinearity, the published one does not.
pub(super) fn aliases([published, timm]: &[Names; 2]) -> [Vec<String>; 2] {
    let ([convolution, normalisation], [timm, activation]) = (published.clone(), timm.clone());
    [vec![convolution, normalisation, timm], vec![activation]]
}

/// Of a block as a whole.
pub(super) fn whole_block(position: &BlockPosition) -> Vec<String> {
    let BlockPosition { number, in_stage: [stage, repeat], .. } = position;
    vec![format!("_blocks.{number}"), format!("blocks.{stage}.{repeat}")]
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

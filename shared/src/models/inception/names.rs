//! One layer, three published naming schemes: Caffe's, torchvision's, Lucent's.
//!
//! The canonical names are those of Distill's articles; Lucent and Lucid share them.
//!
//! torchvision numbers its poolings 1 to 4, so its `maxpool1` and `maxpool4` would clash with the
//! canonical `maxpool1` and `maxpool4`, which are other layers. The canonical meaning wins: write
//! `maxpool0` and `maxpool10` for those.

use crate::network::Source;

/// torchvision's batch normalisation: `BasicConv2d` sets it.
const BATCH_NORM_EPSILON: f64 = 1e-3;

/// Layers outside the modules: canonical, Caffe, torchvision.
const TRUNK: [(&str, &str, &str); 10] = [
    ("conv2d0", "conv1/7x7_s2", "conv1"),
    ("maxpool0", "pool1/3x3_s2", ""),
    ("localresponsenorm0", "pool1/norm1", ""),
    ("conv2d1", "conv2/3x3_reduce", "conv2"),
    ("conv2d2", "conv2/3x3", "conv3"),
    ("localresponsenorm1", "conv2/norm2", ""),
    ("maxpool1", "pool2/3x3_s2", "maxpool2"),
    ("maxpool4", "pool3/3x3_s2", "maxpool3"),
    ("maxpool10", "pool4/3x3_s2", ""),
    ("avgpool0", "pool5/7x7_s1", "avgpool"),
];

/// Layers inside a module: what follows the module's name in the canonical, Caffe's and
/// torchvision's scheme.
const PARTS: [(&str, &str, &str); 7] = [
    ("_1x1", "/1x1", ".branch1"),
    ("_3x3_bottleneck", "/3x3_reduce", ".branch2.0"),
    ("_3x3", "/3x3", ".branch2.1"),
    ("_5x5_bottleneck", "/5x5_reduce", ".branch3.0"),
    ("_5x5", "/5x5", ".branch3.1"),
    ("_pool", "/pool", ".branch4.0"),
    ("_pool_reduce", "/pool_proj", ".branch4.1"),
];

/// What the schemes call the classifier.
const CAFFE_CLASSIFIER: &str = "loss3/classifier";
const TORCHVISION_CLASSIFIER: &str = "fc";
const LUCENT_CLASSIFIER: &str = "softmax2_pre_activation_matmul";

/// A published way to name weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// `inception_4a/1x1.weight`, `.bias`.
    Caffe,
    /// `inception4a.branch1.conv.weight` with batch normalisation in `inception4a.branch1.bn`.
    Torchvision,
    /// `mixed4a_1x1_pre_relu_conv.weight`, `.bias`.
    Lucent,
}

impl Naming {
    pub const ALL: [Self; 3] = [Self::Caffe, Self::Torchvision, Self::Lucent];

    /// Where its names stand among those of every scheme.
    pub fn position(self) -> usize {
        Self::ALL.iter().position(|naming| *naming == self).unwrap_or_default()
    }

    /// What this scheme calls the numbers of the convolution of this canonical name.
    pub fn convolution(self, canonical: &str, shape: [usize; 4]) -> Source {
        let in_tables = match self {
            Self::Caffe => {
                foreign(canonical, |(_, caffe, _)| caffe, |module| format!("inception_{module}"))
            }
            Self::Torchvision => torchvision(canonical),
            Self::Lucent => Some(format!("{canonical}_pre_relu_conv")),
        };
        let name = in_tables.unwrap_or_default();
        match self {
            Self::Torchvision => Source::normalised(
                &format!("{name}.conv"),
                shape,
                format!("{name}.bn"),
                BATCH_NORM_EPSILON,
            ),
            Self::Caffe | Self::Lucent => Source::biased(&name, shape),
        }
    }

    /// What this scheme calls the numbers of the classifier.
    pub fn classifier(self, shape: [usize; 2]) -> Source {
        let name = match self {
            Self::Caffe => CAFFE_CLASSIFIER,
            Self::Torchvision => TORCHVISION_CLASSIFIER,
            Self::Lucent => LUCENT_CLASSIFIER,
        };
        Source::biased(name, shape)
    }
}

/// Whether a tensor only helped in training: the auxiliary classifiers, counters of batches.
pub fn is_training_only(tensor: &str) -> bool {
    const HEADS: [&str; 10] = [
        "loss1/",
        "loss2/",
        "aux1.",
        "aux2.",
        "head0_",
        "head1_",
        "nn0_",
        "nn1_",
        "softmax0_",
        "softmax1_",
    ];
    HEADS.iter().any(|head| tensor.starts_with(head)) || tensor.ends_with("num_batches_tracked")
}

/// Published names of the layer of this canonical name.
pub(super) fn aliases(canonical: &str) -> Vec<String> {
    if let Some(layer) = canonical.strip_suffix("_pre_relu") {
        return pre_relu_aliases(layer);
    }
    let mut aliases: Vec<String> = caffe(canonical).into_iter().collect();
    aliases.extend(caffe_relu(canonical));
    aliases.extend(torchvision(canonical));
    // A branch as a whole gives what its last convolution gives.
    aliases.extend(torchvision(canonical).and_then(|name| {
        let branch = name.strip_suffix(".1")?;
        Some(branch.to_owned())
    }));
    aliases
}

/// Published names of the classifier's output.
pub(super) fn classifier_aliases() -> Vec<String> {
    let names =
        [CAFFE_CLASSIFIER, TORCHVISION_CLASSIFIER, LUCENT_CLASSIFIER, "softmax2_pre_activation"];
    names.map(str::to_owned).into()
}

/// torchvision's `.conv` comes before batch normalisation; folding makes one layer of the two.
fn pre_relu_aliases(layer: &str) -> Vec<String> {
    let is_module = module_and_part(layer).is_some_and(|(_, part)| part.is_empty());
    if is_module {
        return Vec::new();
    }
    let torchvision = torchvision(layer);
    let parts = torchvision.iter().flat_map(|name| [format!("{name}.conv"), format!("{name}.bn")]);
    [format!("{layer}_pre_relu_conv")].into_iter().chain(parts).collect()
}

fn caffe(canonical: &str) -> Option<String> {
    let name = foreign(canonical, |(_, caffe, _)| caffe, |module| format!("inception_{module}"))?;
    match module_and_part(canonical) {
        Some((_, "")) => Some(format!("{name}/output")),
        _ => Some(name),
    }
}

/// Caffe's ReLU layers work in place: `inception_4a/relu_1x1` is `inception_4a/1x1`.
fn caffe_relu(canonical: &str) -> Option<String> {
    let is_convolution = canonical.starts_with("conv2d")
        || module_and_part(canonical).is_some_and(|(_, part)| !matches!(part, "" | "_pool"));
    if !is_convolution {
        return None;
    }
    let (stage, layer) =
        caffe(canonical)?.split_once('/').map(|(a, b)| (a.to_owned(), b.to_owned()))?;
    Some(format!("{stage}/relu_{}", layer.trim_end_matches("_s2")))
}

fn torchvision(canonical: &str) -> Option<String> {
    foreign(canonical, |(_, _, torchvision)| torchvision, |module| format!("inception{module}"))
}

/// Looks a canonical name up in the tables.
fn foreign(
    canonical: &str,
    column: impl Fn((&'static str, &'static str, &'static str)) -> &'static str,
    module_name: impl Fn(&str) -> String,
) -> Option<String> {
    if let Some((module, part)) = module_and_part(canonical) {
        let module = module_name(module);
        if part.is_empty() {
            return Some(module);
        }
        let row = PARTS.into_iter().find(|(name, ..)| *name == part)?;
        return Some(format!("{module}{}", column(row)));
    }
    let row = TRUNK.into_iter().find(|(name, ..)| *name == canonical)?;
    Some(column(row)).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// `mixed4a_1x1` as `4a` and `_1x1`.
fn module_and_part(canonical: &str) -> Option<(&str, &str)> {
    canonical.strip_prefix("mixed")?.split_at_checked(2)
}

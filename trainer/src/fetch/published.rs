//! Where weights are published, and what is known of their bytes.

/// Where a model's weights are published.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The model's name in the registry.
    pub model: &'static str,
    /// Its addresses, in the order in which they are tried.
    pub mirrors: &'static [Mirror<'static>],
}

/// One address of a weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mirror<'a> {
    /// Of the file.
    pub address: &'a str,
    /// What is known of its bytes.
    pub hash: Hash,
}

/// What is known of a published file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1, hexadecimal.
    Sha1(&'static str),
    /// How the SHA-256 begins, hexadecimal.
    Sha256Begins(&'static str),
    /// Nothing: the file is judged by its structure.
    Unknown,
}

impl Hash {
    /// By which a file is known before it is whole, wherever it comes from.
    pub fn identity(self) -> Option<&'static str> {
        match self {
            Self::Sha1(hash) | Self::Sha256Begins(hash) => Some(hash),
            Self::Unknown => None,
        }
    }
}

/// BVLC's, under the name it was published by.
pub const BVLC: Hash = Hash::Sha1("405fc5acd08a3bb12de8ee5e23a96bec22f08204");

/// torchvision's.
const TORCHVISION: Hash = Hash::Sha256Begins("1378be20");

const fn mirror(address: &'static str, hash: Hash) -> Mirror<'static> {
    Mirror { address, hash }
}

/// An EfficientNet-Lite as timm publishes it: PyTorch's naming, with the beginning of the file's
/// SHA-256; and the same weights on Hugging Face, with no hash.
macro_rules! lite {
    ($size:literal, $hash:literal) => {
        Published {
            model: concat!("efficientnet-lite", $size),
            mirrors: &[
                mirror(
                    concat!(
                        "https://github.com/rwightman/pytorch-image-models/releases/download/",
                        "v0.1-weights/tf_efficientnet_lite",
                        $size,
                        "-",
                        $hash,
                        ".pth"
                    ),
                    Hash::Sha256Begins($hash),
                ),
                mirror(
                    concat!(
                        "https://huggingface.co/timm/tf_efficientnet_lite",
                        $size,
                        ".in1k/resolve/main/model.safetensors"
                    ),
                    Hash::Unknown,
                ),
            ],
        }
    };
}

/// The published files.
pub const PUBLISHED: [Published; 8] = [
    Published {
        model: "googlenet",
        mirrors: &[
            // Address and hash: models/bvlc_googlenet/readme.md of BVLC's Caffe.
            mirror("http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel", BVLC),
            // tools/caffe_converter/model_zoo.py of Apache MXNet.
            mirror(
                "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/caffe/models/bvlc_googlenet/bvlc_googlenet.caffemodel",
                BVLC,
            ),
            mirror(
                "https://www.deepdetect.com/downloads/platform/pretrained/caffe/googlenet/bvlc_googlenet.caffemodel",
                BVLC,
            ),
        ],
    },
    // The conversion of Google's inception5h that Lucent loads; no hash is published.
    Published {
        model: "inception-v1",
        mirrors: &[
            mirror(
                "https://github.com/ProGamerGov/pytorch-old-tensorflow-models/raw/master/inception5h.pth",
                Hash::Unknown,
            ),
            mirror(
                "https://raw.githubusercontent.com/ProGamerGov/pytorch-old-tensorflow-models/master/inception5h.pth",
                Hash::Unknown,
            ),
        ],
    },
    // PyTorch writes the beginning of a file's SHA-256 into its name.
    Published {
        model: "googlenet-torchvision",
        mirrors: &[
            mirror("https://download.pytorch.org/models/googlenet-1378be20.pth", TORCHVISION),
            // Huawei's model zoo for Ascend.
            mirror(
                "https://ascend-repo-modelzoo.obs.cn-east-2.myhuaweicloud.com/model/1_PyTorch_PTH/GoogleNet/PTH/googlenet-1378be20.pth",
                TORCHVISION,
            ),
        ],
    },
    lite!("0", "0aa007d2"),
    lite!("1", "bde8b488"),
    lite!("2", "dcccb7df"),
    lite!("3", "b733e338"),
    lite!("4", "741542c3"),
];

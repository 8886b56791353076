//! Where weights are published, and what is known of their bytes.

/// Where a model's weights are published.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The model's name in the registry.
    pub model: &'static str,
    /// Its addresses, in the order in which they are tried.
    pub mirrors: &'static [Mirror<'static>],
    /// What whoever downloads it agrees to, where that is more than a common licence.
    pub terms: Option<&'static str>,
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

/// A file on Hugging Face, for which no hash is published.
macro_rules! hub {
    ($repository:expr, $file:literal) => {
        mirror(
            concat!("https://huggingface.co/", $repository, "/resolve/main/", $file),
            Hash::Unknown,
        )
    };
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
                hub!(concat!("timm/tf_efficientnet_lite", $size, ".in1k"), "model.safetensors"),
            ],
            terms: None,
        }
    };
}

/// timm's own; others publish other weights under such names.
macro_rules! augreg {
    ($model:literal, $timm:literal) => {
        Published {
            model: $model,
            mirrors: &[hub!(concat!("timm/", $timm, ".augreg_in21k_ft_in1k"), "model.safetensors")],
            terms: None,
        }
    };
}

/// OpenAI's: as timm hands them on, from OpenAI itself in an archive of TorchScript whose folder
/// is its SHA-256, and under Hugging Face's names.
macro_rules! clip {
    ($model:literal, $timm:literal, $hash:literal, $openai:literal, $hugging_face:literal) => {
        Published {
            model: $model,
            mirrors: &[
                hub!(concat!("timm/", $timm, "_clip_224.openai"), "open_clip_model.safetensors"),
                mirror(
                    concat!(
                        "https://openaipublic.azureedge.net/clip/models/",
                        $hash,
                        "/",
                        $openai,
                        ".pt"
                    ),
                    Hash::Sha256Begins($hash),
                ),
                hub!(concat!("openai/", $hugging_face), "pytorch_model.bin"),
            ],
            terms: None,
        }
    };
}

/// LAION's, in two formats.
macro_rules! laion {
    ($model:literal, $repository:literal) => {
        Published {
            model: $model,
            mirrors: &[
                hub!(concat!("laion/", $repository), "open_clip_model.safetensors"),
                hub!(concat!("laion/", $repository), "open_clip_pytorch_model.bin"),
            ],
            terms: None,
        }
    };
}

/// Meta's, on Hugging Face and from Meta itself.
macro_rules! dinov2 {
    ($model:literal, $hugging_face:literal, $folder:literal, $file:literal, $hash:expr) => {
        Published {
            model: $model,
            mirrors: &[
                hub!(concat!("facebook/", $hugging_face), "model.safetensors"),
                mirror(
                    concat!(
                        "https://dl.fbaipublicfiles.com/dinov2/dinov2_",
                        $folder,
                        "/dinov2_",
                        $file,
                        "_pretrain.pth"
                    ),
                    $hash,
                ),
            ],
            terms: None,
        }
    };
}

/// As timm hands them on, and Meta's own, which are given to who has signed in and agreed.
macro_rules! dinov3 {
    ($model:literal, $timm:literal, $meta:literal) => {
        Published {
            model: $model,
            mirrors: &[
                hub!(concat!("timm/", $timm, "_patch16_dinov3.lvd1689m"), "model.safetensors"),
                hub!(concat!("facebook/dinov3-", $meta, "-pretrain-lvd1689m"), "model.safetensors"),
            ],
            terms: Some(DINOV3_TERMS),
        }
    };
}

const DINOV3_TERMS: &str = "these weights are Meta's under the DINOv3 License: who downloads or uses \
    them agrees to it, and passes it on with them: \
    https://github.com/facebookresearch/dinov3/blob/main/LICENSE.md";

/// The published files.
pub const PUBLISHED: [Published; 25] = [
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
        terms: None,
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
        terms: None,
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
        terms: None,
    },
    lite!("0", "0aa007d2"),
    lite!("1", "bde8b488"),
    lite!("2", "dcccb7df"),
    lite!("3", "b733e338"),
    lite!("4", "741542c3"),
    augreg!("vit-tiny-patch16-224", "vit_tiny_patch16_224"),
    augreg!("vit-small-patch16-224", "vit_small_patch16_224"),
    augreg!("vit-base-patch16-224", "vit_base_patch16_224"),
    clip!(
        "clip-vit-b-32",
        "vit_base_patch32",
        "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
        "ViT-B-32",
        "clip-vit-base-patch32"
    ),
    clip!(
        "clip-vit-b-16",
        "vit_base_patch16",
        "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
        "ViT-B-16",
        "clip-vit-base-patch16"
    ),
    clip!(
        "clip-vit-l-14",
        "vit_large_patch14",
        "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
        "ViT-L-14",
        "clip-vit-large-patch14"
    ),
    laion!("clip-vit-b-32-laion2b", "CLIP-ViT-B-32-laion2B-s34B-b79K"),
    laion!("clip-vit-b-16-laion2b", "CLIP-ViT-B-16-laion2B-s34B-b88K"),
    laion!("clip-vit-l-14-laion2b", "CLIP-ViT-L-14-laion2B-s32B-b82K"),
    dinov2!(
        "dinov2-vit-s-14",
        "dinov2-small",
        "vits14",
        "vits14",
        Hash::Sha256Begins("b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9")
    ),
    dinov2!("dinov2-vit-b-14", "dinov2-base", "vitb14", "vitb14", Hash::Unknown),
    dinov2!("dinov2-vit-l-14", "dinov2-large", "vitl14", "vitl14", Hash::Unknown),
    dinov2!(
        "dinov2-vit-s-14-reg4",
        "dinov2-with-registers-small",
        "vits14",
        "vits14_reg4",
        Hash::Unknown
    ),
    dinov2!(
        "dinov2-vit-b-14-reg4",
        "dinov2-with-registers-base",
        "vitb14",
        "vitb14_reg4",
        Hash::Unknown
    ),
    dinov2!(
        "dinov2-vit-l-14-reg4",
        "dinov2-with-registers-large",
        "vitl14",
        "vitl14_reg4",
        Hash::Unknown
    ),
    dinov3!("dinov3-vit-s-16", "vit_small", "vits16"),
    dinov3!("dinov3-vit-b-16", "vit_base", "vitb16"),
];

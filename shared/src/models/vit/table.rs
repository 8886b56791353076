//! The published transformers.

use super::architecture::{Architecture, Family, Perceptron};
use crate::ops::Gelu;

/// Every published transformer, in the order they are offered.
pub const ALL: [Architecture; 17] = [
    augreg(
        "vit-tiny-patch16-224",
        "ViT-Ti/16",
        &["vit_tiny_patch16_224", "vit_tiny_patch16_224.augreg_in21k_ft_in1k"],
        TINY,
    ),
    augreg(
        "vit-small-patch16-224",
        "ViT-S/16",
        &["vit_small_patch16_224", "vit_small_patch16_224.augreg_in21k_ft_in1k"],
        SMALL,
    ),
    augreg(
        "vit-base-patch16-224",
        "ViT-B/16",
        &[
            "vit_base_patch16_224",
            "vit_base_patch16_224.augreg_in21k_ft_in1k",
            "google/vit-base-patch16-224",
        ],
        BASE,
    ),
    clip(
        "clip-vit-b-32",
        "CLIP ViT-B/32",
        &["ViT-B/32", "vit_base_patch32_clip_224.openai", "openai/clip-vit-base-patch32"],
        BASE,
        32,
        Gelu::Quick,
    ),
    clip(
        "clip-vit-b-16",
        "CLIP ViT-B/16",
        &["ViT-B/16", "vit_base_patch16_clip_224.openai", "openai/clip-vit-base-patch16"],
        BASE,
        16,
        Gelu::Quick,
    ),
    clip(
        "clip-vit-l-14",
        "CLIP ViT-L/14",
        &["ViT-L/14", "vit_large_patch14_clip_224.openai", "openai/clip-vit-large-patch14"],
        LARGE,
        14,
        Gelu::Quick,
    ),
    clip(
        "clip-vit-b-32-laion2b",
        "CLIP ViT-B/32 (LAION)",
        &["vit_base_patch32_clip_224.laion2b", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"],
        BASE,
        32,
        Gelu::Exact,
    ),
    clip(
        "clip-vit-b-16-laion2b",
        "CLIP ViT-B/16 (LAION)",
        &["vit_base_patch16_clip_224.laion2b", "laion/CLIP-ViT-B-16-laion2B-s34B-b88K"],
        BASE,
        16,
        Gelu::Exact,
    ),
    clip(
        "clip-vit-l-14-laion2b",
        "CLIP ViT-L/14 (LAION)",
        &["vit_large_patch14_clip_224.laion2b", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K"],
        LARGE,
        14,
        Gelu::Exact,
    ),
    dinov2(
        "dinov2-vit-s-14",
        "DINOv2 ViT-S/14",
        &["dinov2_vits14", "vit_small_patch14_dinov2.lvd142m", "facebook/dinov2-small"],
        SMALL,
        0,
    ),
    dinov2(
        "dinov2-vit-b-14",
        "DINOv2 ViT-B/14",
        &["dinov2_vitb14", "vit_base_patch14_dinov2.lvd142m", "facebook/dinov2-base"],
        BASE,
        0,
    ),
    dinov2(
        "dinov2-vit-l-14",
        "DINOv2 ViT-L/14",
        &["dinov2_vitl14", "vit_large_patch14_dinov2.lvd142m", "facebook/dinov2-large"],
        LARGE,
        0,
    ),
    dinov2(
        "dinov2-vit-s-14-reg4",
        "DINOv2 ViT-S/14 with registers",
        &[
            "dinov2_vits14_reg",
            "vit_small_patch14_reg4_dinov2.lvd142m",
            "facebook/dinov2-with-registers-small",
        ],
        SMALL,
        4,
    ),
    dinov2(
        "dinov2-vit-b-14-reg4",
        "DINOv2 ViT-B/14 with registers",
        &[
            "dinov2_vitb14_reg",
            "vit_base_patch14_reg4_dinov2.lvd142m",
            "facebook/dinov2-with-registers-base",
        ],
        BASE,
        4,
    ),
    dinov2(
        "dinov2-vit-l-14-reg4",
        "DINOv2 ViT-L/14 with registers",
        &[
            "dinov2_vitl14_reg",
            "vit_large_patch14_reg4_dinov2.lvd142m",
            "facebook/dinov2-with-registers-large",
        ],
        LARGE,
        4,
    ),
    dinov3(
        "dinov3-vit-s-16",
        "DINOv3 ViT-S/16",
        &[
            "dinov3_vits16",
            "vit_small_patch16_dinov3.lvd1689m",
            "facebook/dinov3-vits16-pretrain-lvd1689m",
        ],
        SMALL,
    ),
    dinov3(
        "dinov3-vit-b-16",
        "DINOv3 ViT-B/16",
        &[
            "dinov3_vitb16",
            "vit_base_patch16_dinov3.lvd1689m",
            "facebook/dinov3-vitb16-pretrain-lvd1689m",
        ],
        BASE,
    ),
];

/// Width, depth and heads: Dosovitskiy et al. 2020, table 1; Touvron et al. 2020, table 1.
#[derive(Clone, Copy)]
struct Size {
    width: usize,
    depth: usize,
    heads: usize,
    /// Of CLIP's embedding.
    embedding: usize,
}

const TINY: Size = Size { width: 192, depth: 12, heads: 3, embedding: 0 };
const SMALL: Size = Size { width: 384, depth: 12, heads: 6, embedding: 0 };
const BASE: Size = Size { width: 768, depth: 12, heads: 12, embedding: 512 };
const LARGE: Size = Size { width: 1024, depth: 24, heads: 16, embedding: 768 };

/// Pixels of the pictures that most were trained with.
const PIXELS: usize = 224;

const fn architecture(
    (name, title): (&'static str, &'static str),
    aliases: &'static [&'static str],
    size: Size,
    family: Family,
    patch: usize,
) -> Architecture {
    Architecture {
        name,
        aliases,
        title,
        origin: "",
        family,
        patch,
        side: PIXELS / patch,
        width: size.width,
        depth: size.depth,
        heads: size.heads,
        perceptron: Perceptron::Gelu(4 * size.width),
        registers: 0,
        outputs: 0,
    }
}

const fn augreg(
    name: &'static str,
    title: &'static str,
    aliases: &'static [&'static str],
    size: Size,
) -> Architecture {
    Architecture {
        origin: "Google's, trained on ImageNet-21k and ImageNet, from timm (Apache-2.0)",
        outputs: 1000,
        ..architecture((name, title), aliases, size, Family::Augreg, 16)
    }
}

const fn clip(
    name: &'static str,
    title: &'static str,
    aliases: &'static [&'static str],
    size: Size,
    patch: usize,
    gelu: Gelu,
) -> Architecture {
    Architecture {
        origin: match gelu {
            Gelu::Quick => "OpenAI's CLIP, its image tower (MIT)",
            Gelu::Exact => "LAION's CLIP, trained on LAION-2B, its image tower (MIT)",
        },
        outputs: size.embedding,
        ..architecture((name, title), aliases, size, Family::Clip(gelu), patch)
    }
}

const fn dinov2(
    name: &'static str,
    title: &'static str,
    aliases: &'static [&'static str],
    size: Size,
    registers: usize,
) -> Architecture {
    Architecture {
        origin: "Meta's DINOv2, trained on LVD-142M (Apache-2.0)",
        // Last with pictures of 518 pixels.
        side: 37,
        registers,
        ..architecture((name, title), aliases, size, Family::DinoV2, 14)
    }
}

const fn dinov3(
    name: &'static str,
    title: &'static str,
    aliases: &'static [&'static str],
    size: Size,
) -> Architecture {
    Architecture {
        origin: "Meta's DINOv3, trained on LVD-1689M (DINOv3 License)",
        registers: 4,
        ..architecture((name, title), aliases, size, Family::DinoV3, 16)
    }
}

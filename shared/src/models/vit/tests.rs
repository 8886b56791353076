use std::collections::BTreeSet;

use super::*;

fn architecture(name: &str) -> &'static Architecture {
    ALL.iter().find(|architecture| architecture.name == name).unwrap()
}

#[test]
fn sizes_are_the_published_ones() {
    // Trained numbers of the tensors in files under timm's names, classifier or projection included.
    for (name, expected) in [
        ("vit-tiny-patch16-224", 5_717_416),
        ("vit-small-patch16-224", 22_050_664),
        ("vit-base-patch16-224", 86_567_656),
    ] {
        let tensors = architecture(name).blueprint().tensors(0);
        let found: usize = tensors.values().map(|shape| shape.iter().product::<usize>()).sum();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn every_name_means_one_layer() {
    for architecture in &ALL {
        let info = architecture.blueprint().info;
        let mut names = BTreeSet::new();
        for layer in &info.layers {
            for name in std::iter::once(&layer.name).chain(&layer.aliases) {
                assert!(names.insert(name), "{}: {name} is two layers", architecture.name);
            }
        }
        let last = info.layer_id("blocks.-1").unwrap();
        let depth = architecture.depth;
        assert_eq!(info.at(last).name, format!("blocks.{}", depth - 1));
        assert_eq!(
            info.layer("blocks.-2.attn").unwrap().name,
            format!("blocks.{}.attn", depth - 2)
        );
    }
}

#[test]
fn layers_go_by_the_names_of_those_who_published_them() {
    for (model, theirs, ours) in [
        ("clip-vit-b-32", "transformer.resblocks.3", "blocks.3"),
        ("clip-vit-b-32", "vision_model.encoder.layers.3.self_attn", "blocks.3.attn"),
        ("clip-vit-b-32", "ln_post", "norm"),
        ("clip-vit-b-32", "visual_projection", "embedding"),
        ("dinov2-vit-s-14", "encoder.layer.11", "blocks.11"),
        ("dinov3-vit-s-16", "layer.0.mlp", "blocks.0.mlp"),
        ("vit-tiny-patch16-224", "vit.encoder.layer.2.attention", "blocks.2.attn"),
        ("vit-tiny-patch16-224", "head", "logits"),
    ] {
        let info = architecture(model).blueprint().info;
        assert_eq!(info.layer(theirs).unwrap().name, ours, "{model}");
    }
}

#[test]
fn tokens_know_their_grid_and_what_they_see() {
    use crate::tap::{Grid, Sees};
    let info = architecture("dinov2-vit-s-14-reg4").blueprint().info;
    let of = |name: &str| {
        let layer = info.layer(name).unwrap();
        (layer.channels, layer.grid, layer.sees)
    };
    let patches = Grid::Patches { stride: 14, extra: 5 };
    assert_eq!(of("patch_embed"), (384, Grid::Convolutional { stride: 14 }, Sees::Pixels(14)));
    assert_eq!(of("tokens"), (384, patches, Sees::Pixels(14)));
    assert_eq!(of("blocks.0"), (384, patches, Sees::Everything));
    assert_eq!(of("blocks.0.mlp.act"), (1536, patches, Sees::Everything));
    assert_eq!(of("pooled"), (384, Grid::None, Sees::Everything));
    assert!(info.classes().is_err());
}

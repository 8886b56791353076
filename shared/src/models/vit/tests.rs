use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::weights::{NamedTensor, NamedTensors};

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

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vit").join(name)
}

/// Tensors of these names and shapes, whose values nobody reads.
fn stored(file: &BTreeMap<String, Vec<usize>>) -> NamedTensors {
    let tensor = |shape: &Vec<usize>| NamedTensor { shape: shape.clone(), values: Vec::new() };
    file.iter().map(|(name, shape)| (name.clone(), tensor(shape))).collect()
}

/// A line of a list of published tensors, for every block it stands for.
fn published(line: &str) -> Vec<(String, Vec<usize>)> {
    let (name, shape) = line.rsplit_once(' ').unwrap();
    let shape = match shape {
        "scalar" => Vec::new(),
        sides => sides.split('x').map(|side| side.parse().unwrap()).collect(),
    };
    let Some((before, rest)) = name.split_once('{') else {
        return vec![(name.to_owned(), shape)];
    };
    let (range, behind) = rest.split_once('}').unwrap();
    let (from, to) = range.split_once("..").unwrap();
    let blocks = from.parse::<usize>().unwrap()..=to.parse().unwrap();
    blocks.map(|block| (format!("{before}{block}{behind}"), shape.clone())).collect()
}

#[test]
fn published_files_are_taken_in_every_naming_and_what_lies_beside_is_left() {
    let mut lists = 0;
    for entry in fs::read_dir(data("tensors")).unwrap() {
        let path = entry.unwrap().path();
        let list = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (model, _) = list.split_once('.').unwrap();
        let model = model.replace("-reg", "-reg4");
        let architecture = ALL.iter().find(|architecture| architecture.name == model).unwrap();
        let mut file: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut own = BTreeMap::new();
        for line in fs::read_to_string(&path).unwrap().lines() {
            match line.strip_prefix("beside ") {
                _ if line.starts_with('#') => {}
                Some(beside) => file.extend(published(beside)),
                None => own.extend(published(line)),
            }
        }
        file.extend(own.clone());
        let names = |naming: usize| architecture.blueprint().tensors(naming);
        let fits = (0..4).map(names).any(|tensors| {
            let without = |name: &str| name.strip_prefix("visual.").unwrap_or(name).to_owned();
            let mut own: BTreeMap<_, _> =
                own.iter().map(|(name, shape)| (without(name), shape.clone())).collect();
            // What only scales other tensors is not the publisher's main matter.
            let masks = file.iter().filter(|(name, _)| name.ends_with("bias_mask"));
            own.extend(masks.map(|(name, shape)| (name.clone(), shape.clone())));
            tensors == own
        });
        assert!(fits, "{list}: no naming is what was published");
        assert_eq!(architecture.blueprint().misfits(stored(&file)), "", "{list}");
        lists += 1;
    }
    assert_eq!(lists, 41);
}

//! Vision transformers on the processor: with trained weights, and small ones of every family
//! with weights from a closed formula, against their publishers' own implementations
//! (`scripts/vit_reference.py`).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pollster::block_on;
use shared::burn::tensor::{Tensor, TensorData};
use shared::device::{cpu, read};
use shared::models::vit::{ALL, Architecture, Family, Perceptron};
use shared::network::{Network, Pass, Start};
use shared::ops::Gelu;
use shared::tap::{Activations, Caught, LayerId};
use shared::weights::{NamedTensor, NamedTensors, from_safetensors};

#[allow(dead_code, reason = "the rest is for GPUs")]
mod agreement;
#[path = "reference/mod.rs"]
mod place;

use agreement::Reference;
use agreement::closed_form::uniform;

/// How far the small networks may be from the reference, relative to its norm.
const TOLERANCE: f64 = 1e-4;

fn file(name: &str) -> Option<NamedTensors> {
    let bytes = fs::read(place::path(name)?).unwrap();
    Some(from_safetensors(&bytes).unwrap().into_iter().collect())
}

#[test]
fn the_tiny_one_with_reference_weights_reproduces_timm() {
    let Some(weights) = file("weights/vit_tiny_patch16_224.safetensors") else { return };
    let golden = file("golden/vit_tiny.safetensors").unwrap();
    block_on(agreement::transformer::reproduces_the_transformer(
        &Reference { weights, golden },
        &cpu(),
    ));
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vit").join(name)
}

fn formula(name: &str, shape: &[usize]) -> NamedTensor {
    let count: usize = shape.iter().product();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let is_token = ["token", "pos_embed", "position", "class_embedding"];
    let (centre, amplitude) = if name.ends_with("bias_mask") {
        let third = |place: usize| if place / (count / 3) == 1 { 0.0 } else { 1.0 };
        let values = (0..count).map(third).collect();
        return NamedTensor { shape: shape.to_vec(), values };
    } else if is_token.iter().any(|part| name.contains(part)) {
        (0.0, 0.05)
    } else if ends(&["bias"]) {
        (0.0, 0.2)
    } else if ends(&["gamma", "gamma_1", "gamma_2", "lambda1"]) {
        (0.5, 0.2)
    } else if shape.len() == 1 {
        (1.0, 0.2)
    } else {
        let transposed = ends(&["visual.proj"]);
        let inputs: usize = if transposed { shape[0] } else { shape[1..].iter().product() };
        (0.0, (3.0 / inputs as f64).sqrt())
    };
    let values = uniform(name).take(count).map(|u| (centre + amplitude * u) as f32).collect();
    NamedTensor { shape: shape.to_vec(), values }
}

/// A small one of a family: two blocks of three heads on four by four patches of eight pixels.
fn small(family: Family) -> Architecture {
    let is_dino = matches!(family, Family::DinoV2 | Family::DinoV3);
    Architecture {
        name: "small",
        aliases: &[],
        title: "Small",
        origin: "tests",
        family,
        patch: 8,
        side: 4,
        width: 24,
        depth: 2,
        heads: 3,
        perceptron: Perceptron::Gelu(96),
        registers: 0,
        outputs: if is_dino { 0 } else { 11 },
    }
}

/// The small network of a reference, with tensors of the naming in its name.
fn network(case: &str, naming: usize, prefix: &str, architecture: Architecture) -> Network {
    let tensors = architecture.blueprint().tensors(naming).into_iter();
    let weights: NamedTensors = tensors
        .map(|(name, shape)| {
            let name = format!("{prefix}{name}");
            let tensor = formula(&name, &shape);
            (name, tensor)
        })
        .collect();
    architecture.blueprint().load(weights, &cpu()).unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// Tokens as the references hold them, `[tokens, channels]`.
fn tokens(caught: &Caught) -> Vec<f32> {
    let [_, channels, rows, columns] = caught.grid.dims();
    let grid = caught.grid.clone().reshape([1, channels, rows * columns]);
    let extra = caught.extra.clone().unwrap();
    block_on(read(Tensor::cat(vec![extra, grid], 2).swap_dims(1, 2))).unwrap()
}

#[track_caller]
fn assert_agrees(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let square = |value: f64| value * value;
    let apart: f64 =
        found.iter().zip(expected).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let norm: f64 = expected.iter().map(|value| square(f64::from(*value))).sum();
    let error = (apart / norm).sqrt();
    assert!(error < TOLERANCE, "{what}: relative error {error:e}");
}

#[test]
fn small_ones_of_every_family_agree_with_their_publishers_implementations() {
    let clip = |gelu| small(Family::Clip(gelu));
    let dinov2 = Architecture { patch: 14, side: 3, ..small(Family::DinoV2) };
    let registers = Architecture { registers: 4, ..dinov2 };
    let gated = Perceptron::Gated(64);
    let dinov3 = Architecture { registers: 4, ..small(Family::DinoV3) };
    let augreg = Architecture { depth: 3, ..small(Family::Augreg) };
    let cases = [
        ("augreg.timm", 0, "", augreg),
        ("augreg-resized.timm", 0, "", augreg),
        ("clip.openai", 1, "visual.", clip(Gelu::Quick)),
        ("clip.hugging-face", 2, "", clip(Gelu::Quick)),
        ("clip.open-clip", 1, "visual.", clip(Gelu::Exact)),
        ("clip-resized.open-clip", 1, "visual.", clip(Gelu::Exact)),
        ("dinov2.hugging-face", 2, "", dinov2),
        ("dinov2-resized.original", 1, "", dinov2),
        ("dinov2-gated.hugging-face", 2, "", Architecture { perceptron: gated, ..dinov2 }),
        ("dinov2-reg.timm", 0, "", registers),
        ("dinov2-reg.hugging-face", 2, "", registers),
        ("dinov2-reg-gated.original", 1, "", Architecture { perceptron: gated, ..registers }),
        ("dinov3.timm", 0, "", dinov3),
        ("dinov3.timm-biases", 1, "", dinov3),
        ("dinov3.original", 2, "", dinov3),
        ("dinov3.hugging-face", 3, "", dinov3),
        ("dinov3-gated.original", 2, "", Architecture { perceptron: gated, ..dinov3 }),
        ("dinov3-gated.hugging-face", 3, "", Architecture { perceptron: gated, ..dinov3 }),
    ];
    for (case, naming, prefix, architecture) in cases {
        let bytes = fs::read(data(&format!("{case}.safetensors"))).unwrap();
        let golden: NamedTensors = from_safetensors(&bytes).unwrap().into_iter().collect();
        let network = network(case, naming, prefix, architecture);
        let info = network.info();
        let input = &golden["input"];
        let input = TensorData::new(input.values.clone(), input.shape.clone());
        let input = Tensor::<4>::from_data(input, &cpu());
        let taps: Vec<LayerId> = (0..info.layers.len()).map(LayerId).collect();
        let caught = network.forward(Start::Picture(input.clone()), &Pass::to(&taps)).unwrap();
        let layer = |name: &str| caught.get(info.layer_id(name).unwrap()).unwrap();
        for (name, expected) in &golden {
            let what = format!("{case}: {name}");
            let found = match name.as_str() {
                "input" => continue,
                "pooled" => {
                    let last = caught.grid(LayerId(info.layers.len() - 1)).unwrap();
                    block_on(read(last)).unwrap()
                }
                "blocks.1:7@cls.gradient" => gradient(&network, input.clone()),
                tapped => tokens(layer(tapped)),
            };
            assert_agrees(&what, &found, &expected.values);
        }
    }
}

/// Of channel 7 of the class token after block 1, with respect to the input.
fn gradient(network: &Network, input: Tensor<4>) -> Vec<f32> {
    let layer = network.info().layer_id("blocks.1").unwrap();
    let (caught, pullback) = network.look(Start::Picture(input), &Pass::to(&[layer])).unwrap();
    let caught: Activations = caught.tracked();
    let class = caught.get(layer).unwrap().extra.clone().unwrap().narrow(2, 0, 1);
    let gradients = caught.gradients(class.narrow(1, 7, 1).sum());
    block_on(read(pullback.pull(gradients).unwrap().grid)).unwrap()
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
        let fit = architecture.blueprint().check(stored(&file));
        assert!(fit.is_ok(), "{list}: {}", fit.unwrap_err());
        lists += 1;
    }
    assert_eq!(lists, 41);
}

//! The verbs on vision transformers: token grids, class tokens, networks without classes.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

#[path = "../../shared/tests/hostile/pth.rs"]
#[allow(dead_code, reason = "training scripts save more than these tests need")]
mod pth;
#[path = "../../shared/tests/reference/mod.rs"]
mod reference;
#[path = "made/stripes.rs"]
mod stripes;
#[path = "made/transformer.rs"]
mod transformer;
#[path = "../../shared/tests/hostile/zip.rs"]
#[allow(dead_code, reason = "its other archives are for other tests")]
mod zip;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use shared::burn::tensor::Tensor;
use shared::weights::{NamedTensor, NamedTensors, Precision, to_safetensors};
use trainer::model::LoadedModel;
use trainer::pictures::decode;

use pth::{Saved, dict, legacy, pth};
use stripes::stripes;

/// Runs `pellucid` in a folder that is its cache as well.
fn pellucid<S: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pellucid"))
        .args(args)
        .current_dir(folder)
        .env("PELLUCID_CACHE", folder)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

#[test]
fn token_layers_are_listed_with_their_grid_and_the_tokens_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    for (model, layer, shape, tokens) in [
        ("vit-tiny-patch16-224", "blocks.10", "192x14x14 + cls", vec!["cls"]),
        (
            "dinov2_vits14_reg",
            "blocks.0.mlp.act",
            "1536x16x16 + cls + 4 reg",
            vec!["cls", "reg0", "reg1", "reg2", "reg3"],
        ),
    ] {
        let layers = json(&pellucid(folder.path(), ["layers", model, "--json"]));
        let rows = layers.as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == layer).unwrap();
        assert_eq!(row["tokens"], Value::from(tokens));
        assert!(rows.iter().any(|row| row["name"] == "pooled" && row["tokens"].is_null()));
        let table = stdout(&pellucid(folder.path(), ["layers", model]));
        let row = table.lines().find(|line| line.starts_with(&format!("{layer} "))).unwrap();
        assert!(row.contains(shape), "{row}");
    }
}

#[test]
fn models_are_listed_with_all_their_names_and_what_they_end_in() {
    let folder = tempfile::tempdir().unwrap();
    let models = json(&pellucid(folder.path(), ["layers", "--models", "--json"]));
    let models = models.as_array().unwrap();
    assert_eq!(models.len(), shared::models::registry().len());
    let of = |name: &str| models.iter().find(|model| model["name"] == name).unwrap();
    assert_eq!(of("googlenet")["classes"], 1000);
    let clip = of("clip-vit-b-32");
    assert_eq!((&clip["classes"], &clip["output"]), (&0.into(), &"embedding".into()));
    assert!(clip["aliases"].as_array().unwrap().contains(&"ViT-B/32".into()));
    let table = stdout(&pellucid(folder.path(), ["layers", "--models"]));
    let row = table.lines().find(|line| line.starts_with("dinov2-vit-l-14 ")).unwrap();
    assert!(row.contains("1024 pooled") && row.contains("facebook/dinov2-large"), "{row}");
    let both = pellucid(folder.path(), ["layers", "googlenet", "--models"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn a_network_without_classes_says_what_it_gives_and_who_has_some() {
    let folder = tempfile::tempdir().unwrap();
    for (model, instead) in [
        (
            "ViT-L/14",
            "clip-vit-l-14 has no classes; it ends in 768 values without names, its layer embedding",
        ),
        ("dinov3-vit-s-16", "it ends in 384 values without names, its layer pooled"),
    ] {
        let output = pellucid(folder.path(), ["classify", model, "cat.jpg"]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(said.contains(instead), "{said}");
        assert!(said.contains("googlenet") && said.contains("vit-tiny-patch16-224"), "{said}");
        assert!(!said.contains("weights:") && !said.contains("clip-vit-b-32,"), "{said}");
    }
}

#[test]
fn a_model_goes_by_its_publishers_names_and_lies_in_the_cache_under_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights/clip-vit-b-32.safetensors");
    fs::create_dir(weights.parent().unwrap()).unwrap();
    fs::write(&weights, "here").unwrap();
    for name in ["clip-vit-b-32", "ViT-B/32", "openai/clip-vit-base-patch32"] {
        let output = pellucid(folder.path(), ["fetch", name]);
        assert_eq!(stdout(&output).trim_end(), weights.to_str().unwrap());
        assert!(stderr(&output).contains("clip-vit-b-32 is here already"), "{}", stderr(&output));
    }
}

#[test]
fn a_checkpoint_of_a_training_script_is_imported_whatever_it_puts_around_the_weights() {
    let folder = tempfile::tempdir().unwrap();
    let weights = transformer::weights();
    let plain = to_safetensors(&weights, Precision::F32, &Default::default()).unwrap();
    fs::write(folder.path().join("plain.safetensors"), plain).unwrap();
    let optimizer = || dict([("state", Saved::Numbered(vec![Saved::Number(7)]))]);
    let named = |before| pth::weights(&weights, before);
    let files = [
        ("model.pth", pth("model", &dict([("model", named("")), ("optimizer", optimizer())]))),
        ("state_dict.pth", pth("s", &dict([("state_dict", named("module."))]))),
        ("old.pth", legacy(&named("module."))),
    ];
    let import = |file: &str| {
        let out = format!("{file}.out");
        let args = ["import", "vit-tiny-patch16-224", file, "--precision", "f16", "--out", &out];
        let said = stderr(&pellucid(folder.path(), args));
        assert!(said.contains("152 tensors"), "{said}");
        let bytes = fs::read(folder.path().join(out)).unwrap();
        let read = shared::weights::from_safetensors(&bytes).unwrap();
        read.into_iter().collect::<NamedTensors>()
    };
    let expected = import("plain.safetensors");
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
        assert!(import(name) == expected, "{name}");
    }
}

/// Pictures of stripes, and weights of half precision beside them.
fn workbench(pictures: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("pictures")).unwrap();
    fs::create_dir_all(folder.path().join("weights")).unwrap();
    for number in 0..pictures {
        let path = folder.path().join(format!("pictures/{number}.png"));
        stripes(number).save(path).unwrap();
    }
    let weights = to_safetensors(&transformer::weights(), Precision::F16, &Default::default());
    let path = folder.path().join("weights/vit-tiny-patch16-224.safetensors");
    fs::write(path, weights.unwrap()).unwrap();
    folder
}

/// What the network answers to each of the pictures: `[channels, 1 + 196]`, the class token first.
fn tokens(folder: &Path, weights: &Path, files: &[String], layer: &str) -> Vec<Vec<f32>> {
    let device = shared::device::cpu();
    let loaded = LoadedModel::load("vit-tiny-patch16-224", Some(weights), &device).unwrap();
    let info = loaded.model.info();
    let layer = info.layer_id(layer).unwrap();
    let of = |file: &String| {
        let picture = decode::read(&folder.join(file)).unwrap();
        let picture = info.preprocessing.classification_crop(&picture);
        let mut caught = loaded.activations([&picture], &[layer], &device).unwrap();
        let caught = caught.0.remove(&layer).unwrap();
        let [_, channels, rows, columns] = caught.grid.dims();
        let patches = caught.grid.reshape([1, channels, rows * columns]);
        let all = Tensor::cat(vec![caught.extra.unwrap(), patches], 2);
        pollster::block_on(shared::device::read(all)).unwrap()
    };
    files.iter().map(of).collect()
}

/// The exemplars found are those that sorting every picture by a plain computation finds.
fn assert_ranked(found: &Value, files: &[String], tokens: &[Vec<f32>], by: Counts) {
    let units = found["units"].as_array().unwrap();
    assert_eq!(units.len() * 197, tokens[0].len());
    for (channel, unit) in units.iter().enumerate() {
        let of = |picture: usize| &tokens[picture][197 * channel..][..197];
        let mut order: Vec<usize> = (0..files.len()).collect();
        order.sort_by(|&one, &other| by(of(other)).total_cmp(&by(of(one))));
        let top = unit["top"].as_array().unwrap();
        for (exemplar, &picture) in top.iter().zip(&order) {
            let value = exemplar["value"].as_f64().unwrap() as f32;
            let right = by(of(picture));
            assert!((value - right).abs() <= 2e-3 * right.abs().max(1.0), "{value} {right}");
            // Neighbours may lie closer than batches are alike.
            let number = files.iter().position(|file| *file == exemplar["file"]).unwrap();
            assert!((by(of(number)) - right).abs() <= 2e-3 * right.abs().max(1.0));
            // The map is of the patches, whatever pictures are ranked by.
            let patches = &of(number)[1..];
            let [row, column] =
                ["row", "column"].map(|side| exemplar[side].as_u64().unwrap() as usize);
            let largest = patches.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert!(largest - patches[14 * row + column] <= 2e-3 * largest.abs().max(1.0));
        }
    }
}

/// What a picture counts for, from a unit's values at its tokens.
type Counts = fn(&[f32]) -> f32;

/// Each statistic, and what it is of a unit's 197 tokens.
const STATISTICS: [(&str, Counts); 5] = [
    ("mean", |tokens| tokens[1..].iter().sum::<f32>() / 196.0),
    ("max", |tokens| tokens[1..].iter().copied().fold(f32::NEG_INFINITY, f32::max)),
    ("cls", |tokens| tokens[0]),
    ("center", |tokens| tokens[1 + 7 * 14 + 7]),
    ("3,12", |tokens| tokens[1 + 3 * 14 + 12]),
];

#[test]
fn exemplars_are_ranked_by_patches_by_one_of_them_or_by_the_class_token() {
    let folder = workbench(6);
    let files: Vec<String> = (0..6).map(|number| format!("{number}.png")).collect();
    let weights = folder.path().join("weights/vit-tiny-patch16-224.safetensors");
    let tokens = tokens(&folder.path().join("pictures"), &weights, &files, "blocks.1");
    for (statistic, by) in STATISTICS {
        let args = ["exemplars", "vit-tiny-patch16-224", "blocks.1", "--images", "pictures"];
        let more =
            ["--statistic", statistic, "--top", "3", "--channels", "0,1", "--out", statistic];
        stdout(&pellucid(folder.path(), args.iter().chain(&more)));
        let json = fs::read(folder.path().join(statistic).join("blocks.1.json")).unwrap();
        let found: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(found["statistic"], statistic);
        assert_eq!(found["positions"], serde_json::json!([14, 14]));
        assert_ranked(&found, &files, &tokens, by);
        assert!(folder.path().join(statistic).join("blocks.1.png").is_file());
    }
}

#[test]
fn what_a_layer_has_not_is_no_statistic_of_it() {
    let folder = workbench(1);
    for (model, layer, statistic, hint) in [
        ("googlenet", "mixed4a", "cls", "mixed4a has no class token; only layers of transformers"),
        ("googlenet", "mixed4a", "14,0", "mixed4a has 14 rows, numbered 0 to 13; 14 is not"),
        ("vit-tiny-patch16-224", "blocks.1", "reg0", "blocks.1 has 0 registers"),
        ("vit-tiny-patch16-224", "logits", "cls", "logits has no class token"),
        ("vit-tiny-patch16-224", "blocks.1", "0,14", "blocks.1 has 14 columns"),
        ("vit-tiny-patch16-224", "blocks.1", "median", "it must be mean, max, cls"),
    ] {
        let args = ["exemplars", model, layer, "--images", "pictures"];
        let output = pellucid(
            folder.path(),
            args.iter().chain(&["--statistic", statistic, "--out", "found"]),
        );
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(hint), "{}", stderr(&output));
        assert!(!folder.path().join("found").exists());
    }
}

#[test]
fn exemplars_of_trained_weights_on_photographs_are_those_of_a_plain_computation() {
    let Some(weights) = reference::path("weights/vit_tiny_patch16_224.safetensors") else { return };
    let Some(sample) = reference::path("images/imagenet-sample") else { return };
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    let mut classes: Vec<_> =
        fs::read_dir(sample).unwrap().map(|entry| entry.unwrap().path()).collect();
    classes.sort();
    for (number, class) in classes.iter().step_by(35).enumerate() {
        let file = fs::read_dir(class).unwrap().next().unwrap().unwrap().path();
        fs::copy(file, pictures.join(format!("{number:02}.jpg"))).unwrap();
    }
    let files: Vec<String> = (0..20).map(|number| format!("{number:02}.jpg")).collect();
    let tokens = tokens(&pictures, &weights, &files, "blocks.10");
    for (statistic, by) in STATISTICS {
        let args = ["exemplars", "vit-tiny-patch16-224", "blocks.10", "--images", "pictures"];
        let more = ["--statistic", statistic, "--top", "5", "--no-figure", "--out", statistic];
        let args = args.iter().chain(&more).map(OsStr::new);
        let args = args.chain([OsStr::new("--weights"), weights.as_os_str()]);
        stdout(&pellucid(folder.path(), args));
        let json = fs::read(folder.path().join(statistic).join("blocks.10.json")).unwrap();
        assert_ranked(&serde_json::from_slice(&json).unwrap(), &files, &tokens, by);
    }
}

#[test]
fn classes_units_class_tokens_patches_and_directions_of_a_transformer_become_pictures() {
    let folder = workbench(0);
    let directions = NamedTensors::from([(
        "blocks.6/stripes".to_owned(),
        NamedTensor { shape: vec![192], values: (0..192).map(|n| (n as f32).sin()).collect() },
    )]);
    let bytes = to_safetensors(&directions, Precision::F32, &Default::default()).unwrap();
    fs::write(folder.path().join("mine.safetensors"), bytes).unwrap();
    let objectives = [
        "blocks.10:7@cls",
        "blocks.6:11",
        "blocks.-2:7@1,2",
        "logits:\"volcano\"",
        "blocks.6/{stripes}",
        "blocks.6/stripes:0@cls - 1e-3*tv",
    ];
    let args = ["visualize", "vit-tiny-patch16-224"].iter().chain(&objectives);
    let more = ["--directions", "mine.safetensors", "--size", "64", "--steps", "3", "--json"];
    let made = json(&pellucid(folder.path(), args.chain(&more).chain(&["--out", "dreams/"])));
    let made = made.as_array().unwrap();
    assert_eq!(made.len(), objectives.len());
    for (report, objective) in made.iter().zip(objectives) {
        assert_eq!(report["objective"], objective);
        assert_eq!(report["settings"]["parameterization"], "pyramid");
        let losses = report["losses"].as_array().unwrap();
        assert!(losses.iter().all(|loss| loss.as_f64().is_some()), "{objective}");
        let file = folder.path().join(report["file"].as_str().unwrap());
        let picture = decode::read(&file).unwrap();
        assert_eq!((picture.width(), picture.height()), (64, 64));
    }
    let first = made[0]["file"].as_str().unwrap();
    stdout(&pellucid(folder.path(), ["visualize", "--recipe", first, "--out", "again.png"]));
    let read = |file: &str| decode::read(&folder.path().join(file)).unwrap();
    assert!(read("again.png") == read(first));
}

#[test]
fn a_token_that_a_layer_has_not_is_a_wrong_objective() {
    let folder = tempfile::tempdir().unwrap();
    for (model, objective, hint) in [
        ("googlenet", "mixed4a:7@cls", "mixed4a has no class token; only layers of transformers"),
        ("vit-tiny-patch16-224", "blocks.6:7@reg0", "blocks.6 has 0 registers"),
        ("dinov3-vit-s-16", "blocks.6:7@reg4", "blocks.6 has 4 registers, counted from 0; 4 is"),
        ("vit-tiny-patch16-224", "pooled:7@cls", "pooled has no class token"),
        ("vit-tiny-patch16-224", "blocks.12:7", "nearest is \"blocks.1"),
    ] {
        let output = pellucid(folder.path(), ["visualize", model, objective, "--out", "x.png"]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(hint), "{}", stderr(&output));
        assert!(!stderr(&output).contains("weights:"), "{}", stderr(&output));
    }
}

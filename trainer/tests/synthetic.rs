//! `pellucid synthetic`, and what `evaluate` makes of a dictionary beside the known features.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use shared::readout::dictionary::codes::{Codes, Use};
use shared::readout::dictionary::{Activation, Config, Dictionary, Parameters};
use trainer::evaluate;
use trainer::shards::Store;
use trainer::synthetic::truth::Truth;

const CHANNELS: usize = 12;
const FEATURES: usize = 30;

fn synthetic(folder: &Path, args: &[&str]) -> Output {
    let small = ["--features", "30", "--channels", "12", "--trees", "2", "--depth", "1"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
    command.current_dir(folder).arg("synthetic").args(small).args(args).output().unwrap()
}

fn succeed(folder: &Path, args: &[&str]) -> String {
    let output = synthetic(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// All files of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(
                files(&path).into_iter().map(|(file, bytes)| (format!("{name}/{file}"), bytes)),
            );
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn what_is_drawn_depends_on_seed_and_draw_alone_and_goes_on_where_it_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let call = |out, more: &[&str]| {
        let args = ["--examples", "50", "--shard-size", "16", "--out", out];
        succeed(folder.path(), &[args.as_slice(), more].concat())
    };
    call("one", &[]);
    let one = files(&folder.path().join("one"));
    let record = folder.path().join("one/shards/000002.json");
    assert!(record.is_file(), "{:?}", one.keys());
    fs::remove_file(record).unwrap();
    fs::remove_file(folder.path().join("one/truth/000002.safetensors")).unwrap();
    call("one", &[]);
    call("other", &[]);
    assert_eq!(files(&folder.path().join("one")), one);
    assert_eq!(files(&folder.path().join("other")), one);
    call("held-out", &["--draw", "1"]);
    let held_out = files(&folder.path().join("held-out"));
    assert_eq!(held_out["truth.safetensors"], one["truth.safetensors"]);
    assert_ne!(held_out["truth/000000.safetensors"], one["truth/000000.safetensors"]);
    let args = ["--examples", "50", "--shard-size", "16", "--out", "one", "--seed", "1"];
    let refused = synthetic(folder.path(), &args);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("of another job"));
    assert_eq!(files(&folder.path().join("one")), one);
}

/// A dictionary whose first latents are features, in another order and turned around once.
fn dictionary(truth: &Truth, latents: usize) -> Dictionary {
    let config = Config {
        channels: CHANNELS,
        latents,
        activation: Activation::TopK { k: 3 },
        centred: false,
        prefixes: vec![latents],
        revival: None,
    };
    let rows = (0..latents).flat_map(|latent| {
        let feature = (latent * 7) % FEATURES;
        let row = &truth.directions[feature * CHANNELS..][..CHANNELS];
        let sign = if latent == 1 { -2.0 } else { 2.0 };
        row.iter().map(move |value| sign * value)
    });
    let decoder: Vec<f32> = rows.collect();
    let parameters = Parameters { encoder: decoder.clone(), decoder, ..Parameters::zeros(&config) };
    Dictionary::new(config, parameters).unwrap()
}

#[test]
fn what_is_found_of_the_features_is_what_counting_finds() {
    let folder = tempfile::tempdir().unwrap();
    let said = succeed(
        folder.path(),
        &["--examples", "900", "--shard-size", "512", "--out", "store", "--json"],
    );
    let said: Value = serde_json::from_str(&said).unwrap();
    let path = folder.path().join("store");
    let store = Store::open(&path).unwrap();
    let truth = Truth::beside(&path, store.made_with()[1]).unwrap().unwrap();
    let dictionary = dictionary(&truth, 10);
    let (evaluation, latents) =
        evaluate::evaluate(&dictionary, &store, "synthetic", None, None).unwrap();
    let found = evaluation.truth.unwrap();
    // Ten of thirty features, exactly.
    assert!((found.mcc.unwrap() - 1.0).abs() < 1e-5 && found.uniqueness == 1.0, "{found:?}");
    let mut uses = Codes::default();
    (0..2).for_each(|shard| uses.append(truth.uses(shard).unwrap()));
    assert_eq!(uses.ends.len(), 900);
    assert!((found.true_l0 - uses.uses.len() as f64 / 900.0).abs() < 1e-12);
    assert!((found.true_l0 - said["true_l0"].as_f64().unwrap()).abs() < 1e-12);
    let place = store.layout().find("synthetic").unwrap();
    let mut sum = 0.0;
    for latent in &latents {
        let told = latent.truth.unwrap();
        assert_eq!(told.feature, (latent.latent * 7) % FEATURES);
        let [mut both, mut either] = [0.0_f64; 2];
        for example in 0..900 {
            let values = store.tokens(place, example as u64).unwrap().unwrap();
            let fires = |used: &Use, which: usize| used.latent as usize == which;
            let codes = dictionary.codes(&values);
            let found = codes.uses.iter().any(|used| fires(used, latent.latent));
            let is = uses.of(example..example + 1).iter().any(|used| fires(used, told.feature));
            both += f64::from(u8::from(found && is));
            either += f64::from(u8::from(found)) + f64::from(u8::from(is));
        }
        // Twice what both have over what each has: another form of the harmonic mean.
        let expected = if 0.0 < both { 2.0 * both / either } else { 0.0 };
        assert!((told.f1 - expected).abs() < 1e-12, "{told:?} {expected}");
        sum += expected;
    }
    assert!((found.f1 - sum / 10.0).abs() < 1e-12 && 0.0 < sum);
}

/// Found by seed 0 when this was written; another machine adds up in another order.
#[test]
fn a_small_run_of_every_kind_ends_where_it_ended_before() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
        let output = command.current_dir(folder.path()).args(args.split(' ')).output().unwrap();
        assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run("synthetic --features 48 --channels 16 --trees 4 --depth 1 --examples 20000 --out store");
    let kinds = "relu,topk,batch-topk,jumprelu,gated";
    run(&format!(
        "train store --device cpu --seeds 1 --out runs --set kind={kinds} --set latents=48 \
         --set k=3 --set l1=1 --set auxk=0 --set batch=500 --set thousands=120 \
         --set learning_rate=0.004"
    ));
    for (kind, normalized_mse, mcc) in [
        ("relu", 0.0918, 0.687),
        ("topk", 0.1140, 0.650),
        ("batch-topk", 0.0718, 0.630),
        ("jumprelu", 0.0574, 0.658),
        ("gated", 0.0236, 0.633),
    ] {
        let found = run(&format!("evaluate runs/kind-{kind}_seed-0 store --no-k-means --json"));
        let found: Value = serde_json::from_str(found.lines().next().unwrap()).unwrap();
        let number = |value: &Value| value.as_f64().unwrap();
        let numbers = [number(&found["normalized_mse"]), number(&found["truth"]["mcc"])];
        for (found, expected) in numbers.into_iter().zip([normalized_mse, mcc]) {
            assert!((found - expected).abs() < 0.04 * expected, "{kind}: {numbers:?}");
        }
    }
}

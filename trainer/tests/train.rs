//! `pellucid train` and what comes after, from a store to numbers: that no kill makes it another
//! dictionary, and that what is written is what is told.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

mod bench;
mod made;

use std::fs;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use shared::format::dictionary::{CONFIG, Files, WEIGHTS};
use trainer::dictionary;
use trainer::record::partition::Partition;
use trainer::shards::Store;
use trainer::train::stream::Stream;
use trainer::train::{Sweep, sweep};

use bench::{Bench, stderr};
use made::stripes;

/// A folder to work in, with a store of one layer of so many pictures of two classes.
fn bench(pictures: usize) -> Bench {
    let bench = Bench::new("record", made::weights());
    for number in 0..pictures {
        let class = if number % 2 == 0 { "n02123394" } else { "n02124075" };
        let folder = bench.path("pictures").join(class);
        fs::create_dir_all(&folder).unwrap();
        stripes(number).save(folder.join(format!("{number}.png"))).unwrap();
    }
    let store = ["googlenet", "mixed3a", "--images", "pictures", "--shard-size", "4"];
    bench.succeed(&[store.as_slice(), &["--out", "store"]].concat());
    bench
}

/// A call of a verb that takes no weights and no device, not started yet.
fn command(bench: &Bench, verb: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
    command.current_dir(bench.path("")).arg(verb).args(args);
    command
}

fn train(bench: &Bench, args: &[&str]) -> Output {
    command(bench, "train", args).output().unwrap()
}

fn succeed(bench: &Bench, args: &[&str]) {
    let output = train(bench, args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
}

/// A call of small dictionaries.
fn call<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let small = ["--set", "latents=64", "--set", "k=4", "--set", "batch=64", "--set", "warm_up=10"];
    [["store"].as_slice(), &small, args].concat()
}

fn lines(bench: &Bench, path: &str) -> Vec<Value> {
    let text = fs::read_to_string(bench.path(path)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_activation_comes_once_an_epoch_in_another_order_and_from_anywhere_the_same() {
    let bench = bench(9);
    let store = Store::open(&bench.path("store")).unwrap();
    let of_picture = 28 * 28 * 256 * 4;
    // All of them at a time, and two pictures at a time.
    for buffer in [1 << 30, 2 * of_picture + 5] {
        let stream = Stream::new(&store, "mixed3a", buffer, 3).unwrap();
        let all = stream.activations() as usize;
        assert_eq!(all, 9 * 28 * 28);
        let mut batches = stream.batches(0, all);
        let [first, second] = [(); 2].map(|()| batches.batch().unwrap());
        assert_ne!(first, second);
        let sorted = |values: &[f32]| {
            let mut rows: Vec<Vec<u32>> = values
                .chunks_exact(256)
                .map(|row| row.iter().map(|value| value.to_bits()).collect())
                .collect();
            rows.sort();
            rows
        };
        assert_eq!(sorted(&first.values), sorted(&second.values));
        // Across the end of an epoch.
        let from = all - 100;
        let later = stream.batches(from as u64, 300).batch().unwrap();
        assert_eq!(later.values[..100 * 256], first.values[from * 256..]);
        assert_eq!(later.values[100 * 256..], second.values[..200 * 256]);
    }
}

#[test]
fn what_is_trained_is_written_told_and_not_trained_again() {
    let bench = bench(9);
    let args = call(&["--set", "kind=topk,batch-topk", "--set", "thousands=4", "--out", "runs"]);
    let output = train(&bench, &[args.as_slice(), &["--json"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("classes: "), "{}", stderr(&output));
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = printed.iter().map(|line| line["run"].as_str().unwrap()).collect();
    let expected = ["topk_seed-0", "topk_seed-1", "batch-topk_seed-0", "batch-topk_seed-1"]
        .map(|name| format!("kind-{name}"));
    assert_eq!(names, expected);
    for run in &expected {
        let log = lines(&bench, &format!("runs/{run}/log.jsonl"));
        assert_eq!(log.last().unwrap()["step"], 63);
        let errors: Vec<f64> =
            log.iter().map(|line| line["normalized_mse"].as_f64().unwrap()).collect();
        assert!(errors.last().unwrap() < &errors[0], "{run}: {errors:?}");
        let opened = dictionary::open(&bench.path("runs").join(run)).unwrap();
        assert_eq!((opened.made.layer.as_str(), opened.made.examples), ("mixed3a", 63 * 64));
        assert_eq!(opened.dictionary.config().latents, 64);
    }
    assert_eq!(bench.names("runs").len(), 5, "four runs and their figure");
    let files = ["cfg.json", "log.jsonl", "sae_weights.safetensors"];
    assert_eq!(bench.names("runs/kind-topk_seed-0"), files);
    let again = train(&bench, &args);
    let said = String::from_utf8(again.stdout.clone()).unwrap();
    assert_eq!(said.matches("there already").count(), 4, "{said}");
}

/// The processor's tensors stand for a GPU's: what is saved and written is what came back.
#[test]
fn what_devices_share_is_trained_written_and_goes_on_anywhere() {
    let bench = bench(9);
    let args = call(&["--set", "thousands=8", "--seeds", "1"]);
    succeed(&bench, &[args.as_slice(), &["--device", "cpu", "--out", "here"]].concat());
    let store = Store::open(&bench.path("store")).unwrap();
    let given: Vec<String> =
        ["latents=64", "k=4", "batch=64", "warm_up=10", "thousands=8"].map(str::to_owned).to_vec();
    let runs = sweep::runs(None, &given, 1).unwrap();
    let devices = [shared::device::cpu(), shared::device::cpu()];
    let out = bench.path("there");
    let partition = Partition::WHOLE;
    let sweep = Sweep {
        supply: &store,
        runs: &runs,
        partition,
        out: &out,
        devices: &devices,
        buffer: 256 << 20,
    };
    sweep.run().unwrap();
    let last = |out: &str| lines(&bench, &format!("{out}/seed-0/log.jsonl")).pop().unwrap();
    let [here, there] = ["here", "there"].map(last);
    assert_eq!(here["activations"], there["activations"]);
    let error = |line: &Value| line["normalized_mse"].as_f64().unwrap();
    assert!((error(&here) / error(&there) - 1.0).abs() < 0.02, "{here} {there}");
    let [here, there] = ["here", "there"].map(|out| {
        let opened = dictionary::open(&bench.path(out).join("seed-0")).unwrap();
        opened.dictionary.parameters().decoder.clone()
    });
    let squares = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>();
    let apart = squares(&mut here.iter().zip(&there).map(|(one, other)| one - other));
    assert!(apart < 0.01 * squares(&mut here.iter().copied()), "{apart}");
}

#[test]
fn the_processor_refuses_half_precision_before_it_begins() {
    let bench = bench(3);
    let args = call(&["--set", "precision=bf16", "--device", "cpu", "--out", "runs"]);
    let output = train(&bench, &args);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("trains in f32 only"), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn runs_that_are_killed_again_and_again_end_in_the_same_bytes() {
    let bench = bench(9);
    // Plain ones, and of everything that keeps more than that.
    let ways = ["optimizer=muon,adam", "drawn_prefixes=3", "archetypal=false,true"];
    let ways = ways.map(|way| ["--set", way]).concat();
    let args = |out| call(&[&["--set", "thousands=40", "--out", out], ways.as_slice()].concat());
    let began = Instant::now();
    succeed(&bench, &args("whole"));
    let whole = began.elapsed();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..10 {
        let mut command = command(&bench, "train", &args("killed"));
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(whole.mul_f64(random.random_range(0.1..0.6)));
        run.kill().unwrap();
        if run.wait().unwrap().code().is_some() {
            break;
        }
    }
    // One that is asked to stop leaves a state behind the steps that it made.
    let mut command = command(&bench, "train", &args("killed"));
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(whole.mul_f64(0.5).max(Duration::from_millis(200)));
    let pid = run.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    run.wait().unwrap();
    succeed(&bench, &args("killed"));
    let runs: Vec<String> =
        bench.names("whole").into_iter().filter(|name| !name.contains('.')).collect();
    assert_eq!(runs.len(), 8, "{runs:?}");
    for run in &runs {
        for file in ["cfg.json", "sae_weights.safetensors"] {
            let [one, other] = ["whole", "killed"]
                .map(|out| fs::read(bench.path(out).join(run).join(file)).unwrap());
            assert!(one == other, "{run}/{file}");
        }
        let steps = |out: &str| -> Vec<(Value, Value)> {
            let log = lines(&bench, &format!("{out}/{run}/log.jsonl"));
            log.into_iter().map(|line| (line["step"].clone(), line["loss"].clone())).collect()
        };
        assert_eq!(steps("whole"), steps("killed"));
    }
}

#[test]
fn machines_that_know_nothing_of_each_other_train_one_sweep() {
    let bench = bench(9);
    let sweep = ["--set", "kind=topk,batch-topk", "--set", "thousands=4"];
    let args = |more: &[&'static str]| call(&[sweep.as_slice(), more].concat());
    succeed(&bench, &args(&["--out", "whole"]));
    let scheduled = |task: &str| {
        let mut command = command(&bench, "train", &args(&["--json", "--out", "shared"]));
        let variables = [("ID", task), ("COUNT", "3"), ("MIN", "1"), ("MAX", "3")];
        let variables = variables.map(|(name, value)| (format!("SLURM_ARRAY_TASK_{name}"), value));
        let command = command.envs(variables).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let tasks = ["1", "2", "3"].map(scheduled);
    let mut trained = 0;
    for (task, running) in (1..).zip(tasks) {
        let output = running.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let said = format!("partition: {task}/3 (as SLURM_ARRAY_TASK_ID says)");
        assert!(stderr(&output).contains(&said), "{}", stderr(&output));
        trained += String::from_utf8(output.stdout).unwrap().lines().count();
    }
    assert_eq!(trained, 4, "each run is of one part");
    assert_eq!(bench.names("shared"), bench.names("whole"));
    for run in bench.names("whole").iter().filter(|name| name.contains("seed")) {
        for file in ["cfg.json", "sae_weights.safetensors"] {
            let [one, other] = ["whole", "shared"]
                .map(|out| fs::read(bench.path(out).join(run).join(file)).unwrap());
            assert!(one == other, "{run}/{file}");
        }
    }
}

#[test]
fn wrong_calls_are_answered_before_anything_is_made() {
    let bench = bench(3);
    for (args, said) in [
        (call(&["--set", "kk=1", "--out", "runs"]), "unknown field `kk`"),
        (call(&["--set", "k=65", "--out", "runs"]), "k is 65; it must be 1 to 64"),
        (call(&["--set", "layer=mixed3b", "--out", "runs"]), "the store has no layer \"mixed3b\""),
        (call(&["--seeds", "0", "--out", "runs"]), "--seeds is 0"),
        (call(&["--buffer", "0", "--out", "runs"]), "--buffer is 0"),
        (call(&["--set", "decay=2", "--out", "runs"]), "decay is 2; it must be 0 to 1"),
        (call(&["--gpus", "0", "--out", "runs"]), "--gpus is 0"),
        (call(&["--gpus", "2", "--device", "cpu", "--out", "runs"]), "--gpus 2: cpu has 0 here"),
        (vec!["s3://bucket/store", "--out", "runs"], "a store is read from a folder"),
    ] {
        let output = train(&bench, &args);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!(!bench.path("runs").exists());
    }
}

#[test]
fn a_dictionary_is_judged_by_what_it_makes_of_a_store() {
    let bench = bench(12);
    succeed(&bench, &call(&["--set", "thousands=30", "--out", "runs"]));
    let weights = made::weights().to_str().unwrap();
    let args = ["runs", "store", "--weights", weights, "--device", "cpu", "--json"];
    let output = command(&bench, "evaluate", &args).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = String::from_utf8(output.stdout).unwrap();
    let found: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 2);

    // The same numbers, the slow way.
    let store = Store::open(&bench.path("store")).unwrap();
    let opened = dictionary::open(&bench.path("runs/seed-0")).unwrap();
    let place = store.layout().find("mixed3a").unwrap();
    let all: Vec<f32> =
        (0..12).flat_map(|example| store.tokens(place, example).unwrap().unwrap()).collect();
    let codes = opened.dictionary.codes(&all);
    let made = opened.dictionary.decode(&codes);
    let count = all.len() / 256;
    let mut mean = vec![0.0; 256];
    for row in all.chunks_exact(256) {
        mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value) / count as f64);
    }
    let square = |one: f32, other: f64| (f64::from(one) - other).powi(2);
    let error: f64 = all.iter().zip(&made).map(|(x, y)| square(*x, f64::from(*y))).sum();
    let variance: f64 = all
        .chunks_exact(256)
        .flat_map(|row| row.iter().zip(&mean))
        .map(|(x, y)| square(*x, *y))
        .sum();
    let close = |name: &str, expected: f64| {
        let value = found[0][name].as_f64().unwrap();
        assert!((value - expected).abs() <= 1e-6 * expected.abs(), "{name}: {value}, {expected}");
    };
    close("normalized_mse", error / variance);
    close("l0", codes.uses.len() as f64 / count as f64);
    let stable = found[0]["stability"].as_f64().unwrap();
    assert!((found[1]["stability"].as_f64().unwrap() - stable).abs() < 1e-5);
    assert_eq!(found[0]["recovered"]["is_labelled"], true);

    let latents = lines(&bench, "runs/seed-0/latents.jsonl");
    assert_eq!(latents.len(), 64);
    let mut fires = vec![0_u64; 64];
    codes.uses.iter().for_each(|used| fires[used.latent as usize] += 1);
    for (latent, fires) in latents.iter().zip(fires) {
        let frequency = latent["frequency"].as_f64().unwrap();
        assert!((frequency - fires as f64 / count as f64).abs() < 1e-12);
    }

    // Taken greedily it has no more latents than asked for, and nothing is written.
    let evaluated = fs::read(bench.path("runs/seed-0/evaluation.json")).unwrap();
    let greedy = |k: &str| {
        let args = ["runs/seed-0", "store", "--matching-pursuit", k, "--json"];
        let args = [args.as_slice(), &["--no-network", "--no-k-means"]].concat();
        let output = command(&bench, "evaluate", &args).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        ["l0", "normalized_mse"].map(|name| found[name].as_f64().unwrap())
    };
    let [few, many] = ["1", "4"].map(greedy);
    assert!(few[0] <= 1.0 && 1.0 < many[0] && many[0] <= 4.0, "{few:?}, {many:?}");
    assert!(many[1] < few[1], "{few:?}, {many:?}");
    assert_eq!(fs::read(bench.path("runs/seed-0/evaluation.json")).unwrap(), evaluated);

    // Alone, it is held against the other seed beside it all the same.
    let args = ["runs/seed-0", "store", "--no-network", "--no-k-means", "--json"];
    let output = command(&bench, "evaluate", &args).output().unwrap();
    let alone: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(alone["stability"], found[0]["stability"]);

    // Saev's file of it says the same, and one that knows no layer says so.
    let told = |verb: &str, args: &[&str]| {
        let output = command(&bench, verb, args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    told("train", &["--to-saev", "runs/seed-0", "--out", "saev"]);
    let again =
        told("evaluate", &["saev", "store", "--layer", "mixed3a", "--no-network", "--json"]);
    let again: Value = serde_json::from_str(&again).unwrap();
    let [one, other] = [&again, &found[0]].map(|found| found["normalized_mse"].as_f64().unwrap());
    assert!((one - other).abs() <= 1e-5 * other, "{one}, {other}");
    let output = command(&bench, "evaluate", &["saev", "store"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--layer"), "{}", stderr(&output));

    // As the page saves one.
    let [config, weights] = [CONFIG, WEIGHTS].map(|name| bench.path("runs/seed-0").join(name));
    let files =
        Files { config: fs::read_to_string(config).unwrap(), weights: fs::read(weights).unwrap() };
    fs::create_dir(bench.path("saved")).unwrap();
    fs::write(bench.path("saved/page.zip"), files.packed().unwrap()).unwrap();
    let again = told("evaluate", &["saved/page.zip", "store", "--no-network", "--json"]);
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["normalized_mse"], found[0]["normalized_mse"]);
    assert_eq!(told("features", &["saved/page.zip", "--top", "5", "--json"]).lines().count(), 5);
    assert_eq!(
        dictionary::open(&bench.path("saved/page.zip")).unwrap().as_saelens().unwrap(),
        files
    );

    let told = told("features", &["runs/seed-0", "--sort", "stability", "--top", "5", "--json"]);
    let stable: Vec<f64> = told
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["stability"].as_f64().unwrap())
        .collect();
    assert_eq!(stable.len(), 5);
    assert!(stable.is_sorted_by(|one, other| other <= one));
}

#[test]
fn a_latent_is_a_unit_that_pictures_are_found_for_and_made_of() {
    let bench = bench(12);
    succeed(&bench, &call(&["--set", "thousands=30", "--seeds", "1", "--out", "runs"]));
    let weights = made::weights().to_str().unwrap();
    let with = ["--dictionary", "mine=runs/seed-0", "--weights", weights, "--device", "cpu"];
    let call = ["googlenet", "mixed3a/mine", "--images", "pictures", "--out", "found"];
    let args = [call.as_slice(), &with, &["--no-figure"]].concat();
    let output = command(&bench, "exemplars", &args).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let report = bench.json("found/mixed3a/mine.json");
    let units = report["units"].as_array().unwrap();
    assert_eq!(units.len(), 64);
    // The largest of each latent is what the dictionary gives for the store.
    let store = Store::open(&bench.path("store")).unwrap();
    let opened = dictionary::open(&bench.path("runs/seed-0")).unwrap();
    let place = store.layout().find("mixed3a").unwrap();
    let mut means = vec![0.0_f64; 64];
    for example in 0..12 {
        let values = store.tokens(place, example).unwrap().unwrap();
        let mut sums = vec![0.0; 64];
        for used in opened.dictionary.codes(&values).uses {
            sums[used.latent as usize] += f64::from(used.pre) / (28.0 * 28.0);
        }
        means.iter_mut().zip(sums).for_each(|(most, mean)| *most = most.max(mean));
    }
    for (unit, mean) in units.iter().zip(means) {
        let found = unit["top"][0]["value"].as_f64().unwrap_or(0.0);
        // The store has half numbers, the network single ones.
        assert!((found - mean).abs() <= 1e-2 * mean.max(1e-2), "{}: {found}, {mean}", unit["unit"]);
    }
    let call =
        ["googlenet", "mixed3a/mine:3", "--size", "32", "--steps", "2", "--out", "dream.png"];
    let output = command(&bench, "visualize", &[call.as_slice(), &with].concat()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let readouts = &bench.json("dream.json")["readouts"];
    assert_eq!(readouts["mixed3a/mine"], opened.sha256);
}

//! `pellucid record` from call to store: what is in it, and that no kill, no other machine and no
//! damaged picture makes it another.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

mod bench;
mod made;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use shared::tap::LayerId;
use trainer::model::LoadedModel;
use trainer::pictures::decode;
use trainer::shards::Store;

use bench::{Bench, stderr};
use made::stripes;

/// A folder to work in, with so many pictures of stripes in `pictures/`, of two classes.
fn bench(pictures: usize) -> Bench {
    let bench = Bench::new("record", made::weights());
    for class in ["n02123394", "stripes"] {
        fs::create_dir_all(bench.path("pictures").join(class)).unwrap();
    }
    for number in 0..pictures {
        let class = if number % 2 == 0 { "n02123394" } else { "stripes" };
        let path = bench.path("pictures").join(class).join(format!("{number}.png"));
        stripes(number).save(path).unwrap();
    }
    bench
}

/// A call on a small layer and shards of two pictures.
fn call<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let call = ["googlenet", "conv2d1", "--images", "pictures", "--shard-size", "2"];
    [call.as_slice(), args].concat()
}

/// Every file of a store and its bytes.
fn files(store: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in [store.to_owned(), store.join("shards")] {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_file() {
                let name = entry.file_name().into_string().unwrap();
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

fn assert_same(bench: &Bench, one: &str, other: &str) {
    let [one_files, other_files] = [one, other].map(|store| files(&bench.path(store)));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one_files), names(&other_files), "{one} beside {other}");
    for (name, bytes) in one_files {
        assert!(bytes == other_files[&name], "{name} differs between {one} and {other}");
    }
}

#[test]
fn a_store_holds_what_every_layer_answered_to_every_picture() {
    let bench = bench(5);
    let layers = ["conv2d1", "inception_3a/output", "maxpool0", "conv2d0"];
    let mut args = vec!["googlenet"];
    args.extend(layers);
    args.extend(["--images", "pictures", "--shard-size", "2", "--dtype", "f32", "--json"]);
    let output = bench.succeed(&[args.as_slice(), &["--batch", "2", "--out", "store"]].concat());
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&printed["shards"], &printed["recorded"]), (&json!(3), &json!(3)));
    assert_eq!((&printed["examples"], &printed["unreadable"]), (&json!(5), &json!(0)));

    let about = bench.json("store/store.json");
    // Layers of one shape share an array.
    let arrays = about["arrays"].as_array().unwrap();
    let listed: Vec<&Value> = arrays.iter().map(|array| &array["layers"]).collect();
    assert_eq!(listed, [&json!(["conv2d1", "maxpool0"]), &json!(["mixed3a"]), &json!(["conv2d0"])]);
    assert_eq!((&arrays[1]["grid"], &arrays[1]["tokens"]), (&json!([28, 28]), &json!(784)));

    let store = Store::open(&bench.path("store")).unwrap();
    let device = shared::device::cpu();
    let loaded = LoadedModel::load("googlenet", Some(made::weights()), &device).unwrap();
    let info = loaded.model.info();
    let mut example = 0;
    for shard in 0..3 {
        for picture in store.pictures(shard).unwrap() {
            let is_cat = picture.file.starts_with("n02123394/");
            assert_eq!(picture.label, if is_cat { "Persian cat" } else { "stripes" });
            let read = decode::read(&bench.path("pictures").join(&picture.file)).unwrap();
            let crop = info.preprocessing.classification_crop(&read);
            for layer in layers {
                let id: LayerId = info.layer_id(layer).unwrap();
                let caught = loaded.activations([&crop], &[id], &device).unwrap().grid(id).unwrap();
                let [_, channels, rows, columns] = caught.dims();
                let expected = pollster(shared::device::read(caught));
                let place = store.layout().find(&info.at(id).name).unwrap();
                let tokens = store.tokens(place, example).unwrap().unwrap();
                let peak = expected.iter().fold(0.0_f32, |peak, value| peak.max(value.abs()));
                for place in 0..rows * columns {
                    for channel in 0..channels {
                        let found = tokens[place * channels + channel];
                        let there = expected[channel * rows * columns + place];
                        assert!((found - there).abs() <= 1e-4 * peak, "{layer}: {found}, {there}");
                    }
                }
            }
            example += 1;
        }
    }
    assert_eq!(example, 5);
}

fn pollster(values: impl Future<Output = shared::Result<Vec<f32>>>) -> Vec<f32> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(values).poll(&mut context) {
        std::task::Poll::Ready(values) => values.unwrap(),
        std::task::Poll::Pending => panic!("the processor answers at once"),
    }
}

#[test]
fn half_numbers_are_single_ones_rounded_and_pooled_ones_their_mean() {
    let bench = bench(3);
    for (store, more) in [
        ("single", ["--dtype", "f32", "--tokens", "patches"]),
        ("half", ["--dtype", "f16", "--tokens", "all"]),
        ("brain", ["--dtype", "bf16", "--tokens", "patches"]),
        ("pooled", ["--dtype", "f32", "--tokens", "pooled"]),
    ] {
        bench.succeed(&[call(&more).as_slice(), &["--out", store]].concat());
    }
    let tokens = |name: &str| {
        let store = Store::open(&bench.path(name)).unwrap();
        store.tokens([0, 0], 2).unwrap().unwrap()
    };
    let single = tokens("single");
    for (store, most) in [("half", 1.0 / 2048.0), ("brain", 1.0 / 256.0)] {
        for (one, other) in single.iter().zip(tokens(store)) {
            assert!((one - other).abs() <= most * one.abs() + 1e-7, "{store}: {one}, {other}");
        }
    }
    let pooled = tokens("pooled");
    assert_eq!(pooled.len(), 64);
    for (channel, mean) in pooled.iter().enumerate() {
        let values = single.iter().skip(channel).step_by(64);
        let expected = values.map(|value| f64::from(*value)).sum::<f64>() / (56.0 * 56.0);
        assert!((f64::from(*mean) - expected).abs() <= 1e-5 * expected.abs().max(1e-3));
    }
}

/// When each shard that is finished was written.
fn finished(store: &Path) -> BTreeMap<String, SystemTime> {
    let Ok(entries) = fs::read_dir(store.join("shards")) else { return BTreeMap::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let records = names.filter(|name| name.len() == "000000.json".len() && !name.starts_with('.'));
    records
        .filter_map(|name| {
            let metadata = fs::metadata(store.join("shards").join(&name)).ok()?;
            Some((name, metadata.modified().unwrap()))
        })
        .collect()
}

#[cfg(unix)]
#[test]
fn a_store_that_was_killed_again_and_again_is_the_one_that_never_was() {
    let bench = bench(24);
    fs::write(bench.path("pictures/n02123394/7.png"), "this is prose").unwrap();
    let args = |store| {
        let layer = ["googlenet", "conv2d1", "--images", "pictures"];
        [layer.as_slice(), &["--batch", "3", "--shard-size", "4", "--out", store]].concat()
    };
    let began = Instant::now();
    assert_eq!(bench.run(&args("whole")).status.code(), Some(1));
    let whole = began.elapsed();

    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut kills = 0;
    while kills < 12 {
        let before = finished(&bench.path("killed"));
        let mut command = bench.command(&args("killed"));
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(whole.mul_f64(random.random_range(0.2..0.9)));
        run.kill().unwrap();
        let ended_itself = run.wait().unwrap().code().is_some();
        let after = finished(&bench.path("killed"));
        for (shard, written) in before {
            assert_eq!(after.get(&shard), Some(&written), "{shard} was written again");
        }
        kills += 1;
        if ended_itself {
            break;
        }
    }
    let output = bench.run(&args("killed"));
    assert!(stderr(&output).contains("1 of 25 pictures could not be read"), "{}", stderr(&output));
    assert_same(&bench, "killed", "whole");
    bench.succeed(&["--verify", "killed"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_finished_shards_and_the_same_command_goes_on() {
    let bench = bench(40);
    let mut command = bench.command(&call(&["--out", "stopped"]));
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while finished(&bench.path("stopped")).is_empty() {
        assert!(run.try_wait().unwrap().is_none(), "it ended before it had a shard");
        thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the same command"), "{}", stderr(&output));
    assert!(bench.names("stopped/shards").iter().all(|name| !name.starts_with('.')));

    let looked = bench.run(&["--verify", "stopped"]);
    assert_eq!(looked.status.code(), Some(1));
    assert!(stderr(&looked).contains("goes on"), "{}", stderr(&looked));
    let before = finished(&bench.path("stopped"));
    bench.succeed(&call(&["--out", "stopped"]));
    let after = finished(&bench.path("stopped"));
    assert!(before.iter().all(|(shard, written)| after[shard] == *written));
    bench.succeed(&call(&["--out", "whole"]));
    assert_same(&bench, "stopped", "whole");
}

#[test]
fn machines_that_know_nothing_of_each_other_fill_one_store() {
    let bench = bench(11);
    bench.succeed(&call(&["--out", "whole"]));
    let runs: Vec<_> = ["1/3", "2/3", "3/3"]
        .iter()
        .map(|part| {
            let mut command = bench.command(&call(&["--partition", part, "--out", "shared"]));
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert_same(&bench, "shared", "whole");

    // Parts of another size record what is missing.
    fs::remove_file(bench.path("shared/shards/000001.json")).unwrap();
    fs::remove_file(bench.path("shared/shards/000004.json")).unwrap();
    let output = bench.run(&["--verify", "shared", "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["missing"], json!([[1, 2], [4, 5]]));
    bench.succeed(&call(&["--out", "shared"]));
    assert_same(&bench, "shared", "whole");
}

#[cfg(unix)]
#[test]
fn sixteen_processes_of_which_two_are_killed_and_started_again_fill_the_store_of_one() {
    let bench = bench(40);
    bench.succeed(&call(&["--out", "whole"]));
    let parts: Vec<String> = (1..=16).map(|part| format!("{part}/16")).collect();
    let start = |part: &str| {
        let mut command = bench.command(&call(&["--partition", part, "--out", "shared"]));
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut runs: Vec<_> = parts.iter().map(|part| start(part)).collect();
    // As soon as anything is written: these two have begun at most.
    while finished(&bench.path("shared")).is_empty() {
        thread::sleep(Duration::from_millis(1));
    }
    for killed in [3, 12] {
        runs[killed].kill().unwrap();
        runs[killed].wait().unwrap();
    }
    for killed in [3, 12] {
        runs[killed] = start(&parts[killed]);
    }
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert_same(&bench, "shared", "whole");
    bench.succeed(&["--verify", "shared"]);
}

#[test]
fn a_scheduler_says_which_part_it_is() {
    let bench = bench(4);
    let run = |variables: &[(&str, &str)], more: &[&str]| -> Output {
        let mut command = bench.command(&call(&[more, &["--json", "--out", "store"]].concat()));
        command.envs(variables.iter().copied()).output().unwrap()
    };
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "11"),
        ("SLURM_ARRAY_TASK_COUNT", "2"),
        ("SLURM_ARRAY_TASK_MIN", "10"),
    ];
    let output = run(&slurm, &[]);
    assert!(stderr(&output).contains("partition: 2/2 (as SLURM_ARRAY_TASK_ID says)"));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&printed["partition"], &printed["recorded"]), (&json!("2/2"), &json!(1)));
    assert!(bench.path("store/shards/000001.json").exists());

    let output = run(&[("JOB_COMPLETION_INDEX", "0")], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("JOB_COMPLETION_COUNT"), "{}", stderr(&output));
    // What is asked for counts more.
    let output = run(&[("JOB_COMPLETION_INDEX", "0")], &["--partition", "1/1"]);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["recorded"], 2);
}

#[test]
fn a_store_of_another_job_is_refused_with_what_differs() {
    let bench = bench(4);
    bench.succeed(&call(&["--out", "store"]));
    let before = files(&bench.path("store"));
    let cases: [(&[&str], &str); 4] = [
        (&["--dtype", "bf16"], "--dtype f16, not bf16"),
        (&["--tokens", "pooled"], "--tokens patches, not pooled"),
        (&["maxpool0"], "layers conv2d1, not conv2d1 maxpool0"),
        (&["--images", "pictures/stripes"], "4 pictures, not 6"),
    ];
    for (more, said) in cases {
        let output = bench.run(&[call(more).as_slice(), &["--out", "store"]].concat());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(said), "{more:?}: {}", stderr(&output));
    }
    assert!(files(&bench.path("store")) == before);
    // The batch is no part of a job.
    let output = bench.succeed(&call(&["--batch", "1", "--out", "store"]));
    assert!(stderr(&output).contains("there already"), "{}", stderr(&output));
}

#[test]
fn a_picture_that_cannot_be_read_keeps_its_number_and_a_row_of_nan() {
    let bench = bench(6);
    fs::write(bench.path("pictures/n02123394/1.png"), "this is prose").unwrap();
    for name in ["0.png", "1.png"] {
        fs::create_dir_all(bench.path("pictures/a")).unwrap();
        fs::write(bench.path("pictures/a").join(name), "all of the first shard").unwrap();
    }
    for _ in 0..2 {
        // Also when nothing is left to be done: the store lacks pictures.
        let output = bench.run(&call(&["--dtype", "f32", "--out", "store"]));
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(said.contains("3 of 9 pictures could not be read"), "{said}");
    }
    let store = Store::open(&bench.path("store")).unwrap();
    assert_eq!(store.examples().collect::<Vec<_>>(), [2, 4, 5, 6, 7, 8]);
    assert_eq!(store.pictures(1).unwrap()[1].file, "n02123394/1.png");
    assert!(store.tokens([0, 0], 3).unwrap().is_none());
    assert!(store.tokens([0, 0], 4).unwrap().unwrap().iter().all(|value| value.is_finite()));
    let record = bench.json("store/shards/000001.json");
    assert_eq!(record["unreadable"], json!([3]));
    let data = record["arrays"][0]["path"].as_str().unwrap();
    let bytes = fs::read(bench.path("store/shards").join(data)).unwrap();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    assert!(second.as_chunks().0.iter().all(|four| *four == [0, 0, 0xc0, 0x7f]));
    assert!(first.as_chunks().0.iter().all(|four| f32::from_le_bytes(*four).is_finite()));
}

#[test]
fn damage_is_found_named_and_mended_by_the_same_command() {
    let bench = bench(4);
    bench.succeed(&call(&["--out", "store"]));
    bench.succeed(&call(&["--out", "whole"]));
    let record = bench.json("store/shards/000001.json");
    let data = bench.path("store/shards").join(record["arrays"][0]["path"].as_str().unwrap());
    let mut bytes = fs::read(&data).unwrap();
    bytes[77] ^= 1;
    fs::write(&data, &bytes).unwrap();
    let output = bench.run(&["--verify", "store"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("damaged: shards/000001.0-") && said.contains("SHA-256"), "{said}");

    fs::write(&data, &bytes[..100]).unwrap();
    assert!(
        Store::open(&bench.path("store"))
            .unwrap_err()
            .root_cause()
            .to_string()
            .contains("100 bytes")
    );
    let output = bench.succeed(&call(&["--out", "store"]));
    assert!(stderr(&output).contains("shard 1 is not whole"), "{}", stderr(&output));
    assert_same(&bench, "store", "whole");
}

#[test]
fn several_folders_and_shards_are_one_after_another_by_the_names_they_were_given() {
    let bench = bench(3);
    let mut shard = tar::Builder::new(fs::File::create(bench.path("more.tar")).unwrap());
    shard.append_path_with_name(bench.path("pictures/stripes/1.png"), "n02123394/a.png").unwrap();
    shard.finish().unwrap();
    let args = ["googlenet", "conv2d1", "--tokens", "pooled", "--images", "pictures", "more.tar"];
    bench.succeed(&[args.as_slice(), &["--out", "store"]].concat());
    let store = Store::open(&bench.path("store")).unwrap();
    let pictures = store.pictures(0).unwrap();
    let names: Vec<&str> = pictures.iter().map(|picture| picture.file.as_str()).collect();
    let expected =
        ["pictures/n02123394/0.png", "pictures/n02123394/2.png", "pictures/stripes/1.png"];
    assert_eq!(names[..3], expected);
    assert_eq!((names[3], pictures[3].label.as_str()), ("more.tar/n02123394/a.png", "Persian cat"));
    let tokens = |example| store.tokens([0, 0], example).unwrap().unwrap();
    assert_eq!(tokens(2), tokens(3));
}

#[test]
fn wrong_calls_say_what_is_wrong_and_write_nothing() {
    let bench = bench(1);
    let wrong: [(&[&str], i32, &str); 10] = [
        (&["googlenet", "mixde4a", "--images", "pictures"], 2, "mixed4a"),
        (&["alexnet", "mixed4a", "--images", "pictures"], 2, "googlenet"),
        (&["googlenet", "mixed4a"], 2, "--images"),
        (&["googlenet", "conv2d1", "--images", "pictures", "--batch", "0"], 2, "at least 1"),
        (&["googlenet", "conv2d1", "--images", "pictures", "--shard-size", "0"], 2, "1 to 65536"),
        (&["googlenet", "conv2d1", "--images", "pictures", "--partition", "0/4"], 2, "1/4, 2/4"),
        (&["googlenet", "conv2d1", "--images", "pictures", "--tokens", "cls"], 2, "no class token"),
        (&["googlenet", "conv2d1", "--images", "pictures", "--dtype", "f64"], 2, "bf16"),
        (&["googlenet", "conv2d1", "--images", "nowhere"], 1, "nowhere"),
        (&["--to-saev", "nowhere"], 1, "is no store"),
    ];
    for (args, code, said) in wrong {
        let output = bench.run(&[args, &["--out", "store"]].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    }
    assert!(!bench.path("store").exists());
    let output = bench.run(&["--verify", "nowhere"]);
    assert!(stderr(&output).contains("is no store"), "{}", stderr(&output));
}

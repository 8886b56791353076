//! `pellucid exemplars` from call to files: what it finds, and that it goes on where it stopped.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

mod bench;
mod made;
#[path = "../../shared/tests/reference/mod.rs"]
mod reference;

use std::ffi::OsStr;
use std::fs;
use std::ops::ControlFlow;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use shared::format::exemplars::{BARS, QUANTILES};
use trainer::exemplars::{Wanted, bundle_part};
use trainer::pictures::decode;
use trainer::pictures::source::Source;

use bench::{Bench, stderr};
use made::stripes;

/// A folder to work in, with so many pictures of stripes in `pictures/`, of two classes.
fn bench(pictures: usize) -> Bench {
    let bench = Bench::new("exemplars", made::weights());
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

/// Both folders hold the same files.
fn assert_same(bench: &Bench, one: &str, other: &str) {
    assert_eq!(bench.names(one), bench.names(other));
    for name in bench.names(one) {
        let read = |folder: &str| fs::read(bench.path(folder).join(&name)).unwrap();
        assert!(read(one) == read(other), "{name} differs between {one} and {other}");
    }
}

const CALL: [&str; 4] = ["googlenet", "conv2d1", "--images", "pictures"];

fn call<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [CALL.as_slice(), args].concat()
}

#[test]
fn every_layer_gets_its_numbers_heat_maps_and_figure() {
    let bench = bench(8);
    let args = ["googlenet", "conv2d1", "inception_3a/output", "--images", "pictures"];
    let more = ["--top", "3", "--channels", "0..2,7", "--json", "--out", "found"];
    let output = bench.succeed(&[args.as_slice(), &more].concat());
    let expected = ["conv2d1.heat", "conv2d1.json", "conv2d1.png"].map(str::to_owned);
    let expected =
        [expected, ["mixed3a.heat", "mixed3a.json", "mixed3a.png"].map(str::to_owned)].concat();
    assert_eq!(bench.names("found"), expected);

    let printed: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&printed[0]["layer"], &printed[1]["layer"]),
        (&"conv2d1".into(), &"mixed3a".into())
    );
    assert_eq!(printed[1]["images"], 8);

    let found = bench.json("found/mixed3a.json");
    assert_eq!(found["statistic"], "mean");
    assert_eq!(found["images"], 8);
    assert_eq!(found["positions"], serde_json::json!([28, 28]));
    let units = found["units"].as_array().unwrap();
    assert_eq!(units.len(), 256);
    for (channel, unit) in units.iter().enumerate() {
        assert_eq!(unit["unit"], format!("mixed3a:{channel}"));
        assert_eq!(unit["quantiles"].as_array().unwrap().len(), QUANTILES.len());
        assert_eq!(unit["histogram"].as_array().unwrap().len(), BARS);
        let values: Vec<f64> = unit["top"]
            .as_array()
            .unwrap()
            .iter()
            .map(|top| top["value"].as_f64().unwrap())
            .collect();
        assert!(values.len() <= 3 && values.is_sorted_by(|one, next| one >= next), "{values:?}");
    }
    let lively = units.iter().find(|unit| unit["top"].as_array().unwrap().len() == 3).unwrap();
    let label = |file: &str| if file.starts_with('n') { "Persian cat" } else { "stripes" };
    for exemplar in lively["top"].as_array().unwrap() {
        assert_eq!(exemplar["label"], label(exemplar["file"].as_str().unwrap()));
        assert!(
            exemplar["row"].as_u64().unwrap() < 28 && exemplar["column"].as_u64().unwrap() < 28
        );
    }
    // Three rows of up to three cells of 224 pixels.
    let figure = decode::read(&bench.path("found/conv2d1.png")).unwrap();
    assert!(3 * 224 < figure.height() && figure.height() < 7 * 224, "{}", figure.height());
}

#[test]
fn the_results_are_a_part_of_a_bundle() {
    let bench = bench(8);
    bench.succeed(&call(&["--no-figure", "--out", "found"]));
    let gallery: Vec<String> = (0..8)
        .map(|number| {
            let class = if number % 2 == 0 { "n02123394" } else { "stripes" };
            format!("{class}/{number}.png")
        })
        .collect();
    let wanted = Wanted {
        model: "googlenet",
        gallery: &gallery,
        pictures_sha256: None,
        dictionary_sha256: None,
    };
    let exemplars = bundle_part(&bench.path("found"), "conv2d1", &wanted).unwrap();
    assert_eq!((exemplars.pictures, exemplars.units.len()), (8, 64));
    let found = bench.json("found/conv2d1.json");
    let units = exemplars.units.iter().zip(&exemplars.maps);
    for ((unit, maps), there) in units.zip(found["units"].as_array().unwrap()) {
        assert_eq!(maps.len(), unit.top.len() * exemplars.heat[0] * exemplars.heat[1]);
        for (exemplar, there) in unit.top.iter().zip(there["top"].as_array().unwrap()) {
            assert_eq!(gallery[exemplar.picture], there["file"].as_str().unwrap());
        }
    }
}

/// Sends a signal to a run as soon as it has saved its state.
#[cfg(unix)]
fn stop(bench: &Bench, args: &[&str], signal: &str) -> Output {
    let state = || fs::read(bench.path("stopped/.exemplars.state")).ok();
    let before = state();
    let mut command = bench.command(args);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while state() == before {
        assert!(run.try_wait().unwrap().is_none(), "it ended without saving its state");
        thread::sleep(Duration::from_millis(2));
    }
    let pid = run.id().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    run.wait_with_output().unwrap()
}

#[cfg(unix)]
#[test]
fn a_pass_that_is_killed_and_then_stopped_ends_in_the_same_bytes() {
    let bench = bench(40);
    let args = |out| call(&["--top", "4", "--batch", "2", "--channels", "0..3", "--out", out]);
    stop(&bench, &args("stopped"), "-KILL");
    assert_eq!(bench.names("stopped"), [".exemplars.state"]);
    fs::copy(bench.path("stopped/.exemplars.state"), bench.path("kept")).unwrap();

    let output = stop(&bench, &args("stopped"), "-INT");
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("going on: ") && said.contains("the same command"), "{said}");

    // Another job does not write over what this one has done.
    let other = bench.run(&call(&["--top", "5", "--out", "stopped"]));
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("--top 4, not 5"), "{}", stderr(&other));
    let other = bench.run(&[args("stopped").as_slice(), &["conv2d0"]].concat());
    assert_eq!(other.status.code(), Some(2));

    let output = bench.succeed(&args("stopped"));
    assert!(stderr(&output).contains("going on: "), "{}", stderr(&output));
    bench.succeed(&args("whole"));
    assert_same(&bench, "stopped", "whole");

    // A run killed between its last result and clearing up leaves nothing behind for ever.
    fs::rename(bench.path("kept"), bench.path("whole/.exemplars.state")).unwrap();
    bench.succeed(&args("whole"));
    assert_same(&bench, "stopped", "whole");
}

#[test]
fn what_is_finished_is_not_made_again_but_another_figure_is_drawn() {
    let bench = bench(4);
    bench.succeed(&call(&["--channels", "0..2", "--out", "found"]));
    let written = |name: &str| fs::metadata(bench.path(name)).unwrap().modified().unwrap();
    let before = ["found/conv2d1.json", "found/conv2d1.heat", "found/conv2d1.png"].map(written);
    let output = bench.succeed(&call(&["--channels", "0..2", "--out", "found"]));
    assert!(stderr(&output).contains("there already"), "{}", stderr(&output));
    let after = ["found/conv2d1.json", "found/conv2d1.heat", "found/conv2d1.png"].map(written);
    assert_eq!(before, after);

    bench.succeed(&call(&["--channels", "0..25", "--out", "found"]));
    assert_eq!(written("found/conv2d1.json"), before[0]);
    let names = bench.names("found");
    assert!(names.contains(&"conv2d1-2.png".to_owned()), "{names:?}");

    // A picture more is another job.
    stripes(9).save(bench.path("pictures/more.png")).unwrap();
    let output = bench.succeed(&call(&["--no-figure", "--out", "found"]));
    assert!(stderr(&output).contains("4 pictures, not 5"), "{}", stderr(&output));
    assert_eq!(bench.json("found/conv2d1.json")["images"], 5);
}

#[test]
fn a_layer_more_leaves_those_that_are_there_alone() {
    let bench = bench(4);
    bench.succeed(&call(&["--no-figure", "--out", "found"]));
    let written = |name: &str| fs::metadata(bench.path(name)).unwrap().modified().unwrap();
    let before = written("found/conv2d1.json");
    bench.succeed(&call(&["conv2d0", "--no-figure", "--out", "found"]));
    assert_eq!(written("found/conv2d1.json"), before);
    // One pass for both finds the same.
    bench.succeed(&call(&["conv2d0", "--no-figure", "--out", "both"]));
    assert_same(&bench, "found", "both");
}

#[test]
fn a_damaged_state_is_no_reason_to_fail() {
    let bench = bench(2);
    fs::create_dir(bench.path("found")).unwrap();
    fs::write(bench.path("found/.exemplars.state"), "{\"version\":1}\nnothing").unwrap();
    let output = bench.succeed(&call(&["--no-figure", "--out", "found"]));
    assert!(stderr(&output).contains("starting anew"), "{}", stderr(&output));
    assert_eq!(bench.names("found"), ["conv2d1.heat", "conv2d1.json"]);
}

#[test]
fn pictures_that_cannot_be_read_are_named_counted_and_skipped() {
    let bench = bench(4);
    fs::write(bench.path("pictures/broken.jpg"), "this is prose").unwrap();
    for _ in 0..2 {
        // Also when nothing is left to be done: the results lack a picture.
        let output = bench.run(&call(&["--out", "found"]));
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(said.contains("1 of 5 pictures could not be read"), "{said}");
    }
    let found = bench.json("found/conv2d1.json");
    assert_eq!((&found["images"], &found["unreadable"]), (&4.into(), &1.into()));
    let output = bench.run(&call(&["--out", "again"]));
    assert!(stderr(&output).contains("skipped: pictures/broken.jpg"), "{}", stderr(&output));
}

#[test]
fn a_shard_gives_what_its_pictures_give_in_a_folder() {
    let bench = bench(6);
    bench.succeed(&call(&["--no-figure", "--out", "found"]));
    fs::create_dir(bench.path("shards")).unwrap();
    let mut shard = tar::Builder::new(fs::File::create(bench.path("shards/0.tar")).unwrap());
    let pictures = bench.path("pictures");
    let source = Source::new(&pictures).unwrap();
    let packed = source.walk(&mut |found| {
        shard.append_path_with_name(pictures.join(&found.name), &found.name).unwrap();
        Ok(ControlFlow::Continue(()))
    });
    assert!(packed.is_ok());
    shard.finish().unwrap();
    bench.succeed(&["googlenet", "conv2d1", "--images", "shards", "--out", "sharded"]);
    let [found, sharded] = ["found", "sharded"].map(|folder| {
        let mut found = bench.json(&format!("{folder}/conv2d1.json"));
        let text = found["units"].take().to_string();
        text.replace("\"0.tar/", "\"")
    });
    assert!(found == sharded);
    assert!(bench.path("sharded/conv2d1.png").exists());
}

#[test]
fn results_among_the_pictures_are_no_pictures() {
    let bench = bench(4);
    let call = call(&["--out", "pictures/found"]);
    bench.succeed(&call);
    let first = bench.json("pictures/found/conv2d1.json");
    let output = bench.succeed(&call);
    assert!(stderr(&output).contains("there already"), "{}", stderr(&output));
    assert!(stderr(&output).contains("left out: found (results"), "{}", stderr(&output));
    assert_eq!(bench.json("pictures/found/conv2d1.json"), first);
}

#[test]
fn wrong_calls_say_what_is_wrong_and_write_nothing() {
    let bench = bench(1);
    fs::create_dir(bench.path("empty")).unwrap();
    let wrong: [(&[&str], i32, &str); 9] = [
        (&["googlenet", "mixde4a", "--images", "pictures"], 2, "mixed4a"),
        (&["alexnet", "mixed4a", "--images", "pictures"], 2, "googlenet"),
        (&["googlenet", "mixed4a", "--images", "pictures", "--top", "0"], 2, "1 to 100"),
        (&["googlenet", "mixed4a", "--images", "pictures", "--batch", "0"], 2, "at least 1"),
        (&["googlenet", "mixed4a", "--images", "pictures", "--channels", "5..2"], 2, "0..10"),
        (&["googlenet", "mixed4a", "--images", "pictures", "--channels", "512"], 2, "512 channels"),
        (&["googlenet", "mixed4a", "--images", "pictures", "--statistic", "sum"], 2, "mean"),
        (&["googlenet", "mixed4a", "--images", "empty"], 1, "holds no picture"),
        (&["googlenet", "mixed4a", "--images", "nowhere"], 1, "nowhere"),
    ];
    let output = bench.run(&call(&["--out", "pictures/"]));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("taken for pictures"), "{}", stderr(&output));
    for (args, code, said) in wrong {
        let output = bench.run(&[args, &["--out", "found"]].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    }
    assert!(!bench.path("found").exists());
}

/// Half a minute of work: the only thing that shows that ranks, values and preprocessing are those
/// of an independent implementation is all of the pictures that it ranked.
#[test]
fn the_top_ten_of_700_photographs_are_those_of_the_reference() {
    let Some(weights) = reference::path("weights/bvlc_googlenet.safetensors") else { return };
    let Some(photographs) = reference::path("images/imagenet-sample") else { return };
    let Some(expected) = reference::path("golden/exemplars_mixed4a.json") else { return };
    let expected: Value = serde_json::from_slice(&fs::read(expected).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pellucid"))
        .args(["exemplars", "googlenet", "mixed4a", "--device", "cpu", "--no-figure", "--images"])
        .args([photographs.as_os_str(), OsStr::new("--weights"), weights.as_os_str()])
        .args([OsStr::new("--out"), folder.path().as_os_str()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let found: Value =
        serde_json::from_slice(&fs::read(folder.path().join("mixed4a.json")).unwrap()).unwrap();
    assert_eq!(found["images"], expected["count"]);
    for channel in expected["channels"].as_array().unwrap() {
        let number = channel["channel"].as_u64().unwrap() as usize;
        let top = found["units"][number]["top"].as_array().unwrap();
        let reference = channel["top"].as_array().unwrap();
        let value = |rank: usize| match reference.get(rank) {
            Some(exemplar) => exemplar["value"].as_f64().unwrap(),
            None => channel["eleventh_value"].as_f64().unwrap(),
        };
        for rank in 0..10 {
            let here = top[rank]["value"].as_f64().unwrap();
            assert!((here - value(rank)).abs() < 1e-3 * value(rank), "unit {number}, rank {rank}");
            // Where two are this close, another JPEG decoder may turn their order.
            let near = |other: usize| (value(other) - value(rank)).abs() < 1e-3 * value(rank);
            if near(rank + 1) || (0 < rank && near(rank - 1)) {
                continue;
            }
            assert_eq!(top[rank]["file"], reference[rank]["file"], "unit {number}, rank {rank}");
        }
    }
}

//! `pellucid visualize` from call to files: what it writes, and that it goes on where it stopped.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

mod bench;
mod made;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use shared::format::recipe::{Recipe, encode_png, recipe_from_png};
use shared::image::Picture;
use shared::weights::{NamedTensor, NamedTensors, Precision, to_safetensors};
use trainer::pictures::decode;
use trainer::visualize::plan_from_png;

use bench::{Bench, stderr};

/// A folder to work in.
fn bench() -> Bench {
    Bench::new("visualize", made::weights())
}

fn picture(bench: &Bench, name: &str) -> Picture {
    decode::read(&bench.path(name)).unwrap()
}

fn recipe(path: &Path) -> Recipe {
    recipe_from_png(&fs::read(path).unwrap()).unwrap().unwrap()
}

const SMALL: [&str; 4] = ["--size", "32", "--steps", "6"];

fn small<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["googlenet"], args, SMALL.as_slice()].concat()
}

#[test]
fn a_folder_gets_a_picture_and_its_numbers_for_each_unit() {
    let bench = bench();
    bench.succeed(&small(&["conv2d2:3", "logits:543", "--seed", "9", "--out", "dreams/"]));
    let expected = ["conv2d2_3.json", "conv2d2_3.png", "logits_543.json", "logits_543.png"];
    assert_eq!(bench.names("dreams"), expected);
    let numbers = bench.json("dreams/conv2d2_3.json");
    assert_eq!(numbers["objective"], "conv2d2:3");
    assert_eq!((&numbers["seed"], &numbers["steps"]), (&Value::from(9), &Value::from(6)));
    assert_eq!(numbers["losses"].as_array().unwrap().len(), 6);
    assert_eq!(numbers["settings"]["width"], 32);
    let recipe = recipe(&bench.path("dreams/conv2d2_3.png"));
    assert_eq!(numbers["model_sha256"], recipe.model_sha256.as_str());
    assert_eq!((recipe.seed, recipe.step, recipe.settings.width), (9, 6, 32));
    let first_loss = numbers["losses"][0].as_f64().unwrap();
    assert!(-first_loss < numbers["activation"].as_f64().unwrap(), "it climbed");
}

#[test]
fn pictures_made_side_by_side_are_those_made_one_by_one() {
    let bench = bench();
    bench.succeed(&small(&["mixed3a:0..3", "--out", "together/"]));
    for unit in ["mixed3a:0", "mixed3a:1", "mixed3a:2"] {
        bench.succeed(&small(&[unit, "--out", "alone/"]));
    }
    assert_eq!(bench.names("together"), bench.names("alone"));
    for name in bench.names("alone") {
        let read = |folder: &str| fs::read(bench.path(folder).join(&name)).unwrap();
        assert!(read("together") == read("alone"), "{name} differs");
    }
}

#[test]
fn a_range_becomes_one_titled_sheet_and_leaves_nothing_else() {
    let bench = bench();
    let output =
        bench.succeed(&small(&["conv2d2:0..3", "--columns", "2", "--json", "--out", "grid.png"]));
    assert_eq!(bench.names(""), ["grid.json", "grid.png"]);
    let numbers = bench.json("grid.json");
    let objectives: Vec<_> =
        numbers.as_array().unwrap().iter().map(|unit| unit["objective"].clone()).collect();
    assert_eq!(objectives, ["conv2d2:0", "conv2d2:1", "conv2d2:2"]);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed[2]["activation"], numbers[2]["activation"]);
    assert_eq!(printed[2]["file"], "grid.png");
    // Two columns and two rows of cells of 224 pixels, and room for words.
    let sheet = picture(&bench, "grid.png");
    assert!(2 * 224 < sheet.width() && sheet.width() < 3 * 224);
    assert!(2 * 224 < sheet.height());
}

#[test]
fn what_is_finished_is_not_made_again() {
    let bench = bench();
    bench.succeed(&small(&["conv2d2:1", "--out", "dreams/"]));
    let before = fs::metadata(bench.path("dreams/conv2d2_1.png")).unwrap().modified().unwrap();
    let output = bench.succeed(&small(&["conv2d2:1", "conv2d2:2", "--out", "dreams/"]));
    assert!(stderr(&output).contains("6 of 12 steps are there already"), "{}", stderr(&output));
    let after = fs::metadata(bench.path("dreams/conv2d2_1.png")).unwrap().modified().unwrap();
    assert_eq!(before, after);
    // Other settings are another picture.
    let output = bench.succeed(&small(&["conv2d2:1", "--lr", "0.1", "--out", "dreams/"]));
    assert!(!stderr(&output).contains("there already"), "{}", stderr(&output));
    assert_eq!(bench.json("dreams/conv2d2_1.json")["settings"]["learning_rate"], 0.1);
}

/// Waits until a run has written a file; the run must not end before.
fn wait_for(path: &Path, run: &mut Child) {
    while !path.exists() {
        assert!(run.try_wait().unwrap().is_none(), "it ended without writing {}", path.display());
        thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_and_then_killed_ends_in_the_same_picture() {
    let bench = bench();
    let call = |out| {
        [
            "googlenet",
            "conv2d2:5..7",
            "--size",
            "32",
            "--steps",
            "240",
            "--snapshots",
            "2,120",
            "--out",
            out,
        ]
    };
    let start = || {
        bench
            .command(&call("stopped/"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };

    let mut run = start();
    wait_for(&bench.path("stopped/conv2d2_5_step2.png"), &mut run);
    let pid = run.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the same command"), "{}", stderr(&output));
    let left = bench.names("stopped");
    assert!(left.contains(&".conv2d2_5.state".to_owned()), "{left:?}");
    assert!(!left.contains(&"conv2d2_5.json".to_owned()), "{left:?}");

    let mut run = start();
    wait_for(&bench.path("stopped/conv2d2_5_step120.png"), &mut run);
    run.kill().unwrap();
    run.wait().unwrap();

    let output = bench.succeed(&call("stopped/"));
    assert!(stderr(&output).contains("steps are there already"), "{}", stderr(&output));
    bench.succeed(&call("whole/"));
    // A kill may come while a file is written: what there was of it stays hidden beside it.
    let mut stopped = bench.names("stopped");
    stopped.retain(|name| !name.contains(".writing-"));
    assert_eq!(stopped, bench.names("whole"));
    for name in bench.names("whole") {
        let read = |folder: &str| fs::read(bench.path(folder).join(&name)).unwrap();
        assert!(read("stopped") == read("whole"), "{name} differs");
    }
}

#[test]
fn a_damaged_state_is_no_reason_to_fail() {
    let bench = bench();
    fs::create_dir(bench.path("dreams")).unwrap();
    fs::write(bench.path("dreams/.conv2d2_4.state"), "{\"version\":\"0.1.0\"}\nnothing").unwrap();
    bench.succeed(&small(&["conv2d2:4", "--out", "dreams/"]));
    assert_eq!(bench.names("dreams"), ["conv2d2_4.json", "conv2d2_4.png"]);
}

#[test]
fn a_recipe_makes_its_picture_again_pixel_for_pixel() {
    let bench = bench();
    let call = ["conv2d2:7", "--batch", "2", "--diversity", "10", "--tv", "1e-3", "--out", "made/"];
    bench.succeed(&small(&call));
    assert_eq!(bench.names("made"), ["conv2d2_7.json", "conv2d2_7_b0.png", "conv2d2_7_b1.png"]);
    assert_ne!(picture(&bench, "made/conv2d2_7_b0.png"), picture(&bench, "made/conv2d2_7_b1.png"));
    bench.succeed(&["--recipe", "made/conv2d2_7_b1.png", "--out", "again.png"]);
    assert_eq!(picture(&bench, "again.png"), picture(&bench, "made/conv2d2_7_b1.png"));
}

#[test]
fn a_sheet_makes_itself_again_byte_for_byte() {
    let bench = bench();
    let comparisons = ["--compare", "parameterization=pixel,fourier", "--compare", "lr=0.05,0.1"];
    bench.succeed(&small(
        &[&["conv2d2:7"], comparisons.as_slice(), &["--out", "sheet.png"]].concat(),
    ));
    bench.succeed(&["--recipe", "sheet.png", "--out", "again.png"]);
    let bytes = fs::read(bench.path("sheet.png")).unwrap();
    assert!(bytes == fs::read(bench.path("again.png")).unwrap());
    let plan = plan_from_png(&bytes).unwrap().unwrap();
    let variants: Vec<Vec<&str>> = plan
        .tasks
        .iter()
        .map(|task| task.variant.iter().map(|(_, value)| value.as_str()).collect())
        .collect();
    let expected = [["pixel", "0.05"], ["fourier", "0.05"], ["pixel", "0.1"], ["fourier", "0.1"]];
    assert_eq!(variants, expected);
}

#[test]
fn other_weights_than_the_recipes_are_warned_of() {
    let bench = bench();
    bench.succeed(&small(&["conv2d2:7", "--out", "made.png"]));
    let other = Recipe { model_sha256: "00".repeat(32), ..recipe(&bench.path("made.png")) };
    fs::write(
        bench.path("other.png"),
        encode_png(&picture(&bench, "made.png"), Some(&other)).unwrap(),
    )
    .unwrap();
    let output = bench.succeed(&["--recipe", "other.png", "--out", "again.png"]);
    assert!(stderr(&output).contains("other weights"), "{}", stderr(&output));
    assert_eq!(recipe(&bench.path("again.png")), recipe(&bench.path("made.png")));
}

#[test]
fn snapshots_of_a_batch_stand_in_rows_on_a_sheet() {
    let bench = bench();
    bench.succeed(&small(&[
        "conv2d2:7",
        "--batch",
        "2",
        "--snapshots",
        "2,4",
        "--out",
        "grown.png",
    ]));
    let stages = &bench.json("grown.json")[0]["stages"];
    let steps: Vec<_> =
        stages.as_array().unwrap().iter().map(|stage| stage["step"].clone()).collect();
    assert_eq!(steps, [2, 4, 6]);
    let sheet = picture(&bench, "grown.png");
    assert!(3 * 224 < sheet.width() && 2 * 224 < sheet.height());
}

#[test]
fn the_best_photograph_is_printed_beside_and_a_broken_one_named() {
    let bench = bench();
    fs::create_dir(bench.path("photographs")).unwrap();
    made::stripes(1).save(bench.path("photographs/stripes.jpg")).unwrap();
    let flat = Picture::from_rgb8(64, 64, &[128; 64 * 64 * 3]).unwrap();
    fs::write(bench.path("photographs/flat.png"), encode_png(&flat, None).unwrap()).unwrap();
    fs::write(bench.path("photographs/broken.jpg"), "no picture").unwrap();
    let call = small(&["mixed3a:5", "--against", "photographs", "--json", "--out", "dream.png"]);
    let output = bench.run(&call);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("broken.jpg"), "{}", stderr(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed[0]["against"]["file"], "stripes.jpg");
    assert_eq!(printed[0]["against"]["pictures"], 2);
    assert_eq!(bench.json("dream.json")["against"], printed[0]["against"]);
}

#[test]
fn wrong_calls_exit_with_2_before_anything_is_written() {
    let bench = bench();
    fs::write(bench.path("plain.png"), {
        let flat = Picture::from_rgb8(8, 8, &[128; 8 * 8 * 3]).unwrap();
        encode_png(&flat, None).unwrap()
    })
    .unwrap();
    let wrong: [(&[&str], &str); 10] = [
        (&["googlenet", "mixde4a:1", "--out", "o/"], "mixed4a"),
        (&["googlenet", "mixed4a:512", "--out", "o/"], "512 channels"),
        (&["googlenet", "mixed4a:", "--out", "o/"], "column 9"),
        (&["googlenet", "mixed4a:9..3", "--out", "o/"], "9..3"),
        (&["googlenet", "mixed4a:1", "--out", "o.jpg"], ".png"),
        (&["googlenet", "mixed4a:1", "--size", "3", "--out", "o/"], "16 to 2048"),
        (&["googlenet", "mixed4a:1", "--compare", "colour=red", "--out", "o/"], "parameterization"),
        (&["googlenet", "mixed4a:1", "--diversity", "1", "--out", "o/"], "--batch"),
        (&["googlenet", "mixed4a:1", "--snapshots", "600", "--out", "o/"], "600"),
        (&["--recipe", "plain.png", "--out", "o/"], "no recipe"),
    ];
    for (args, said) in wrong {
        let output = bench.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    }
    assert_eq!(bench.names(""), ["plain.png"]);
}

/// Writes a file with one direction of conv2d2, along a channel.
fn write_direction(bench: &Bench, file: &str, name: &str, channel: usize) {
    let mut values = vec![0.0; 192];
    values[channel] = 1.0;
    let tensor = NamedTensor { shape: vec![192], values };
    let tensors = NamedTensors::from([(format!("conv2d2/{name}"), tensor)]);
    let bytes = to_safetensors(&tensors, Precision::F32, &Default::default()).unwrap();
    fs::write(bench.path(file), bytes).unwrap();
}

const MINE: [&str; 3] = ["conv2d2/{mine}", "--directions", "mine.safetensors"];

#[test]
fn another_file_of_directions_is_another_job() {
    let bench = bench();
    let make = || {
        bench.succeed(&small(&[MINE.as_slice(), &["--out", "mine.png"]].concat()));
        fs::read(bench.path("mine.png")).unwrap()
    };
    write_direction(&bench, "mine.safetensors", "mine", 3);
    let first = make();
    assert!(make() == first, "the same file is the same job");
    write_direction(&bench, "mine.safetensors", "mine", 7);
    assert!(make() != first, "the picture of the file before was kept");
}

#[test]
fn a_recipe_wants_the_file_that_its_direction_came_from() {
    let bench = bench();
    write_direction(&bench, "mine.safetensors", "mine", 3);
    bench.succeed(&small(&[MINE.as_slice(), &["--out", "mine.png"]].concat()));
    let made = recipe(&bench.path("mine.png"));
    let sha256 = &made.readouts["conv2d2/{mine}"];
    assert_eq!(bench.json("mine.json")["readouts"]["conv2d2/{mine}"], sha256.as_str());

    let again = ["--recipe", "mine.png", "--directions", "mine.safetensors", "--out", "again.png"];
    bench.succeed(&again);
    assert_eq!(
        fs::read(bench.path("again.png")).unwrap(),
        fs::read(bench.path("mine.png")).unwrap()
    );

    let refused = |args: &[&str]| {
        let output = bench.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains("conv2d2/{mine}") && said.contains(sha256), "{said}");
        said
    };
    let said = refused(&["--recipe", "mine.png", "--out", "none.png"]);
    assert!(said.contains("--directions FILE"), "{said}");
    write_direction(&bench, "mine.safetensors", "yours", 3);
    let said = refused(&again);
    assert!(said.contains("has conv2d2/{yours}"), "{said}");
    write_direction(&bench, "mine.safetensors", "mine", 7);
    let said = refused(&again);
    assert!(said.contains("was made with another"), "{said}");
    assert!(!bench.path("none.png").exists());

    // As recipes were before they recorded it.
    let older = Recipe { readouts: Default::default(), ..made };
    let older = encode_png(&picture(&bench, "mine.png"), Some(&older)).unwrap();
    fs::write(bench.path("mine.png"), older).unwrap();
    let output = bench.succeed(&again);
    assert!(stderr(&output).contains("does not record the file of"), "{}", stderr(&output));
}

#[test]
fn a_sheet_wants_the_file_that_its_directions_came_from() {
    let bench = bench();
    write_direction(&bench, "mine.safetensors", "mine", 3);
    let call = [MINE.as_slice(), &["conv2d2:1", "--out", "sheet.png"]].concat();
    bench.succeed(&small(&call));
    let again = ["--recipe", "sheet.png", "--directions", "mine.safetensors", "--out", "again.png"];
    bench.succeed(&again);
    let read = |name: &str| fs::read(bench.path(name)).unwrap();
    assert!(read("sheet.png") == read("again.png"));
    write_direction(&bench, "mine.safetensors", "mine", 7);
    let output = bench.run(&again);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("was made with another"), "{}", stderr(&output));
}

//! `pellucid explore` from pictures to a bundle: all of it once, nothing twice, and the same after a
//! kill.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

#[allow(dead_code, reason = "its weights are for other tests")]
mod bench;
#[path = "made/stripes.rs"]
mod stripes;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use shared::format::bundle::{Bundle, Index};
use shared::format::credits;

use bench::{Bench, stderr};

/// The network that is built in.
const WEIGHTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../public/bundles/efficientnet-lite0/weights.safetensors"
);

/// Small dictionaries, one short dream.
const SMALL: [&str; 13] = [
    "pictures",
    "--latents",
    "64",
    "--thousands",
    "6",
    "--set",
    "batch=64",
    "--dreams",
    "1",
    "--log-freq-range",
    "-9",
    "0",
    "--no-serve",
];

/// A folder to work in, with pictures in two folders and one that is none.
fn bench() -> Bench {
    let bench = Bench::new("explore", Path::new(WEIGHTS));
    for number in 0..6 {
        let folder = bench.path("pictures").join(if number < 4 { "wide" } else { "n02123394" });
        fs::create_dir_all(&folder).unwrap();
        stripes::stripes(number).save(folder.join(format!("some_stripes_{number}.png"))).unwrap();
    }
    bench
}

fn call<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [SMALL.as_slice(), args].concat()
}

fn bundle(bench: &Bench, out: &str) -> Bundle {
    let path = bench.path(out).join("bundles/efficientnet-lite0/bundle.json");
    Bundle::parse(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn pictures_become_a_bundle_once_and_the_same_after_a_kill() {
    let bench = bench();
    let output = bench.succeed(&call(&["--json"]));
    let said = stderr(&output);
    let steps = said.lines().filter(|line| line.starts_with("step ")).count();
    assert_eq!(steps, 7, "{said}");
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((made["layer"].as_str(), made["address"].is_null()), (Some("block8/sae-64"), true));
    assert_eq!((made["pictures"].as_u64(), made["unreadable"].as_u64()), (Some(6), Some(0)));

    let whole = bundle(&bench, "explored");
    let names: Vec<_> = whole.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["block8/sae-64", "block8"]);
    let latents = &whole.layers[0];
    assert!(latents.dictionary.is_some() && latents.worth.is_some() && latents.exemplars.is_some());
    let dreamed = made["dreamed"][0].as_u64().unwrap() as usize;
    assert_eq!(latents.dreams.as_ref().unwrap().units, [[dreamed, dreamed + 1]]);
    let gallery = whole.gallery.as_ref().unwrap();
    let folder = bench.path("explored/bundles");
    let bytes = fs::read(folder.join("efficientnet-lite0").join(&gallery.credits.path)).unwrap();
    let credits = credits::from_json(&bytes, 6).unwrap();
    assert_eq!(
        (credits[0].title.as_str(), credits[0].category.as_str()),
        ("some stripes 4", "Persian cat")
    );
    let index = Index::parse(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    assert_eq!(index.bundles[0].path, "efficientnet-lite0");

    // Again: everything is there, and nothing is written.
    let times =
        |name: &str| fs::metadata(bench.path("explored").join(name)).unwrap().modified().unwrap();
    let files = [
        "store/store.json",
        "dictionaries/seed-0/cfg.json",
        "dictionaries/seed-0/evaluation.json",
        "gallery/gallery.json",
        "exemplars/block8.json",
        "bundles/efficientnet-lite0/bundle.json",
    ];
    let before = files.map(times);
    let said = stderr(&bench.succeed(&call(&[])));
    assert!(6 <= said.matches("already").count(), "{said}");
    assert_eq!(files.map(times), before);

    // Killed while it trains, and called again.
    let mut child = bench
        .command(&call(&["--out", "killed"]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let log = bench.path("killed/dictionaries/seed-0/log.jsonl");
    while !log.exists() && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!bench.path("killed/bundles").exists());
    bench.succeed(&call(&["--out", "killed"]));
    assert_eq!(bundle(&bench, "killed"), whole);

    // More dreams are the same exploration, another dictionary is not.
    let mut more = call(&[]);
    let asked = more.iter().position(|word| *word == "--dreams").unwrap() + 1;
    more[asked] = "2";
    bench.succeed(&more);
    let latents = bundle(&bench, "explored").layers.remove(0);
    let dreamed = latents.dreams.unwrap().units;
    assert_eq!(dreamed.iter().map(|[from, to]| to - from).sum::<usize>(), 2);
    let output = bench.run(&call(&["--set", "k=4"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("holds another exploration"), "{}", stderr(&output));
}

#[test]
fn what_cannot_be_explored_is_said_at_once_and_leaves_nothing() {
    let bench = Bench::new("explore", Path::new(WEIGHTS));
    fs::create_dir(bench.path("empty")).unwrap();
    fs::write(bench.path("empty/notes.txt"), "no picture").unwrap();
    let cases: [(&[&str], i32, &str); 7] = [
        (&["empty"], 1, "empty holds no picture"),
        (&["nowhere/at-all"], 1, "it is not there"),
        (&["nowhere"], 2, "nor is it a folder of pictures"),
        (&["empty", "--layer", "mixed4a"], 2, "mixed4a"),
        (&["googlenet", "empty"], 2, "name a layer of googlenet with --layer"),
        (&["empty", "--latents", "16"], 2, "seed-0: "),
        (&["empty", "--site", "empty"], 2, "--site empty is no built page"),
    ];
    for (args, code, words) in cases {
        let output = bench.run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{args:?}: {}", stderr(&output));
    }
    let output = bench.run(&["empty", "--out", "empty"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is a folder of pictures itself"), "{}", stderr(&output));
    assert_eq!(bench.names(""), ["empty"]);
}

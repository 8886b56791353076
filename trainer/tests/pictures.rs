//! Pictures and shards as they come from elsewhere, through `pellucid classify`: each is read
//! rightly, or named and counted.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod bench;
#[path = "../../shared/tests/reference/mod.rs"]
mod reference;

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

use bench::{Bench, stderr};

/// The class of the photograph that the pictures were made of, as the reference network says.
const PERSIAN_CAT: u64 = 283;

/// That of the one in the shards.
const TENCH: u64 = 0;

/// A folder to work in; `None` where the reference weights are missing.
fn bench() -> Option<Bench> {
    Some(Bench::new("classify", &reference::path("weights/bvlc_googlenet.safetensors")?))
}

fn case(name: &str) -> Option<PathBuf> {
    reference::path(&format!("cases/{name}"))
}

/// A call on some pictures, with one line of JSON for each that was read.
fn classify(bench: &Bench, pictures: &[&str]) -> (Output, Vec<Value>) {
    let output = bench.run(&[&["googlenet", "--json", "--top", "1"], pictures].concat());
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let classified = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output, classified)
}

fn first(classified: &Value) -> (u64, f64) {
    let first = &classified["top"][0];
    (first["class"].as_u64().unwrap(), first["logit"].as_f64().unwrap())
}

#[test]
fn unusual_codings_and_samplings_get_the_class_of_the_photograph() {
    let Some(bench) = bench() else { return };
    for (name, logit) in
        [("chroma-finer.jpg", 17.07), ("arithmetic.jpg", 15.19), ("3x1.jpg", 14.88)]
    {
        let Some(file) = case(name) else { return };
        let (output, classified) = classify(&bench, &[file.to_str().unwrap()]);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        let (class, found) = first(&classified[0]);
        assert!(class == PERSIAN_CAT && (found - logit).abs() < 0.02, "{name}: {class}, {found}");
    }
}

#[test]
fn a_cut_photograph_is_named_and_counted_and_the_others_are_classified() {
    let Some(bench) = bench() else { return };
    let (Some(cut), Some(whole)) = (case("cut50.jpg"), case("o6.webp")) else { return };
    let (output, classified) = classify(&bench, &[cut.to_str().unwrap(), whole.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("cut50.jpg: the file is damaged: it ends before"), "{said}");
    assert!(said.contains("1 of 2 pictures could not be read"), "{said}");
    assert_eq!(classified.len(), 1);
}

#[test]
fn shards_of_every_kind_give_their_pictures() {
    let Some(bench) = bench() else { return };
    for (name, pictures) in
        [("hardlink.tar", 2), ("imagenet-like.tar", 1), ("gz-named.tar", 1), ("contig.tar", 1)]
    {
        let Some(file) = case(name) else { return };
        let (output, classified) = classify(&bench, &[file.to_str().unwrap()]);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        assert!(pictures <= classified.len(), "{name}");
        for classified in classified {
            assert_eq!(first(&classified).0, TENCH, "{name}: {classified}");
        }
    }
}

#[test]
fn an_empty_folder_and_a_strange_name_stop_nothing_else() {
    let Some(bench) = bench() else { return };
    let Some(file) = case("o6.webp") else { return };
    fs::create_dir(bench.path("empty")).unwrap();
    fs::create_dir(bench.path("full")).unwrap();
    fs::copy(&file, bench.path("full/red\u{1b}[31m.webp")).unwrap();
    fs::write(bench.path("full/._red.webp"), "a resource fork").unwrap();
    let (output, classified) = classify(&bench, &["empty", "full"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("empty holds no picture") && said.contains("1 of the 2"), "{said}");
    assert_eq!(said.matches("left out: full/._red.webp").count(), 1, "{said}");
    assert_eq!(classified[0]["file"], "full/red\\x1b[31m.webp");
}

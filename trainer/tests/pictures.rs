//! Pictures and shards as they come from elsewhere, through `pellucid classify`: each is read
//! rightly, or named and counted.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod bench;
mod made;
#[path = "../../shared/tests/reference/mod.rs"]
mod reference;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Output;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tar::{EntryType, Header};

use bench::{Bench, stderr};

/// The class of the photograph that the reference's pictures were made of, as its network says.
const PERSIAN_CAT: u64 = 283;

/// That of the one in its shards.
const TENCH: u64 = 0;

/// A folder to work in with the trained network; `None` where its weights are missing.
fn trained() -> Option<Bench> {
    Some(Bench::new("classify", &reference::path("weights/bvlc_googlenet.safetensors")?))
}

/// A folder to work in, with `stripes.png`.
fn bench() -> Bench {
    let bench = Bench::new("classify", made::weights());
    made::stripes(1).save(bench.path("stripes.png")).unwrap();
    bench
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
fn unusual_codings_and_samplings_get_the_classes_of_the_reference() {
    let Some(bench) = trained() else { return };
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
fn shards_of_every_kind_give_the_classes_of_the_reference() {
    let Some(bench) = trained() else { return };
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

/// A shard of one file.
fn shard(name: &str, kind: EntryType, bytes: &[u8]) -> tar::Builder<Vec<u8>> {
    let mut shard = tar::Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    shard.append_data(&mut header, name, bytes).unwrap();
    shard
}

#[test]
fn a_picture_in_a_shard_of_any_kind_gets_the_class_that_it_has_alone() {
    let bench = bench();
    let picture = fs::read(bench.path("stripes.png")).unwrap();
    let plain = || shard("a.png", EntryType::Regular, &picture);
    let mut linked = plain();
    let mut link = Header::new_gnu();
    link.set_entry_type(EntryType::Link);
    link.set_size(0);
    linked.append_link(&mut link, "b.png", "a.png").unwrap();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&plain().into_inner().unwrap()).unwrap();
    let nested = shard("n.tar", EntryType::Regular, &plain().into_inner().unwrap());
    let contiguous = shard("a.png", EntryType::Continuous, &picture);

    let (_, alone) = classify(&bench, &["stripes.png"]);
    for (name, bytes, pictures) in [
        ("linked.tar", linked.into_inner().unwrap(), 2),
        ("nested.tar", nested.into_inner().unwrap(), 1),
        ("packed.tar", packed.finish().unwrap(), 1),
        ("contiguous.tar", contiguous.into_inner().unwrap(), 1),
    ] {
        fs::write(bench.path(name), bytes).unwrap();
        let (output, classified) = classify(&bench, &[name]);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        assert_eq!(classified.len(), pictures, "{name}");
        assert!(classified.iter().all(|one| first(one) == first(&alone[0])), "{classified:?}");
    }
}

#[test]
fn a_cut_photograph_is_named_and_counted_and_the_others_are_classified() {
    let bench = bench();
    made::stripes(2).save(bench.path("cut.jpg")).unwrap();
    let whole = fs::read(bench.path("cut.jpg")).unwrap();
    fs::write(bench.path("cut.jpg"), &whole[..whole.len() / 2]).unwrap();
    let (output, classified) = classify(&bench, &["cut.jpg", "stripes.png"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("cut.jpg: the file is damaged: it ends before"), "{said}");
    assert!(said.contains("1 of 2 pictures could not be read"), "{said}");
    assert_eq!(classified.len(), 1);
}

#[test]
fn an_empty_folder_and_a_strange_name_stop_nothing_else() {
    let bench = bench();
    fs::create_dir(bench.path("empty")).unwrap();
    fs::create_dir(bench.path("full")).unwrap();
    made::stripes(1).save(bench.path("full/red\u{1b}[31m.webp")).unwrap();
    fs::write(bench.path("full/._red.webp"), "a resource fork").unwrap();
    let (output, classified) = classify(&bench, &["empty", "full"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("empty holds no picture") && said.contains("1 of the 2"), "{said}");
    assert_eq!(said.matches("left out: full/._red.webp").count(), 1, "{said}");
    assert_eq!(classified[0]["file"], "full/red\\x1b[31m.webp");
}

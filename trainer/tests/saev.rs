//! saev's shards: those it wrote itself are read, and those written for it are as it writes them.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

#[path = "../../shared/tests/reference/mod.rs"]
mod reference;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::format::bundle::Part;
use shared::format::shards::saev::Metadata;
use shared::format::shards::{
    Array, Description, Dtype, Layout, Named, Record, TokenKind, data_path, pictures_path,
    record_path,
};
use shared::models;
use shared::weights::from_safetensors;
use trainer::shards::Store;

fn pellucid(args: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pellucid")).arg("record").args(args).output().unwrap()
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 11 examples of blocks 3 and 11: so many extra tokens and 2 x 2 places of six channels, four
/// examples in a shard. `value` gives each number by example, layer, token and channel; nothing for
/// a picture that could not be read.
fn store(folder: &Path, extra: usize, value: impl Fn([usize; 4]) -> Option<f32>) -> Description {
    let (channels, tokens) = (6, extra + 4);
    let array = Array {
        layers: vec!["blocks.3".to_owned(), "blocks.11".to_owned()],
        channels,
        tokens,
        extra,
        grid: Some([2, 2]),
    };
    let named = Named {
        model: "made-up".to_owned(),
        weights_sha256: "ab".repeat(32),
        preprocessing: models::info("googlenet").unwrap().preprocessing,
        pictures_sha256: "cd".repeat(32),
        titles_sha256: None,
    };
    let layout = Layout {
        examples: 11,
        tokens: TokenKind::All,
        dtype: Dtype::F32,
        examples_per_shard: 4,
        arrays: vec![array],
    };
    let description = Description { named, layout };
    let text = description.to_json().unwrap();
    let shards = folder.join("shards");
    fs::create_dir_all(&shards).unwrap();
    fs::write(folder.join("store.json"), &text).unwrap();
    let layout = &description.layout;
    for shard in 0..layout.shards() {
        let (mut bytes, mut unreadable) = (Vec::new(), Vec::new());
        for example in layout.shard_examples(shard) {
            for place in 0..2 * tokens * channels {
                let (layer, rest) = (place / (tokens * channels), place % (tokens * channels));
                let index = [example as usize, layer, rest / channels, rest % channels];
                let number = value(index);
                if number.is_none() && unreadable.last() != Some(&example) {
                    unreadable.push(example);
                }
                bytes.extend(number.unwrap_or(f32::NAN).to_le_bytes());
            }
        }
        let put = |path: String, bytes: &[u8]| {
            fs::write(shards.join(&path), bytes).unwrap();
            Part::of(&path, bytes)
        };
        let examples = layout.shard_examples(shard);
        let (first, count) = (examples.start, examples.end - examples.start);
        let pictures = vec![json!({ "file": "a.png", "label": "" }); count as usize];
        let pictures = serde_json::to_vec(&pictures).unwrap();
        let record = Record {
            store_sha256: hexadecimal(text.as_bytes()),
            shard,
            first,
            examples: count,
            unreadable,
            arrays: vec![put(data_path(shard, 0, &hexadecimal(&bytes), layout), &bytes)],
            pictures: put(pictures_path(shard, &hexadecimal(&pictures)), &pictures),
        };
        fs::write(shards.join(record_path(shard)), record.to_json().unwrap()).unwrap();
    }
    description
}

/// The folder that was written for saev.
fn converted(folder: &Path) -> std::path::PathBuf {
    let [ours, theirs] = ["ours", "theirs"].map(|name| folder.join(name));
    let output =
        pellucid(&["--to-saev".as_ref(), ours.as_path(), "--out".as_ref(), theirs.as_path()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().into()
}

#[test]
fn a_store_comes_back_from_saevs_shards_without_registers_and_unreadable_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let number = |[example, layer, token, channel]: [usize; 4]| {
        let value = ((example * 2 + layer) * 7 + token) * 6 + channel;
        (example != 2 && example != 9).then_some(value as f32 / 8.0)
    };
    // A class token and two registers.
    store(&folder.path().join("ours"), 3, number);
    let theirs = converted(folder.path());
    assert!(theirs.starts_with(folder.path().join("theirs/saev/shards")));
    let metadata: Value =
        serde_json::from_slice(&fs::read(theirs.join("metadata.json")).unwrap()).unwrap();
    assert_eq!(metadata["layers"], json!([3, 11]));
    assert_eq!(
        (&metadata["n_examples"], &metadata["max_tokens_per_shard"]),
        (&9.into(), &40.into())
    );
    assert_eq!((&metadata["family"], &metadata["protocol"]), (&"fake-clip".into(), &"2.1".into()));
    let parsed = Metadata::parse(metadata.to_string().as_bytes()).unwrap();
    assert_eq!(theirs.file_name().unwrap().to_str().unwrap(), parsed.hash().unwrap());

    let back = Store::open(&theirs).unwrap();
    let readable = (0..11).filter(|example| ![2, 9].contains(example));
    for (example, before) in readable.enumerate() {
        for layer in 0..2 {
            let tokens = back.tokens([0, layer], example as u64).unwrap().unwrap();
            let kept = [0, 3, 4, 5, 6].into_iter();
            let expected = kept.flat_map(|token| {
                (0..6).map(move |channel| number([before, layer, token, channel]).unwrap())
            });
            assert_eq!(tokens, expected.collect::<Vec<_>>());
        }
    }
    assert_eq!(back.layout().shards(), 3);
    // Every file is as long as a full one.
    for shard in 0..3 {
        let length = fs::metadata(theirs.join(format!("acts{shard:06}.bin"))).unwrap().len();
        assert_eq!(length, 960);
    }
    let looked = pellucid(&["--verify".as_ref(), theirs.as_path()]);
    assert!(looked.status.success());
    assert!(String::from_utf8(looked.stdout).unwrap().contains("blocks.3 blocks.11: 5 tokens"));
}

#[test]
fn a_store_that_is_not_whole_becomes_no_shards_of_saevs() {
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("ours");
    store(&ours, 1, |_| Some(1.0));
    fs::remove_file(ours.join("shards/000001.json")).unwrap();
    let out = folder.path().join("theirs");
    let output = pellucid(&["--to-saev".as_ref(), &ours, "--out".as_ref(), &out]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("1 of 3 shards are missing, from 1"), "{said}");
    assert!(!out.exists());
}

#[test]
fn shards_are_read_and_written_as_saev_does_itself_in_the_data_of_the_reference() {
    let Some(theirs) = reference::path("golden/saev/saev/shards/b92de99c") else { return };
    let Some(expected) = reference::path("golden/saev/shards_expected.safetensors") else { return };
    let bytes = fs::read(expected).unwrap();
    let expected = from_safetensors(&bytes).unwrap().take("activations", &[11, 2, 5, 6]).unwrap();
    let at = |[example, layer, token, channel]: [usize; 4]| {
        expected[((example * 2 + layer) * 5 + token) * 6 + channel]
    };
    let read = Store::open(&theirs).unwrap();
    assert_eq!((read.missing().len(), read.examples().count()), (0, 11));
    for example in 0..11 {
        for (place, layer) in ["blocks.3", "blocks.11"].into_iter().enumerate() {
            let layer = read.layout().find(layer).unwrap();
            let tokens = read.tokens(layer, example as u64).unwrap().unwrap();
            let there = (0..30).map(|number| at([example, place, number / 6, number % 6]));
            assert_eq!(tokens, there.collect::<Vec<_>>());
        }
    }
    let metadata = Metadata::parse(&fs::read(theirs.join("metadata.json")).unwrap()).unwrap();
    assert_eq!(metadata.hash().unwrap(), "b92de99c");

    let folder = tempfile::tempdir().unwrap();
    store(&folder.path().join("ours"), 1, |index| Some(at(index)));
    let ours = converted(folder.path());
    for name in ["acts000000.bin", "acts000001.bin", "acts000002.bin"] {
        assert!(fs::read(ours.join(name)).unwrap() == fs::read(theirs.join(name)).unwrap());
    }
    let json = |folder: &Path, name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
    };
    assert_eq!(json(&ours, "shards.json"), json(&theirs, "shards.json"));
    let [ours, theirs] = [&ours, &theirs].map(|folder| json(folder, "metadata.json"));
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
    for field in [
        "layers",
        "content_tokens_per_example",
        "cls_token",
        "d_model",
        "n_examples",
        "max_tokens_per_shard",
        "dtype",
        "protocol",
    ] {
        assert_eq!(ours[field], theirs[field], "{field}");
    }
}

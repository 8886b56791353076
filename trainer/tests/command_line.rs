//! The verbs as scripts call them: what they print, where, and with which exit code.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod made;
#[path = "../../shared/tests/reference/mod.rs"]
mod reference;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use shared::format::bundle::{Bundle, labels_from_bytes};

const VERBS: [&str; 11] = [
    "fetch",
    "import",
    "layers",
    "classify",
    "visualize",
    "exemplars",
    "record",
    "explore",
    "spectrum",
    "export",
    "doctor",
];

/// Runs `pellucid` with a cache of its own.
fn pellucid<S: AsRef<OsStr>>(cache: &Path, args: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pellucid"))
        .args(args)
        .env("PELLUCID_CACHE", cache)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_verb_explains_itself_with_an_example() {
    let cache = tempfile::tempdir().unwrap();
    for verb in VERBS {
        let output = pellucid(cache.path(), [verb, "--help"]);
        assert!(output.status.success(), "{verb}");
        let example = format!("pellucid {verb}");
        let uses = stdout(&output).matches(&example).count();
        assert!(2 <= uses, "{verb}: usage and at least one example\n{}", stdout(&output));
    }
}

#[test]
fn a_wrong_call_exits_with_2_and_says_what_exists() {
    let cache = tempfile::tempdir().unwrap();
    let wrong: [&[&str]; 8] = [
        &[],
        &["levitate"],
        &["visualize", "--out", "x.png"],
        &["layers", "alexnet"],
        &["classify", "alexnet", "cat.jpg"],
        &["classify", "googlenet", "cat.jpg", "--top", "0"],
        &["fetch", "alexnet"],
        &["export", "--model", "alexnet", "--out", "nowhere"],
    ];
    for args in wrong {
        let output = pellucid(cache.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stdout(&output).is_empty(), "{args:?}");
    }
    let said = stderr(&pellucid(cache.path(), ["layers", "alexnet"]));
    assert!(said.contains("googlenet") && said.contains("inception-v1"), "{said}");
}

#[test]
fn missing_weights_exit_with_1_and_say_how_to_get_them() {
    let cache = tempfile::tempdir().unwrap();
    let output = pellucid(cache.path(), ["classify", "googlenet", "cat.jpg"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("pellucid fetch googlenet") && said.contains("--weights"), "{said}");
}

#[test]
fn the_network_that_is_built_in_works_with_no_weights_anywhere() {
    let cache = tempfile::tempdir().unwrap();
    let picture = cache.path().join("sky.png");
    shared_picture(&picture);
    let picture = picture.to_str().unwrap();
    let named = pellucid(cache.path(), ["classify", "efficientnet-lite0", picture, "--json"]);
    let unnamed = pellucid(cache.path(), ["classify", picture, "--json"]);
    assert_eq!(json(&named), json(&unnamed));
    assert!(stderr(&named).contains("weights: built in"), "{}", stderr(&named));
    assert!(!stderr(&named).contains("no other was named"), "{}", stderr(&named));
    assert!(stderr(&unnamed).contains("model: efficientnet-lite0"), "{}", stderr(&unnamed));

    let dream = cache.path().join("dream.png");
    let dream = dream.to_str().unwrap();
    let small = ["--size", "32", "--steps", "1", "--out", dream];
    let output = pellucid(cache.path(), ["visualize", "block12:3"].iter().chain(&small));
    assert!(output.status.success(), "{}", stderr(&output));
    let layers = json(&pellucid(cache.path(), ["layers", "--json"]));
    assert!(layers.as_array().unwrap().iter().any(|layer| layer["name"] == "block12"));

    let out = cache.path().join("bundle");
    let output = pellucid(
        cache.path(),
        ["export", "--model", "efficientnet-lite0", "--out", out.to_str().unwrap()],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    // Byte for byte what ships.
    let shipped = "../public/bundles/efficientnet-lite0/weights.safetensors";
    assert!(fs::read(out.join("weights.safetensors")).unwrap() == fs::read(shipped).unwrap());
}

/// A picture of a few colours.
fn shared_picture(path: &Path) {
    let picture = shared::image::Picture::from_rgb8(2, 1, &[90, 140, 230, 250, 250, 255]).unwrap();
    fs::write(path, shared::format::recipe::encode_png(&picture, None).unwrap()).unwrap();
}

#[test]
fn weights_in_the_cache_and_named_ones_come_before_those_that_are_built_in() {
    let cache = tempfile::tempdir().unwrap();
    let picture = cache.path().join("sky.png");
    shared_picture(&picture);
    let shipped = "../public/bundles/efficientnet-lite0/weights.safetensors";
    let imported = pellucid(cache.path(), ["import", "efficientnet-lite0", shipped]);
    assert!(imported.status.success(), "{}", stderr(&imported));
    let cached = stdout(&imported).trim_end().to_owned();
    let picture = picture.to_str().unwrap();
    for (more, words) in [(&[][..], cached.as_str()), (&["--weights", shipped], shipped)] {
        let output = pellucid(cache.path(), ["classify", picture].iter().chain(more));
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stderr(&output).contains(&format!("weights: {words}")), "{}", stderr(&output));
    }
}

#[test]
fn a_misspelt_model_is_answered_as_one_whatever_follows() {
    let cache = tempfile::tempdir().unwrap();
    let calls: [&[&str]; 4] = [
        &["classify", "googlnet", "cat.jpg"],
        &["visualize", "googlnet", "mixed4a:11", "--out", "x.png"],
        &["exemplars", "googlnet", "mixed4a", "--images", ".", "--out", "x"],
        &["layers", "googlnet"],
    ];
    for args in calls {
        let output = pellucid(cache.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = stderr(&output);
        assert!(
            said.contains("no model is called \"googlnet\" (did you mean googlenet?)"),
            "{said}"
        );
    }
    for unit in ["mixed4d", "mixed4d:11"] {
        let output = pellucid(cache.path(), ["visualize", unit, "--out", "x.png"]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(
            said.contains("mixed4d is a layer of googlenet, not of efficientnet-lite0"),
            "{said}"
        );
    }
}

#[test]
fn what_is_no_weights_file_is_called_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let pointer = folder.path().join("googlenet.pth");
    fs::write(&pointer, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
        .unwrap();
    for (path, words) in [
        (
            pointer.as_path(),
            "this is a Git LFS pointer, a few lines that stand for a file of 9 bytes; run `git lfs pull`",
        ),
        (folder.path(), "is a folder; name the file in it, such as"),
    ] {
        let path = path.to_str().unwrap();
        for args in [
            &["import", "googlenet", path][..],
            &["classify", "googlenet", "Cargo.toml", "--weights", path],
        ] {
            let output = pellucid(folder.path(), args);
            assert_eq!(output.status.code(), Some(1));
            assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
        }
    }
}

#[test]
fn layers_are_listed_for_people_and_for_machines() {
    let cache = tempfile::tempdir().unwrap();
    let layers = json(&pellucid(cache.path(), ["layers", "googlenet", "--json"]));
    let mixed4a = layers.as_array().unwrap().iter().find(|layer| layer["name"] == "mixed4a");
    let mixed4a = mixed4a.unwrap();
    assert_eq!(mixed4a["channels"], 512);
    assert_eq!(mixed4a["stride"], 16);
    let aliases = mixed4a["aliases"].as_array().unwrap();
    assert!(aliases.contains(&Value::from("inception_4a/output")), "{aliases:?}");
    let mut keys: Vec<_> = mixed4a.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["aliases", "channels", "name", "receptive_field", "stride"]);

    let table = stdout(&pellucid(cache.path(), ["layers", "googlenet"]));
    let row = table.lines().find(|line| line.starts_with("mixed4a ")).unwrap();
    assert!(row.contains("512x14x14"), "{row}");
}

#[test]
fn the_doctor_names_the_cache_and_the_command_that_fills_it() {
    let cache = tempfile::tempdir().unwrap();
    let examination = json(&pellucid(cache.path(), ["doctor", "--json"]));
    assert_eq!(examination["cache"], cache.path().to_str().unwrap());
    let mends: Vec<_> = examination["missing"].as_array().unwrap().iter().collect();
    assert!(mends.iter().any(|missing| missing["mend"] == "pellucid fetch googlenet"));
    let text = stdout(&pellucid(cache.path(), ["doctor"]));
    assert!(text.contains("pellucid fetch MODEL"), "{text}");
}

/// A photograph of the gallery that ships: its number there, in rows of six on sheets of 36.
fn photograph(number: u32) -> image::DynamicImage {
    let sheet = format!("../public/bundles/efficientnet-lite0/gallery/{}.jpg", number / 36);
    let (row, column) = (number % 36 / 6, number % 6);
    image::open(sheet).unwrap().crop_imm(224 * column, 224 * row, 224, 224)
}

#[test]
fn classes_of_pictures_go_to_stdout_and_unreadable_pictures_to_stderr() {
    let folder = tempfile::tempdir().unwrap();
    photograph(25).save(folder.path().join("spots.png")).unwrap();
    fs::write(folder.path().join("broken.jpg"), "this is prose").unwrap();
    let output = pellucid(folder.path(), ["classify", "--json", folder.path().to_str().unwrap()]);

    // The job said what it left out, and with its exit code that it did.
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("broken.jpg") && said.contains("1 of 2"), "{said}");
    assert!(said.contains("device: "), "{said}");

    let line: Value = serde_json::from_str(stdout(&output).trim_end()).unwrap();
    assert!(line["file"].as_str().unwrap().ends_with("spots.png"));
    let top = line["top"].as_array().unwrap();
    assert_eq!(top.len(), 5);
    assert_eq!(top[0]["class"], 293);
    assert!(top[0]["label"].as_str().unwrap().starts_with("cheetah,"), "{line}");
    assert!(0.5 < top[0]["probability"].as_f64().unwrap(), "{line}");
}

#[test]
fn the_five_best_classes_of_a_photograph_are_those_of_the_reference() {
    let Some(weights) = reference::path("weights/bvlc_googlenet.safetensors") else { return };
    let Some(cat) = reference::path("images/imagenet-sample/n02123394/Persian_cat.jpg") else {
        return;
    };
    let cache = tempfile::tempdir().unwrap();
    let args = ["classify", "googlenet", "--json", "--weights"].map(OsStr::new);
    let args = args.into_iter().chain([weights.as_os_str(), cat.as_os_str()]);
    let line = json(&pellucid(cache.path(), args));
    let top = line["top"].as_array().unwrap();
    let classes: Vec<_> = top.iter().map(|score| score["class"].as_u64().unwrap()).collect();
    assert_eq!(classes, [283, 287, 282, 281, 478]);
    assert!((top[0]["probability"].as_f64().unwrap() - 0.944).abs() < 0.01);
    assert_eq!(top[0]["label"], "Persian cat");
}

#[test]
fn imported_weights_are_found_without_naming_them_and_give_the_same_answers() {
    let cache = tempfile::tempdir().unwrap();
    let weights = made::weights();
    let args = ["import", "googlenet"].map(OsStr::new).into_iter().chain([weights.as_os_str()]);
    let imported = pellucid(cache.path(), args);
    assert!(imported.status.success(), "{}", stderr(&imported));
    let path = cache.path().join("weights/googlenet.safetensors");
    assert_eq!(stdout(&imported).trim_end(), path.to_str().unwrap());

    let picture = cache.path().join("stripes.png");
    made::stripes(1).save(&picture).unwrap();
    let classify = ["classify", "googlenet", "--json"].map(OsStr::new);
    let found = classify.into_iter().chain([picture.as_os_str()]);
    let named = found.clone().chain([OsStr::new("--weights"), weights.as_os_str()]);
    let [found, named] =
        [json(&pellucid(cache.path(), found)), json(&pellucid(cache.path(), named))];
    assert_eq!(found, named);
}

#[test]
fn weights_of_another_model_are_refused_with_what_does_not_fit() {
    let cache = tempfile::tempdir().unwrap();
    let args = ["import", "inception-v1"].map(OsStr::new);
    let output = pellucid(cache.path(), args.into_iter().chain([made::weights().as_os_str()]));
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("inception_4a/3x3.weight") && said.contains("inception-v1"), "{said}");
    assert!(!cache.path().join("weights").exists());
}

#[test]
fn an_exported_bundle_passes_the_readers_checks_and_is_the_same_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bundles/googlenet");
    let args = ["export", "--model", "googlenet", "--weights"].map(OsStr::new);
    let rest = [made::weights().as_os_str(), OsStr::new("--out"), out.as_os_str()];
    let args: Vec<_> = args.into_iter().chain(rest).collect();
    let mut manifests = Vec::new();
    for _ in 0..2 {
        let output = pellucid(folder.path(), &args);
        assert!(output.status.success(), "{}", stderr(&output));
        manifests.push(fs::read(out.join("bundle.json")).unwrap());
    }
    assert_eq!(manifests[0], manifests[1]);

    let bundle = Bundle::parse(&manifests[0]).unwrap();
    assert_eq!(bundle.model, "googlenet");
    let weights = bundle.weights.unwrap();
    weights.check(&fs::read(out.join(&weights.path)).unwrap()).unwrap();
    // Half precision, nothing that only training needs.
    assert!(weights.size < 14_100_000, "{}", weights.size);
    let labels = fs::read(out.join(&bundle.labels.path)).unwrap();
    bundle.labels.check(&labels).unwrap();
    assert_eq!(labels_from_bytes(&labels, 1000).unwrap()[283], "Persian cat");
    // Nothing half-done is left beside it.
    assert_eq!(fs::read_dir(folder.path().join("bundles")).unwrap().count(), 1);
}

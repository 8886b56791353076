//! Damaged input of every kind that arrives from outside, through its parser: an error or a value,
//! never a panic. The same cases every time; `docs/fuzzing.md` says how to run longer.
#![cfg(not(target_family = "wasm"))]
// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

#[path = "hostile/archive.rs"]
mod archive;
#[path = "hostile/damage.rs"]
mod damage;
#[path = "hostile/parsers.rs"]
mod parsers;
mod protobuf;
#[path = "hostile/pth.rs"]
mod pth;
#[path = "hostile/valid.rs"]
mod valid;
#[path = "hostile/zip.rs"]
mod zip;

use std::panic::{AssertUnwindSafe, catch_unwind};

use damage::Damage;

/// Damaged versions of each valid input.
const CASES: u64 = 10_000;

/// Parses every valid input whole, then damaged in `CASES` ways.
fn check(kind: &str, inputs: &[Vec<u8>], parse: impl Fn(&[u8]) -> bool) {
    save(kind, inputs);
    for (position, input) in inputs.iter().enumerate() {
        assert!(parse(input), "{kind} {position} should be valid");
        for seed in 0..CASES {
            let damaged = Damage::new(seed).apply(input);
            let outcome = catch_unwind(AssertUnwindSafe(|| parse(&damaged)));
            assert!(outcome.is_ok(), "{kind} {position}, seed {seed}: {}", damaged.escape_ascii());
        }
    }
}

/// Gives the fuzzer something to start from, in the folder named by `PELLUCID_FUZZ_CORPUS`.
fn save(kind: &str, inputs: &[Vec<u8>]) {
    let Some(corpus) = std::env::var_os("PELLUCID_FUZZ_CORPUS") else { return };
    let folder = std::path::Path::new(&corpus).join(kind);
    std::fs::create_dir_all(&folder).unwrap();
    for (position, input) in inputs.iter().enumerate() {
        std::fs::write(folder.join(format!("valid-{position}")), input).unwrap();
    }
}

#[test]
fn damaged_objectives_never_panic() {
    check("objective", &valid::objectives(), parsers::objective);
}

#[test]
fn damaged_safetensors_never_panic() {
    check("safetensors", &valid::safetensors(), parsers::safetensors);
}

#[test]
fn damaged_caffemodels_never_panic() {
    check("caffemodel", &valid::caffemodels(), parsers::caffemodel);
}

#[test]
fn damaged_checkpoints_never_panic() {
    check("pytorch", &valid::checkpoints(), parsers::pytorch);
}

#[test]
fn damaged_bundles_never_panic() {
    check("bundle", &valid::bundles(), parsers::bundle);
}

#[test]
fn damaged_lists_of_bundles_never_panic() {
    check("index", &valid::indexes(), parsers::index);
}

#[test]
fn damaged_credits_never_panic() {
    check("credits", &valid::credits(), parsers::credits);
}

#[test]
fn damaged_exemplars_never_panic() {
    check("exemplars", &valid::exemplars(), parsers::exemplars);
}

#[test]
fn damaged_latents_never_panic() {
    check("latents", &valid::latents(), parsers::latents);
}

#[test]
fn damaged_dictionaries_never_panic() {
    check("dictionary", &valid::dictionaries(), parsers::dictionary);
}

#[test]
fn damaged_descriptions_of_activations_never_panic() {
    check("shards", &valid::shards(), parsers::shards);
}

#[test]
fn damaged_lists_of_a_site_never_panic() {
    check("site", &valid::sites(), parsers::site);
}

#[test]
fn damaged_archives_never_panic() {
    check("zip", &valid::zips(), parsers::zip);
}

#[test]
fn damaged_labels_never_panic() {
    check("labels", &valid::labels(), parsers::labels);
}

#[test]
fn damaged_pictures_with_recipes_never_panic() {
    check("recipe_png", &valid::recipe_pictures(), parsers::recipe_png);
}

/// A PNG's checksums stop most damage; a recipe that was damaged before it was packed has none.
#[test]
fn damaged_recipes_in_sound_pictures_never_panic() {
    check("recipe", &valid::recipes(), parsers::recipe);
}

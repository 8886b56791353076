//! `pellucid export` from call to folder: what goes into a bundle, and what never happens to one.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

#[allow(dead_code, unused_imports, reason = "the pictures here are of noise")]
mod made;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use shared::format::bundle::{Bundle, Index, Layer};
use shared::format::credits;
use shared::format::dictionary::Made;
use shared::format::exemplars::{Reference, Whole};
use shared::format::recipe::{Recipe, encode_png};
use shared::format::worth::{Latents, Measure};
use shared::image::Picture;
use shared::readout::dictionary::{Activation, Config, Dictionary, Parameters};
use shared::visualize::Settings;
use shared::weights::Precision;
use trainer::evaluate;
use trainer::evaluate::worth::{Evaluation, Latent};

/// A folder to work in, with photographs and dreams that were made beforehand.
struct Bench(tempfile::TempDir);

impl Bench {
    /// 40 photographs of noise: more than one sheet holds, and large when compressed.
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        bench.gallery("gallery", 40);
        bench.dreams("dreams", &["mixed4d:3", "mixed4a:1", "mixed4a:0"], 64);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn gallery(&self, folder: &str, count: u32) {
        fs::create_dir_all(self.path(folder).join("noise")).unwrap();
        let entry = |number: u32| {
            let file = format!("noise/{number}.png");
            let pixels = image::RgbImage::from_fn(224, 224, |x, y| {
                let mixed = (x + 224 * y + 50_176 * number).wrapping_mul(2_654_435_761);
                image::Rgb(mixed.to_be_bytes()[..3].try_into().unwrap())
            });
            pixels.save(self.path(folder).join(&file)).unwrap();
            json!({
                "file": file, "title": format!("Noise {number}"), "category": "textures",
                "author": "Somebody", "licence": "CC0-1.0", "source": "arithmetic",
                "licence_url": "https://creativecommons.org/publicdomain/zero/1.0/",
                "changes": "none",
            })
        };
        let list: Vec<Value> = (0..count).map(entry).collect();
        let text = serde_json::to_string(&list).unwrap();
        fs::write(self.path(folder).join("gallery.json"), text).unwrap();
    }

    fn dreams(&self, folder: &str, objectives: &[&str], step: usize) {
        fs::create_dir_all(self.path(folder)).unwrap();
        for (number, objective) in objectives.iter().enumerate() {
            let recipe = Recipe {
                version: "0.1.0".to_owned(),
                model: "googlenet".to_owned(),
                model_sha256: "0f".repeat(32),
                objective: (*objective).to_owned(),
                settings: Settings::square(128),
                seed: 0,
                step,
                batch_index: 0,
                readouts: Default::default(),
            };
            let level = 0.25 * (number + 1) as f32;
            let picture = Picture::from_planes(128, 128, vec![level; 3 * 128 * 128]).unwrap();
            let bytes = encode_png(&picture, Some(&recipe)).unwrap();
            fs::write(self.path(folder).join(format!("{number}.png")), bytes).unwrap();
        }
    }

    fn arguments<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
        command.current_dir(self.0.path()).env("PELLUCID_CACHE", self.path("cache"));
        command.arg("export").args(args);
        command
    }

    fn run(&self, args: &str) -> Output {
        self.arguments(args.split(' ')).output().unwrap()
    }

    fn succeed(&self, args: &str) -> Output {
        let output = self.run(args);
        assert!(output.status.success(), "{args}: {}", stderr(&output));
        output
    }

    /// The exit code and what was said.
    fn fail(&self, args: &str) -> (Option<i32>, String) {
        let output = self.run(args);
        assert!(!output.status.success(), "{args}");
        (output.status.code(), stderr(&output))
    }

    fn bundle(&self, folder: &str) -> Bundle {
        Bundle::parse(&fs::read(self.path(folder).join("bundle.json")).unwrap()).unwrap()
    }

    /// Every file of a folder, by its path.
    fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.path(folder);
        let mut files = BTreeMap::new();
        let mut waiting = vec![root.clone()];
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
        files
    }
}

const EVERYTHING: &str =
    "--model googlenet --without-weights --gallery gallery --dreams dreams --layers mixed4d";

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The mean level of a picture on its sheet, 0..=255.
fn mean(sheet: &[u8], left: usize, top: usize, side: usize) -> f64 {
    let sheet = image::load_from_memory(sheet).unwrap().into_rgb8();
    let (left, top, side) = (left as u32, top as u32, side as u32);
    let levels = (0..side).flat_map(|y| (0..side).map(move |x| (left + x, top + y)));
    let sum: f64 = levels.map(|(x, y)| f64::from(sheet.get_pixel(x, y).0[1])).sum();
    sum / f64::from(side * side)
}

#[test]
fn everything_that_was_made_is_in_the_bundle_and_the_same_every_time() {
    let bench = Bench::new();
    bench.succeed(&format!("{EVERYTHING} --out one"));
    bench.succeed(&format!("{EVERYTHING} --out two"));
    let files = bench.files("one");
    assert_eq!(files, bench.files("two"));

    let bundle = bench.bundle("one");
    assert_eq!(bundle.weights, None);
    assert_eq!(bundle.parts().len() + 1, files.len(), "{:?}", files.keys());
    for part in bundle.parts() {
        part.check(&files[&part.path]).unwrap();
    }
    let gallery = bundle.gallery.as_ref().unwrap();
    assert_eq!((gallery.sprites.count, gallery.sprites.sheets.len()), (40, 2));
    let credits = credits::from_json(&files[&gallery.credits.path], 40).unwrap();
    assert_eq!(credits[39].title, "Noise 39");

    // The layer that was named leads, the others follow.
    let layers: Vec<_> = bundle.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(layers, ["mixed4d", "mixed4a"]);
    let dreams = bundle.layer("mixed4a").unwrap().dreams.as_ref().unwrap();
    assert_eq!((dreams.units.as_slice(), dreams.steps), (&[[0, 2]][..], 64));
    // Unit 0 was made last, at three quarters of white, unit 1 before it at half.
    for (unit, level) in [(0, 191.0), (1, 128.0)] {
        let place = dreams.sprites.place(dreams.picture(unit).unwrap()).unwrap();
        let sheet = &files[&dreams.sprites.sheets[place.sheet].path];
        let found = mean(sheet, place.left, place.top, dreams.sprites.side);
        assert!((found - level).abs() < 2.0, "unit {unit}: {found}, expected {level}");
    }
}

#[test]
fn what_is_not_given_comes_from_another_bundle_byte_for_byte() {
    let bench = Bench::new();
    bench.succeed(&format!("{EVERYTHING} --out old"));
    bench.dreams("better", &["mixed4a:0", "mixed4a:1", "mixed4a:2", "mixed5a:7"], 512);
    bench.succeed("--from old --dreams better --out new");
    let (old, new) = (bench.files("old"), bench.files("new"));
    let replaced = ["bundle.json", "mixed4a/dreams-0.jpg"];
    for (path, bytes) in &old {
        assert_eq!(new[path] == *bytes, !replaced.contains(&path.as_str()), "{path}");
    }
    let bundle = bench.bundle("new");
    let layers: Vec<_> = bundle.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(layers, ["mixed4d", "mixed4a", "mixed5a"]);
    assert_eq!(bundle.layer("mixed4a").unwrap().dreams.as_ref().unwrap().steps, 512);

    // A bundle may be made from itself.
    bench.succeed("--from new --out new");
    assert_eq!(bench.files("new"), new);
}

#[test]
fn weights_are_added_to_a_bundle_that_ships_without() {
    let bench = Bench::new();
    bench.succeed(&format!("{EVERYTHING} --out shipped"));
    let args = ["--from", "shipped", "--out", "whole", "--weights"].map(OsStr::new);
    let output =
        bench.arguments(args.into_iter().chain([made::weights().as_os_str()])).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let (shipped, whole) = (bench.files("shipped"), bench.files("whole"));
    assert!(shipped.iter().all(|(path, bytes)| path == "bundle.json" || whole[path] == *bytes));
    let part = bench.bundle("whole").weights.unwrap();
    part.check(&whole[&part.path]).unwrap();

    // And they stay unless they are left out.
    bench.succeed("--from whole --out again");
    assert_eq!(bench.files("again"), whole);
    bench.succeed("--from whole --without-weights --out without");
    assert_eq!(bench.files("without"), shipped);
}

#[test]
fn exemplars_point_at_the_gallery_they_were_chosen_from_and_at_no_other() {
    let bench = Bench::new();
    let output = Command::new(env!("CARGO_BIN_EXE_pellucid"))
        .current_dir(bench.0.path())
        .args(["exemplars", "googlenet", "conv2d0", "conv2d1", "--images", "gallery"])
        .args(["--no-figure", "--device", "cpu", "--out", "found", "--weights"])
        .arg(made::weights())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let made = "--model googlenet --without-weights --gallery gallery --dreams dreams";
    bench.succeed(&format!("{made} --exemplars found --out all"));
    bench.succeed("--from all --exemplars found --layers conv2d1 --out some");
    for (bundle, layers) in [
        ("all", ["conv2d0", "conv2d1", "mixed4a", "mixed4d"]),
        ("some", ["conv2d1", "conv2d0", "mixed4a", "mixed4d"]),
    ] {
        let bundle = bench.bundle(bundle);
        let names: Vec<_> = bundle.layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, layers);
    }
    let files = bench.files("all");
    let bundle = bench.bundle("all");
    let layer = bundle.layer("conv2d0").unwrap();
    let read = |files: &BTreeMap<String, Vec<u8>>, layer: &Layer| {
        let exemplars = layer.exemplars.as_ref().unwrap();
        Whole::read(exemplars, 40, |part| anyhow::Ok(files[&part.path].clone())).unwrap()
    };
    let exemplars = read(&files, layer);
    assert_eq!((exemplars.pictures, exemplars.units.len(), exemplars.maps.len()), (40, 64, 64));

    // What other pictures reach is added to those that are kept, and nothing else changes.
    bench.succeed("--from all --reference found --out measured");
    let measured = bench.files("measured");
    let with_reference = read(&measured, bench.bundle("measured").layer("conv2d0").unwrap());
    let best = exemplars.units.iter().map(|unit| unit.top[0].value).collect();
    assert_eq!(with_reference, exemplars.measured_by(Reference { pictures: 40, best }));
    let changed = |path: &str| path == "bundle.json" || path.contains("exemplars");
    assert!(files.iter().all(|(path, bytes)| changed(path) || measured[path] == *bytes));
    let (code, said) = bench.fail("--from all --reference dreams --out new");
    assert!(code == Some(1) && said.contains("--reference dreams holds no LAYER.json"), "{said}");

    // Their numbers would mean other pictures there.
    bench.gallery("smaller", 39);
    let (code, said) = bench.fail("--from all --gallery smaller --out new");
    assert!(code == Some(1) && said.contains("other photographs"), "{said}");
    let (code, said) = bench.fail("--from all --gallery smaller --exemplars found --out new");
    assert!(code == Some(1) && said.contains("other pictures"), "{said}");
    let (code, said) = bench.fail("--from all --exemplars dreams --out new");
    assert!(code == Some(1) && said.contains("holds no LAYER.json"), "{said}");
    let args = "--model googlenet --without-weights --exemplars found --out new";
    let (code, said) = bench.fail(args);
    assert!(code == Some(2) && said.contains("--gallery DIR"), "{said}");
    assert!(!bench.path("new").exists());
}

/// A dictionary of conv2d0 that was evaluated; another `seed`, another dictionary.
fn dictionary(folder: &Path, seed: f64) {
    let config = Config {
        channels: 64,
        latents: 12,
        activation: Activation::TopK { k: 3 },
        centred: true,
        prefixes: vec![12],
        revival: None,
    };
    let mut numbers = Parameters::zeros(&config);
    for (place, number) in numbers.all_mut().into_iter().flatten().enumerate() {
        *number = (seed + place as f64 * 1.7).sin() as f32;
    }
    let about = Made { layer: "conv2d0".to_owned(), ..Made::default() };
    let dictionary = Dictionary::new(config, numbers).unwrap();
    trainer::dictionary::write(folder, &dictionary, &about, Precision::F16).unwrap();
    let latent = |latent: usize| Latent {
        latent,
        frequency: if latent == 11 { 0.0 } else { 0.125 },
        purity: Some(0.75),
        partner: Some(11 - latent),
        nearest: vec![(latent + 1) % 12],
        ..Latent::default()
    };
    let latents: Vec<Latent> = (0..12).map(latent).collect();
    let evaluation = Evaluation { normalized_mse: 0.25, l0: 3.0, ..Evaluation::default() };
    evaluate::write(folder, &evaluation, &latents).unwrap();
}

#[test]
fn a_dictionary_ships_with_what_was_measured_and_with_exemplars_of_its_own_alone() {
    let bench = Bench::new();
    let [one, other] = ["dictionary", "other"].map(|name| bench.path(name));
    dictionary(&one, 0.0);
    dictionary(&other, 1.0);
    let exemplars = |name: &str, out: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_pellucid"))
            .current_dir(bench.0.path())
            .args(["exemplars", "googlenet", "conv2d0/sae-12", "--images", "gallery"])
            .args(["--dictionary", name, "--no-figure", "--device", "cpu", "--out", out])
            .arg("--weights")
            .arg(made::weights())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    };
    exemplars("dictionary", "found");
    exemplars("other", "elsewhere");
    let made = "--model googlenet --without-weights --gallery gallery --dreams dreams";
    bench.succeed(&format!("{made} --dictionary dictionary --exemplars found --out one"));
    let (bundle, files) = (bench.bundle("one"), bench.files("one"));
    let names: Vec<_> = bundle.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["conv2d0/sae-12", "mixed4a", "mixed4d"]);
    let layer = bundle.layer("conv2d0/sae-12").unwrap();
    assert_eq!((layer.latents, layer.exemplars.is_some()), (Some(12), true));
    // The files themselves, where SAELens looks for them.
    for (path, bytes) in bench.files("dictionary") {
        let there = files.get(&format!("conv2d0/sae-12/{path}"));
        let is_its_own = ["cfg.json", "sae_weights.safetensors"].contains(&path.as_str());
        assert_eq!(there == Some(&bytes), is_its_own, "{path}");
    }
    let worth = layer.worth.as_ref().unwrap();
    assert_eq!((worth.normalized_mse, worth.l0, worth.units), (0.25, 3.0, 12));
    // Frequency, mean and max are always measured.
    let measured = [Measure::Frequency, Measure::Mean, Measure::Max, Measure::Purity];
    assert_eq!(worth.measured, measured);
    let page = Latents::open(worth, 0, files[&worth.records[0].path].clone()).unwrap();
    let latent = page.latent(3).unwrap();
    assert_eq!((latent.measures[0], latent.measures[3]), (0.125, 0.75));
    assert_eq!((latent.partner, latent.nearest), (Some(8), vec![4]));
    // One that never fires has no place; the others' fill the map.
    let place = |unit| page.latent(unit).unwrap().place;
    let numbers = || (0..11).flat_map(place);
    assert_eq!((worth.mapped, place(11)), (true, [0.0; 2]));
    assert_eq!(numbers().reduce(f32::min), Some(-1.0));
    assert_eq!(numbers().reduce(f32::max), Some(1.0));

    // All of it stays in a bundle that is made from this one.
    bench.succeed("--from one --out again");
    assert_eq!(bench.files("again"), files);
    // Another dictionary under its name takes nothing over that was found with this one.
    let (code, said) = bench.fail("--from one --dictionary other --exemplars found --out new");
    assert!(code == Some(1) && said.contains("another dictionary"), "{said}");
    bench.succeed("--from one --dictionary other --out new");
    assert!(bench.bundle("new").layer("conv2d0/sae-12").unwrap().exemplars.is_none());
    bench.succeed("--from one --dictionary other --exemplars elsewhere --out new");
    assert!(bench.bundle("new").layer("conv2d0/sae-12").unwrap().exemplars.is_some());

    for (args, code, named) in [
        ("--from one --dictionary other --dictionary dictionary --out x", 2, "two are called"),
        ("--from one --dictionary mixed4a/mine=other --out x", 2, "takes 64 channels"),
        ("--from one --dictionary gallery --out x", 2, "no dictionary"),
    ] {
        let (found, said) = bench.fail(args);
        assert!(found == Some(code) && said.contains(named), "{args}: {said}");
    }
}

#[test]
fn a_call_that_cannot_work_exits_with_2_and_a_job_that_fails_with_1() {
    let bench = Bench::new();
    bench.succeed(&format!("{EVERYTHING} --out old"));
    for (args, code, named) in [
        ("--out new", 2, "--model"),
        ("--model googlenet", 2, "--out"),
        ("--from old --model inception-v1 --out new", 2, "bundle of googlenet"),
        ("--from old --layers mixed9z --out new", 2, "mixed9z"),
        ("--list . --out new", 2, "--list"),
        ("--from nowhere --out new", 1, "nowhere"),
        ("--from old --dreams nowhere --out new", 1, "nowhere"),
        ("--from old --gallery nowhere --out new", 1, "gallery.json"),
        ("--from old --layers mixed5b --out new", 1, "mixed5b"),
        ("--model googlenet --weights nowhere --out new", 1, "nowhere"),
        ("--from old --out gallery", 1, "holds no bundle.json"),
    ] {
        let (found, said) = bench.fail(args);
        assert_eq!(found, Some(code), "{args}: {said}");
        assert!(said.contains(named), "{args}: {said}");
        assert!(!bench.path("new").exists(), "{args}");
    }
}

#[test]
fn a_picture_that_cannot_be_read_is_named_and_nothing_is_written() {
    let bench = Bench::new();
    fs::write(bench.path("gallery/noise/7.png"), "this is prose").unwrap();
    let (code, said) = bench.fail(&format!("{EVERYTHING} --out new"));
    assert!(code == Some(1) && said.contains("7.png"), "{said}");
    assert!(!bench.path("new").exists());
}

#[test]
fn a_damaged_bundle_is_not_taken_from() {
    let bench = Bench::new();
    bench.succeed(&format!("{EVERYTHING} --out old"));
    let sheet = bench.path("old/gallery/1.jpg");
    let mut bytes = fs::read(&sheet).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&sheet, bytes).unwrap();
    let (code, said) = bench.fail("--from old --out new");
    assert!(code == Some(1) && said.contains("gallery/1.jpg"), "{said}");
    assert!(said.contains("sha256"), "{said}");
}

#[test]
fn bundles_are_listed_for_the_page() {
    let bench = Bench::new();
    bench.succeed("--model inception-v1 --without-weights --out bundles/inception-v1");
    bench.succeed("--model googlenet --without-weights --out bundles/googlenet");
    let printed = bench.succeed("--list bundles --json");
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let index = Index::parse(&fs::read(bench.path("bundles/index.json")).unwrap()).unwrap();
    assert_eq!(serde_json::to_value(&index).unwrap(), printed["index"]);
    assert_eq!(index.bundles[0].path, "googlenet");
}

/// Runs an export that may write no file longer than 64 KiB, after `before` in the same shell.
#[cfg(unix)]
fn limited(bench: &Bench, before: &str, args: &str) -> Output {
    let export = bench.arguments(args.split(' '));
    Command::new("sh")
        // Counted in blocks of 512 or 1024 bytes.
        .args(["-c", &format!("{before} ulimit -f 64; exec \"$@\""), "sh"])
        .arg(export.get_program())
        .args(export.get_args())
        .current_dir(bench.0.path())
        .output()
        .unwrap()
}

#[cfg(unix)]
fn old_and_larger(bench: &Bench) -> BTreeMap<String, Vec<u8>> {
    bench.succeed("--model googlenet --without-weights --dreams dreams --out bundle");
    bench.files("bundle")
}

#[cfg(unix)]
#[test]
fn an_export_killed_while_it_writes_leaves_the_old_bundle() {
    let bench = Bench::new();
    let old = old_and_larger(&bench);
    // The first file that is too long ends the program with a signal.
    let output = limited(&bench, "ulimit -c 0;", &format!("{EVERYTHING} --out bundle"));
    assert_eq!(output.status.code(), None, "{}", stderr(&output));
    assert_eq!(bench.files("bundle"), old);
    // What it left beside is no bundle, and the next one is not disturbed.
    bench.succeed(&format!("{EVERYTHING} --out bundle"));
    assert!(bench.bundle("bundle").gallery.is_some());
    fs::create_dir(bench.path("all")).unwrap();
    fs::rename(bench.path("bundle"), bench.path("all/bundle")).unwrap();
    for entry in fs::read_dir(bench.0.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_str().unwrap().starts_with("bundle.writing-") {
            fs::rename(entry.path(), bench.path("all").join(entry.file_name())).unwrap();
        }
    }
    bench.succeed("--list all");
    let index = Index::parse(&fs::read(bench.path("all/index.json")).unwrap()).unwrap();
    assert_eq!(index.bundles.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_disk_that_takes_no_more_is_said_and_leaves_the_old_bundle_and_nothing_beside() {
    let bench = Bench::new();
    let old = old_and_larger(&bench);
    // With the signal ignored, the system answers that the file may not grow.
    let output = limited(&bench, "trap '' XFSZ;", &format!("{EVERYTHING} --out bundle"));
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("writing the bundle bundle") && said.contains("gallery/0.jpg"), "{said}");
    assert_eq!(bench.files("bundle"), old);
    let beside: Vec<_> = fs::read_dir(Path::new(bench.0.path()))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("bundle."))
        .collect();
    assert!(beside.is_empty(), "{beside:?}");
}

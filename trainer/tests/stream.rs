//! `pellucid train --stream`: that pictures give what a store of them gives, and that no kill makes it
//! another dictionary.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

mod bench;
mod made;

use std::fs;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use bench::{Bench, stderr};
use made::stripes;

/// A folder to work in, with so many pictures of two classes.
fn bench(pictures: usize) -> Bench {
    let bench = Bench::new("train", made::weights());
    for number in 0..pictures {
        let class = if number % 2 == 0 { "n02123394" } else { "n02124075" };
        let folder = bench.path("pictures").join(class);
        fs::create_dir_all(&folder).unwrap();
        stripes(number).save(folder.join(format!("{number}.png"))).unwrap();
    }
    bench
}

const SMALL: [&str; 8] =
    ["--set", "latents=64", "--set", "k=4", "--set", "batch=64", "--set", "warm_up=10"];

/// A call of small dictionaries, straight from the pictures.
fn call<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let stream = ["--stream", "googlenet", "mixed3a", "--images", "pictures"];
    [stream.as_slice(), &SMALL, args].concat()
}

fn of_store(bench: &Bench, verb: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
    let output = command.current_dir(bench.path("")).arg(verb).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    output
}

fn weights(bench: &Bench, run: &str) -> Vec<u8> {
    fs::read(bench.path(run).join("sae_weights.safetensors")).unwrap()
}

#[test]
fn pictures_give_the_dictionary_that_a_store_of_them_in_single_precision_gives() {
    let bench = bench(9);
    let made = made::weights().to_str().unwrap();
    let store = ["googlenet", "mixed3a", "--images", "pictures", "--dtype", "f32", "--batch", "1"];
    let place = ["--weights", made, "--device", "cpu", "--out", "store"];
    of_store(&bench, "record", &[store.as_slice(), &place].concat());
    // Two pictures at a time, and all of them; the last epoch is cut short.
    for (buffer, told) in [("2", "shuffled within 2 of 9 pictures"), ("256", "all of them")] {
        let sets = ["--set", "thousands=18", "--seeds", "1", "--buffer", buffer];
        let [live, still] = ["live", "still"].map(|kind| format!("{kind}-{buffer}"));
        let args = [sets.as_slice(), &["--batch", "1", "--out", &live]].concat();
        let output = bench.succeed(&call(&args));
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
        assert!(stderr(&output).contains("classes: "), "{}", stderr(&output));
        let args = [["store"].as_slice(), &SMALL, &sets, &["--out", &still]].concat();
        let of_store = of_store(&bench, "train", &args);
        let classes = |output: &Output| {
            let said = stderr(output);
            said.lines().find(|line| line.starts_with("classes: ")).unwrap().to_owned()
        };
        assert_eq!(classes(&output), classes(&of_store));
        let [one, other] = [live, still].map(|run| weights(&bench, &format!("{run}/seed-0")));
        assert!(one == other, "--buffer {buffer}");
    }
}

#[cfg(unix)]
#[test]
fn runs_that_are_killed_again_and_again_end_in_the_same_bytes_although_a_picture_is_damaged() {
    let bench = bench(8);
    fs::write(bench.path("pictures/n02123394/5.png"), "this is prose").unwrap();
    for buffer in ["2", "256"] {
        let sets = ["--set", "thousands=40", "--buffer", buffer];
        let [whole, killed] = ["whole", "killed"].map(|kind| format!("{kind}-{buffer}"));
        let args = |out| call(&[sets.as_slice(), &["--out", out]].concat());
        let began = Instant::now();
        let output = bench.run(&args(&whole));
        let took = began.elapsed();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("1 of 9 pictures could not be read"), "{said}");
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..6 {
            let mut command = bench.command(&args(&killed));
            let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(took.mul_f64(random.random_range(0.2..0.8)));
            run.kill().unwrap();
            if run.wait().unwrap().code().is_some() {
                break;
            }
        }
        bench.run(&args(&killed));
        for seed in ["seed-0", "seed-1"] {
            for file in ["cfg.json", "sae_weights.safetensors"] {
                let [one, other] = [&whole, &killed]
                    .map(|out| fs::read(bench.path(out).join(seed).join(file)).unwrap());
                assert!(one == other, "--buffer {buffer}: {seed}/{file}");
            }
        }
        let again = bench.run(&args(&whole));
        let printed = String::from_utf8(again.stdout).unwrap();
        assert_eq!(printed.matches("there already").count(), 2, "{printed}");
    }
}

#[test]
fn a_dictionary_of_pictures_knows_what_they_were_and_other_pictures_are_another_job() {
    let bench = bench(3);
    let args = ["--set", "thousands=2", "--seeds", "1", "--tokens", "pooled", "--out", "runs"];
    bench.succeed(&call(&args));
    assert_eq!(bench.names("runs"), ["seed-0", "training.png"]);
    let about = &bench.json("runs/seed-0/cfg.json")["metadata"]["pellucid"];
    assert_eq!((&about["layer"], &about["tokens"]), (&"mixed3a".into(), &"pooled".into()));
    assert_eq!(about["model"], Value::from("googlenet"));
    stripes(3).save(bench.path("pictures/n02124075/3.png")).unwrap();
    let output = bench.succeed(&call(&args));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!printed.contains("there already"), "{printed}");
    assert_ne!(
        bench.json("runs/seed-0/cfg.json")["metadata"]["pellucid"]["store_sha256"],
        about["store_sha256"]
    );
}

#[test]
fn wrong_calls_say_what_is_wrong_and_write_nothing() {
    let bench = bench(2);
    let mut shard = tar::Builder::new(fs::File::create(bench.path("some.tar")).unwrap());
    shard.append_path_with_name(bench.path("pictures/n02123394/0.png"), "0.png").unwrap();
    shard.finish().unwrap();
    let layers = ["--stream", "mixed3a", "mixed3b", "--images", "pictures"];
    let tokens = [&call(&["--tokens", "cls"])[..]].concat();
    let cases: [(Vec<&str>, &str); 7] = [
        (vec!["--stream", "googlenet", "mixde3a", "--images", "pictures"], "mixed3a"),
        (vec!["--stream", "googlenet", "mixed3a"], "--images"),
        (layers.to_vec(), "mixed3a"),
        (vec!["--stream", "googlenet", "mixed3a", "--images", "some.tar"], "unpack it"),
        (tokens, "no class token"),
        (call(&["--batch", "0"]), "--batch is 0"),
        (call(&["--set", "layer=mixed3b"]), "--stream has no layer \"mixed3b\", only mixed3a"),
    ];
    for (args, said) in cases {
        let output = bench.run(&[args.as_slice(), &["--out", "runs"]].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
        assert!(!bench.path("runs").exists());
    }
}

//! The command line and its library, beside onnxruntime and torch.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::measured::{Measured, Part};
use super::peers::Peers;
use crate::cli::{Bench, Device};
use crate::process;
use crate::workspace::Workspace;

/// Ours, as the tables name it.
pub const OURS: &str = "Pellucid";

/// The same photographs, forward passes and little else: what exemplars and records are
/// compared with.
pub const BARE: &str = "classify alone";

/// How often ours and theirs take turns.
pub const TURNS: usize = 3;

/// How often memory is looked at while a program runs.
const POLL: Duration = Duration::from_millis(1);

/// Passes and steps, on the processor or through the driver asked for, beside peers.
pub fn steps(
    workspace: &Workspace,
    arguments: &Bench,
    weights: &Path,
    peers: &Peers,
    measured: &mut Measured,
) -> Result<()> {
    let (part, device, suffix) = match arguments.gpu {
        None => (Part::Native, "cpu", ""),
        Some(_) => (Part::NativeGpu, "cuda", " on CUDA"),
    };
    for turn in 1..=TURNS {
        println!("\nnative, turn {turn} of {TURNS}");
        let ours = step(workspace, arguments.gpu, weights, arguments.rounds)?;
        if let Some(name) = ours["adapter"].as_str() {
            measured.native_adapter = Some((name.to_owned(), ours["software"] == true));
        }
        measured.add_all(part, OURS, &ours["samples"])?;
        if let Value::Object(theirs) = peers.turn(device, arguments.rounds)? {
            for (who, samples) in &theirs {
                measured.add_all(part, &format!("{who}{suffix}"), samples)?;
            }
        }
    }
    Ok(())
}

/// Whole programs on the processor, from their start to their end.
pub fn programs(
    workspace: &Workspace,
    weights: &Path,
    peers: &Peers,
    measured: &mut Measured,
) -> Result<()> {
    classify(workspace, weights, peers, measured)?;
    exemplars(workspace, weights, measured)?;
    record(workspace, weights, measured)
}

/// Places of three modules of all photographs of the reference data kept on disk, the last of which
/// needs nearly the whole network, beside plain forward passes over them.
fn record(workspace: &Workspace, weights: &Path, measured: &mut Measured) -> Result<()> {
    let Some(photographs) = workspace.reference("images/imagenet-sample") else {
        println!("skipped: no photographs of the reference data to record");
        return Ok(());
    };
    const BATCH: [&str; 2] = ["--batch", "8"];
    let out = workspace.workshop().join("bench-record");
    for turn in 1..=TURNS {
        println!("\nrecord, turn {turn} of {TURNS}");
        if out.exists() {
            std::fs::remove_dir_all(&out).with_context(|| format!("removing {}", out.display()))?;
        }
        let mut ours = Command::new(workspace.pellucid());
        ours.args(["record", "googlenet", "mixed4a", "mixed4d", "mixed5b"]).args(BATCH);
        ours.arg("--images").arg(&photographs).arg("--weights").arg(weights).arg("--out").arg(&out);
        measured.add(Part::Whole, OURS, "record_time", &[watch(&mut ours)?.milliseconds]);
        let mut bare = Command::new(workspace.pellucid());
        bare.args(["classify", "googlenet"]).args(BATCH).arg(&photographs);
        bare.arg("--weights").arg(weights);
        measured.add(Part::Whole, BARE, "record_time", &[watch(&mut bare)?.milliseconds]);
    }
    Ok(())
}

/// Every channel of the nine modules over all photographs of the reference data, beside plain
/// forward passes over them.
fn exemplars(workspace: &Workspace, weights: &Path, measured: &mut Measured) -> Result<()> {
    let Some(photographs) = workspace.reference("images/imagenet-sample") else {
        println!("skipped: no photographs of the reference data to find exemplars among");
        return Ok(());
    };
    const MODULES: [&str; 9] = [
        "mixed3a", "mixed3b", "mixed4a", "mixed4b", "mixed4c", "mixed4d", "mixed4e", "mixed5a",
        "mixed5b",
    ];
    let out = workspace.workshop().join("bench-exemplars");
    for turn in 1..=TURNS {
        println!("\nexemplars, turn {turn} of {TURNS}");
        if out.exists() {
            std::fs::remove_dir_all(&out).with_context(|| format!("removing {}", out.display()))?;
        }
        let mut ours = Command::new(workspace.pellucid());
        ours.args(["exemplars", "googlenet"]).args(MODULES).arg("--images").arg(&photographs);
        ours.arg("--weights").arg(weights).arg("--no-figure").arg("--out").arg(&out);
        measured.add(Part::Whole, OURS, "exemplars_time", &[watch(&mut ours)?.milliseconds]);
        let mut bare = Command::new(workspace.pellucid());
        bare.args(["classify", "googlenet"]).arg(&photographs).arg("--weights").arg(weights);
        measured.add(Part::Whole, BARE, "exemplars_time", &[watch(&mut bare)?.milliseconds]);
    }
    Ok(())
}

/// A turn of `shared`'s benchmark.
fn step(
    workspace: &Workspace,
    device: Option<Device>,
    weights: &Path,
    rounds: u32,
) -> Result<Value> {
    let mut command = workspace.cargo();
    command.args(["bench", "--quiet", "--bench", "step"]);
    match device {
        None => command.arg("--workspace"),
        Some(driver) => command.args(["--package", "shared", "--features", driver.name()]),
    };
    command.arg("--").arg("--weights").arg(weights).args(["--rounds", &rounds.to_string()]);
    if let Some(driver) = device {
        command.arg(format!("--{}", driver.name()));
    }
    let printed = process::output(&mut command)?;
    serde_json::from_str(&printed).context("reading what the benchmark `step` printed")
}

/// A picture classified from the command line: start, weights, decoding, answer.
fn classify(
    workspace: &Workspace,
    weights: &Path,
    peers: &Peers,
    measured: &mut Measured,
) -> Result<()> {
    let Some(picture) = workspace.reference("images/imagenet-sample/n02123394/Persian_cat.jpg")
    else {
        println!("skipped: no photograph of the reference data to classify");
        return Ok(());
    };
    for _ in 0..TURNS {
        let mut ours = Command::new(workspace.pellucid());
        ours.args(["classify", "googlenet"]).arg(&picture).arg("--weights").arg(weights);
        note(OURS, &mut ours, measured)?;
        if let Some(mut theirs) = peers.command() {
            theirs.arg("classify").arg(peers.data()).arg(&picture);
            note("onnxruntime", &mut theirs, measured)?;
        }
    }
    Ok(())
}

fn note(who: &str, command: &mut Command, measured: &mut Measured) -> Result<()> {
    let Run { milliseconds, peak_bytes } = watch(command)?;
    measured.add(Part::Whole, who, "classify_time", &[milliseconds]);
    if let Some(bytes) = peak_bytes {
        measured.add(Part::Whole, who, "classify_memory", &[bytes]);
    }
    Ok(())
}

/// What a whole program cost.
struct Run {
    milliseconds: f64,
    /// Nothing where the system does not tell.
    peak_bytes: Option<f64>,
}

fn watch(command: &mut Command) -> Result<Run> {
    let name = command.get_program().to_string_lossy().into_owned();
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let mut peak_bytes = None;
    let status = loop {
        peak_bytes = peak(&child).or(peak_bytes);
        if let Some(status) = child.try_wait().with_context(|| format!("waiting for {name}"))? {
            break status;
        }
        thread::sleep(POLL);
    };
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(Run { milliseconds: began.elapsed().as_secs_f64() * 1e3, peak_bytes })
}

fn peak(child: &Child) -> Option<f64> {
    memory_line(child.id(), "VmHWM:")
}

/// A line of what Linux says about a process's memory, in bytes.
pub fn memory_line(process: u32, name: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

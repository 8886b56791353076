//! Other people's libraries, installed where nothing else sees them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::{Workspace, find_program};
use crate::{npm, process};

/// Python packages that the script needs; torch is large and only taken if it is there.
const PYTHON: [&str; 5] = ["onnxruntime==1.31.1", "onnx==1.22.0", "numpy", "pillow", "safetensors"];

/// JavaScript packages that the page needs.
const JAVASCRIPT: [&str; 4] = [
    "onnxruntime-web@1.30.0",
    "@tensorflow/tfjs@4.22.0",
    "@tensorflow/tfjs-backend-wasm@4.22.0",
    "@tensorflow/tfjs-backend-webgpu@4.22.0",
];

/// What there is to compare with.
pub struct Peers {
    /// Serves `/node_modules` and `/data` to a page.
    pub folder: PathBuf,
    script: PathBuf,
    python: Option<PathBuf>,
    /// Whether JavaScript's libraries are there.
    pub javascript: bool,
}

impl Peers {
    /// Installs what is missing and writes the network in their formats. What cannot be had is
    /// named and left out.
    pub fn prepare(workspace: &Workspace, weights: &Path) -> Result<Self> {
        let folder = workspace.workshop().join("peers");
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let script = workspace.root.join("scripts/bench_peers.py");
        let python = python(&folder)
            .inspect_err(|error| println!("onnxruntime and torch are left out: {error:#}"))
            .ok();
        let javascript = match &python {
            Some(_) => npm::install(&folder, &JAVASCRIPT)
                .inspect_err(|error| println!("the browser's peers are left out: {error:#}"))
                .is_ok(),
            None => false,
        };
        let peers = Self { folder, script, python, javascript };
        if let Some(mut command) = peers.command() {
            let data = peers.folder.join("data");
            process::run(command.arg("export").arg(weights).arg(data))?;
        }
        Ok(peers)
    }

    /// The script, to be given its verb.
    pub fn command(&self) -> Option<Command> {
        let mut command = Command::new(self.python.as_ref()?);
        command.arg(&self.script);
        Some(command)
    }

    /// The network in their formats.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Samples of a turn: `{"onnxruntime": {"forward_224": [..]}, "torch": ..}`; on `cpu` or
    /// `cuda`.
    pub fn turn(&self, device: &str, rounds: u32) -> Result<Value> {
        let Some(mut command) = self.command() else { return Ok(Value::Null) };
        command.arg("time").arg(self.data()).args(["--rounds", &rounds.to_string()]);
        command.args(["--device", device]);
        let printed = process::output(&mut command)?;
        serde_json::from_str(&printed).context("reading what scripts/bench_peers.py printed")
    }
}

/// A Python that has the packages: one of our own that also sees the system's.
fn python(folder: &Path) -> Result<PathBuf> {
    let system = find_program(&["python3", "python"]).context("there is no Python")?;
    let own = folder.join("python");
    let binary = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let python = own.join(binary);
    if !python.is_file() {
        process::run(
            Command::new(&system).args(["-m", "venv", "--system-site-packages"]).arg(&own),
        )?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    process::run(Command::new(&python).args(pip).args(PYTHON))?;
    Ok(python)
}

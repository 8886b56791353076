//! The bundle the page opens: which weights go into it, and when it must be made again.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::stamp::{self, Fingerprint};
use crate::workspace::Workspace;

/// The network the page opens with.
const MODEL: &str = "googlenet";

/// Makes `public/bundles/googlenet` from the best weights at hand and says which they are.
///
/// Without any weights the page is built all the same: it opens and says what is missing.
pub fn make(workspace: &Workspace, named: Option<&Path>) -> Result<()> {
    let folder = workspace.root.join("public/bundles").join(MODEL);
    let weights = match choose(workspace, named)? {
        Some(weights) => weights,
        None if folder.join("bundle.json").is_file() => {
            println!("weights: none at hand; the bundle made before stays");
            return Ok(());
        }
        None => match fetch(workspace) {
            Ok(weights) => weights,
            Err(error) => {
                println!("weights: none ({error:#})");
                println!("the page opens without a network; give one with --weights FILE");
                return Ok(());
            }
        },
    };
    export(workspace, &weights, &folder)
}

/// The weights to use, without any download.
fn choose(workspace: &Workspace, named: Option<&Path>) -> Result<Option<PathBuf>> {
    if let Some(file) = named {
        if !file.is_file() {
            bail!("--weights {}: there is no such file", file.display());
        }
        println!("weights: {} (named with --weights)", file.display());
        return Ok(Some(file.to_owned()));
    }
    let cached = cached_weights().filter(|file| file.is_file());
    if let Some(file) = cached {
        println!("weights: {} (the user's cache)", file.display());
        return Ok(Some(file));
    }
    let reference = workspace.reference("weights/bvlc_googlenet.safetensors");
    if let Some(file) = &reference {
        println!("weights: {} (the reference data)", file.display());
    }
    Ok(reference)
}

/// Where `pellucid fetch googlenet` puts them.
fn cached_weights() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let platform = || {
        if cfg!(target_os = "macos") {
            set("HOME").map(|home| home.join("Library/Caches"))
        } else if cfg!(windows) {
            set("LOCALAPPDATA")
        } else {
            set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
        }
    };
    let cache = set("PELLUCID_CACHE").or_else(|| Some(platform()?.join("pellucid")))?;
    Some(cache.join("weights").join(format!("{MODEL}.safetensors")))
}

fn fetch(workspace: &Workspace) -> Result<PathBuf> {
    println!("weights: none on this machine; downloading {MODEL}");
    build_pellucid(workspace)?;
    process::run(workspace.tool(&workspace.pellucid().to_string_lossy()).args(["fetch", MODEL]))?;
    cached_weights()
        .filter(|file| file.is_file())
        .with_context(|| format!("`pellucid fetch {MODEL}` left no file in the cache"))
}

fn export(workspace: &Workspace, weights: &Path, folder: &Path) -> Result<()> {
    let fingerprint = Fingerprint::default()
        .with_path(weights)?
        .with_path(&workspace.root.join("trainer/src"))?
        .with_path(&workspace.root.join("shared/src"))?
        .finish();
    let stamp = workspace.workshop().join(format!("bundle-{MODEL}"));
    if folder.join("bundle.json").is_file() && stamp::is_current(&stamp, &fingerprint) {
        return Ok(());
    }
    build_pellucid(workspace)?;
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    let mut command = workspace.tool(&workspace.pellucid().to_string_lossy());
    command.args(["export", "--model", MODEL, "--weights"]).arg(weights);
    command.arg("--out").arg(folder);
    process::run(&mut command)?;
    stamp::set(&stamp, &fingerprint)
}

/// Builds the native companion, with the features it has in the tests: what `--workspace`
/// selects. Alone it would get fewer, and the tensor stack would be compiled once more.
fn build_pellucid(workspace: &Workspace) -> Result<()> {
    let arguments = ["build", "--release", "--workspace", "--exclude", "xtask", "--bins"];
    process::run(workspace.cargo().args(arguments))
}

//! Weights that do not ship: where they may lie on this machine, and how GoogLeNet's come to it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, str};

use anyhow::{Context, Result, anyhow, bail};

use super::{GOOGLENET, TRANSFORMER};
use crate::process;
use crate::workspace::Workspace;

/// Where weights come from, and where they are kept.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// An address other than the published one.
    pub address: Option<String>,
    /// A folder instead of the user's cache.
    pub cache: Option<PathBuf>,
}

/// Whether a download is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// By the person at the terminal.
    Shown,
    /// By nobody: of a failure the last line is kept.
    Hidden,
}

/// A network's weights to use, without any download.
pub fn at_hand(
    workspace: &Workspace,
    network: &str,
    named: Option<&Path>,
) -> Result<Option<PathBuf>> {
    if let Some(file) = named {
        if !file.is_file() {
            bail!("--weights {}: there is no such file", file.display());
        }
        println!("weights: {} (named with --weights)", file.display());
        return Ok(Some(file.to_owned()));
    }
    let cached = cached(network).filter(|file| file.is_file());
    if let Some(file) = cached {
        println!("weights: {} (the user's cache)", file.display());
        return Ok(Some(file));
    }
    let reference = workspace.reference(match network {
        TRANSFORMER => "weights/vit_tiny_patch16_224.safetensors",
        _ => "weights/bvlc_googlenet.safetensors",
    });
    if let Some(file) = &reference {
        println!("weights: {} (the reference data)", file.display());
    }
    Ok(reference)
}

/// Where `pellucid fetch` puts a network's.
fn cached(network: &str) -> Option<PathBuf> {
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
    Some(cache.join("weights").join(format!("{network}.safetensors")))
}

/// Lets `pellucid fetch` bring GoogLeNet's, resumed and verified, and says where they are.
pub fn fetch(workspace: &Workspace, source: &Source, progress: Progress) -> Result<PathBuf> {
    let mut command = workspace.tool(workspace.pellucid());
    command.args(["fetch", GOOGLENET]);
    if let Some(address) = &source.address {
        command.args(["--from", address]);
    }
    if let Some(cache) = &source.cache {
        command.env("PELLUCID_CACHE", cache);
    }
    let printed = match progress {
        Progress::Shown => process::output(&mut command)?,
        Progress::Hidden => {
            let output = command.stdin(Stdio::null()).output().context("starting pellucid")?;
            if !output.status.success() {
                return Err(reason(&output.stderr));
            }
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
    };
    let file = PathBuf::from(printed.trim_end());
    if !file.is_file() {
        bail!("`pellucid fetch {GOOGLENET}` left no file at {}", file.display());
    }
    Ok(file)
}

/// Why `pellucid` failed, from what it said last.
fn reason(stderr: &[u8]) -> anyhow::Error {
    let said = str::from_utf8(stderr).unwrap_or_default();
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    anyhow!("{}", last.strip_prefix("pellucid: ").unwrap_or(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_by_its_last_line() {
        let said = b"fetching googlenet from http://a\npellucid: http://a cannot be reached\n\n";
        assert_eq!(reason(said).to_string(), "http://a cannot be reached");
        assert_eq!(reason(b"").to_string(), "it said nothing");
    }
}

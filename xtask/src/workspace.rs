//! Where things are: the checkout, the target folder, the cache, the reference data.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// The checkout this program was started for.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder; everything that can be made again lives below it.
    pub target: PathBuf,
    /// What `cargo metadata --no-deps` said.
    pub metadata: Value,
}

impl Workspace {
    /// Asks cargo, starting from the checkout `cargo xtask` was called in.
    pub fn find() -> Result<Self> {
        // At run time rather than when compiled: several checkouts may share a target folder.
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let Some(root) = manifest_dir.parent() else {
            bail!("{} has no folder above it", manifest_dir.display());
        };
        let text = process::output(
            Command::new("cargo")
                .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
                .current_dir(root),
        )?;
        let metadata: Value =
            serde_json::from_str(&text).context("reading what `cargo metadata` printed")?;
        let target = metadata["target_directory"]
            .as_str()
            .context("`cargo metadata` names no target_directory")?
            .into();
        Ok(Self { root: root.to_owned(), target, metadata })
    }

    /// The folder for what this program makes and keeps: sites, optimised wasm, stamps.
    #[must_use]
    pub fn workshop(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// Where something that runs in the background leaves what it prints.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        let folder = self.workshop();
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(folder.join(format!("{name}.log")))
    }

    /// The site that `serve` and `test` use.
    #[must_use]
    pub fn site(&self) -> PathBuf {
        self.workshop().join("site")
    }

    /// A file of the reference data beside the checkout, if it is there.
    #[must_use]
    pub fn reference(&self, path: &str) -> Option<PathBuf> {
        let file = self.root.join("..").join("shared").join(path);
        file.exists().then_some(file)
    }

    /// The command line of the native companion, built in release.
    #[must_use]
    pub fn pellucid(&self) -> PathBuf {
        self.target.join("release").join(format!("pellucid{}", env::consts::EXE_SUFFIX))
    }

    /// `cargo` in the checkout, with the folder of installed tools on its path.
    #[must_use]
    pub fn cargo(&self) -> Command {
        self.tool("cargo")
    }

    /// A program in the checkout, with the folder of installed tools on its path.
    #[must_use]
    pub fn tool(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("PATH", search_path());
        // A child cargo must not take this package's for its own.
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
        command
    }
}

/// Where cargo installs programs.
fn cargo_bin() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))?;
    Some(home.join("bin"))
}

/// `PATH` with cargo's own folder in front: a fresh machine may not have it there yet.
fn search_path() -> std::ffi::OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = cargo_bin().into_iter().chain(env::split_paths(&path));
    env::join_paths(folders).unwrap_or(path)
}

/// The first of `names` that lies in a folder of the search path.
#[must_use]
pub fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = search_path();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file() || file.with_extension("exe").is_file()
}

//! The command line for NVIDIA's GPUs, and the LLVM that it is linked with.
//!
//! While `tracel-llvm-bundler` is compiled it downloads a release of LLVM, unless one lies where it
//! keeps it. Where there is no network, another takes that place.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::cli::{Cuda, DEBIANS_LLVM};
use crate::process;
use crate::tools::apt_install;
use crate::workspace::Workspace;

/// What apt is asked for where [`DEBIANS_LLVM`] is not there: it, and what it is linked with.
const PACKAGES: [&str; 5] =
    ["llvm-22-dev", "libpolly-22-dev", "libzstd-dev", "zlib1g-dev", "libxml2-dev"];

/// What must be in a folder of LLVM.
const NEEDED: [&str; 4] =
    ["bin/llvm-config", "include/llvm-c/Core.h", "lib/libLLVMCore.a", "lib/libPolly.a"];

/// The file that says to `tracel-llvm-bundler` that it has nothing to do.
const IN_PLACE: &str = ".tracel-llvm-installed";

/// `cargo xtask cuda`.
pub fn run(workspace: &Workspace, arguments: &Cuda) -> Result<()> {
    if let Some(llvm) = &arguments.llvm {
        if llvm == Path::new(DEBIANS_LLVM) && missing(llvm).is_some() {
            apt_install(&PACKAGES).context("installing Debian's LLVM 22")?;
        }
        let place = place(workspace)?;
        put(llvm, &place)?;
        println!("LLVM: {} at {}", llvm.display(), place.display());
    }
    let mut command = workspace.cargo();
    command.args(["build", "--release", "--package", "trainer", "--features", "cuda"]);
    process::run(&mut command)?;
    println!("built {}", workspace.pellucid().display());
    Ok(())
}

/// Lints what is compiled for NVIDIA's GPUs alone. Nothing is linked, so LLVM is not needed.
pub fn lint(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["clippy", "--release", "--workspace", "--all-targets"]);
    command.args(["--features", "trainer/cuda", "--", "-D", "warnings"]);
    // As documentation is built, where build scripts must not download.
    process::run(command.env("DOCS_RS", "1"))
}

/// Where `tracel-llvm-bundler`, of the version in `Cargo.lock`, keeps its LLVM.
fn place(workspace: &Workspace) -> Result<PathBuf> {
    let lock = workspace.root.join("Cargo.lock");
    let text = fs::read_to_string(&lock).with_context(|| format!("reading {}", lock.display()))?;
    let version = text.split_once("name = \"tracel-llvm-bundler\"\nversion = \"");
    let version = version.and_then(|(_, rest)| rest.split('"').next());
    let version = version
        .with_context(|| format!("{} has no package tracel-llvm-bundler", lock.display()))?;
    let data = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|data| data.is_absolute());
    let data = data.or_else(|| Some(env::home_dir()?.join(".local/share")));
    let data = data.context("there is no home folder to keep LLVM in")?;
    Ok(data.join("tracel").join(format!("tracel-llvm-{version}")))
}

/// What a folder of LLVM lacks.
fn missing(llvm: &Path) -> Option<&'static str> {
    NEEDED.into_iter().find(|file| !llvm.join(file).is_file())
}

/// Puts an LLVM in the place of the one that would be downloaded. Nothing of it is copied or
/// changed.
#[cfg(unix)]
fn put(llvm: &Path, place: &Path) -> Result<()> {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let llvm = llvm.canonicalize().with_context(|| format!("looking for {}", llvm.display()))?;
    if let Some(file) = missing(&llvm) {
        bail!("{} is no LLVM with headers and static libraries: it lacks {file}", llvm.display());
    }
    let is_ours = place.join("include").is_symlink();
    if place.join(IN_PLACE).exists() && !is_ours {
        bail!(
            "{} has an LLVM that was downloaded: remove it, or leave out --llvm",
            place.display()
        );
    }
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("removing {}", place.display()))?;
    }
    let written = || -> std::io::Result<()> {
        fs::create_dir_all(place.join("bin"))?;
        for folder in ["include", "lib"] {
            symlink(llvm.join(folder), place.join(folder))?;
        }
        // It names libraries of the system by their paths, which the bundler takes for names.
        let config = llvm.join("bin/llvm-config").display().to_string().replace('\'', r"'\''");
        let script = format!(
            "#!/bin/sh\nprinted=$('{config}' \"$@\") || exit\n\
             printf '%s\\n' \"$printed\" | sed 's#/[^ ]*/lib\\([^/ ]*\\)\\.so#-l\\1#g'\n"
        );
        let program = place.join("bin/llvm-config");
        fs::write(&program, script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        fs::write(place.join(IN_PLACE), "")
    };
    written().with_context(|| format!("putting LLVM at {}", place.display()))
}

#[cfg(not(unix))]
fn put(_llvm: &Path, _place: &Path) -> Result<()> {
    bail!("--llvm needs symbolic links: let LLVM be downloaded here");
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    /// A folder that looks like one of LLVM; its program prints what it was asked.
    fn llvm(name: &str) -> PathBuf {
        let root = env::temp_dir().join(format!("pellucid-cuda-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let llvm = root.join("it's LLVM");
        for file in NEEDED {
            let path = llvm.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "#!/bin/sh\necho \"$@\"\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        root
    }

    #[test]
    fn an_llvm_takes_the_place_and_names_libraries_as_linkers_do() {
        let root = llvm("put");
        let place = root.join("data/tracel-llvm-1");
        for _ in 0..2 {
            put(&root.join("it's LLVM"), &place).unwrap();
        }
        assert!(place.join(IN_PLACE).exists() && place.join("include/llvm-c/Core.h").exists());
        let mut config = Command::new(place.join("bin/llvm-config"));
        config.args(["-lrt", "/usr/lib/x86_64-linux-gnu/libz3.so", "-lm", "/usr/lib/llvm-22/lib"]);
        let printed = process::output(&mut config).unwrap();
        assert_eq!(printed.trim(), "-lrt -lz3 -lm /usr/lib/llvm-22/lib");
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_was_downloaded_stays_and_what_is_no_llvm_is_refused() {
        let root = llvm("refused");
        let (llvm, place) = (root.join("it's LLVM"), root.join("data"));
        fs::create_dir_all(place.join("include")).unwrap();
        fs::write(place.join(IN_PLACE), "").unwrap();
        let error = put(&llvm, &place).unwrap_err().to_string();
        assert!(error.contains("was downloaded") && place.join("include").exists(), "{error}");
        fs::remove_file(llvm.join("lib/libPolly.a")).unwrap();
        let error = put(&llvm, &root.join("other")).unwrap_err().to_string();
        assert!(error.contains("lacks lib/libPolly.a"), "{error}");
        assert!(put(&root.join("nowhere"), &place).is_err());
        fs::remove_dir_all(root).unwrap();
    }
}

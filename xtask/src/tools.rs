//! The programs the tasks need, at pinned versions; installs those that are missing.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cli::Tools;
use crate::npm;
use crate::process::{self, Background};
use crate::workspace::{Workspace, find_program};

/// The target the page is compiled for.
pub const WASM: &str = "wasm32-unknown-unknown";

/// A program that cargo installs.
struct CargoTool {
    /// The package's name.
    package: &'static str,
    /// The program's name.
    program: &'static str,
    /// The version that was tried with the rest.
    version: &'static str,
    /// The version as the program itself prints it.
    printed: &'static str,
    /// Whether the package's own lock file still resolves.
    locked: bool,
    /// How well it is optimized: compiling it costs more than all it ever does.
    opt_level: &'static str,
    /// CPU minutes it takes to compile, for the person who waits.
    minutes: u32,
}

const TRUNK: CargoTool = CargoTool {
    package: "trunk",
    program: "trunk",
    version: "0.21.14",
    printed: "0.21.14",
    locked: true,
    opt_level: "0",
    minutes: 7,
};

// Must be the version of the `wasm-bindgen` library in Cargo.lock.
const WASM_BINDGEN: CargoTool = CargoTool {
    package: "wasm-bindgen-cli",
    program: "wasm-bindgen",
    version: "0.2.130",
    printed: "0.2.130",
    // A package its lock file names has been withdrawn.
    locked: false,
    opt_level: "1",
    minutes: 3,
};

// Of any version from this on: what they write differs in a few per cent of its size.
const WASM_OPT: CargoTool = CargoTool {
    package: "wasm-opt",
    program: "wasm-opt",
    version: "0.116.1",
    printed: "version 116",
    locked: true,
    opt_level: "1",
    minutes: 11,
};

/// The same program as npm has it, compiled to JavaScript: there at once, and slower at its work.
const WASM_OPT_FROM_NPM: &str = "binaryen@132.0.0";

/// `cargo xtask tools`.
pub fn run(workspace: &Workspace, arguments: &Tools) -> Result<()> {
    for_page(workspace, !arguments.for_serve)?;
    if arguments.for_serve { Ok(()) } else { browser().map(drop) }
}

/// Installs all of them beside whatever else is done until they are needed: compiling them leaves
/// much of two cores idle, as do the tests.
pub fn in_background(workspace: &Workspace) -> Result<Background> {
    start(workspace, &[])
}

/// The same with what a build of the page needs; nothing where all of that is there.
pub fn for_page_in_background(workspace: &Workspace, optimize: bool) -> Result<Option<Background>> {
    let is_missing = |tool| !is_there(workspace, tool).0;
    if is_missing(&TRUNK)
        || is_missing(&WASM_BINDGEN)
        || (optimize && wasm_opt(workspace).is_none())
    {
        let arguments: &[&str] = if optimize { &[] } else { &["--for-serve"] };
        return start(workspace, arguments).map(Some);
    }
    wasm_target(workspace).map(|()| None)
}

fn start(workspace: &Workspace, arguments: &[&str]) -> Result<Background> {
    // Now, because it may be needed at once, and rustup does one thing at a time.
    wasm_target(workspace)?;
    let program = std::env::current_exe().context("finding this program")?;
    let mut command = Command::new(program);
    command.arg("tools").args(arguments);
    command.env("CARGO_MANIFEST_DIR", workspace.root.join("xtask"));
    Background::start(&mut command, &workspace.log("tools")?)
}

/// Everything the page's build needs.
fn for_page(workspace: &Workspace, optimize: bool) -> Result<()> {
    wasm_target(workspace)?;
    install(workspace, &WASM_BINDGEN)?;
    install(workspace, &TRUNK)?;
    if optimize && wasm_opt(workspace).is_none() {
        install_wasm_opt(workspace)?;
    }
    Ok(())
}

/// The wasm-opt that is there: on the path, or from npm in the workshop.
pub fn wasm_opt(workspace: &Workspace) -> Option<PathBuf> {
    let from_npm = npm_folder(workspace).join("node_modules/.bin/wasm-opt");
    [PathBuf::from(WASM_OPT.program), from_npm].into_iter().find(|program| {
        let printed = process::quiet_output(workspace.tool(program).arg("--version"));
        printed.and_then(|line| binaryen_version(&line)).is_some_and(|version| version >= 116)
    })
}

/// The number in "wasm-opt version 116 (version_116)".
fn binaryen_version(printed: &str) -> Option<u32> {
    printed.split_whitespace().skip_while(|word| *word != "version").nth(1)?.parse().ok()
}

fn npm_folder(workspace: &Workspace) -> PathBuf {
    workspace.workshop().join("npm")
}

/// From npm where that is there: compiling it takes longer than all else together.
fn install_wasm_opt(workspace: &Workspace) -> Result<()> {
    println!("wasm-opt is not installed");
    match npm::install(&npm_folder(workspace), &[WASM_OPT_FROM_NPM]) {
        Ok(()) if wasm_opt(workspace).is_some() => return Ok(()),
        Ok(()) => println!("npm's {WASM_OPT_FROM_NPM} does not run here"),
        Err(error) => println!("{error:#}"),
    }
    install(workspace, &WASM_OPT)
}

/// The standard library for wasm.
pub fn wasm_target(workspace: &Workspace) -> Result<()> {
    let mut ask = workspace.tool("rustc");
    let folder = process::quiet_output(ask.args(["--print", "target-libdir", "--target", WASM]));
    if folder.is_some_and(|folder| PathBuf::from(folder.trim()).is_dir()) {
        return Ok(());
    }
    if find_program(&["rustup"]).is_none() {
        bail!(
            "the Rust target {WASM} is missing and so is rustup; install rustup, \
             or the target's standard library with the system's packages"
        );
    }
    process::run(workspace.tool("rustup").args(["target", "add", WASM]))
}

/// Whether it is there in the version wanted, and what the one that is there says of itself.
fn is_there(workspace: &Workspace, tool: &CargoTool) -> (bool, Option<String>) {
    let found = process::quiet_output(workspace.tool(tool.program).arg("--version"));
    (found.as_deref().is_some_and(|line| line.contains(tool.printed)), found)
}

fn install(workspace: &Workspace, tool: &CargoTool) -> Result<()> {
    let (is_there, found) = is_there(workspace, tool);
    if is_there {
        return Ok(());
    }
    let CargoTool { package, program, version, opt_level, minutes, .. } = tool;
    match found {
        Some(line) => println!("{program} is {}, wanted {version}", line.trim()),
        None => println!("{program} is not installed"),
    }
    println!("installing {package} {version} with cargo (about {minutes} CPU minutes)");
    let compiled = workspace.workshop().join("tools");
    let mut command = workspace.cargo();
    command.args(["install", package, "--version", &format!("={version}"), "--target-dir"]);
    command.arg(&compiled);
    if tool.locked {
        command.arg("--locked");
    }
    // None of them needs a network or debug information of its own.
    command.arg("--no-default-features");
    for (setting, value) in [("OPT_LEVEL", *opt_level), ("LTO", "off"), ("CODEGEN_UNITS", "16")] {
        command.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    process::run(&mut command).with_context(|| {
        format!("{program} {version} could not be installed; see the compiler's message above")
    })
}

/// A browser and the program that drives it.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Chromium or Chrome.
    pub chromium: PathBuf,
    /// ChromeDriver, of the same version.
    pub driver: PathBuf,
}

/// Chromium and its driver; `$CHROME` and `$CHROMEDRIVER` name others than those on the path.
pub fn find_browser() -> Option<Browser> {
    let named = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
    let chromium = named("CHROME").or_else(|| {
        find_program(&["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"])
    })?;
    let driver = named("CHROMEDRIVER").or_else(|| find_program(&["chromedriver"]))?;
    Some(Browser { chromium, driver })
}

/// Finds the browser, or installs it where apt can.
pub fn browser() -> Result<Browser> {
    if let Some(browser) = find_browser() {
        return Ok(browser);
    }
    println!("Chromium or its driver is not installed");
    let wanted = "install `chromium` and `chromium-driver` (or Chrome and ChromeDriver of the \
                  same version), or name them in $CHROME and $CHROMEDRIVER";
    apt_install(&["chromium", "chromium-driver"]).with_context(|| wanted)?;
    find_browser().with_context(|| format!("apt installed no usable browser; {wanted}"))
}

/// Installs packages through apt, as root or through sudo where that asks no password.
pub fn apt_install(packages: &[&str]) -> Result<()> {
    let Some(apt) = find_program(&["apt-get"]) else {
        bail!("there is no apt on this machine");
    };
    let identity = process::quiet_output(Command::new("id").arg("-u"));
    let is_root = identity.is_some_and(|user| user.trim() == "0");
    let sudo = find_program(&["sudo"]);
    if !is_root && sudo.is_none() {
        bail!("apt needs root, and there is no sudo");
    }
    let call = |arguments: &[&str]| {
        let mut command = match (&sudo, is_root) {
            (Some(sudo), false) => {
                let mut command = Command::new(sudo);
                command.arg("-n").arg(&apt);
                command
            }
            _ => Command::new(&apt),
        };
        process::run(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    call(&["update"])?;
    call(&[&["install", "-y", "--no-install-recommends"], packages].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_wasm_opt_are_read_as_each_prints_its_own() {
        assert_eq!(binaryen_version("wasm-opt version 116 (version_116)"), Some(116));
        assert_eq!(binaryen_version("wasm-opt version 108"), Some(108));
        assert_eq!(binaryen_version("something else"), None);
    }
}

//! Every test, cheapest first: native, wasm, the built page in a browser.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cli::{Content, Test};
use crate::process::{self, Background};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{build, stamp, tools};

/// `cargo xtask test`.
pub fn run(workspace: &Workspace, arguments: &Test) -> Result<()> {
    let tools = if arguments.native { None } else { Some(tools::in_background(workspace)?) };
    all(workspace, arguments, &mut Steps::default(), tools)
}

/// The steps of `test`, after those already taken; those in a browser need the tools that are being
/// installed.
pub fn all(
    workspace: &Workspace,
    arguments: &Test,
    steps: &mut Steps,
    tools: Option<Background>,
) -> Result<()> {
    let weights = workspace.reference("weights/bvlc_googlenet.safetensors");
    if weights.is_none() {
        steps.skip(
            "checks against real weights, photographs and golden data: \
             there is no folder `shared` with them beside the checkout",
        );
    }
    if !arguments.browser {
        steps.step("native tests", || native(workspace, arguments))?;
    }
    if let Some(tools) = tools {
        steps.step("wasm tests, compiled", || {
            process::run(wasm(workspace, arguments).arg("--no-run"))
        })?;
        steps.step("tools and browser", || tools.wait())?;
        // They leave a core idle, and compiling has none to lose.
        let mut tests = wasm_in_browser(workspace, arguments)?;
        let tests = Background::start(&mut tests, &workspace.log("wasm-tests")?)?;
        let content = Content { weights, optimize: true };
        let mut site = None;
        steps.step("the page, built", || {
            site = Some(build::usual_site(workspace, &content)?);
            Ok(())
        })?;
        steps.step("wasm tests in Chromium", || tests.wait())?;
        if let Some(site) = site {
            let mut unsteady = Vec::new();
            steps.step("the page in Chromium", || {
                page(workspace, arguments, &site, &mut unsteady)
            })?;
            for name in unsteady {
                steps.note(&format!("failed at first, passed when it was repeated: {name}"));
            }
        }
    }
    steps.report();
    println!("\nall tests passed");
    Ok(())
}

fn native(workspace: &Workspace, arguments: &Test) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["test", "--release"]);
    // The page's own code is quick enough as it comes, and takes minutes to optimize.
    command.args(["--config", "profile.release.package.app.opt-level=0"]);
    match arguments.device {
        None => command.arg("--workspace"),
        Some(device) => command.args(["--package", "shared", "--features", device.name()]),
    };
    if let Some(only) = &arguments.only {
        command.arg(only);
    }
    process::run(&mut command)
}

fn wasm(workspace: &Workspace, arguments: &Test) -> Command {
    let mut command = workspace.cargo();
    command.args(["test", "--release", "--target", tools::WASM, "--package", "app"]);
    command.args(["--package", "shared", "--features", "app/webgpu", "--test", "wasm"]);
    if let Some(only) = &arguments.only {
        command.arg(only);
    }
    command
}

fn wasm_in_browser(workspace: &Workspace, arguments: &Test) -> Result<Command> {
    let browser = tools::browser()?;
    lend_reference_data(workspace)?;
    let mut command = wasm(workspace, arguments);
    command
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        .env("CHROMEDRIVER", browser.driver)
        // A software GPU takes its time over a network at full size.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "900")
        // Seconds until the driver answers: it starts while the page is compiled.
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60");
    Ok(command)
}

/// Copies what the wasm tests compare with to where their runner serves files from: the package.
fn lend_reference_data(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root.join("shared/tests/wasm-data");
    let files = [
        ("weights/bvlc_googlenet.safetensors", "weights.safetensors"),
        ("golden/googlenet.safetensors", "golden.safetensors"),
        ("weights/vit_tiny_patch16_224.safetensors", "vit-weights.safetensors"),
        ("golden/vit_tiny.safetensors", "vit-golden.safetensors"),
    ];
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    for (theirs, ours) in files {
        let copy = folder.join(ours);
        match workspace.reference(theirs) {
            Some(file) => {
                let bytes = stamp::read(&file)?;
                fs::write(&copy, bytes).with_context(|| format!("writing {}", copy.display()))?;
            }
            None if copy.exists() => {
                fs::remove_file(&copy).with_context(|| format!("removing {}", copy.display()))?
            }
            None => {}
        }
    }
    Ok(())
}

/// The tests of the page. One that fails is tried once more and named at the end if it passes then:
/// a browser is a large machine, and whether the page is at fault shows in both.
fn page(
    workspace: &Workspace,
    arguments: &Test,
    site: &Path,
    unsteady: &mut Vec<String>,
) -> Result<()> {
    let tests = |names: &[String]| {
        let mut command = workspace.cargo();
        command.args(["test", "--release", "--package", "xtask", "--test", "page", "--"]);
        // One browser at a time: two would fight for the processor and for memory.
        command.args(["--ignored", "--test-threads=1"]).args(names);
        command.env("PELLUCID_SITE", site);
        command
    };
    let only: Vec<String> = arguments.only.iter().cloned().collect();
    let (passed, printed) = process::run_and_keep(&mut tests(&only))?;
    if passed {
        return Ok(());
    }
    let failed = failures(&printed);
    if failed.is_empty() || failed.len() > MOST_REPEATED {
        bail!("the tests of the page failed");
    }
    process::run(tests(&failed).arg("--exact"))?;
    *unsteady = failed;
    Ok(())
}

/// More failures than this have one cause, and it is not the browser's mood.
const MOST_REPEATED: usize = 3;

/// The names of the tests that failed, from what the test runner printed at its end.
fn failures(printed: &str) -> Vec<String> {
    let list = printed.rsplit_once("\nfailures:\n").map_or("", |(_, list)| list);
    let names = list.lines().take_while(|line| line.starts_with("    "));
    names.map(|name| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_list_names_what_failed() {
        let printed = "running 3 tests\ntest a::b ... FAILED\ntest a::c ... ok\n\nfailures:\n\n\
            ---- a::b stdout ----\n    a line of its own\n\n\nfailures:\n    a::b\n    a::d\n\n\
            test result: FAILED. 1 passed; 2 failed\n";
        assert_eq!(failures(printed), ["a::b", "a::d"]);
        assert!(failures("test result: ok. 3 passed").is_empty());
    }
}

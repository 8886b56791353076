//! Everything that must hold before a change lands.

use anyhow::Result;

use crate::cli::Test;
use crate::process;
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{cuda, test, tidy, tools};

/// Formatting, lints, documentation, the dependency rule; then exactly what `test` runs.
///
/// All in release and with the same features: every further profile or feature set would compile
/// the tensor stack again.
pub fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::default();
    let tools = tools::in_background(workspace)?;
    steps
        .step("formatting", || process::run(workspace.cargo().args(["fmt", "--all", "--check"])))?;
    steps.step("the dependency rule", || tidy::run(workspace))?;
    steps.step("lints, native", || {
        let arguments = ["clippy", "--release", "--workspace", "--all-targets"];
        process::run(workspace.cargo().args(arguments).args(["--", "-D", "warnings"]))
    })?;
    steps.step("lints, CUDA", || cuda::lint(workspace))?;
    steps.step("lints, wasm", || {
        let mut command = workspace.cargo();
        command.args(["clippy", "--release", "--target", tools::WASM]);
        command.args(["--package", "app", "--package", "shared", "--features", "app/webgpu"]);
        command.args(["--lib", "--bins", "--test", "wasm", "--", "-D", "warnings"]);
        process::run(&mut command)
    })?;
    steps.step("documentation", || {
        let arguments = ["doc", "--release", "--no-deps", "--workspace"];
        process::run(workspace.cargo().args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    test::all(workspace, &Test::default(), &mut steps, Some(tools))
}

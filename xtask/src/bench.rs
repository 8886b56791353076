//! How fast it is, beside other people's libraries: measured in one call, written as one page.
//!
//! Ours and theirs take turns, so that a machine that changes its speed changes it for all.

mod measured;
mod native;
mod page;
mod peers;
mod report;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::build;
use crate::cli::{Bench, Content};
use crate::workspace::Workspace;

use measured::Measured;
use peers::Peers;

/// `cargo xtask bench`.
pub fn run(workspace: &Workspace, arguments: &Bench) -> Result<()> {
    let content = Content { weights: arguments.weights.clone(), optimize: true };
    let site = build::usual_site(workspace, &content)?;
    let weights = page::weights(&site)?;
    let peers = Peers::prepare(workspace, &weights)?;
    let mut measured = Measured::default();
    native::steps(workspace, arguments, &weights, &peers, &mut measured)?;
    let default = match arguments.gpu {
        None => {
            native::programs(workspace, &weights, &peers, &mut measured)?;
            page::processor(workspace, arguments, &site, &peers, &mut measured)?;
            "docs/benchmarks.md"
        }
        Some(_) => {
            // What was measured natively counts without the rest.
            if let Err(error) = page::gpu(workspace, arguments, &site, &peers, &mut measured) {
                println!("the page is left out: {error:#}");
            }
            "docs/benchmarks-gpu.md"
        }
    };
    let text = report::markdown(&measured, arguments);
    let out = arguments.out.as_deref().unwrap_or(Path::new(default));
    let out = std::path::absolute(out).with_context(|| format!("finding {}", out.display()))?;
    // Shown first: minutes of measuring must not go with a disk that is full.
    println!("\n{text}");
    fs::write(&out, &text).with_context(|| format!("writing {}", out.display()))?;
    println!("written to {}", out.display());
    Ok(())
}

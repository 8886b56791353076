//! The page on a local port.

use anyhow::Result;

use crate::build;
use crate::cli::Serve;
use crate::server::{self, Server};
use crate::workspace::Workspace;

/// Builds what is not up to date, then serves it until Ctrl-C.
pub fn run(workspace: &Workspace, arguments: &Serve) -> Result<()> {
    let root = build::usual_site(workspace, &arguments.content)?;
    let server = Server::start(arguments.port, move |query| server::answer(&root, query))?;
    println!("\nPellucid is at {}", server.url());
    println!("Ctrl-C stops it.");
    server.wait();
    Ok(())
}

//! The page on a local port.

mod arrival;

use std::thread;

use anyhow::Result;

use crate::build::Site;
use crate::bundle::Source;
use crate::cli::Serve;
use crate::server::{self, Server};
use crate::workspace::Workspace;

/// Builds what is not up to date, then serves it until Ctrl-C.
///
/// GoogLeNet's weights are looked for on this machine. If they are not here, the page opens without
/// them, and they are fetched meanwhile.
pub fn run(workspace: &Workspace, arguments: &Serve) -> Result<()> {
    let mut site = Site::usual(workspace, &arguments.content)?;
    site.bundles.weights_coming = !site.bundles.have_weights();
    site.make(workspace)?;
    let root = site.folder.clone();
    let server = Server::start(arguments.port, move |query| server::answer(&root, query))?;
    println!("\nPellucid is at {}", server.url());
    println!("Ctrl-C stops it.");
    if site.bundles.weights_coming {
        let source = Source { address: arguments.fetch_from.clone(), cache: None };
        let workspace = workspace.clone();
        thread::spawn(move || arrival::bring_weights(&workspace, &mut site, &source));
    }
    server.wait();
    Ok(())
}

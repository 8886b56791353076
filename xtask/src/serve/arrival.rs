//! GoogLeNet's weights, fetched while the page is served without them.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::build::Site;
use crate::bundle::{self, Progress, Source};
use crate::workspace::Workspace;

/// Where the weights are published, as `pellucid fetch` has it. Here only to ask whether any of
/// them can be reached: compiling `pellucid` takes minutes, in vain where there is no network.
const PUBLISHED: [&str; 3] = [
    "http://dl.caffe.berkeleyvision.org",
    "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com",
    "https://www.deepdetect.com",
];

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Brings the weights into the site, or says in a sentence why they did not come.
pub fn bring_weights(workspace: &Workspace, site: &mut Site, source: &Source) {
    println!("GoogLeNet's weights are not on this machine; fetching them meanwhile");
    let ready = || {
        match source.address.as_deref() {
            Some(address) => answers(address, PATIENCE)?,
            None => one_answers(&PUBLISHED, PATIENCE)?,
        }
        bundle::build_pellucid(workspace)
    };
    let outcome = ready().and_then(|()| fetch(workspace, site, source));
    println!("{}", end(workspace, site, outcome));
}

/// Whether one of the addresses that may have the weights answers.
fn one_answers(addresses: &[&str], patience: Duration) -> Result<()> {
    let mut failures = Vec::new();
    for address in addresses {
        match answers(address, patience) {
            Ok(()) => return Ok(()),
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    bail!("{}", failures.join("; "))
}

/// Whether anything at an address answers, if only to refuse.
fn answers(address: &str, patience: Duration) -> Result<()> {
    let silent = || format!("{address} does not answer");
    if let Some(rest) = address.strip_prefix("https://") {
        // Without the rest of the workspace this program speaks no TLS; `pellucid` does.
        return connect(rest, patience).with_context(silent);
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(patience))
        .build()
        .into();
    agent.head(address).call().map(drop).with_context(silent)
}

/// Opens a connection to the host that an address without its scheme names.
fn connect(address: &str, patience: Duration) -> Result<()> {
    let host = address.split('/').next().unwrap_or_default();
    let named = if host.contains(':') { host.to_owned() } else { format!("{host}:443") };
    let socket = named.to_socket_addrs()?.next().context("its name is not known")?;
    TcpStream::connect_timeout(&socket, patience)?;
    Ok(())
}

/// Fetches the weights and puts GoogLeNet's bundle with them into the site.
fn fetch(workspace: &Workspace, site: &mut Site, source: &Source) -> Result<()> {
    let weights = bundle::fetch(workspace, source, Progress::Hidden)?;
    let made = bundle::export(workspace, bundle::GOOGLENET, &weights)?;
    site.change_bundles(workspace, site.bundles.with_googlenet(Some(made)))
}

/// Lets the page know how it ended, and returns what to tell the person.
fn end(workspace: &Workspace, site: &mut Site, outcome: Result<()>) -> String {
    let Err(error) = outcome else {
        return "GoogLeNet's weights are here, and in the page".to_owned();
    };
    let without = site.bundles.with_googlenet(None);
    let told = match site.change_bundles(workspace, without) {
        Ok(()) => String::new(),
        Err(also) => format!("; the page goes on waiting, because {also:#}"),
    };
    format!(
        "GoogLeNet's weights did not come ({error:#}); the page goes on without them, and \
         --weights FILE takes some from elsewhere{told}"
    )
}

#[cfg(test)]
mod tests;

//! GoogLeNet's weights, fetched while the page is served without them.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::build::Site;
use crate::bundle::{self, Bundles, Progress, Source};
use crate::workspace::Workspace;

/// Where the weights are published, as `pellucid fetch` has it. Here only to ask whether that
/// answers: compiling `pellucid` takes minutes, in vain where there is no network.
const PUBLISHED: &str = "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Brings the weights into the site, or says in a sentence why they did not come.
pub fn bring_weights(workspace: &Workspace, site: &mut Site, source: &Source) {
    println!("GoogLeNet's weights are not on this machine; fetching them meanwhile");
    let ready = || {
        answers(source.address.as_deref().unwrap_or(PUBLISHED), PATIENCE)?;
        bundle::build_pellucid(workspace)
    };
    let outcome = ready().and_then(|()| fetch(workspace, site, source));
    println!("{}", end(workspace, site, outcome));
}

/// Whether anything at an address answers, if only to refuse.
fn answers(address: &str, patience: Duration) -> Result<()> {
    // Without the rest of the workspace this program speaks no TLS; `pellucid` does.
    if !address.starts_with("http://") {
        return Ok(());
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(patience))
        .build()
        .into();
    match agent.head(address).call() {
        Ok(_) => Ok(()),
        Err(error) => bail!("{address} does not answer: {error}"),
    }
}

/// Fetches the weights and puts GoogLeNet's bundle with them into the site.
fn fetch(workspace: &Workspace, site: &mut Site, source: &Source) -> Result<()> {
    let weights = bundle::fetch(workspace, source, Progress::Hidden)?;
    let made = bundle::export(workspace, &weights)?;
    site.change_bundles(workspace, Bundles::of(workspace, Some(made)))
}

/// Lets the page know how it ended, and returns what to tell the person.
fn end(workspace: &Workspace, site: &mut Site, outcome: Result<()>) -> String {
    let Err(error) = outcome else {
        return "GoogLeNet's weights are here, and in the page".to_owned();
    };
    let without = Bundles::of(workspace, None);
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

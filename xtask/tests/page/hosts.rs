//! Any host will do: in a folder, without a header of its own.

use anyhow::Result;
use xtask::browser::{Chromium, Graphics};
use xtask::rehearsal::Host;
use xtask::server::{self, Query};

use crate::visit::{Network, Visit, network, site};

/// A host as free ones for static pages are: a site in a folder, kept by browsers for ten minutes,
/// no range, no tag, nothing that would isolate the page.
fn plain_host() -> Result<Host> {
    let site = site()?;
    Host::start_with(move |query| {
        let Some(rest) = query.address.strip_prefix("/someone") else {
            return server::Answer::text(404, "there is nothing here\n");
        };
        let query =
            Query { method: query.method.clone(), address: rest.to_owned(), ..Query::default() };
        let mut answer = server::answer(&site, &query);
        answer.headers.retain(|(name, _)| *name == "Content-Type");
        answer.headers.push(("Cache-Control", "max-age=600".to_owned()));
        answer
    })
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_page_dreams_on_a_host_without_special_headers() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit { host: plain_host()?, browser: Chromium::start(Graphics::Software)? };
    for device in ["cpu", "webgpu"] {
        visit.open_ready(&format!(
            "someone/?{model}objective={layer}:5&size=32&steps=2&autostart=1&device={device}"
        ))?;
        visit.wait_for_step(2)?;
    }
    Ok(())
}

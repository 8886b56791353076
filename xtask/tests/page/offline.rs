//! Without a network: after the first visit the site is there, whole, and of one version.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use xtask::browser::{Chromium, Graphics, Session};
use xtask::offline;
use xtask::rehearsal::{Fault, Host};
use xtask::server;

use crate::visit::{Folder, HUNG, LATER, Network, READY, SOON, Visit, checkout, network, site};

/// Until everything is kept for later.
const KEPT: &str = "navigator.serviceWorker.getRegistration().then((found) => !!found?.active)";

/// What the page is kept under, for each site and version.
const CACHES: &str = "return caches.keys().then((names) =>
    names.filter((name) => name.startsWith('pellucid-page ')).sort());";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn after_the_first_visit_the_page_opens_and_dreams_without_its_host() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    visit.open_ready(&format!("?{model}device=cpu"))?;
    visit.page().wait_for(&format!("{HUNG} > 12"), SOON)?;
    visit.page().wait_for(KEPT, LATER)?;
    // The lists of bundles are kept with the page.
    let lists = "caches.open(`pellucid-seen ${location.href.split('?')[0]}`)
        .then((cache) => cache.keys())
        .then((kept) => kept.some(({ url }) => url.endsWith('/bundle.json')))";
    visit.page().wait_for(lists, SOON)?;

    visit.host.spoil("", Fault::Silent);
    visit.page().reload()?;
    visit.page().wait_for_element(READY, LATER)?;
    visit.page().wait_for(&format!("{HUNG} > 12"), SOON)?;
    // Another view, as from a link.
    visit.open(&format!("?{model}objective={layer}:5&size=32&steps=2&device=cpu&autostart=1"))?;
    visit.wait_for_step(2)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_new_build_comes_whole_and_one_that_is_half_there_not_at_all() -> Result<()> {
    let folder = copied_page()?;
    let visit = Visit { host: Host::start(&folder.0)?, browser: Chromium::start(Graphics::None)? };
    let page = visit.page();
    visit.open("")?;
    keep(page)?;
    page.reload()?;
    page.wait_for("!!navigator.serviceWorker.controller", SOON)?;

    // The host is in the middle of an upload: the list is new, one of the files is not.
    build(&folder, "new")?;
    let loader = folder.0.join("worker_loader.js");
    let new_loader = fs::read(&loader)?;
    fs::write(&loader, "// old")?;
    let refused = page.script(
        "return navigator.serviceWorker.getRegistration()
             .then((registration) => registration.update())
             .then((registration) => new Promise((resolve) => {
                 const coming = registration.installing;
                 if (!coming) return resolve('nothing came');
                 const look = () =>
                     coming.state === 'installing' ? setTimeout(look, 20) : resolve(coming.state);
                 look();
             }));",
    )?;
    assert_eq!(refused, "redundant");
    page.reload()?;
    assert_eq!(versions(page)?, json!(["old", "old"]), "what was kept stays");

    fs::write(&loader, new_loader)?;
    page.reload()?;
    assert_eq!(versions(page)?, json!(["old", "old"]), "the new build is still on its way");
    let waiting = "navigator.serviceWorker.getRegistration().then((found) => !!found?.waiting)";
    page.wait_for(waiting, LATER)?;
    assert_eq!(versions(page)?, json!(["old", "old"]), "an open page keeps its files");
    page.reload()?;
    page.wait_for("document.documentElement?.dataset.build === 'new'", SOON)?;
    assert_eq!(versions(page)?, json!(["new", "new"]));
    let kept = page.script(CACHES)?;
    assert_eq!(kept.as_array().map(Vec::len), Some(1), "the old version is forgotten: {kept}");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn two_sites_of_one_host_do_not_forget_each_other() -> Result<()> {
    let folder = copied_page()?;
    let root = folder.0.clone();
    let host = Host::start_with(move |query| {
        let inner = ["/one", "/two"].iter().find_map(|name| query.address.strip_prefix(name));
        match inner {
            Some(rest) => {
                let query = server::Query { address: rest.to_owned(), ..query.clone() };
                server::answer(&root, &query)
            }
            None => server::Answer::text(404, "there is nothing here\n"),
        }
    })?;
    let visit = Visit { host, browser: Chromium::start(Graphics::None)? };
    for site in ["one/", "two/"] {
        visit.open(site)?;
        keep(visit.page())?;
    }
    let kept = visit.page().script(CACHES)?;
    assert_eq!(kept.as_array().map(Vec::len), Some(2), "{kept}");
    visit.host.spoil("", Fault::Silent);
    for site in ["one/", "two/index.html?view=look"] {
        visit.open(site)?;
        assert_eq!(versions(visit.page())?, json!(["old", "old"]), "{site}");
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_host_with_something_else_at_the_address_gets_its_visitors_back() -> Result<()> {
    let folder = copied_page()?;
    let visit = Visit { host: Host::start(&folder.0)?, browser: Chromium::start(Graphics::None)? };
    visit.open("")?;
    keep(visit.page())?;
    for entry in fs::read_dir(&folder.0)? {
        let path = entry?.path();
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    fs::write(folder.0.join("index.html"), "<h1>Another page")?;
    // The first look may still find what was kept, and takes it away.
    for _ in 0..5 {
        visit.open("")?;
        thread::sleep(Duration::from_secs(1));
        let title = visit.page().script("return document.querySelector('h1')?.innerText ?? '';")?;
        if title == "Another page" {
            assert_eq!(visit.page().script("return caches.keys();")?, json!([]));
            return Ok(());
        }
    }
    bail!("after five looks what was kept is still there")
}

/// The page does not wait for a network that never comes before it is kept.
fn keep(page: &Session) -> Result<()> {
    page.script("document.documentElement.dataset.ready = 'model';")?;
    page.wait_for(KEPT, LATER).map(drop)
}

/// Which build the page is of, and which the engine it would start now.
fn versions(page: &Session) -> Result<serde_json::Value> {
    page.script(
        "return fetch('worker_loader.js').then((answer) => answer.text())
             .then((text) => [document.documentElement.dataset.build, text.match(/build: (\\w+)/)?.[1]]);",
    )
}

/// A copy of the page, without bundles, that can be built anew.
fn copied_page() -> Result<Folder> {
    let folder = Folder::new()?;
    copy(&site()?, &folder.0)?;
    build(&folder, "old")?;
    Ok(folder)
}

/// Marks page and engine, and lists them.
fn build(folder: &Folder, name: &str) -> Result<()> {
    let original = site()?;
    let mark = |path: &str, from: &str, to: &str| -> Result<()> {
        let text = fs::read_to_string(original.join(path))?;
        fs::write(folder.0.join(path), text.replacen(from, to, 1))
            .with_context(|| format!("writing {path}"))
    };
    mark("index.html", "<html ", &format!("<html data-build=\"{name}\" "))?;
    mark("worker_loader.js", "", &format!("// build: {name}\n"))?;
    let worker = checkout().join("public/service_worker.js");
    offline::write(&folder.0, &worker)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        // Compressed copies are of the page as it was.
        let is_copy = target.extension().is_some_and(|ending| ending == "br" || ending == "gz");
        if is_copy {
            continue;
        }
        if !entry.path().is_dir() {
            fs::copy(entry.path(), target)?;
        } else if entry.file_name() != "bundles" {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

//! Opening, reloading, going back.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use xtask::browser::{Chromium, Graphics};
use xtask::rehearsal::{Fault, Host};

use crate::visit::{ERROR, LATER, Network, READY, SOON, Visit, network, site, weights};

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_first_paint_says_what_this_is_before_engine_and_weights_arrive() -> Result<()> {
    let visit = Visit::new()?;
    // Neither ever arrives.
    visit.host.spoil("worker_bg.wasm", Fault::Stalled);
    visit.host.spoil("bundle.json", Fault::Stalled);
    visit.open("")?;
    visit.page().wait_for("document.querySelector('h1')?.innerText", SOON)?;
    let text = visit.page().text("main")?.unwrap_or_default();
    assert!(text.split_whitespace().count() >= 6, "the first paint says too little: {text:?}");
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_network_becomes_ready_and_nothing_complains() -> Result<()> {
    let visit = Visit::new()?;
    visit.open_ready(&format!("?{}device=cpu", network().model))?;
    let complaints: Vec<_> =
        visit.page().console()?.into_iter().filter(|line| line.starts_with("SEVERE")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_site_without_a_network_opens_and_says_so() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.host.spoil("bundle.json", Fault::Missing);
    visit.open("?device=cpu")?;
    assert_eq!(visit.error_kind()?, "Download");
    assert!(visit.page().has("h1")?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_second_load_downloads_no_weights() -> Result<()> {
    let Network { name, model, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    visit.open_ready(&format!("?{model}device=cpu"))?;
    let weights = weights(name)?;
    assert_eq!(visit.host.count(&weights), 1, "the first load fetches the weights once");
    visit.page().reload()?;
    visit.page().wait_for_element(READY, SOON)?;
    assert_eq!(visit.host.count(&weights), 1, "the second load fetches them again");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn what_no_bundle_names_any_more_is_dropped_and_the_rest_is_kept() -> Result<()> {
    let Network { name, model, .. } = network();
    let other = if model.is_empty() { "model=efficientnet-lite0&" } else { "" };
    let visit = Visit::with(Graphics::None)?;
    visit.open_ready(&format!("?{model}device=cpu"))?;
    // As of a bundle that has been made anew since.
    visit.page().script(
        "return caches.open('pellucid-v1').then((parts) =>
             parts.put('/pellucid-parts/' + '0'.repeat(64), new Response('old')));",
    )?;
    visit.open(&format!("?{other}device=cpu"))?;
    let dropped = "caches.match('/pellucid-parts/' + '0'.repeat(64)).then((found) => !found)";
    visit.page().wait_for(dropped, LATER)?;
    visit.open_ready(&format!("?{model}device=cpu"))?;
    assert_eq!(visit.host.count(&weights(name)?), 1, "looking at another bundle drops nothing");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_reload_restores_the_view_from_the_address() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu&objective=mixed4b:7&size=64&seed=5&transforms=none")?;
    let typed = "document.querySelector('[data-testid=objective-input]')?.value";
    visit.page().wait_for(&format!("{typed} === 'mixed4b:7'"), SOON)?;
    visit.page().reload()?;
    visit.page().wait_for(&format!("{typed} === 'mixed4b:7'"), SOON)?;
    for (key, value) in [("objective", "mixed4b:7"), ("size", "64"), ("seed", "5")] {
        assert_eq!(visit.parameter(key)?.as_deref(), Some(value), "{key}");
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn back_returns_to_the_view_before() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu&objective=mixed4a:3")?;
    visit.page().wait_for_element("[data-testid=view-look]", SOON)?;
    visit.page().click("[data-testid=view-look]")?;
    visit.page().wait_for("location.search.includes('view=look')", SOON)?;
    visit.page().wait_for_element("[data-testid=look-file]", SOON)?;
    visit.page().back()?;
    visit.page().wait_for("!location.search.includes('view=look')", SOON)?;
    visit.page().wait_for_element("[data-testid=dream-canvas]", SOON)?;
    assert_eq!(visit.parameter("objective")?.as_deref(), Some("mixed4a:3"));
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn nothing_comes_from_another_host() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu")?;
    visit.page().wait_for("document.querySelector('h1')?.innerText", SOON)?;
    let foreign = visit.page().script(
        "return performance.getEntriesByType('resource').map(e => e.name)\
         .filter(name => new URL(name).origin !== location.origin && !name.startsWith('data:'));",
    )?;
    assert_eq!(foreign, json!([]));
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_page_works_in_a_folder_of_a_host() -> Result<()> {
    let host = Host::in_folder(&site()?, "museum/")?;
    let visit = Visit { host, browser: Chromium::start(Graphics::None)? };
    visit.open(&format!("museum/?{}device=cpu", network().model))?;
    visit.page().wait_for("document.querySelector('h1')?.innerText", SOON)?;
    let failed: Value = visit.page().script(
        "return performance.getEntriesByType('resource').filter(e => e.responseStatus >= 400)\
         .map(e => e.name);",
    )?;
    let failed = failed.as_array().context("a list")?;
    let failed: Vec<_> =
        failed.iter().filter(|name| !name.to_string().contains("bundles/")).collect();
    assert!(failed.is_empty(), "{failed:?}");
    visit.page().wait_for_element(READY, LATER)
}

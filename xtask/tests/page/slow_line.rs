//! On a slow line: pictures come first, then the engine, which says how much of it has come.

use anyhow::{Context, Result};
use xtask::browser::{Chromium, Graphics};
use xtask::rehearsal::{Fault, Host};
use xtask::server;

use crate::visit::{LATER, Network, SOON, Visit, layer_with_exemplars, network, site};

/// A unit whose picture is not among the page's own.
const UNIT: u64 = 200;

/// Five million bits a second.
const SLOW: u64 = 625_000;

/// How many pictures of a selector have come.
fn hanging(selector: &str) -> String {
    format!(
        "[...document.querySelectorAll('{selector}')].filter((it) =>
            it.naturalWidth > 0 || getComputedStyle(it).backgroundImage.includes('url(')).length"
    )
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn pictures_wait_for_no_engine() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.host.spoil("worker_bg.wasm", Fault::Stalled);
    let unit = format!("{layer}:{UNIT}");
    for (query, selector, count) in [
        (format!("?objective={unit}"), "#stage .picture .baked", 1),
        (format!("?objective={unit}&autostart=1"), "#stage .picture .baked", 1),
        (format!("?objective={unit}"), ".thumbs .sprite", 5),
        (format!("?embed=1&objective={unit}&autostart=1"), ".embed .baked", 1),
        (format!("#/googlenet/{layer}/{UNIT}"), "#stage .portrait .baked", 1),
        (format!("#/googlenet/{layer}/{UNIT}"), ".exemplar .sprite", 9),
        (format!("?embed=1#/googlenet/{layer}/{UNIT}"), ".embed li .sprite", 6),
        (format!("?layer={layer}"), ".dream", 100),
        (format!("#/googlenet/{layer}"), ".unit-row .strip .sprite", 9),
        ("?view=look".to_owned(), ".gallery .sprite", 40),
    ] {
        visit.open(&query)?;
        let here = format!("{} >= {count}", hanging(selector));
        visit.page().wait_for(&here, SOON).with_context(|| format!("{query} {selector}"))?;
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_picture_of_the_address_waits_for_no_program() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.host.spoil("_bg.wasm", Fault::Stalled);
    let own = "mixed4a:11".to_owned();
    let on_sheet = format!("{layer}:{UNIT}");
    for (query, unit) in [
        (format!("?objective={on_sheet}"), &on_sheet),
        (format!("?objective={own}&autostart=1"), &own),
        (format!("?embed=1&objective={on_sheet}"), &on_sheet),
        (format!("#/googlenet/{layer}/{UNIT}"), &on_sheet),
        (format!("?embed=1#/googlenet/{layer}/{UNIT}"), &on_sheet),
    ] {
        visit.open(&query)?;
        visit
            .page()
            .wait_for_element("#first .picture:not(.empty) canvas", SOON)
            .with_context(|| query.clone())?;
        let named = visit.page().text("#first main :is(h1, .label b)")?.unwrap_or_default();
        let shown = visit.page().script(
            "const canvas = document.querySelector('#first .picture canvas');
             const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
             return new Set(data).size > 50 && canvas.getBoundingClientRect().width > 150;",
        )?;
        assert_eq!(shown, true, "{query}: the canvas shows nothing");
        let title = visit.page().script(
            "return [...document.querySelectorAll('#first main :is(h1, .label b)')]
                 .filter((it) => it.checkVisibility()).map((it) => it.innerText).join();",
        )?;
        assert_eq!(title, unit.replace(':', " : "), "{query} {named}");
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_picture_that_the_first_paint_fetched_is_not_fetched_again() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.host.spoil("worker_bg.wasm", Fault::Stalled);
    visit.open(&format!("?objective={layer}:{UNIT}"))?;
    visit.page().wait_for(&format!("{} == 1", hanging("#stage .picture .baked")), SOON)?;
    assert_eq!(visit.host.count(&format!("{layer}/dreams-0.jpg")), 1);
    assert_eq!(visit.host.count("bundles/index.json"), 1);
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_engine_is_asked_for_after_the_pictures() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.host.slow_down(4 * SLOW);
    for query in [format!("?objective={layer}:{UNIT}"), format!("#/googlenet/{layer}/{UNIT}")] {
        visit.open(&query)?;
        visit.page().wait_for(
            "!!document.querySelector('[data-testid=device-chip][data-device=cpu]')",
            LATER,
        )?;
    }
    let host = &visit.host;
    let engine = host.place("worker_loader.js").context("the engine was never asked for")?;
    for picture in [format!("{layer}/dreams-0.jpg"), format!("{layer}/exemplars-0.bin")] {
        let place = host.place(&picture).with_context(|| format!("{picture} was not asked for"))?;
        assert!(place < engine, "{picture} comes after the engine");
    }
    Ok(())
}

/// Waits until the line of progress tells of the engine, and returns what it says.
fn said_of_the_engine(visit: &Visit) -> Result<String> {
    let progress = "document.querySelector('[data-testid=progress]:not([hidden])')";
    let said = visit.page().wait_for(
        &format!("{progress}?.getAttribute('aria-valuetext')?.match(/^engine (?!0.0).*/)?.[0]"),
        LATER,
    )?;
    Ok(said.as_str().unwrap_or_default().to_owned())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_engine_says_how_much_of_it_has_come() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    visit.host.spoil("worker_bg.wasm", Fault::Slow);
    visit.open(&format!("?{model}objective={layer}:5&device=cpu&autostart=1"))?;
    let said = said_of_the_engine(&visit)?;
    assert!(said.contains(" of ") && said.ends_with(" MB"), "{said}");
    // The same beside the picture that waits for it, and in a slide.
    visit.page().wait_for("document.querySelector('.pace')?.innerText.includes('engine')", SOON)?;
    visit.open(&format!("?embed=1&{model}objective={layer}:5&device=cpu&autostart=1"))?;
    let words = "document.querySelector('[data-testid=step-count]')?.innerText";
    visit.page().wait_for(&format!("{words}?.includes('engine')"), LATER).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn an_engine_that_comes_compressed_is_counted_by_the_list_of_files() -> Result<()> {
    let site = site()?;
    // A coding that changes nothing: the header then counts what no page sees.
    let host = Host::start_with(move |query| {
        let mut answer = server::answer(&site, query);
        let is_coded = answer.headers.iter().any(|(name, _)| *name == "Content-Encoding");
        if query.path().ends_with(".wasm") && !is_coded {
            answer.headers.push(("Content-Encoding", "identity".to_owned()));
        }
        answer
    })?;
    host.spoil("worker_bg.wasm", Fault::Slow);
    let visit = Visit { host, browser: Chromium::start(Graphics::None)? };
    visit.open(&format!("?{}device=cpu", network().model))?;
    let said = said_of_the_engine(&visit)?;
    assert!(said.contains(" of ") && said.ends_with(" MB"), "{said}");
    Ok(())
}

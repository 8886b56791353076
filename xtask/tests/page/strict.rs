//! A host with a strict content security policy forbids nothing that the page does.

use anyhow::{Context, Result};
use serde_json::json;
use xtask::browser::{Chromium, Graphics};
use xtask::rehearsal::{Fault, Host};

use crate::visit::{HUNG, LATER, Network, SOON, Visit, network, site};

/// As `docs/slides.md` says.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/// Collects what the policy forbids, before anything of the page runs.
const WATCH: &str = "globalThis.forbidden = [];
    addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sample }) =>
        forbidden.push(`${effectiveDirective}: ${blockedURI} ${sample}`));";

fn strict(graphics: Graphics) -> Result<Visit> {
    let visit = Visit {
        host: Host::with_header(&site()?, "Content-Security-Policy", POLICY)?,
        browser: Chromium::start(graphics)?,
    };
    visit.page().before_each_page(WATCH)?;
    Ok(visit)
}

/// Nothing was forbidden since the page was opened, in its worker neither.
fn assert_nothing_forbidden(visit: &Visit, what: &str) -> Result<()> {
    let forbidden = visit.page().script("return globalThis.forbidden;")?;
    assert_eq!(forbidden, json!([]), "{what}");
    let console = visit.page().console()?;
    let told: Vec<_> = console.iter().filter(|line| line.contains("Security Policy")).collect();
    assert!(told.is_empty(), "{what}: {told:#?}");
    Ok(())
}

/// How many pictures from sheets are on view and really there.
const SHOWN: &str = "(() => {
    const here = new Set(performance.getEntriesByType('resource')
        .filter(({ responseStatus }) => responseStatus === 200).map(({ name }) => name));
    return [...document.querySelectorAll('.sprite, [data-testid=dream-wall] [data-unit]')]
        .filter((it) => here.has(getComputedStyle(it).backgroundImage.slice(5, -2))).length;
})()";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_strict_policy_forbids_nothing_that_the_page_does() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = strict(Graphics::None)?;
    let page = visit.page();
    visit.open_ready(&format!("?{model}device=cpu"))?;
    page.wait_for(&format!("{HUNG} > 12"), LATER)?;
    assert_nothing_forbidden(&visit, "the hall")?;
    let style = "getComputedStyle(document.querySelector('header')).display";
    page.wait_for(&format!("{style} === 'flex'"), SOON)?;

    visit.open_ready(&format!(
        "?{model}objective={layer}:5&size=32&steps=3&device=cpu&autostart=1"
    ))?;
    visit.wait_for_step(3)?;
    // What styles are set as attributes would have shown nothing of.
    page.wait_for("document.querySelector('.curve .end')?.style.left", SOON)?;
    page.script("document.querySelector('[data-testid=save-file]').click();")?;
    page.wait_for("document.querySelector('.notice')?.innerText.includes('Saved as one')", LATER)?;
    assert_nothing_forbidden(&visit, "a dream")?;

    for (query, pictures) in [
        ("?device=cpu&view=exemplars", 12),
        ("?device=cpu&model=efficientnet-lite0", 12),
        ("?device=cpu#/googlenet/mixed4a/3", 6),
        ("?embed=1#/googlenet/mixed4a/11", 6),
        ("?embed=1&layer=mixed4a", 12),
        ("?embed=1&objective=mixed4a:200&bg=%23101418", 1),
    ] {
        visit.open(query)?;
        page.wait_for(&format!("{SHOWN} >= {pictures}"), LATER).context(query)?;
        assert_nothing_forbidden(&visit, query)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_picture_of_the_gallery_is_looked_at_under_a_strict_policy() -> Result<()> {
    let Network { model, .. } = network();
    let visit = strict(Graphics::None)?;
    visit.open_ready(&format!("?{model}view=look&picture=animals/alpaca.jpg&device=cpu"))?;
    visit.page().wait_for_element("[data-testid=look-top] [data-class]", LATER)?;
    visit
        .page()
        .wait_for("document.querySelector('[data-testid=look-top] i').style.length", SOON)?;
    assert_nothing_forbidden(&visit, "Look")
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn what_is_kept_for_later_keeps_its_policy_and_its_pictures() -> Result<()> {
    let visit = strict(Graphics::None)?;
    let page = visit.page();
    let unit = "?device=cpu#/googlenet/mixed4a/3";
    visit.open(unit)?;
    page.script("document.documentElement.dataset.ready = 'model';")?;
    page.wait_for("navigator.serviceWorker.getRegistration().then((it) => !!it?.active)", LATER)?;
    // Seen once with the service worker, as at a second visit.
    page.reload()?;
    page.wait_for(&format!("{SHOWN} >= 6"), LATER)?;
    let kept = "caches.open('pellucid-v1').then((parts) => parts.keys())
        .then((kept) => kept.length >= 3)";
    page.wait_for(kept, LATER)?;
    assert_nothing_forbidden(&visit, "a unit that is kept")?;

    visit.host.spoil("", Fault::Silent);
    page.reload()?;
    page.wait_for(&format!("{SHOWN} >= 6"), LATER)?;
    assert_nothing_forbidden(&visit, "a unit without its host")?;
    page.script("document.body.append(Object.assign(new Image(), { src: 'data:,' }));")?;
    page.wait_for("forbidden.length === 1", SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dream_on_webgpu_passes_a_strict_policy() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = strict(Graphics::Software)?;
    visit.open_ready(&format!(
        "?{model}objective={layer}:5&size=32&steps=2&device=webgpu&autostart=1"
    ))?;
    visit.wait_for_step(2)?;
    assert_nothing_forbidden(&visit, "a dream on WebGPU")
}

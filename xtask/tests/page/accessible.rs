//! Everybody can use the page: by keyboard, with a screen reader, in the system's own colours.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use xtask::axe::{Asked, Axe};
use xtask::browser::{Graphics, Session};
use xtask::workspace::Workspace;

use crate::visit::{HUNG, LATER, Network, READY, SOON, Visit, network};

const ENTER: &str = "\u{E007}";
const TAB: &str = "\u{E004}";

/// axe-core; nothing, and a line saying so, where it cannot be had.
fn axe() -> Result<Option<Axe>> {
    let axe = Axe::install(&Workspace::find()?);
    Ok(axe.inspect_err(|error| println!("skipped: axe-core is not here: {error:#}")).ok())
}

/// A state of the page, and how to get there.
struct State {
    name: &'static str,
    query: String,
    asked: Asked,
    reach: fn(&Session) -> Result<()>,
}

fn states() -> Vec<State> {
    let Network { model, layer, .. } = network();
    let dream = format!("?{model}objective={layer}:5&size=64&steps=2000&seed=1&device=cpu");
    let state = |name, query: &str, reach: fn(&Session) -> Result<()>| State {
        name,
        query: query.to_owned(),
        asked: Asked::Everything,
        reach,
    };
    let embed = |name, query: &str, reach: fn(&Session) -> Result<()>| State {
        asked: Asked::Criteria,
        ..state(name, query, reach)
    };
    vec![
        state("hall", "?device=cpu", |page| {
            page.wait_for_element(".app .hall [data-unit]", SOON)?;
            page.wait_for(HUNG, LATER).map(drop)
        }),
        state("dream", &dream, |page| page.wait_for_element(READY, LATER)),
        state("dream, live", &dream, |page| {
            page.wait_for_element(READY, LATER)?;
            page.click("[data-testid=dream-start]")?;
            page.wait_for_element("[data-testid=dream-canvas][data-step]", LATER)
        }),
        state("dream, presented", &dream.replace('?', "?present=1&"), |page| {
            page.wait_for_element("[data-testid=presenting]", SOON)
        }),
        state("dream without weights", "?objective=mixed4a:11&device=cpu", |page| {
            page.wait_for(
                &format!("document.querySelector('[data-testid=no-weights], {READY}')"),
                LATER,
            )
            .map(drop)
        }),
        state("unit", "?device=cpu#/googlenet/mixed4a/11", |page| {
            page.wait_for_element("[data-testid=exemplars] [data-picture]", LATER)
        }),
        state("units", "?device=cpu#/googlenet/mixed4a", |page| {
            page.wait_for_element("[data-testid=exemplar-rows] [data-unit]", LATER)
        }),
        state("wall", "?device=cpu&layer=mixed4a", |page| {
            page.wait_for_element(".app [data-testid=dream-wall] [data-unit]", LATER)
        }),
        state("look", "?device=cpu&view=look", |page| {
            page.wait_for_element("[data-testid=gallery] [data-picture]", LATER)
        }),
        state(
            "look, with a picture",
            "?model=efficientnet-lite0&device=cpu&view=look&picture=animals/goldfish.jpg",
            |page| page.wait_for_element("[data-testid=look-top] [data-class]", LATER),
        ),
        state(
            "look, with attention where there are weights",
            "?model=vit-tiny-patch16-224&device=cpu&view=look&picture=animals/goldfish.jpg\
             &attention=11:2@6,7",
            |page| {
                let there = "[data-testid=attended], [data-testid=no-weights]";
                page.wait_for(&format!("document.querySelector('{there}')"), LATER).map(drop)
            },
        ),
        state("train", "?model=efficientnet-lite0&device=cpu&view=train", |page| {
            page.wait_for(
                "document.querySelector('[data-testid=train-play]')?.disabled === false",
                LATER,
            )?;
            page.wait_for_element(".to-learn-from .sprite[style]", LATER)
        }),
        state("palette", "?device=cpu", |page| {
            page.wait_for(HUNG, LATER)?;
            page.press("\u{E009}k\u{E000}")?;
            page.wait_for_element("dialog[open] input", SOON)?;
            page.type_into("dialog[open] input", "mixed4a 1")
        }),
        state("keys", "?device=cpu", |page| {
            page.wait_for(HUNG, LATER)?;
            page.press("?")?;
            page.wait_for_element("dialog[open] dl", SOON)
        }),
        state("choice of models", "?device=cpu", |page| {
            page.wait_for(HUNG, LATER)?;
            page.click("[data-testid=model-chip]")?;
            page.wait_for_element("[data-testid=bundle-choice]", LATER)
        }),
        embed("a dream in a slide", "?embed=1&objective=mixed4a:11&device=cpu", |page| {
            page.wait_for_element(".embed .baked", LATER)
        }),
        embed("a unit in a slide", "?embed=1&device=cpu#/googlenet/mixed4a/11", |page| {
            page.wait_for_element(".embed li .sprite", LATER)
        }),
        embed("a wall in a slide", "?embed=1&device=cpu&layer=mixed4a", |page| {
            page.wait_for_element(".embed [data-unit]", LATER)
        }),
    ]
}

/// Judges every state at a size and in a colour scheme.
fn judge(width: u32, height: u32, scheme: &str) -> Result<()> {
    let Some(axe) = axe()? else { return Ok(()) };
    let visit = Visit::with(Graphics::None)?;
    let mut found = Vec::new();
    for State { name, query, asked, reach } in states() {
        visit.page().appear(width, height, scheme)?;
        // A query like the one before would only move what is on view.
        visit.page().go("about:blank")?;
        visit.open(&query)?;
        reach(visit.page())
            .with_context(|| format!("bringing the page into the state {name:?}"))?;
        // What fades in is there.
        visit.page().script("return new Promise((done) => setTimeout(done, 300));")?;
        let wrong = axe.judge(visit.page(), asked)?;
        found.extend(wrong.into_iter().map(|wrong| format!("{name}: {wrong}")));
    }
    ensure!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn axe_core_finds_nothing_wrong_in_the_dark() -> Result<()> {
    judge(1280, 800, "dark")
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn axe_core_finds_nothing_wrong_in_the_light() -> Result<()> {
    judge(1280, 800, "light")
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn axe_core_finds_nothing_wrong_on_a_phone() -> Result<()> {
    judge(360, 740, "dark")
}

/// How many colours the screen shows where an element is.
const COLOURS: &str = "
    const [png, selector, margin] = arguments;
    const { left, top, width, height } = document.querySelector(selector).getBoundingClientRect();
    const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
    return createImageBitmap(new Blob([bytes])).then((screen) => {
        const canvas = new OffscreenCanvas(Math.ceil(width + 2 * margin), Math.ceil(height));
        const context = canvas.getContext('2d');
        context.drawImage(screen, margin - left, -top);
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Map();
        for (let at = 0; at < data.length; at += 4) {
            const colour = data.slice(at, at + 3).join();
            seen.set(colour, (seen.get(colour) ?? 0) + 1);
        }
        // Edges are smoothed; what fills less than a hairline is one.
        return [...seen.values()].filter((count) => count >= 12).length;
    });
";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn forced_colours_keep_the_slider_and_the_current_item() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    page.appear(1280, 800, "dark")?;
    page.devtools(
        "Emulation.setEmulatedMedia",
        &json!({ "features": [{ "name": "forced-colors", "value": "active" }] }),
    )?;
    visit.open_ready(&format!("?{model}objective={layer}:60&device=cpu"))?;
    assert_eq!(page.script("return matchMedia('(forced-colors: active)').matches;")?, true);
    let colours = |selector: &str, margin: u32| {
        page.script(&format!("document.querySelector({selector:?}).scrollIntoView();"))?;
        let png = page.screenshot()?;
        let count = page.script_with(COLOURS, &json!([png, selector, margin]))?;
        count.as_u64().context("a number of colours")
    };
    // Background, the track before the thumb with the thumb, and the track behind it.
    let slider = colours("input[type=range]", 0)?;
    assert!(3 <= slider, "the slider has {slider} colours");
    for (on, off) in [(".rail a.on", ".rail a:not(.on)"), (".layer.on", ".layer:not(.on)")] {
        let background = |selector: &str| {
            page.script(&format!(
                "const style = (of) => getComputedStyle(document.querySelector({selector:?}), of);
                 return [style().backgroundColor, style().color, style('::before').backgroundColor];"
            ))
        };
        assert_ne!(background(on)?, background(off)?, "{on} looks like {off}");
    }
    Ok(())
}

/// What has the focus, by the attributes that tell parts apart.
const FOCUS: &str = "(({ id, dataset, tagName }) =>
    dataset.unit ?? dataset.picture ?? dataset.testid ?? (id || tagName))(document.activeElement)";

fn focus(page: &Session, selector: &str) -> Result<()> {
    page.wait_for_element(selector, LATER)?;
    page.script_with("document.querySelector(arguments[0]).focus();", &json!([selector]))?;
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn tab_finds_the_way_past_the_head_first() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open("?device=cpu#/googlenet/mixed4a/11")?;
    page.wait_for_element("[data-testid=unit-page]", SOON)?;
    page.press(TAB)?;
    page.wait_for(&format!("{FOCUS} === 'skip'"), SOON)?;
    let shown = "document.activeElement.getBoundingClientRect().width > 50";
    page.wait_for(shown, SOON)?;
    page.press(ENTER)?;
    page.wait_for(&format!("{FOCUS} === 'stage'"), SOON)?;
    // What is on view is still what it was.
    assert!(page.address()?.ends_with("#/googlenet/mixed4a/11"), "{}", page.address()?);
    assert!(page.has("[data-testid=unit-page]")?);
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn back_from_a_unit_finds_the_focus_on_its_picture() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    for (query, unit) in [
        ("?device=cpu&layer=mixed4a", "mixed4a:30"),
        // Rows are made as they come near: this one is far down.
        ("?device=cpu#/googlenet/mixed4a", "mixed4a:40"),
    ] {
        page.go("about:blank")?;
        visit.open(query)?;
        page.wait_for_element(".app [data-unit]", LATER)?;
        page.wait_for(
            &format!(
                "(() => {{
                    const unit = document.querySelector('a[data-unit=\"{unit}\"]');
                    unit?.scrollIntoView();
                    document.querySelector('#stage').scrollTop += unit ? 0 : 200;
                    return !!unit;
                }})()"
            ),
            LATER,
        )?;
        focus(page, &format!("a[data-unit='{unit}']"))?;
        page.press(ENTER)?;
        page.wait_for_element("[data-testid=unit-page]", SOON)?;
        page.wait_for(&format!("{FOCUS} === 'stage'"), SOON)?;
        page.back()?;
        page.wait_for(&format!("{FOCUS} === '{unit}'"), SOON)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn enter_on_a_picture_of_the_gallery_leaves_the_focus_there() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open_ready("?model=efficientnet-lite0&device=cpu&view=look")?;
    let picture = "animals/goldfish.jpg";
    focus(page, &format!("[data-testid=gallery] [data-picture='{picture}']"))?;
    page.press(ENTER)?;
    page.wait_for_element("[data-testid=look-top] [data-class]", LATER)?;
    page.wait_for(&format!("{FOCUS} === '{picture}'"), SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn what_opened_a_dialog_or_a_popover_has_the_focus_when_it_closes() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open("?device=cpu")?;
    for (opener, inside) in [
        (".jump", "dialog[open] input"),
        ("[data-testid=model-chip]", "[data-testid=bundle-choice]"),
    ] {
        let opener_has_it = format!("document.activeElement.matches({opener:?})");
        for close in ["Escape", "Back"] {
            focus(page, opener)?;
            page.press(ENTER)?;
            focus(page, inside)?;
            if close == "Back" {
                page.back()?;
            } else {
                page.press("\u{E00C}")?;
            }
            page.wait_for(&format!("!document.querySelector({inside:?})"), SOON)?;
            page.wait_for(&opener_has_it, SOON)
                .with_context(|| format!("{close} closed what {opener} opened"))?;
        }
    }
    Ok(())
}

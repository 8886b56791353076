//! A layer of 16,384 units on a phone: only what is near the window is in the document, and only
//! what is looked at is fetched.

use anyhow::{Context, Result};
use serde_json::Value;
use xtask::browser::{Chromium, Graphics};
use xtask::many::{self, LAYER, NETWORK, UNITS};

use crate::visit::{ERROR, LATER, SOON, Visit, site};

/// What is read before the first units are here, without pictures and programs, in bytes: at most.
const BEFORE_FIRST: u64 = 1_000_000;

/// Units and elements in the document, at most.
const UNITS_SHOWN: u64 = 400;
const ELEMENTS: u64 = 6000;

const ROWS: &str = "[data-testid=exemplar-rows]";
const WALL: &str = "[data-testid=dream-wall]";
const DOTS: &str = "[data-testid=latent-scatter] .dots";

/// What is said of a search, and of a choice of latents.
const SAID: &str = "document.querySelector('[data-testid=search-result]')?.textContent";

fn visit() -> Result<Visit> {
    let visit = Visit { host: many::host(&site()?)?, browser: Chromium::start(Graphics::None)? };
    visit.page().appear(360, 740, "dark")?;
    Ok(visit)
}

fn number(visit: &Visit, expression: &str) -> Result<u64> {
    let found = visit.page().script(&format!("return {expression};"))?;
    found.as_f64().map(|number| number as u64).with_context(|| format!("{expression}: {found}"))
}

/// Waits until a unit has its dream, and its exemplars where it is in rows.
fn wait_for_unit(visit: &Visit, list: &str, unit: usize) -> Result<()> {
    let pictures = if list == ROWS { 1 + 9 } else { 1 };
    let hangs = format!(
        "(() => {{
             const it = document.querySelector('{list} [data-unit=\"{LAYER}:{unit}\"]');
             const all = it ? [it, ...it.querySelectorAll('*')] : [];
             return all.filter((it) => getComputedStyle(it).backgroundImage !== 'none').length
                 >= {pictures};
         }})()"
    );
    visit.page().wait_for(&hangs, LATER).map(drop)
}

/// Scrolls through the whole list, looking often, and says the most units and elements there were.
fn scroll_through(visit: &Visit) -> Result<(u64, u64)> {
    let most = visit.page().script(
        "const stage = document.getElementById('stage');
         return (async () => {
             let [units, elements] = [0, 0];
             for (let look = 0; look <= 200; look++) {
                 stage.scrollTop = stage.scrollHeight * look / 200;
                 await new Promise(requestAnimationFrame);
                 await new Promise(requestAnimationFrame);
                 units = Math.max(units, document.querySelectorAll('[data-place]').length);
                 elements = Math.max(elements, document.querySelectorAll('*').length);
             }
             return [units, elements];
         })();",
    )?;
    let at = |place: usize| most.get(place).and_then(Value::as_u64).context("a count");
    Ok((at(0)?, at(1)?))
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn of_many_units_only_those_near_the_window_are_in_the_document_and_fetched() -> Result<()> {
    let visit = visit()?;
    for (query, list) in [
        (format!("?device=cpu#/{NETWORK}/{LAYER}"), ROWS),
        (format!("?model={NETWORK}&device=cpu&layer={LAYER}"), WALL),
    ] {
        visit.open("icon-of-nothing")?;
        visit.open(&query)?;
        wait_for_unit(&visit, list, 0)?;
        let fetched = "performance.getEntriesByType('resource')
            .filter(({ name }) => /\\.(json|bin|txt)$/.test(new URL(name).pathname))
            .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0)";
        let before = number(&visit, fetched)?;
        assert!(before < BEFORE_FIRST, "{list}: {before} bytes before the first units");
        let pages = || {
            (0..UNITS / 256)
                .filter(|page| visit.host.count(&format!("{LAYER}/exemplars-{page}.bin")) != 0)
        };
        if list == ROWS {
            assert_eq!(pages().collect::<Vec<_>>(), [0], "pages before anything is scrolled");
        }
        let (units, elements) = scroll_through(&visit)?;
        assert!(0 < units && units <= UNITS_SHOWN, "{list}: {units} units in the document");
        assert!(elements <= ELEMENTS, "{list}: {elements} elements");
        wait_for_unit(&visit, list, UNITS - 1)?;
        assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn keys_walk_a_long_list_from_end_to_end_and_a_unit_of_it_has_its_own_page() -> Result<()> {
    const HOME: &str = "\u{e011}";
    const END: &str = "\u{e010}";
    const UP: &str = "\u{e013}";
    const ENTER: &str = "\u{e007}";
    let visit = visit()?;
    let page = visit.page();
    visit.open(&format!("?device=cpu#/{NETWORK}/{LAYER}"))?;
    wait_for_unit(&visit, ROWS, 0)?;
    page.script(&format!("document.querySelector('{ROWS} [data-unit]').focus();"))?;
    let focused = |unit: usize| {
        let focused = "document.activeElement?.dataset?.unit";
        page.wait_for(&format!("{focused} === '{LAYER}:{unit}'"), SOON).map(drop)
    };
    page.press(END)?;
    focused(UNITS - 1)?;
    page.press(UP)?;
    focused(UNITS - 2)?;
    page.press(HOME)?;
    focused(0)?;
    page.press(END)?;
    focused(UNITS - 1)?;
    page.press(ENTER)?;
    let last = UNITS - 1;
    page.wait_for(
        &format!(
            "document.querySelector('[data-testid=unit-page]')?.dataset.unit === '{LAYER}:{last}'
             && document.querySelectorAll('[data-testid=exemplars] [data-picture]').length === 9"
        ),
        LATER,
    )?;
    // Nothing computes what only was recorded, and its maps are there all the same.
    assert!(!page.has("[data-testid=dream-start]")?);
    page.click("[data-testid=mode-heat]")?;
    page.wait_for_element("[data-heat=true] canvas", LATER)?;
    assert!(!page.has(ERROR)?, "{}", page.describe());
    // Back on the list it is where it was.
    page.back()?;
    wait_for_unit(&visit, ROWS, last)?;
    focused(last)
}

/// All dots are drawn, each once.
fn wait_for_dots(visit: &Visit) -> Result<()> {
    let drawn = format!(
        "[...document.querySelectorAll('{DOTS} path')]
         .reduce((sum, it) => sum + it.getAttribute('d').split('M').length - 1, 0) === {UNITS}"
    );
    visit.page().wait_for(&drawn, LATER).map(drop)
}

/// Presses at a place of the drawing, in shares of its sides, and lets go at another.
fn drag(visit: &Visit, from: [f64; 2], to: [f64; 2]) -> Result<()> {
    visit
        .page()
        .script(&format!(
            "const dots = document.querySelector('{DOTS}');
             const box = dots.getBoundingClientRect();
             const at = (type, [across, down]) => dots.dispatchEvent(new PointerEvent(type, {{
                 bubbles: true, pointerId: 1, button: 0,
                 clientX: box.left + across * box.width, clientY: box.top + down * box.height,
             }}));
             at('pointerdown', {from:?});
             at('pointermove', {to:?});
             at('pointerup', {to:?});"
        ))
        .map(drop)
}

/// How many latents are kept, once not all are.
fn kept(visit: &Visit) -> Result<usize> {
    let kept = format!("{SAID}?.match(/^(\\d+) of {UNITS} latents/)?.[1]");
    let kept = visit.page().wait_for(&kept, LATER)?;
    Ok(kept.as_str().unwrap_or_default().parse()?)
}

/// Waits until a unit leads the list.
fn wait_for_first(visit: &Visit, unit: usize) -> Result<()> {
    let first = format!("document.querySelector('{ROWS} [data-place=\"0\"]')?.dataset.unit");
    visit.page().wait_for(&format!("{first} === '{LAYER}:{unit}'"), LATER).map(drop)
}

/// Chooses what latents are shaded and sorted by.
fn sort_by(visit: &Visit, measure: &str) -> Result<()> {
    visit
        .page()
        .script(&format!(
            "const by = document.querySelector('[data-testid=latent-by]');
             by.value = '{measure}';
             by.dispatchEvent(new Event('change', {{ bubbles: true }}));"
        ))
        .map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_rectangle_in_the_drawing_of_all_latents_chooses_some_and_a_dot_leads_to_its_latent()
-> Result<()> {
    let visit = visit()?;
    let page = visit.page();
    visit.open(&format!("?device=cpu#/{NETWORK}/{LAYER}"))?;
    wait_for_dots(&visit)?;

    // Sorted by what is chosen; the address says so.
    sort_by(&visit, "stability")?;
    wait_for_first(&visit, 100)?;
    page.wait_for("location.search.includes('by=stability')", SOON)?;

    // The right half: those that fire often.
    drag(&visit, [0.5, 0.0], [1.0, 1.0])?;
    let some = kept(&visit)?;
    assert!((100..UNITS / 2 + 2000).contains(&some), "{some} latents");
    page.wait_for("location.search.includes('brush=')", SOON)?;
    page.wait_for(&format!("!!document.querySelector('{DOTS} .brush')"), SOON)?;

    // The same again from its address, and all of them at a click.
    page.script("location.reload();")?;
    page.wait_for(&format!("{SAID}?.startsWith('{some} of ')"), LATER)?;
    page.click("[data-testid=latent-all]")?;
    page.wait_for("!location.search.includes('brush=')", SOON)?;

    // A click without a drag opens the nearest.
    let spot = page.script(&format!(
        "const d = document.querySelector('{DOTS} path').getAttribute('d');
         return /^M([\\d.]+) ([\\d.]+)/.exec(d).slice(1).map((it) => it / 1000);"
    ))?;
    let at = |place: usize| spot.get(place).and_then(Value::as_f64).context("a place");
    let spot = [at(0)?, at(1)?];
    drag(&visit, spot, spot)?;
    let opened = "document.querySelector('[data-testid=unit-page]')?.dataset.unit";
    page.wait_for(&format!("{opened}?.startsWith('{LAYER}:')"), LATER)?;
    page.wait_for_element("[data-testid=latent-facts]", LATER)?;
    assert!(!page.has(ERROR)?, "{}", page.describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn latents_stand_on_a_map_too_where_a_rectangle_and_a_dot_do_the_same() -> Result<()> {
    let visit = visit()?;
    let page = visit.page();
    visit.open(&format!("?device=cpu#/{NETWORK}/{LAYER}"))?;
    wait_for_dots(&visit)?;
    let ticks = format!("document.querySelectorAll('{DOTS} .tick').length");
    page.wait_for(&format!("4 < {ticks}"), SOON)?;
    // A rectangle of the other drawing is none of the map.
    drag(&visit, [0.5, 0.0], [1.0, 1.0])?;
    page.wait_for("location.search.includes('brush=')", SOON)?;

    page.click("[data-testid=latents-by-likeness]")?;
    page.wait_for("location.search === '?arranged=likeness&device=cpu'", SOON)?;
    wait_for_dots(&visit)?;
    page.wait_for(&format!("{ticks} === 0"), SOON)?;
    let box_of = |side: &str| {
        number(&visit, &format!("document.querySelector('{DOTS}').getBoundingClientRect().{side}"))
    };
    assert_eq!(box_of("width")?, box_of("height")?);

    // The lower right quarter: rows of the first half, of each the second half.
    drag(&visit, [0.5, 0.5], [1.0, 1.0])?;
    let some = kept(&visit)?;
    assert!(some.abs_diff(UNITS / 4) < 300, "{some} latents");
    wait_for_first(&visit, 64)?;
    sort_by(&visit, "stability")?;
    page.wait_for("location.search.includes('by=stability')", SOON)?;
    // The first of these whose stability is 1 stands in the second half of its row.
    wait_for_first(&visit, 100)?;

    page.script("location.reload();")?;
    page.wait_for(&format!("{SAID}?.startsWith('{some} of ')"), LATER)?;
    wait_for_first(&visit, 100)?;
    let pressed = "document.querySelector('[data-testid=latents-by-likeness]')?.ariaPressed";
    page.wait_for(&format!("{pressed} === 'true'"), SOON)?;
    page.wait_for(&format!("!!document.querySelector('{DOTS} .brush')"), SOON)?;

    // The dot in the lower left corner is the first latent's.
    let edge = 0.04 / 2.08;
    drag(&visit, [edge, 1.0 - edge], [edge, 1.0 - edge])?;
    let opened = "document.querySelector('[data-testid=unit-page]')?.dataset.unit";
    page.wait_for(&format!("{opened} === '{LAYER}:0'"), LATER)?;
    page.back()?;
    page.wait_for(&format!("{SAID}?.startsWith('{some} of ')"), LATER)?;
    page.click("[data-testid=latents-by-value]")?;
    page.wait_for("location.search === '?by=stability&device=cpu'", SOON)?;
    page.wait_for(&format!("4 < {ticks}"), SOON)?;
    assert!(!page.has(ERROR)?, "{}", page.describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_search_looks_at_every_page_of_a_long_table() -> Result<()> {
    let visit = visit()?;
    visit.open(&format!("?device=cpu&find=dog#/{NETWORK}/{LAYER}"))?;
    let found = visit.page().wait_for(&format!("{SAID}?.match(/^(\\d+) units/)?.[1]"), LATER)?;
    let found: usize = found.as_str().unwrap_or_default().parse()?;
    assert!((1000..UNITS).contains(&found), "{found} units like dogs");
    let units = number(&visit, "document.querySelectorAll('[data-place]').length")?;
    assert!(units <= UNITS_SHOWN, "{units} units in the document");
    Ok(())
}

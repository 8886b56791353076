//! A unit's page and the walls that lead to it, from what the bundle brings along.

use anyhow::{Context, Result};
use serde_json::json;
use xtask::browser::Graphics;

use crate::visit::{ERROR, LATER, SOON, Visit, has_googlenet, host_with, layer_with_exemplars};

/// The unit on view.
const UNIT: &str = "document.querySelector('[data-testid=unit-page]')?.dataset.unit";

/// The first exemplar.
const FIRST: &str = "[data-testid=exemplars] [data-picture]";

/// Where keys are pressed: the right arrow, the left arrow, Enter.
const RIGHT: &str = "\u{E014}";
const LEFT: &str = "\u{E012}";
const ENTER: &str = "\u{E007}";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_units_address_opens_its_page_with_dream_and_exemplars() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?device=cpu#/googlenet/{layer}/3"))?;
    visit.page().wait_for(&format!("{UNIT} === '{layer}:3'"), LATER)?;
    visit.page().wait_for_element(FIRST, LATER)?;
    // The dream made beforehand hangs there, whether or not there are weights.
    visit.page().wait_for(
        "[...document.querySelectorAll('.unit-dream .baked')].some((it) =>
            it.naturalWidth || getComputedStyle(it).backgroundImage !== 'none')",
        LATER,
    )?;
    let values = visit.page().script(
        "return [...document.querySelectorAll('[data-testid=exemplars] [data-value]')]
             .map(tile => Number(tile.dataset.value));",
    )?;
    let values = values.as_array().context("the exemplars have values")?;
    assert!(values.len() >= 3, "{values:?}");
    assert!(values.is_sorted_by(|one, next| one.as_f64() >= next.as_f64()), "{values:?}");
    visit.page().wait_for_element("[data-testid=histogram] rect", SOON)?;
    // It shows on hover and focus.
    visit
        .page()
        .wait_for("document.querySelector('[data-testid=exemplars] .credit') !== null", LATER)?;
    let credit = visit.page().script(
        "return document.querySelector('[data-testid=exemplars] .credit').textContent.trim();",
    )?;
    assert!(credit.as_str().is_some_and(|credit| 4 < credit.len()), "no author: {credit:?}");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn arrow_keys_walk_through_the_units_and_back_returns() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?device=cpu#/googlenet/{layer}/0"))?;
    visit.page().wait_for_element(FIRST, LATER)?;
    visit.page().press(RIGHT)?;
    visit.page().press(RIGHT)?;
    visit.page().wait_for(&format!("{UNIT} === '{layer}:2'"), SOON)?;
    visit.page().wait_for(&format!("location.hash === '#/googlenet/{layer}/2'"), SOON)?;
    visit.page().press(LEFT)?;
    visit.page().wait_for(&format!("{UNIT} === '{layer}:1'"), SOON)?;
    visit.page().back()?;
    visit.page().wait_for(&format!("{UNIT} === '{layer}:2'"), SOON)?;
    visit.page().script("history.forward();")?;
    visit.page().wait_for(&format!("{UNIT} === '{layer}:1'"), SOON)?;
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn heat_maps_made_beforehand_show_where_a_unit_answers() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    // Without weights: nothing can be asked of the network.
    let visit = Visit::at(host_with(|bundle| {
        bundle.as_object_mut().map(|bundle| bundle.remove("weights"));
    })?)?;
    visit.open(&format!("?device=cpu#/googlenet/{layer}/0"))?;
    visit.page().wait_for_element("[data-testid=mode-heat]", LATER)?;
    visit.page().click("[data-testid=mode-heat]")?;
    visit.page().wait_for_element("[data-testid=exemplars] [data-heat=true] canvas", SOON)?;
    // Inferno: somewhere far more red than blue, which a grey copy never is.
    let coloured = "(() => {
        const canvas = document.querySelector('[data-testid=exemplars] [data-heat=true] canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        for (let at = 0; at < data.length; at += 4) if (data[at] > data[at + 2] + 60) return true;
        return false;
    })()";
    visit.page().wait_for(coloured, SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_search_by_what_the_pictures_show_finds_units_and_opens_one() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?device=cpu#/googlenet/{layer}"))?;
    visit.page().wait_for_element("[data-testid=exemplar-rows] [data-unit]", LATER)?;
    visit.page().type_into("[data-testid=unit-search]", "7")?;
    let first = "document.querySelector('[data-testid=exemplar-rows] [data-unit]')?.dataset.unit";
    visit.page().wait_for(&format!("{first} === '{layer}:7'"), SOON)?;
    visit.page().click("[data-testid=exemplar-rows] [data-unit]")?;
    visit.page().wait_for(&format!("{UNIT} === '{layer}:7'"), SOON)?;
    let label = "document.querySelector('[data-testid=exemplars] [data-picture] [role=img]')
        ?.getAttribute('aria-label')";
    visit.page().wait_for(&format!("{label} && !/^Picture \\d/.test({label})"), SOON)?;
    // Its longest word.
    let title = visit.page().script(
        "return document.querySelector('[data-testid=exemplars] [data-picture] [role=img]')
             .getAttribute('aria-label').split(/[^\\p{L}]+/u).sort((a, b) => b.length - a.length)[0];",
    )?;
    let title = title.as_str().context("the picture has a title")?.to_owned();
    visit.page().back()?;
    let typed = "document.querySelector('[data-testid=unit-search]')?.value";
    visit.page().wait_for(&format!("{typed} === '7'"), SOON)?;
    visit.open(&format!("?device=cpu&find={title}#/googlenet/{layer}"))?;
    visit.page().wait_for(&format!("{typed} === '{title}'"), LATER)?;
    let count = "document.querySelectorAll('[data-testid=exemplar-rows] [data-unit]').length";
    visit.page().wait_for(&format!("{count} > 0"), SOON)?;
    let said = visit.page().text("[data-testid=search-result]")?.unwrap_or_default();
    assert!(said.contains("unit"), "{title}: {said:?}");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_picture_on_the_wall_opens_its_units_page() -> Result<()> {
    let (layer, dreams) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?device=cpu&layer={layer}"))?;
    let tiles = "document.querySelectorAll('[data-testid=dream-wall] [data-unit]').length";
    visit.page().wait_for(&format!("{tiles} > 0 && {tiles} <= {dreams}"), LATER)?;
    visit.page().wait_for(
        "getComputedStyle(document.querySelector('[data-testid=dream-wall] [data-unit]'))
             .backgroundImage !== 'none'",
        LATER,
    )?;
    visit
        .page()
        .script("document.querySelector('[data-testid=dream-wall] [data-unit]').focus();")?;
    visit.page().press(RIGHT)?;
    visit.page().press(ENTER)?;
    visit.page().wait_for(&format!("{UNIT} === '{layer}:1'"), SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_unit_without_exemplars_says_so_and_offers_those_that_have_some() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    // The first convolution, which nobody made exemplars of.
    visit.open("?device=cpu#/googlenet/conv2d0/5")?;
    let offer = format!("[data-testid=no-exemplars] [data-layer='{layer}']");
    visit.page().wait_for_element(&offer, LATER)?;
    visit.page().click(&offer)?;
    visit.page().wait_for_element("[data-testid=exemplar-rows] [data-unit]", LATER)?;
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn every_picture_of_the_gallery_is_credited() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu")?;
    visit.page().wait_for_element("[data-testid=open-credits]", LATER)?;
    visit.page().script("document.querySelector('[data-testid=open-credits]').click();")?;
    visit.page().wait_for_element("[data-testid=credits] .credited", LATER)?;
    let licence = visit
        .page()
        .script("return document.querySelector('[data-testid=credits] .credited a').href;")?;
    assert!(licence.as_str().is_some_and(|link| link.starts_with("https://")), "{licence}");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_picture_of_the_gallery_is_looked_at() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu&view=look")?;
    visit.page().wait_for_element("[data-testid=gallery] [data-picture]", LATER)?;
    visit
        .page()
        .script("document.querySelector('[data-testid=gallery] [data-picture]').click();")?;
    visit.page().wait_for("location.search.includes('picture=')", SOON)?;
    visit.page().wait_for_element(".sight canvas", SOON)?;
    if has_googlenet() {
        visit.page().wait_for_element("[data-testid=look-top] [data-class]", LATER)?;
    } else {
        visit.page().wait_for_element("[data-testid=no-weights]", LATER)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_unit_and_a_wall_stand_in_a_slide_of_any_size() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    for (width, height) in [(240, 240), (640, 360), (360, 640)] {
        visit.page().appear(width, height, "dark")?;
        for (query, part) in [
            (format!("?embed=1&device=cpu#/googlenet/{layer}/4"), "embed-unit"),
            (format!("?embed=1&device=cpu&layer={layer}"), "embed-wall"),
        ] {
            // Only what follows the # may differ, and then nothing is loaded.
            visit.open("icon-of-nothing")?;
            visit.open(&query)?;
            let shown = format!(
                "[...document.querySelectorAll('[data-testid={part}] :is(.sprite, .dream)')]
                     .some(it => getComputedStyle(it).backgroundImage.includes('blob:'))"
            );
            visit.page().wait_for(&shown, LATER)?;
            let overflow = visit.page().script(
                "const e = document.documentElement;
                 return [e.scrollWidth > innerWidth, e.scrollHeight > innerHeight];",
            )?;
            assert_eq!(overflow, json!([false, false]), "{part} at {width}x{height}");
        }
    }
    Ok(())
}

//! Searches: slips are forgiven, kinds are known, and what another network has is offered there.

use anyhow::{Context, Result};
use serde_json::json;
use xtask::browser::Graphics;

use crate::visit::{self, ERROR, LATER, SOON, Visit, host_of, layer_with_exemplars};

/// The network that ships with its weights.
const LITE: &str = "model=efficientnet-lite0&device=cpu";

/// Control and K.
const JUMP: &str = "\u{E009}k\u{E000}";

/// Enter.
const ENTER: &str = "\u{E007}";

/// The unit on view.
const UNIT: &str = "document.querySelector('[data-testid=unit-page]')?.dataset.unit";

/// What the jump box offers, as its lines are read.
const OFFERED: &str = "[...document.querySelectorAll('#found [role=option]')]
    .map((entry) => [...entry.children].map((part) => part.textContent).join(' | '))";

/// Puts something else into a box, as typing would.
fn retype(visit: &Visit, selector: &str, text: &str) -> Result<()> {
    visit
        .page()
        .script_with(
            "const box = document.querySelector(arguments[0]);
             box.value = arguments[1];
             box.dispatchEvent(new Event('input', { bubbles: true }));",
            &json!([selector, text]),
        )
        .map(drop)
}

fn open_jump_box(visit: &Visit) -> Result<()> {
    visit.page().press(JUMP)?;
    visit.page().wait_for_element("dialog[open] input", SOON)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_jump_box_forgives_slips_and_knows_kinds() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?{LITE}"))?;
    visit.page().wait_for_element("[data-testid=dream-wall]", LATER)?;
    open_jump_box(&visit)?;
    for (typed, first) in [
        ("goldfsih", "goldfish | class"),
        ("volcanoe", "volcano | class"),
        ("dalmation", "dalmatian | class"),
        ("stripes", "garter snake | class"),
    ] {
        retype(&visit, "dialog[open] input", typed)?;
        let wait = format!("({OFFERED})[0] === '{first}'");
        visit.page().wait_for(&wait, LATER).with_context(|| typed.to_owned())?;
    }
    retype(&visit, "dialog[open] input", "dogs")?;
    let mixed = format!(
        "['class', 'picture', 'search'].every((kind) =>
             ({OFFERED}).some((entry) => entry.endsWith(kind)))"
    );
    visit.page().wait_for(&mixed, LATER)?;
    // The last one asks the units.
    visit.page().script("document.querySelector('#found [role=option]:last-child').click();")?;
    visit.page().wait_for("location.search.includes('find=dogs')", SOON)?;
    visit.page().wait_for_element("[data-testid=exemplar-rows] [data-unit]", LATER)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_unit_of_another_network_is_found_and_opened_there() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?{LITE}"))?;
    visit.page().wait_for_element("[data-testid=dream-wall]", LATER)?;
    open_jump_box(&visit)?;
    retype(&visit, "dialog[open] input", &format!("{layer} 11"))?;
    let first = format!("({OFFERED})[0] === '{layer} : 11 in GoogLeNet | unit'");
    visit.page().wait_for(&first, SOON)?;
    visit.page().press(ENTER)?;
    visit.page().wait_for(&format!("{UNIT} === '{layer}:11'"), SOON)?;
    visit.page().wait_for(&format!("location.hash === '#/googlenet/{layer}/11'"), SOON)?;
    visit.page().wait_for_element("[data-testid=exemplars] [data-picture]", LATER)?;
    // One entry in the history brings back where it was asked for.
    visit.page().back()?;
    visit.page().wait_for("location.search.includes('model=efficientnet-lite0')", SOON)?;
    visit.page().wait_for_element("[data-testid=dream-wall]", LATER)?;
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_layers_own_search_takes_a_layer_and_a_number() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?device=cpu#/googlenet/{layer}"))?;
    visit.page().wait_for_element("[data-testid=exemplar-rows] [data-unit]", LATER)?;
    retype(&visit, "[data-testid=unit-search]", &format!("{layer} 7"))?;
    let first = "document.querySelector('[data-testid=exemplar-rows] [data-unit]')?.dataset.unit";
    visit.page().wait_for(&format!("{first} === '{layer}:7'"), SOON)?;
    assert!(!visit.page().has("[data-testid=other-unit]")?, "it is here");
    retype(&visit, "[data-testid=unit-search]", "block8 3")?;
    visit.page().wait_for_element("[data-testid=other-unit]", SOON)?;
    visit.page().click("[data-testid=other-unit]")?;
    visit.page().wait_for(&format!("{UNIT} === 'block8:3'"), SOON)?;
    visit.page().wait_for("location.hash === '#/efficientnet-lite0/block8/3'", SOON)?;
    visit.page().wait_for_element("[data-testid=exemplars] [data-picture]", LATER)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_label_that_does_not_say_which_class_offers_some() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open_ready(&format!("?{LITE}&objective=block8:3&size=32&steps=2"))?;
    let offers = "[...document.querySelectorAll('aside [data-testid=offer]')]
        .map((offer) => offer.dataset.objective)";
    retype(&visit, "[data-testid=objective-input]", "logits:\"crane\"")?;
    visit.page().wait_for(&format!("({offers}).join() === 'logits:134,logits:517'"), SOON)?;
    retype(&visit, "[data-testid=objective-input]", "logits:\"dog\"")?;
    visit.page().wait_for(&format!("({offers}).length >= 10"), SOON)?;
    let chosen = visit.page().script(&format!("return ({offers})[0];"))?;
    let chosen = chosen.as_str().context("an offer has an objective")?.to_owned();
    visit.page().click("aside [data-testid=offer]")?;
    visit.wait_for_step(2)?;
    assert_eq!(visit.parameter("objective")?, Some(chosen));
    let left = format!("({offers}).length === 0");
    visit.page().wait_for(&left, SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_class_without_anything_made_beforehand_opens_on_its_dream() -> Result<()> {
    let visit = Visit::at(host_of(visit::LITE, |bundle| {
        if let Some(layers) = bundle["layers"].as_array_mut() {
            layers.retain(|layer| layer["name"] != "logits");
        }
    })?)?;
    visit.open("?device=cpu&size=32&steps=4#/efficientnet-lite0/logits/0")?;
    visit.page().wait_for(&format!("{UNIT} === 'logits:0'"), LATER)?;
    visit.wait_for_step(4)?;
    assert!(!visit.page().has(".unmade")?, "{}", visit.page().describe());
    // From the search of an empty layer too.
    visit.open("?device=cpu&size=32&steps=4#/efficientnet-lite0/block8")?;
    visit.page().wait_for_element("[data-testid=exemplar-rows] [data-unit]", LATER)?;
    open_jump_box(&visit)?;
    retype(&visit, "dialog[open] input", "tench")?;
    visit.page().wait_for(&format!("({OFFERED})[0] === 'tench | class'"), LATER)?;
    visit.page().press(ENTER)?;
    visit.wait_for_step(4)?;
    assert_eq!(visit.parameter("objective")?.as_deref(), Some("logits:0"));
    Ok(())
}

//! A narrow window: what opens fits into it, and closes.

use anyhow::Result;
use serde_json::json;
use xtask::browser::Graphics;

use crate::visit::{Network, SOON, Visit, network};

const WIDTH: u32 = 360;

/// Escape.
const ESCAPE: &str = "\u{E00C}";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn what_a_chip_opens_fits_a_phone() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    page.appear(WIDTH, 740, "dark")?;
    visit.open_ready(&format!("?{model}objective={layer}:5&device=cpu"))?;
    for chip in ["device-chip", "model-chip"] {
        page.click(&format!("[data-testid={chip}]"))?;
        page.wait_for_element(".popover", SOON)?;
        let sides = page.script(
            "const { left, right } = document.querySelector('.popover').getBoundingClientRect();
             return [left, right];",
        )?;
        let [left, right] = [0, 1].map(|side| sides[side].as_f64().unwrap_or(f64::NAN));
        assert!(0.0 <= left && right <= f64::from(WIDTH), "{chip}: from {left} to {right}");
        page.press(ESCAPE)?;
        page.wait_for("!document.querySelector('.popover')", SOON)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_sheet_closes_by_key_and_when_another_view_opens() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    page.appear(WIDTH, 740, "light")?;
    visit.open_ready(
        "?model=efficientnet-lite0&device=cpu&view=look&picture=animals/goldfish.jpg",
    )?;
    let open = || {
        page.click(".ways .button.narrow")?;
        page.wait_for_element("aside.sheet", SOON)
    };
    let closed = "!document.querySelector('aside.sheet')";
    open()?;
    page.press(ESCAPE)?;
    page.wait_for(closed, SOON)?;

    open()?;
    let row = "[data-testid=look-top] [data-class]";
    page.wait_for_element(row, SOON)?;
    page.script_with("document.querySelector(arguments[0]).click();", &json!([row]))?;
    page.wait_for(closed, SOON)?;
    page.wait_for_element("[data-testid=dream-canvas]", SOON)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn back_closes_what_is_open_before_it_goes_anywhere() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    page.appear(WIDTH, 740, "dark")?;
    visit.open_ready(&format!("?{model}device=cpu"))?;
    let wall = page.address()?;
    visit.open(&format!("?{model}objective={layer}:5&device=cpu"))?;
    page.wait_for_element("[data-testid=open-settings]", SOON)?;
    let dream = page.address()?;
    for (opener, inside) in [
        ("[data-testid=open-settings]", "aside.sheet"),
        ("[data-testid=device-chip]", ".popover"),
        ("[data-testid=model-chip]", ".popover"),
        (".jump", "dialog[open]"),
    ] {
        page.click(opener)?;
        page.wait_for_element(inside, SOON)?;
        page.back()?;
        page.wait_for(&format!("!document.querySelector({inside:?})"), SOON)?;
        assert_eq!(page.address()?, dream, "Back closed what {opener} opens");
        // Closed by itself it leaves nothing behind that Back would have to pass.
        page.click(opener)?;
        page.wait_for_element(inside, SOON)?;
        page.press(ESCAPE)?;
        page.wait_for(&format!("!document.querySelector({inside:?})"), SOON)?;
        page.wait_for("String(history.state).startsWith('below')", SOON)?;
    }
    page.back()?;
    page.wait_for(&format!("location.href === {}", json!(wall)), SOON)?;
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn what_was_changed_in_the_sheet_stays_when_back_closes_it() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    page.appear(WIDTH, 740, "dark")?;
    visit.open_ready(&format!("?{model}objective={layer}:5&device=cpu"))?;
    let seed = |seed: &str| {
        page.wait_for(&format!("new URLSearchParams(location.search).get('seed') === {seed}"), SOON)
    };
    page.click("[data-testid=open-settings]")?;
    page.wait_for_element("aside.sheet", SOON)?;
    for value in ["3", "4"] {
        page.script_with(
            "const field = document.querySelector('[data-testid=setting-seed]');
             field.value = arguments[0];
             field.dispatchEvent(new Event('change', { bubbles: true }));",
            &json!([value]),
        )?;
        seed(&format!("'{value}'"))?;
    }
    assert!(page.has("aside.sheet")?, "the sheet stays open");
    page.back()?;
    page.wait_for("!document.querySelector('aside.sheet')", SOON)?;
    seed("'4'")?;
    // From here on Back undoes, one by one, what was changed.
    page.back()?;
    seed("'3'")?;
    page.back()?;
    seed("null").map(drop)
}

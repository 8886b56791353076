//! A low window: a phone on its side, a page at twice its size.

use anyhow::Result;
use serde_json::json;
use xtask::browser::{Graphics, Session};

use crate::visit::{LATER, Network, SOON, Visit, network};

/// A phone on its side; a laptop's window at twice its size; larger phones and windows that low.
const SIZES: [(u32, u32); 5] = [(740, 360), (640, 400), (568, 320), (932, 430), (1280, 480)];

/// Whether a part is wholly in view and right of the picture.
fn stands_beside(page: &Session, part: &str, picture: &str) -> Result<()> {
    let seen = page.script_with(
        "const [part, picture] = arguments;
         // What has changed its size is laid out.
         return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => {
         const box = document.querySelector(part).getBoundingClientRect();
         const shown = document.querySelector(picture).getBoundingClientRect();
         const whole = ({ left, top, right, bottom, width, height }) => width > 20 && height > 20
             && left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
         const on = document.elementFromPoint(box.left + 8, box.top + box.height / 2);
         const looked = {
             right: box.left >= shown.right, whole: whole(box), picture: whole(shown),
             free: document.querySelector(part).contains(on),
             size: [innerWidth, innerHeight], box, shown,
         };
         return looked; });",
        &json!([part, picture]),
    )?;
    for holds in ["right", "whole", "picture", "free"] {
        assert_eq!(seen[holds], true, "{part} beside {picture}: {holds} fails in {seen}");
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn play_and_the_name_are_in_view_beside_the_picture() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open_ready(&format!("?{model}objective={layer}:5&device=cpu"))?;
    for (width, height) in SIZES {
        page.appear(width, height, "dark")?;
        for part in ["h1", "[data-testid=dream-start]", "[data-testid=save]"] {
            stands_beside(page, part, ".picture")?;
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_units_name_stands_beside_its_picture() -> Result<()> {
    let Network { model, layer, name } = network();
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open_ready(&format!("?{model}device=cpu#/{name}/{layer}/5"))?;
    page.wait_for_element("[data-testid=exemplars] [data-picture]", LATER)?;
    for (width, height) in SIZES {
        page.appear(width, height, "light")?;
        for part in ["h1", "[data-testid=dream-start]"] {
            stands_beside(page, part, ".picture")?;
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_sheet_leaves_the_picture_in_sight_and_back_closes_it() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    page.appear(740, 360, "dark")?;
    visit.open(&format!("?{model}objective={layer}:5&device=cpu"))?;
    page.wait_for_element("[data-testid=open-settings]", SOON)?;
    page.click("[data-testid=open-settings]")?;
    page.wait_for(
        "document.querySelector('aside.sheet')?.getBoundingClientRect().right <= innerWidth",
        SOON,
    )?;
    page.back()?;
    page.wait_for("!document.querySelector('aside.sheet')", SOON).map(drop)
}

//! What is said in passing: read, and never in the way.

use anyhow::Result;
use serde_json::json;
use xtask::browser::{Graphics, Session};

use crate::visit::{LATER, Network, SOON, Visit, network};

const SHOWN: &str = ".notice.shown";

/// The parts that can be pressed and lie under the notice, by their HTML.
const UNDER: &str = "
    const notice = document.querySelector('.notice.shown').getBoundingClientRect();
    return [...document.querySelectorAll('a, button, input, select, summary, label.button')]
        .filter((part) => part.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
        .filter((part) => {
            const { left, top, right, bottom } = part.getBoundingClientRect();
            return left < notice.right && right > notice.left && top < notice.bottom && bottom > notice.top;
        })
        .map((part) => part.outerHTML.slice(0, 120));
";

/// Says something, scrolled to the end of the stage, and returns what can be pressed under it.
fn under_the_notice(page: &Session) -> Result<serde_json::Value> {
    // Lists are made as they come near, so the end moves away at first.
    page.wait_for(
        "(() => {
            const stage = document.querySelector('#stage'), before = stage.scrollTop;
            stage.scrollTop = stage.scrollHeight;
            // Twice in a row, with time to make some between.
            window.ends = stage.scrollTop === before ? (window.ends ?? 0) + 1 : 0;
            return window.ends > 4;
        })()",
        SOON,
    )?;
    page.script(
        "document.dispatchEvent(new KeyboardEvent('keydown', { key: 'c', bubbles: true }));",
    )?;
    page.wait_for_element(SHOWN, SOON)?;
    page.script(UNDER)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn nothing_that_can_be_pressed_lies_under_a_notice() -> Result<()> {
    let Network { model, layer, name } = network();
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    for query in [
        format!("?{model}objective={layer}:5&device=cpu"),
        format!("?device=cpu#/{name}/{layer}/5"),
        "?model=efficientnet-lite0&device=cpu&view=look&picture=animals/goldfish.jpg".to_owned(),
    ] {
        for (width, height) in [(360, 740), (740, 360), (1280, 800), (1280, 620), (2560, 1440)] {
            page.appear(width, height, "dark")?;
            page.go("about:blank")?;
            visit.open_ready(&query)?;
            let under = under_the_notice(page)?;
            assert_eq!(under, json!([]), "{query} at {width}x{height}");
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_press_goes_through_a_notice_to_the_picture_below() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open(&format!("?{model}device=cpu&layer={layer}"))?;
    page.wait_for_element("[data-testid=dream-wall] [data-unit]", LATER)?;
    page.press("c")?;
    page.wait_for_element(SHOWN, SOON)?;
    let through = page.script(
        "const { left, top, width, height } = document.querySelector('.notice.shown').getBoundingClientRect();
         const found = document.elementFromPoint(left + width / 2, top + height / 2);
         return !found.closest('.notice');",
    )?;
    assert_eq!(through, true);
    Ok(())
}

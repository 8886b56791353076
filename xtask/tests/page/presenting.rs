//! Before a room: presenting, full screen, a wall.

use anyhow::Result;
use serde_json::json;
use xtask::browser::{Graphics, Session};

use crate::visit::{LATER, Network, SOON, Visit, network};

const ESCAPE: &str = "\u{E00C}";
const RIGHT: &str = "\u{E014}";
const PRESENTING: &str = "[data-testid=presenting]";

fn query(more: &str) -> String {
    let Network { model, layer, .. } = network();
    format!("?{model}objective={layer}:5&size=64&steps=2000&seed=1&device=cpu{more}")
}

/// All text on view.
fn words(page: &Session) -> Result<String> {
    Ok(page.text("body")?.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn presenting_leaves_name_picture_and_step_and_escape_leaves_it() -> Result<()> {
    let layer = network().layer;
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    page.appear(2560, 1440, "dark")?;
    visit.open_ready(&query(""))?;
    page.press(" ")?;
    visit.wait_for_step(2)?;
    page.press("p")?;
    page.wait_for_element(PRESENTING, SOON)?;
    // Keys still work.
    page.press(" ")?;
    let shown = words(page)?;
    assert!(shown.starts_with(&format!("{layer} : 5 step ")), "{shown:?}");
    assert!(shown.ends_with(" of 2000"), "{shown:?}");
    let sizes = page.script(
        "const { width, height } = document.querySelector('canvas').getBoundingClientRect();
         return [width, height, parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)];",
    )?;
    let [width, height, letter] = [0, 1, 2].map(|at| sizes[at].as_f64().unwrap_or(0.0));
    assert!(1200.0 < width && width == height && height <= 1440.0, "{sizes}");
    assert!(100.0 < letter, "{sizes}");

    page.press(RIGHT)?;
    page.wait_for(&format!("document.querySelector('h1').innerText === '{layer} : 6'"), SOON)?;
    page.press(ESCAPE)?;
    page.wait_for(&format!("!document.querySelector('{PRESENTING}')"), SOON)?;
    assert_eq!(visit.parameter("present")?, None);
    assert_eq!(visit.parameter("objective")?, Some(format!("{layer}:6")));
    assert!(page.has("header .brand")?);
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn back_and_escape_leave_presenting_for_the_same_place() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open(&query(""))?;
    page.wait_for_element("[data-testid=present]", SOON)?;
    let plain = page.address()?;
    page.click("[data-testid=present]")?;
    page.wait_for_element(PRESENTING, SOON)?;
    assert_eq!(visit.parameter("present")?.as_deref(), Some("1"));
    page.back()?;
    page.wait_for(&format!("!document.querySelector('{PRESENTING}')"), SOON)?;
    page.click("[data-testid=present]")?;
    page.wait_for_element(PRESENTING, SOON)?;
    page.press(ESCAPE)?;
    page.wait_for(&format!("location.href === {}", json!(plain)), SOON)?;
    page.wait_for_element("[data-testid=present]", SOON)?;

    // An address opens it too, and then there is nothing to go back to.
    page.go("about:blank")?;
    visit.open(&query("&present=1"))?;
    page.wait_for_element(PRESENTING, SOON)?;
    page.press(ESCAPE)?;
    page.wait_for_element("[data-testid=present]", SOON)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn full_screen_says_name_and_step() -> Result<()> {
    let layer = network().layer;
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open_ready(&query(""))?;
    page.press(" ")?;
    visit.wait_for_step(2)?;
    page.press("f")?;
    page.wait_for("document.fullscreenElement", SOON)?;
    page.wait_for(
        &format!(
            "(() => {{
                const line = document.querySelector(':fullscreen .far-line');
                const {{ bottom, height }} = line.getBoundingClientRect();
                return line.innerText.startsWith('{layer} : 5') && /step \\d+ of 2000/.test(line.innerText)
                    && height > 20 && bottom <= innerHeight;
            }})()"
        ),
        LATER,
    )?;
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn on_a_wall_the_furniture_grows_a_little() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    let height = |width: u32, height: u32| {
        page.appear(width, height, "dark")?;
        let ask = "return ['header', '.rail a', '.play', '.title h1'].map((part) =>
            document.querySelector(part).getBoundingClientRect().height);";
        page.script(ask)
    };
    visit.open_ready(&query(""))?;
    let (laptop, wall) = (height(1280, 800)?, height(2560, 1440)?);
    for part in 0..4 {
        let [laptop, wall] = [&laptop, &wall].map(|sizes| sizes[part].as_f64().unwrap_or(0.0));
        let growth = wall / laptop;
        assert!((1.1..1.5).contains(&growth), "part {part}: {laptop} and {wall}");
    }
    Ok(())
}

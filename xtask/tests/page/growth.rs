//! A dream's growth as a moving picture.

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};
use xtask::browser::{Graphics, Session};

use crate::sharing::CATCH_DOWNLOADS;
use crate::visit::{Network, SOON, Visit, network};

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_growth_of_a_dream_is_saved_as_a_picture_that_moves() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::new()?;
    visit.open_ready(&format!("?{model}objective={layer}:5&size=48&steps=6&seed=9&device=cpu"))?;
    let disabled = visit.page().attribute("[data-testid=save-growth]", "disabled")?;
    assert!(disabled.is_some(), "there is nothing to move yet");
    // Step by step, so that every picture is shown.
    for step in 1..=6 {
        visit.page().click("[data-testid=dream-step]")?;
        visit.wait_for_step(step)?;
    }
    visit.page().script(CATCH_DOWNLOADS)?;
    visit.page().click("[data-testid=save-growth]")?;
    let caught = visit.page().wait_for("window.caught[0]", SOON)?;
    assert_eq!(caught[0], format!("{layer}_5.webp"));
    let file = BASE64.decode(caught[1].as_str().context("no bytes were caught")?)?;
    let n_frames = file.windows(4).filter(|name| name == b"ANMF").count();
    assert!(2 < n_frames && n_frames <= 6, "{n_frames} frames");

    assert_eq!(played(visit.page(), 0, "image/webp")?, json!([n_frames, true, 48, 48, 1500]));

    // What is said of the first lies over the buttons for a moment.
    visit.page().wait_for("!document.querySelector('.notice.shown')", SOON)?;
    visit.page().click("[data-testid=save-growth-gif]")?;
    let caught = visit.page().wait_for("window.caught[1]", SOON)?;
    assert_eq!(caught[0], format!("{layer}_5.gif"));
    assert_eq!(played(visit.page(), 1, "image/gif")?, json!([n_frames, true, 48, 48, 1500]));
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_browser_that_writes_no_webp_saves_a_gif() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    // As such browsers do: PNG, without a word.
    visit.page().before_each_page(
        "const write = HTMLCanvasElement.prototype.toBlob;
         HTMLCanvasElement.prototype.toBlob = function (done) { write.call(this, done); };",
    )?;
    visit.open_ready(&format!("?{model}objective={layer}:5&size=48&steps=2&device=cpu"))?;
    for step in 1..=2 {
        visit.page().click("[data-testid=dream-step]")?;
        visit.wait_for_step(step)?;
    }
    visit.page().script(CATCH_DOWNLOADS)?;
    visit.page().click("[data-testid=save-growth]")?;
    let caught = visit.page().wait_for("window.caught[0]", SOON)?;
    assert_eq!(caught[0], format!("{layer}_5.gif"));
    assert_eq!(played(visit.page(), 0, "image/gif")?, json!([2, true, 48, 48, 1500]));
    Ok(())
}

/// What the browser itself makes of a saved picture: how many frames, whether for ever, the last
/// one's width and height, and for how many milliseconds it is shown.
fn played(page: &Session, saved: usize, mime: &str) -> Result<Value> {
    page.script_with(
        "const [, data] = window.caught[arguments[0]];
         const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
         const decoder = new ImageDecoder({ data: bytes, type: arguments[1] });
         return decoder.tracks.ready.then(async () => {
             const { frameCount, repetitionCount } = decoder.tracks.selectedTrack;
             const { image } = await decoder.decode({ frameIndex: frameCount - 1 });
             return [frameCount, repetitionCount === Infinity, image.displayWidth,
                 image.displayHeight, image.duration / 1000];
         });",
        &json!([saved, mime]),
    )
}

//! Train: a dictionary learns in the page, is saved, opened again, dreamed and looked through.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::json;
use xtask::browser::Graphics;

use crate::visit::{ERROR, LATER, SOON, Visit};

/// The page on a layer's training, and pictures of the visitor's own: parts of the gallery's sheets.
fn open() -> Result<Visit> {
    let visit = Visit::with(Graphics::None)?;
    visit.open_ready("?model=efficientnet-lite0&device=cpu&view=train&layer=block11")?;
    visit.page().script(CHOOSE)?;
    visit.page().wait_for(
        "document.querySelector('.segments label').textContent.includes('Your 8')",
        LATER,
    )?;
    Ok(visit)
}

/// Eight pictures of the gallery, chosen as files.
const CHOOSE: &str = "return (async () => {
    const get = (path) => fetch('bundles/efficientnet-lite0/' + path);
    const { gallery: { sprites } } = await (await get('bundle.json')).json();
    const { side, columns, sheets } = sprites;
    const sheet = await createImageBitmap(await (await get(sheets[0].path)).blob());
    const held = new DataTransfer();
    for (let number = 0; number < 8; number++) {
        const cut = Object.assign(document.createElement('canvas'), { width: side, height: side });
        cut.getContext('2d').drawImage(
            sheet, -side * (number % columns), -side * Math.floor(number / columns));
        const blob = await new Promise((resolve) => cut.toBlob(resolve, 'image/jpeg', 0.95));
        held.items.add(new File([blob], `${number}.jpg`, { type: 'image/jpeg' }));
    }
    const input = document.querySelector('[data-testid=train-files]');
    input.files = held.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
})()";

/// Chooses so many of what a list counts.
fn choose(visit: &Visit, id: &str, number: usize) -> Result<()> {
    let change = "const list = document.querySelector(`[data-testid=${arguments[0]}]`);
        list.value = arguments[1];
        list.dispatchEvent(new Event('change', { bubbles: true }));";
    visit.page().script_with(change, &json!([id, number.to_string()])).map(drop)
}

/// Keeps what the page hands to the visitor as a file: `window.saved` becomes its base64.
const KEEP: &str = "const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
        const reader = new FileReader();
        reader.onload = () => { window.saved = reader.result.split(',')[1]; };
        reader.readAsDataURL(blob);
        return make(blob);
    };";

const PLAY: &str = "[data-testid=train-play]";

fn says(words: &str) -> String {
    format!("document.querySelector('[data-testid=train-far]').textContent.startsWith('{words}')")
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dictionary_learns_is_saved_and_opened_again() -> Result<()> {
    let visit = open()?;
    let page = visit.page();
    choose(&visit, "train-latents", 128)?;
    choose(&visit, "train-steps", 200)?;
    page.click(PLAY)?;
    page.wait_for(&says("128 latents of block11"), LATER)?;
    page.wait_for_element("[data-testid=train-wall] [data-latent] .sprite[style]", SOON)?;
    let explained = page.text("[data-testid=train-explained]")?.context("nothing explained")?;
    let share: f64 = explained.trim_end_matches([' ', '%', '\u{a0}', '\u{202f}']).parse()?;
    ensure!(50.0 < share, "{explained} is explained");

    page.script(KEEP)?;
    page.click("[data-testid=train-save]")?;
    let saved = page.wait_for("window.saved", SOON)?;
    let saved = saved.as_str().context("no file was saved")?.to_owned();
    // Its files are stored as they are.
    let bytes = BASE64.decode(&saved)?;
    let text = String::from_utf8_lossy(&bytes);
    for part in ["cfg.json", "sae_weights.safetensors", "block11", "\"topk\""] {
        ensure!(text.contains(part), "the file holds no {part}");
    }

    let of_wall = "[...document.querySelectorAll('[data-testid=train-wall] [data-latent]')]
        .map((tile) => tile.innerText).join()";
    let wall = page.script(&format!("return {of_wall};"))?;
    let open =
        "const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
        const held = new DataTransfer();
        held.items.add(new File([bytes], arguments[1], { type: 'application/zip' }));
        const input = document.querySelector('[data-testid=train-open]');
        input.files = held.files;
        input.dispatchEvent(new Event('change', { bubbles: true }));";
    // The wall of before is taken down.
    page.script("document.querySelector('[data-testid=train-wall] [data-latent]').id = 'before';")?;
    page.script_with(open, &json!([saved, "saved.zip"]))?;
    page.wait_for("!document.querySelector('#before')", SOON)?;
    page.wait_for(&says("128 latents of block11"), LATER)?;
    page.wait_for(&format!("{of_wall} === {wall}"), SOON)?;

    // What is no dictionary is said to be none.
    page.script_with(open, &json!([BASE64.encode("no archive"), "other.zip"]))?;
    page.wait_for_element(ERROR, SOON)?;
    assert_eq!(visit.error_kind()?, "Corrupted");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_paused_dictionary_can_be_dreamed_and_looked_through_and_goes_on() -> Result<()> {
    let visit = open()?;
    let page = visit.page();
    choose(&visit, "train-latents", 128)?;
    choose(&visit, "train-steps", 5000)?;
    page.click(PLAY)?;
    page.wait_for(&says("step"), LATER)?;
    page.wait_for_element("[data-testid=train-wall] [data-latent]", LATER)?;
    page.click("[data-testid=train-wall] [data-latent]")?;
    page.wait_for_element("[data-testid=train-latent] li .frame", SOON)?;
    let unusable = "document.querySelector('[data-testid=train-dream]').disabled";
    page.wait_for(unusable, SOON)?;
    page.click(PLAY)?;
    page.wait_for(&says("paused"), SOON)?;
    page.wait_for(&format!("!({unusable})"), LATER)?;
    let latent = page.attribute("[data-testid=train-latent]", "data-latent")?;
    let latent = latent.context("no latent is on view")?;

    page.click("[data-testid=train-look]")?;
    page.script(
        "location.hash = ''; document.querySelector('[data-picture=\"animals/goldfish.jpg\"]')?.click();",
    )?;
    page.wait_for_element("[data-testid=gallery] [data-picture]", LATER)?;
    page.click("[data-testid=gallery] [data-picture]")?;
    page.wait_for_element("[data-testid=look-channels] [data-unit^='block11/mine:']", LATER)?;

    page.click("[data-testid=view-train]")?;
    page.wait_for_element("[data-testid=train-dream]", SOON)?;
    page.click("[data-testid=train-dream]")?;
    page.wait_for(
        &format!(
            "new URLSearchParams(location.search).get('objective') === 'block11/mine:{latent}'"
        ),
        SOON,
    )?;
    visit.wait_for_step(2)?;

    page.click("[data-testid=view-train]")?;
    page.wait_for_element(PLAY, SOON)?;
    page.click(PLAY)?;
    page.wait_for(&says("step"), LATER)?;
    page.click(PLAY)?;
    page.wait_for_element("[data-testid=train-stop]", SOON)?;
    page.click("[data-testid=train-stop]")?;
    page.wait_for(&says("128 latents of block11"), SOON).map(drop)
}

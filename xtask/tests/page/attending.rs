//! A vision transformer in the page: its walls without weights, and with them what it looks at.

use anyhow::{Context, Result};
use xtask::browser::{Graphics, Session};

use crate::visit::{ERROR, LATER, SOON, Visit, weights};

const TRANSFORMER: &str = "vit-tiny-patch16-224";

/// Whether the site has the transformer's weights; says so if not.
fn has_weights() -> bool {
    let found = weights(TRANSFORMER).is_ok();
    if !found {
        println!(
            "skipped: the site has no weights of a transformer; the reference data is not here"
        );
    }
    found
}

/// Looks at the gallery's goldfish on a device.
fn look(graphics: Graphics, device: &str, more: &str) -> Result<Visit> {
    let visit = Visit::with(graphics)?;
    visit.open_ready(&format!(
        "?model={TRANSFORMER}&device={device}&view=look&picture=animals/goldfish.jpg{more}"
    ))?;
    visit.page().wait_for_element("[data-testid=look-top] [data-class='1']", LATER)?;
    Ok(visit)
}

/// The picture with what lies over it, as one string to compare.
fn drawn(page: &Session) -> Result<String> {
    let drawn = page.script("return document.querySelector('.sight canvas').toDataURL();")?;
    Ok(drawn.as_str().unwrap_or_default().to_owned())
}

/// Waits until the picture is not what it was, and says what it is.
fn redrawn(page: &Session, before: &str) -> Result<String> {
    let changed = "document.querySelector('.sight canvas').toDataURL()";
    page.script(&format!("window.before = {changed};"))?;
    let now = drawn(page)?;
    if now != before {
        return Ok(now);
    }
    page.wait_for(&format!("{changed} !== window.before"), SOON)?;
    drawn(page)
}

fn attends_on(graphics: Graphics, device: &str) -> Result<()> {
    if !has_weights() {
        return Ok(());
    }
    let visit = look(graphics, device, "")?;
    let page = visit.page();
    page.wait_for(
        "document.querySelectorAll('[data-testid=attention-heads] [data-head]').length === 4
         && [...document.querySelectorAll('[data-testid=attention-heads] .value')]
            .every((said) => said.textContent.includes('%'))",
        LATER,
    )?;
    let plain = drawn(page)?;
    page.click("[data-testid=attention-heads] [data-head='2']")?;
    page.wait_for("location.search.includes('attention=11:2')", SOON)?;
    let of_class_token = redrawn(page, &plain)?;
    let said = page.text("[data-testid=heat-attention]")?.unwrap_or_default();
    assert!(said.contains("block 11, head 2:") && said.contains("the class token"), "{said}");
    // Keys choose the patch, and the address has it.
    page.script("document.querySelector('[data-testid=attended]').focus();")?;
    page.press("\u{e012}")?;
    page.wait_for("location.search.includes('attention=11:2@7,7')", SOON)?;
    page.press("\u{e013}")?;
    page.wait_for("location.search.includes('attention=11:2@6,7')", SOON)?;
    let of_patch = redrawn(page, &of_class_token)?;
    let said = page.text("[data-testid=heat-attention]")?.unwrap_or_default();
    assert!(said.contains("row 7, column 8"), "{said}");
    page.press("\u{e00c}")?;
    page.wait_for("!location.search.includes('@')", SOON)?;
    assert_eq!(redrawn(page, &of_patch)?, of_class_token, "Escape leads back");
    assert!(!page.has(ERROR)?, "{}", page.describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn attention_is_shown_head_by_head_and_patch_by_patch_on_the_processor() -> Result<()> {
    attends_on(Graphics::None, "cpu")
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn attention_is_shown_head_by_head_and_patch_by_patch_on_webgpu() -> Result<()> {
    attends_on(Graphics::Software, "webgpu")
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn an_address_shows_the_attention_of_its_block_from_its_patch_and_the_pointer_from_another()
-> Result<()> {
    if !has_weights() {
        return Ok(());
    }
    let visit = look(Graphics::None, "cpu", "&attention=3:1@2,4")?;
    let page = visit.page();
    page.wait_for(
        "document.querySelector('[data-testid=attended]')?.dataset.from === '2,4'",
        LATER,
    )?;
    let said = page.text("[data-testid=heat-attention]")?.unwrap_or_default();
    assert!(said.contains("block 3, head 1") && said.contains("row 3, column 5"), "{said}");
    let point = |kind: &str, share: f64| {
        page.script(&format!(
            "const it = document.querySelector('[data-testid=attended]');
             const at = it.getBoundingClientRect();
             const place = {{ clientX: at.left + {share} * at.width,
                 clientY: at.top + {share} * at.height, bubbles: true }};
             it.dispatchEvent(new PointerEvent('{kind}', place));"
        ))
    };
    let from = |patch: &str| {
        let is =
            format!("document.querySelector('[data-testid=attended]')?.dataset.from === '{patch}'");
        page.wait_for(&is, SOON).map(drop)
    };
    point("pointermove", 0.99)?;
    from("13,13")?;
    point("pointerleave", 0.99)?;
    from("2,4")?;
    // A press keeps the patch, and another block shows what it looks at there.
    point("pointerup", 0.52)?;
    page.wait_for("location.search.includes('attention=3:1@7,7')", SOON)?;
    page.script(
        "const slider = document.querySelector('[data-testid=attention-block]');
         slider.value = 0;
         slider.dispatchEvent(new Event('input', { bubbles: true }));",
    )?;
    page.wait_for("location.search.includes('attention=0:1@7,7')", SOON)?;
    page.wait_for(
        "document.querySelector('[data-testid=heat-attention]')?.textContent.includes('block 0')",
        LATER,
    )?;
    page.click("[data-testid=from-class-token]")?;
    page.wait_for("!location.search.includes('@')", SOON)?;
    assert!(!page.has(ERROR)?, "{}", page.describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_transformers_layers_are_few_until_they_are_searched_for() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?model={TRANSFORMER}&device=cpu&view=look"))?;
    let page = visit.page();
    let rows = "document.querySelectorAll('[data-testid=layer-list] [data-layer]').length";
    // And the latents of the bundle's dictionary.
    page.wait_for(&format!("{rows} === 28"), LATER)?;
    page.click("[data-testid=layer-list] [data-layer='blocks.9.mlp.act']")?;
    let words = "document.querySelector('[data-testid=layer-words]')?.textContent";
    page.wait_for(&format!("{words}?.includes('perceptron')"), SOON)?;
    page.type_into("aside .filter", "qkv")?;
    page.wait_for(&format!("{rows} === 12"), SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_transformers_units_have_pages_with_token_maps_before_any_weights() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?device=cpu#/{TRANSFORMER}/blocks.9.mlp.act/7"))?;
    let page = visit.page();
    page.wait_for(
        "document.querySelectorAll('[data-testid=exemplars] [data-picture]').length === 9",
        LATER,
    )?;
    page.click("[data-testid=mode-heat]")?;
    page.wait_for_element("[data-heat=true] canvas", LATER)?;
    let title = page.text("h1")?.context("a title")?;
    assert!(title.contains("blocks.9.mlp.act"), "{title}");
    assert!(!page.has(ERROR)?, "{}", page.describe());
    Ok(())
}

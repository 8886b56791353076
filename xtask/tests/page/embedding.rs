//! In a slide: when a dream begins, and when it rests.

use anyhow::Result;
use serde_json::json;

use crate::visit::{LATER, Network, SOON, Visit, network};

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn an_embedded_dream_starts_by_itself_only_when_asked_to() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::new()?;
    visit.page().appear(480, 480, "light")?;
    let query = format!("{model}embed=1&objective={layer}:5&size=32&steps=3&device=cpu");
    visit.open(&format!("?{query}&autostart=1"))?;
    visit.wait_for_step(3)?;
    visit.open(&format!("?{query}"))?;
    visit.page().wait_for_element("[data-testid=dream-start]", SOON)?;
    assert_eq!(visit.step()?, 0);
    visit.page().click("[data-testid=dream-start]")?;
    visit.wait_for_step(3)
}

/// A slide deck of two screens: the dream is on the first.
const DECK: &str = "
    document.body.innerHTML = '<iframe width=480 height=480></iframe><div style=\"height: 4000px\">';
    document.querySelector('iframe').src = arguments[0];
";

/// The step that the dream in the deck's frame has reached.
const FRAMED_STEP: &str = "Number(document.querySelector('iframe').contentDocument
    ?.querySelector('[data-testid=dream-canvas]')?.dataset.step ?? 0)";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn an_embedded_dream_rests_while_it_is_off_screen() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::new()?;
    visit.open("icon-of-nothing")?;
    let query =
        format!("?{model}embed=1&objective={layer}:5&size=32&steps=100000&device=cpu&autostart=1");
    visit.page().script_with(DECK, &json!([visit.host.url(&query)]))?;
    visit.page().wait_for(&format!("{FRAMED_STEP} >= 3"), LATER)?;
    visit.page().script("scrollTo(0, 3000);")?;
    // It rests once its step has stayed the same for a second: many times what a step takes.
    let rested = visit.page().script(&format!(
        "return new Promise((resolve) => {{
             let last = -1, since = 0;
             const look = setInterval(() => {{
                 const step = {FRAMED_STEP};
                 if (step !== last) {{ last = step; since = performance.now(); }}
                 if (performance.now() - since > 1000) {{ clearInterval(look); resolve(last); }}
             }}, 50);
         }});"
    ))?;
    visit.page().script("scrollTo(0, 0);")?;
    visit.page().wait_for(&format!("{FRAMED_STEP} > {rested}"), LATER).map(drop)
}

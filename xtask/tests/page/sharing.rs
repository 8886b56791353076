//! What leaves the page: a picture that carries what makes it again.

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::Value;

use crate::visit::{Network, SOON, Visit, network};

/// Keeps what the page hands to the browser as a download, instead of writing it to a disk.
pub const CATCH_DOWNLOADS: &str = "
    window.caught = [];
    HTMLAnchorElement.prototype.click = function () {
        const name = this.download;
        fetch(this.href).then((answer) => answer.blob()).then((blob) => {
            const reader = new FileReader();
            reader.onload = () => window.caught.push([name, reader.result.split(',')[1]]);
            reader.readAsDataURL(blob);
        });
    };
";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_saved_picture_carries_the_recipe_of_what_is_on_view() -> Result<()> {
    let Network { name, model, layer } = network();
    let visit = Visit::new()?;
    visit.open_ready(&format!(
        "?{model}objective={layer}:5&size=48&steps=3&seed=9&transforms=none&device=cpu&autostart=1"
    ))?;
    visit.wait_for_step(3)?;
    visit.page().script(CATCH_DOWNLOADS)?;
    visit.page().click("[data-testid=save]")?;
    let caught = visit.page().wait_for("window.caught[0]", SOON)?;
    assert_eq!(caught[0], format!("{layer}_5.png"));
    let png = BASE64.decode(caught[1].as_str().context("no bytes were caught")?)?;
    let recipe = recipe(&png)?;
    assert_eq!(recipe["objective"], format!("{layer}:5"));
    assert_eq!(recipe["seed"], 9);
    assert_eq!(recipe["step"], 3);
    assert_eq!(recipe["settings"]["width"], 48);
    assert_eq!(recipe["model"], name);
    assert_eq!(recipe["model_sha256"].as_str().map(str::len), Some(64));
    Ok(())
}

/// The JSON in a PNG's text chunk.
fn recipe(png: &[u8]) -> Result<Value> {
    // After the signature, each chunk is its length, its name, its data and a checksum.
    let mut rest = png.get(8..).context("the file is too short for a PNG")?;
    while let [a, b, c, d, name @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let data = name.get(4..4 + length).context("a chunk is cut short")?;
        if name.starts_with(b"iTXt") {
            let start = data.iter().position(|&byte| byte == b'{').context("no JSON in it")?;
            return serde_json::from_slice(&data[start..]).context("the recipe is not JSON");
        }
        rest = &name[4 + length + 4..];
    }
    anyhow::bail!("the picture has no text chunk")
}

//! Bundles: switching, dropping, lacking weights, and those that are none.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::json;
use xtask::browser::Graphics;

use crate::visit::{
    ERROR, LATER, LITE, READY, SOON, Visit, bundle, host_of, host_with, network, site, weights,
    without_weights,
};
use crate::zip::zip;

/// The chip of a model that only shows what was made beforehand.
const LACKING: &str = "[data-testid=model-chip].lacking";

/// The chip once it is known whether there are weights.
const SETTLED: &str = "[data-testid=model-chip]:is(.ready, .lacking)";

/// What the units of a layer look for, which the site's own bundles bring along.
const WALL: &str = "[data-testid=dream-wall]";

/// Drops a file on the page.
const DROP: &str = "
    const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
    const held = new DataTransfer();
    held.items.add(new File([bytes], arguments[1]));
    for (const kind of ['dragenter', 'dragover', 'drop']) {
        document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: held, bubbles: true }));
    }
";

fn drop_file(visit: &Visit, name: &str, bytes: &[u8]) -> Result<()> {
    visit.page().script_with(DROP, &json!([BASE64.encode(bytes), name])).map(drop)
}

/// The site's bundle with nothing in it but what every bundle has, as a .zip file.
fn bare_bundle() -> Result<Vec<u8>> {
    let mut described = bundle()?;
    if let Some(described) = described.as_object_mut() {
        for key in ["weights", "gallery", "layers"] {
            described.remove(key);
        }
    }
    let labels = described["labels"]["path"].as_str().context("the bundle has labels")?.to_owned();
    let file = site()?.join("bundles/googlenet").join(&labels);
    let text = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(zip(&[("bundle.json", described.to_string().as_bytes()), (&labels, &text)]))
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_bundle_without_weights_says_so_and_offers_ways() -> Result<()> {
    let visit = Visit::at(host_with(without_weights)?)?;
    visit.open("?device=cpu&objective=mixed4a:11")?;
    visit.page().wait_for_element(LACKING, LATER)?;
    let said = visit.page().text("[data-testid=no-weights]")?.unwrap_or_default();
    assert!(said.contains("weights"), "{said:?}");
    assert!(visit.page().has("[data-testid=weights-file]")?, "a file can be given");
    assert!(visit.page().has("[data-testid=no-weights] a[href^='https://']")?, "{said}");
    // Nothing has failed.
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());
    let chip = visit.page().text("[data-testid=model-chip]")?.unwrap_or_default();
    assert!(chip.contains("pictures only"), "{chip:?}");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn weights_from_a_file_are_taken_and_kept_for_the_next_visit() -> Result<()> {
    let file = site()?.join("bundles").join(LITE).join(weights(LITE)?);
    let visit = Visit::at(host_of(LITE, without_weights)?)?;
    visit.open("?model=efficientnet-lite0&device=cpu&objective=block8:11&size=32&steps=2")?;
    visit.page().wait_for_element("[data-testid=weights-file]", LATER)?;
    visit.page().type_into("[data-testid=weights-file]", &file.to_string_lossy())?;
    visit.page().wait_for_element(READY, LATER)?;
    visit.page().wait_for_element("[data-testid=dream-start]", SOON)?;
    visit.page().click("[data-testid=dream-start]")?;
    visit.wait_for_step(2)?;
    visit.page().reload()?;
    visit.page().wait_for_element(READY, LATER)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn weights_that_are_none_are_refused_in_place() -> Result<()> {
    let visit = Visit::at(host_with(without_weights)?)?;
    visit.open("?device=cpu&objective=mixed4a:11")?;
    visit.page().wait_for_element("[data-testid=no-weights]", LATER)?;
    drop_file(&visit, "holiday.safetensors", b"no weights at all")?;
    visit.page().wait_for_element("[data-testid=no-weights] [data-testid=error]", LATER)?;
    // The ways are still there.
    assert!(visit.page().has("[data-testid=weights-file]")?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn what_is_dropped_in_place_of_weights_is_called_what_it_is() -> Result<()> {
    let visit = Visit::at(host_with(without_weights)?)?;
    visit.open("?device=cpu&objective=mixed4a:11")?;
    visit.page().wait_for_element("[data-testid=no-weights]", LATER)?;
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 28000000\n";
    for (name, bytes, words) in [
        ("checkpoint_epoch_0100.pth", &pointer[..], "this is a Git LFS pointer"),
        ("weights.tar.gz", b"\x1f\x8b\x08\0\0\0", "this is packed with gzip"),
        ("model.ckpt", b"<!DOCTYPE html>", "this is a web page"),
        ("empty.pt", b"", "this is an empty file"),
    ] {
        drop_file(&visit, name, bytes)?;
        let said = "document.querySelector('[data-testid=no-weights] [data-testid=error]')";
        visit.page().wait_for(&format!("{said}?.textContent.includes('{words}')"), LATER)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dropped_archive_opens() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu")?;
    visit.page().wait_for_element(WALL, LATER)?;
    drop_file(&visit, "mine.zip", &bare_bundle()?)?;
    // It brings nothing that was made beforehand, and no weights.
    visit.page().wait_for_element(LACKING, LATER)?;
    visit.page().wait_for(&format!("!document.querySelector('{WALL}')"), SOON)?;
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());

    // Exemplars name its model in the address; back in Dream nothing does, for it is the site's
    // first.
    visit.page().click("[data-testid=view-exemplars]")?;
    visit.page().wait_for("location.hash.startsWith('#/googlenet')", SOON)?;
    visit.page().click("[data-testid=view-dream]")?;
    visit.page().wait_for("!location.hash", SOON)?;
    thread::sleep(Duration::from_secs(1));
    assert!(!visit.page().has(WALL)?, "the site's own has taken its place");
    visit.page().wait_for_element(LACKING, SOON)?;

    // That one is a choice away.
    visit.page().click("[data-testid=model-chip]")?;
    visit.page().click("[data-testid=bundle-choice][data-bundle=googlenet]")?;
    visit.page().wait_for_element(WALL, LATER)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn an_archive_that_is_none_is_refused_and_what_was_open_stays() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu")?;
    visit.page().wait_for_element(SETTLED, LATER)?;
    for hostile in [
        b"PK, but no archive".to_vec(),
        zip(&[("../../outside.txt", b"outside"), ("bundle.json", b"{}")]),
        zip(&[("bundle.json", b"{\"schema\": [9, 0]}")]),
    ] {
        drop_file(&visit, "hostile.zip", &hostile)?;
        visit.error_kind()?;
        let next = visit.page().text(&format!("{ERROR} .next"))?.unwrap_or_default();
        assert!(next.len() > 8, "what to do next: {next:?}");
        assert!(visit.page().has(SETTLED)?, "{}", visit.page().describe());
        visit.page().click(&format!("{ERROR} .ways button"))?;
        visit.page().wait_for(&format!("!document.querySelector('{ERROR}')"), SOON)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_page_switches_between_the_bundles_beside_it() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu")?;
    let model = "document.querySelector('[data-testid=model-chip]')?.innerText";
    let before = visit.page().wait_for(model, LATER)?;
    visit.page().click("[data-testid=model-chip]")?;
    visit.page().click("[data-testid=bundle-choice][data-bundle=efficientnet-lite0]")?;
    visit.page().wait_for("location.search.includes('model=efficientnet-lite0')", SOON)?;
    let settled = format!("document.querySelector('{SETTLED}')");
    visit.page().wait_for(&format!("{settled} && {model} !== {before}"), LATER)?;
    visit.page().back()?;
    visit.page().wait_for("!location.search.includes('model=')", SOON)?;
    visit.page().wait_for_element(SETTLED, LATER)?;
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn an_address_opens_a_bundle_from_elsewhere() -> Result<()> {
    let name = network().name;
    let visit = Visit::at(host_of(name, |bundle| {
        if let Some(bundle) = bundle.as_object_mut() {
            bundle.remove("layers");
        }
    })?)?;
    // The same folder, told apart from the site's own by its address alone.
    let elsewhere = visit.host.url(&format!("bundles/{name}"));
    visit.open(&format!("?device=cpu&bundle={elsewhere}"))?;
    visit.page().wait_for_element(READY, LATER)?;
    assert_eq!(visit.parameter("bundle")?.as_deref(), Some(elsewhere.as_str()));
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dream_of_a_bundle_from_elsewhere_starts_by_itself_when_asked_to() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let elsewhere = visit.host.url("bundles/efficientnet-lite0");
    // Only the bundle knows that its network has such a layer.
    visit.open(&format!(
        "?device=cpu&bundle={elsewhere}&objective=block8:3&size=32&steps=2&autostart=1"
    ))?;
    visit.wait_for_step(2)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_bundle_that_is_not_there_is_named_and_the_sites_own_is_offered() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu&bundle=nowhere/at-all")?;
    assert_eq!(visit.error_kind()?, "Download");
    assert!(visit.page().has("h1")?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn going_on_after_a_bundle_that_did_not_open_leaves_its_address_behind() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open_ready("?device=cpu&model=efficientnet-lite0&layer=block10")?;
    page.click("[data-testid=model-chip]")?;
    page.wait_for_element("[data-testid=bundle-address]", SOON)?;
    // Enter opens it.
    page.type_into("[data-testid=bundle-address]", "nowhere/at-all\u{E007}")?;
    assert_eq!(visit.error_kind()?, "Download");
    assert_eq!(visit.parameter("bundle")?.as_deref(), Some("nowhere/at-all"));
    page.click(&format!("{ERROR} .ways button"))?;
    page.wait_for(&format!("!document.querySelector('{ERROR}')"), SOON)?;
    assert_eq!(visit.parameter("bundle")?, None);
    assert_eq!(visit.parameter("model")?.as_deref(), Some("efficientnet-lite0"));
    // What it leads to is what was open.
    page.reload()?;
    page.wait_for_element(READY, LATER)
}

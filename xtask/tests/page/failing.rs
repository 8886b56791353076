//! Every failure that can be provoked: it is named, and the page stays usable.

use std::fs;

use anyhow::Result;
use serde_json::json;
use xtask::browser::Graphics;
use xtask::rehearsal::Fault;

use crate::visit::{ERROR, Folder, GOLDFISH, LATER, Network, READY, SOON, Visit, network};

/// Clicks the way out that a message offers under this name.
fn take_the_way(visit: &Visit, name: &str) -> Result<()> {
    let clicked = visit.page().script_with(
        "const ways = [...document.querySelectorAll('[data-testid=error] .ways button')];
         const way = ways.find(way => way.innerText.includes(arguments[0]));
         if (way) way.click();
         return !!way;",
        &json!([name]),
    )?;
    anyhow::ensure!(clicked == true, "no way out is called {name:?}\n{}", visit.page().describe());
    Ok(())
}

/// A message must say what happened, why and what next, in a sentence each.
fn assert_three_sentences(visit: &Visit) -> Result<()> {
    for part in ["what", "why", "next"] {
        let text = visit.page().text(&format!("{ERROR} .{part}"))?.unwrap_or_default();
        assert!(text.len() > 8, "the message's .{part} is {text:?}\n{}", visit.page().describe());
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn without_webgpu_the_page_says_so_and_goes_on_on_the_processor() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?{}device=webgpu", network().model))?;
    assert_eq!(visit.error_kind()?, "NoWebGpu");
    assert_three_sentences(&visit)?;
    take_the_way(&visit, "CPU")?;
    visit.page().wait_for_element(READY, LATER)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn without_webgpu_the_automatic_choice_is_the_processor() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("")?;
    visit.page().wait_for_element("[data-testid=device-chip][data-device=cpu]", LATER)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_lost_gpu_is_named_and_the_engine_starts_anew() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::new()?;
    visit.open_ready(&format!(
        "?{model}objective={layer}:5&size=48&steps=500&transforms=none&device=webgpu"
    ))?;
    visit.page().click("[data-testid=dream-start]")?;
    visit.wait_for_step(1)?;
    // The browser's GPU process dies, as with a crashed driver. The answer may never come.
    let _ = visit.page().devtools("Browser.crashGpuProcess", &json!({}));
    assert_eq!(visit.error_kind()?, "DeviceLost");
    assert_three_sentences(&visit)?;
    take_the_way(&visit, "CPU")?;
    visit.page().wait_for_element(READY, LATER)?;
    visit.page().wait_for_element("[data-testid=dream-start]", SOON)?;
    visit.page().click("[data-testid=dream-start]")?;
    visit.page().wait_for_element("[data-testid=dream-pause]", SOON)?;
    visit.wait_for_step(2)
}

/// Keeps every worker that the page starts, so that one can be ended as a browser does that has no
/// memory left: without a word.
const KEEP_THE_WORKERS: &str = "
    window.workers = [];
    window.Worker = class extends Worker {
        constructor(...rest) {
            super(...rest);
            window.workers.push(this);
        }
    };
";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn an_engine_that_ends_without_a_word_is_named_and_starts_anew() -> Result<()> {
    let Network { model, layer, .. } = network();
    let visit = Visit::with(Graphics::None)?;
    visit.page().before_each_page(KEEP_THE_WORKERS)?;
    visit.open_ready(&format!(
        "?{model}objective={layer}:5&size=48&steps=5000&transforms=none&device=cpu"
    ))?;
    visit.page().click("[data-testid=dream-start]")?;
    visit.wait_for_step(1)?;
    visit.page().script("window.workers.at(-1).terminate();")?;
    assert_eq!(visit.error_kind()?, "OutOfMemory");
    assert_three_sentences(&visit)?;
    // Nothing goes on waiting for it.
    visit.page().wait_for_element("[data-testid=dream-start]", SOON)?;
    assert!(!visit.page().has(".waiting, .busy, [data-testid=progress]:not([hidden])")?);
    take_the_way(&visit, "Restart")?;
    visit.page().wait_for_element(READY, LATER)?;
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());

    // Start does as well, also where nobody reads messages.
    visit.page().script("window.workers.at(-1).terminate();")?;
    assert_eq!(visit.error_kind()?, "OutOfMemory");
    visit.page().click("[data-testid=dream-start]")?;
    visit.page().wait_for_element("[data-testid=dream-pause]", SOON)?;
    visit.wait_for_step(2)?;
    assert!(!visit.page().has(ERROR)?, "{}", visit.page().describe());
    Ok(())
}

/// Spoils a file of the bundle, expects the message, heals it and takes the way out.
fn provoke(ending: &str, fault: Fault, kinds: &[&str]) -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.host.spoil(ending, fault);
    visit.open(&format!("?{}device=cpu", network().model))?;
    let kind = visit.error_kind()?;
    assert!(kinds.contains(&kind.as_str()), "{ending} {fault:?} gives {kind}, expected {kinds:?}");
    assert_three_sentences(&visit)?;
    visit.host.heal();
    take_the_way(&visit, "Try again")?;
    visit.page().wait_for_element(READY, LATER)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn weights_with_a_flipped_byte_are_refused_and_fetched_again() -> Result<()> {
    provoke(".safetensors", Fault::Flipped, &["Corrupted"])
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn weights_cut_short_are_refused_and_fetched_again() -> Result<()> {
    provoke(".safetensors", Fault::Cut, &["Corrupted", "Download"])
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn missing_weights_are_named_and_fetched_again() -> Result<()> {
    provoke(".safetensors", Fault::Missing, &["Download"])
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_broken_description_of_the_bundle_is_refused() -> Result<()> {
    provoke("bundle.json", Fault::Cut, &["Corrupted", "Download"])
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_picture_that_is_none_is_named_and_the_next_one_is_seen() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open_ready("?model=efficientnet-lite0&device=cpu&view=look")?;
    let folder = Folder::new()?;
    let [broken, goldfish] = ["broken.jpg", "goldfish.jpg"].map(|name| folder.0.join(name));
    fs::write(&broken, "no picture at all")?;
    fs::write(&goldfish, visit.goldfish()?)?;
    visit.page().type_into("[data-testid=look-file]", &broken.to_string_lossy())?;
    assert_eq!(visit.error_kind()?, "Picture");
    assert_three_sentences(&visit)?;
    visit.page().type_into("[data-testid=look-file]", &goldfish.to_string_lossy())?;
    visit.page().wait_for_element(GOLDFISH, LATER)?;
    assert!(!visit.page().has(ERROR)?, "the old message is still there");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn an_address_that_makes_no_sense_opens_what_it_can() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu&size=3&objective=mixed4b:7")?;
    assert_eq!(visit.error_kind()?, "Address");
    assert_eq!(visit.parameter("objective")?.as_deref(), Some("mixed4b:7"));
    take_the_way(&visit, "Go on")?;
    visit.page().wait_for(&format!("!document.querySelector('{ERROR}')"), SOON)?;
    Ok(())
}

/// A dream that no device here has the memory for: one layer of it takes four gigabytes or more.
fn exhausts(device: &str) -> Result<()> {
    let Network { model, layer, .. } = network();
    let dream = format!("?{model}objective={layer}:5");
    let visit = Visit::new()?;
    visit.open_ready(&format!("{dream}&size=1024&batch=64&device={device}"))?;
    visit.page().click("[data-testid=dream-start]")?;
    assert_eq!(visit.error_kind()?, "OutOfMemory", "{}", visit.page().describe());
    assert_three_sentences(&visit)?;
    // A software GPU may still be at work on what fitted.
    visit.open_ready(&format!("{dream}&size=32&steps=2&device=cpu"))?;
    visit.page().click("[data-testid=dream-start]")?;
    visit.wait_for_step(2)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dream_too_large_for_the_processor_is_refused() -> Result<()> {
    exhausts("cpu")
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dream_too_large_for_the_gpu_is_refused() -> Result<()> {
    exhausts("webgpu")
}

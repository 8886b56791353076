//! The front door: what it says holds, what one clicks there moves, a live dream is a click away.

use anyhow::Result;
use serde_json::{Value, json};
use xtask::browser::Graphics;
use xtask::rehearsal::Fault;

use crate::visit::{HUNG, LATER, SOON, Visit, host_with, without_weights};

/// The picture of a unit in the hall, once the page has taken over.
fn hung(unit: &str) -> String {
    format!(".app .hung[data-unit='{unit}']")
}

/// The step of the recorded growth that is shown.
const RECORDED: &str =
    "Number(document.querySelector('[data-testid=recorded]')?.dataset.step ?? 0)";

/// The button that dreams live.
const LIVE: &str = ".app [data-testid=dream-live]";

/// Title and words over the pictures, as served and as they are now.
const WORDS: &str = "
    const served = new DOMParser().parseFromString(arguments[0], 'text/html');
    const words = (root) => ['h1', '.lead p', '.lead .button']
        .map((part) => root.querySelector(part).textContent.replaceAll(/\\s+/g, ' ').trim());
    return [words(served.querySelector('#first .hall')), words(document.querySelector('.app .hall'))];
";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn without_weights_and_engine_the_first_click_shows_a_growth_and_says_that_it_is_recorded()
-> Result<()> {
    let visit = Visit::at(host_with(without_weights)?)?;
    visit.host.spoil("worker_bg.wasm", Fault::Stalled);
    visit.open("")?;
    visit.page().wait_for_element(&hung("mixed4a:4"), SOON)?;
    visit.page().click(&hung("mixed4a:4"))?;
    visit.page().wait_for(&format!("{RECORDED} >= 1"), SOON)?;
    visit.page().wait_for(&format!("{RECORDED} >= 4"), SOON)?;
    let said = visit.page().text("[data-testid=recorded]")?.unwrap_or_default();
    assert!(said.contains("Recorded beforehand"), "{said:?}");
    assert!(visit.page().has(LIVE)?, "the way to a live dream");
    // It comes to its end, rests there, and begins anew.
    visit.page().wait_for(&format!("{RECORDED} >= 128"), SOON)?;
    visit.page().click("[data-testid=replay]")?;
    visit.page().wait_for(&format!("{RECORDED} < 128"), SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn one_click_dreams_live_on_a_network_whose_weights_are_here() -> Result<()> {
    let visit = Visit::at(host_with(without_weights)?)?;
    visit.open("?device=cpu")?;
    visit.page().wait_for_element(LIVE, SOON)?;
    visit.page().click(LIVE)?;
    visit.wait_for_step(1)?;
    assert_eq!(visit.parameter("model")?.as_deref(), Some("efficientnet-lite0"));
    // The way back leads to the hall one came from.
    visit.page().back()?;
    visit.page().wait_for_element(&hung("mixed4a:4"), SOON)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dream_that_waits_for_another_network_is_not_asked_of_the_one_that_is_open() -> Result<()> {
    let visit = Visit::at(host_with(without_weights)?)?;
    visit.open("?device=cpu&objective=mixed4a:11")?;
    visit.page().wait_for_element("[data-testid=model-chip].lacking", LATER)?;
    visit.page().click(LIVE)?;
    visit.wait_for_step(1)?;
    assert!(!visit.page().has("[data-testid=error]")?, "{}", visit.page().describe());
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn what_the_front_door_says_at_first_it_says_to_the_end() -> Result<()> {
    let alterations: [fn(&mut Value); 2] = [without_weights, |_| {}];
    for alter in alterations {
        let visit = Visit::at(host_with(alter)?)?;
        visit.open("?device=cpu")?;
        visit.page().wait_for_element("[data-testid=model-chip]:is(.ready, .lacking)", LATER)?;
        let served = visit.page().script("return fetch('.').then((page) => page.text());")?;
        let words = visit.page().script_with(WORDS, &json!([served]))?;
        assert_eq!(words[0], words[1]);
        assert!(words[0][1].as_str().is_some_and(|lead| lead.contains("watch it grow")), "{words}");
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_live_network_has_a_hall_of_its_own_and_what_hangs_there_grows_at_a_click() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu&model=efficientnet-lite0")?;
    visit.page().wait_for(&format!("document.querySelector('.app') && {HUNG} === 25"), LATER)?;
    visit.page().click(".app .hung")?;
    visit.wait_for_step(1)
}

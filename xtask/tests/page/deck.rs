//! In a slide the keys stay the deck's, whatever was clicked.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use xtask::rehearsal::Host;
use xtask::server::Answer;

use crate::visit::{LATER, Network, SOON, Visit, checkout, network, site};

/// What a presenter's remote sends, and the keys of a deck, with their numbers.
const KEYS: [(&str, u32); 8] = [
    ("PageDown", 34),
    ("PageUp", 33),
    ("ArrowRight", 39),
    ("ArrowLeft", 37),
    ("Escape", 27),
    (" ", 32),
    ("b", 66),
    (".", 190),
];

/// A deck of one slide, which writes down the keys that it gets.
fn deck(frame: &str, listener: &str) -> Result<Host> {
    let text = format!(
        "<!doctype html><title>deck</title><h1>A deck</h1>
         <iframe width=480 height=480 src=\"{frame}\"></iframe>
         <script>
             const keys = [];
             document.addEventListener('keydown', ({{ key }}) => keys.push(key));
             {listener}
         </script>"
    );
    Host::start_with(move |_| {
        let mut answer = Answer::text(200, &text);
        answer.headers = vec![("Content-Type", "text/html".to_owned())];
        answer
    })
}

/// The lines that `docs/slides.md` gives to decks other than reveal.js.
fn listener() -> Result<String> {
    let docs = checkout().join("docs/slides.md");
    let text = fs::read_to_string(&docs).with_context(|| docs.display().to_string())?;
    let after = text.split_once("```js\n").context("the docs have no listener")?.1;
    Ok(after.split_once("```").context("the listener does not end")?.0.to_owned())
}

/// A browser with a dream in a deck, and the deck.
fn presented(query: &str, listener: &str) -> Result<(Visit, Host)> {
    let visit = Visit::at(Host::start(&site()?)?)?;
    // Another port is another origin, as a deck's host is.
    let deck = deck(&visit.host.url(query), listener)?;
    visit.page().go(&deck.url(""))?;
    Ok((visit, deck))
}

/// Waits, inside the frame, until there is something to press; then goes out again.
fn wait_for_embed(visit: &Visit) -> Result<()> {
    visit.page().enter_frame("iframe")?;
    visit.page().wait_for_element("[data-testid=dream-start]", LATER)?;
    visit.page().leave_frames()
}

/// Strikes every key of a deck and expects that the deck hears of each once.
fn assert_deck_hears(visit: &Visit, keys: &[(&str, u32)]) -> Result<()> {
    visit.page().script("keys.length = 0;")?;
    for (key, code) in keys {
        let text = if key.chars().count() == 1 { key } else { "" };
        visit.page().strike(key, *code, text)?;
    }
    let last = keys.last().map_or("", |(key, _)| *key);
    visit.page().wait_for(&format!("keys.includes({})", json!(last)), SOON)?;
    let heard = visit.page().script("return keys;")?;
    let wanted: Vec<_> = keys.iter().map(|(key, _)| Value::from(*key)).collect();
    assert_eq!(heard, Value::from(wanted));
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn after_a_click_into_a_dream_the_decks_keys_are_the_decks() -> Result<()> {
    let Network { model, layer, .. } = network();
    let query = format!("?{model}embed=1&objective={layer}:5&size=32&steps=400&device=cpu");
    let (visit, _deck) = presented(&query, "")?;
    wait_for_embed(&visit)?;
    visit.page().click_at(250.0, 300.0)?;
    assert_deck_hears(&visit, &KEYS)?;
    // The click has done what it is for.
    visit.page().enter_frame("iframe")?;
    visit.wait_for_step(2)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn keys_pressed_inside_are_passed_on_to_a_deck_that_listens() -> Result<()> {
    let Network { model, layer, .. } = network();
    let query = format!("?{model}embed=1&objective={layer}:5&size=32&steps=400&device=cpu");
    let (visit, _deck) = presented(&query, &listener()?)?;
    wait_for_embed(&visit)?;
    let page = visit.page();
    page.script("document.querySelector('iframe').focus();")?;
    page.strike("Tab", 9, "")?;
    page.enter_frame("iframe")?;
    page.wait_for("document.activeElement.tagName === 'BUTTON'", SOON)?;
    page.leave_frames()?;
    // Space and Enter are the button's, which has the focus.
    let others: Vec<_> = KEYS.into_iter().filter(|(key, _)| *key != " ").collect();
    assert_deck_hears(&visit, &others)?;
    page.strike("Enter", 13, "\r")?;
    page.enter_frame("iframe")?;
    visit.wait_for_step(2)?;
    page.wait_for("document.activeElement.tagName === 'BUTTON'", SOON)?;
    page.leave_frames()?;
    assert_eq!(page.script("return keys.includes('Enter');")?, false);
    Ok(())
}

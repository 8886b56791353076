//! The snippet for reveal.js, as the README has it, in the real reveal.js.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;
use xtask::browser::{Chromium, Graphics};
use xtask::rehearsal::Host;
use xtask::server::{self, Answer, Query};
use xtask::workspace::{Workspace, find_program};

use crate::visit::{LATER, Network, SOON, checkout, network, site};

/// The version that was tried.
const PACKAGE: &str = "reveal.js@6.0.2";

/// Where the README says the page is.
const EXAMPLE: &str = "https://example.org/pellucid/";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dream_in_a_slide_of_reveal_starts_when_it_is_shown_and_ends_when_it_is_left() -> Result<()> {
    let Some(reveal) = reveal()? else {
        println!("skipped: npm cannot install {PACKAGE}");
        return Ok(());
    };
    let Network { model, layer, .. } = network();
    let snippet = snippet()?.replace(EXAMPLE, "/site/").replace(
        "embed=1&objective=mixed4a",
        &format!("embed=1&device=cpu&{model}objective={layer}"),
    );
    // The same slide again, loaded with the deck: it rests out of sight and goes on when shown.
    let resting = snippet.replace("data-src=", "src=");
    let deck = format!(
        "<!doctype html><title>deck</title>
         <link rel=stylesheet href=/node_modules/reveal.js/dist/reveal.css>
         <div class=reveal><div class=slides>
         <section><h1>Hello</h1></section>{snippet}<section>between</section>{resting}
         </div></div>
         <script type=module>
             import Reveal from '/node_modules/reveal.js/dist/reveal.mjs';
             window.deck = new Reveal();
             deck.initialize().then(() => document.title = 'ready');
         </script>"
    );
    let site = site()?;
    let host = Host::start_with(move |query| {
        if query.path() == "/" {
            let mut answer = Answer::text(200, &deck);
            answer.headers = vec![("Content-Type", "text/html".to_owned())];
            return answer;
        }
        match query.address.strip_prefix("/site") {
            Some(rest) => {
                server::answer(&site, &Query { address: rest.to_owned(), ..query.clone() })
            }
            None => server::answer(&reveal, query),
        }
    })?;
    let browser = Chromium::start(Graphics::None)?;
    let page = browser.page();
    page.go(&host.url(""))?;
    page.wait_for("document.title === 'ready'", SOON)?;
    let step = |frame: usize| {
        format!(
            "Number(document.querySelectorAll('iframe')[{frame}].contentDocument
                 ?.querySelector('[data-testid=dream-canvas]')?.dataset.step ?? 0)"
        )
    };
    assert!(page.attribute("iframe", "src")?.is_none(), "nothing is loaded before its slide");

    page.script("deck.next();")?;
    page.wait_for(&format!("{} >= 3", step(0)), LATER)?;
    // A click into the dream, and then the presenter's remote.
    let middle = page.script(
        "const box = document.querySelector('iframe').getBoundingClientRect();
         return [box.left + box.width / 2, box.top + box.height / 2];",
    )?;
    page.click_at(middle[0].as_f64().unwrap_or(0.0), middle[1].as_f64().unwrap_or(0.0))?;
    page.strike("PageDown", 34, "")?;
    page.wait_for("deck.getIndices().h === 2", SOON)?;
    page.wait_for("!document.querySelector('iframe').getAttribute('src')", SOON)?;

    page.script("deck.next();")?;
    page.wait_for(&format!("{} >= 3", step(1)), LATER)?;
    page.script("deck.slide(0);")?;
    let rested = page.script_with(
        &format!(
            "return new Promise((resolve) => {{
                 let last = -1, since = 0;
                 const look = setInterval(() => {{
                     const step = {};
                     if (step !== last) {{ last = step; since = performance.now(); }}
                     if (performance.now() - since > 1500) {{ clearInterval(look); resolve(last); }}
                 }}, 50);
             }});",
            step(1)
        ),
        &json!([]),
    )?;
    page.script("deck.slide(3);")?;
    page.wait_for(&format!("{} > {rested}", step(1)), LATER)?;
    // Where the focus is inside all the same, the key is passed on as reveal.js hears of it.
    page.script("document.querySelectorAll('iframe')[1].focus();")?;
    page.strike("PageUp", 33, "")?;
    page.wait_for("deck.getIndices().h === 2", SOON).map(drop)
}

/// The slide in the README.
fn snippet() -> Result<String> {
    let readme = checkout().join("README.md");
    let text = fs::read_to_string(&readme).with_context(|| readme.display().to_string())?;
    let after = text.split_once("reveal.js").context("the README names no reveal.js")?.1;
    let block = after.split_once("```html\n").context("the README has no snippet for it")?.1;
    let (snippet, _) = block.split_once("```").context("the snippet does not end")?;
    assert!(snippet.contains("<section>") && snippet.contains(EXAMPLE), "{snippet}");
    Ok(snippet.to_owned())
}

/// A folder with reveal.js in `node_modules`; nothing where npm cannot get it.
fn reveal() -> Result<Option<PathBuf>> {
    let folder = Workspace::find()?.workshop().join("slides");
    if folder.join("node_modules/reveal.js/dist/reveal.mjs").is_file() {
        return Ok(Some(folder));
    }
    let Some(npm) = find_program(&["npm", "npm.cmd"]) else { return Ok(None) };
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    // A description of its own, so that npm installs here and not in a folder above.
    fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
    let arguments = ["install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE];
    let installed = Command::new(npm).args(arguments).current_dir(&folder).output()?;
    Ok(installed.status.success().then_some(folder))
}

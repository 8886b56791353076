//! The tests' own tools: what they report of a browser must be true.

use anyhow::Result;
use serde_json::json;
use std::time::Duration;
use xtask::browser::{Chromium, Graphics};
use xtask::rehearsal::Host;
use xtask::server::Answer;

const PATIENCE: Duration = Duration::from_secs(20);

fn blank_page() -> Result<Host> {
    Host::start_with(|_| {
        let mut answer = Answer::text(200, "<title>blank</title><button>press</button>");
        answer.headers = vec![("Content-Type", "text/html".to_owned())];
        answer
    })
}

#[test]
#[ignore = "needs a browser: cargo xtask test"]
fn a_browser_has_webgpu_exactly_when_asked_to() -> Result<()> {
    let host = blank_page()?;
    let ask = "return navigator.gpu ? navigator.gpu.requestAdapter().then(a => !!a) : false;";
    for (graphics, expected) in [(Graphics::Software, true), (Graphics::None, false)] {
        let browser = Chromium::start(graphics)?;
        browser.page().go(&host.url(""))?;
        assert_eq!(browser.page().script(ask)?, json!(expected), "{graphics:?}");
    }
    Ok(())
}

#[test]
#[ignore = "needs a browser: cargo xtask test"]
fn a_click_arrives_and_back_returns() -> Result<()> {
    let host = blank_page()?;
    let browser = Chromium::start(Graphics::None)?;
    let page = browser.page();
    page.go(&host.url("first"))?;
    page.script("document.querySelector('button').onclick = () => document.title = 'clicked';")?;
    page.click("button")?;
    page.wait_for("document.title === 'clicked'", PATIENCE)?;
    page.go(&host.url("second"))?;
    page.back()?;
    assert_eq!(page.address()?, host.url("first"));
    assert_eq!(host.count("/second"), 1);
    Ok(())
}

#[test]
#[ignore = "needs a browser: cargo xtask test"]
fn the_page_has_the_size_and_the_colour_scheme_given() -> Result<()> {
    let host = blank_page()?;
    let browser = Chromium::start(Graphics::None)?;
    let page = browser.page();
    page.go(&host.url(""))?;
    let ask =
        "return [innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches];";
    page.appear(360, 740, "dark")?;
    assert_eq!(page.script(ask)?, json!([360, 740, true]));
    page.appear(2560, 1440, "light")?;
    assert_eq!(page.script(ask)?, json!([2560, 1440, false]));
    assert!(page.screenshot()?.len() > 1000);
    Ok(())
}

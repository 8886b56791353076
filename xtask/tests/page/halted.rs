//! Where the program cannot start, plain HTML says so, and what is missing.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use xtask::browser::Session;
use xtask::rehearsal::{Fault, Host};
use xtask::server::{self, Answer};

use crate::visit::{LATER, Network, SOON, Visit, network, site};

/// What is said, once it can be seen.
const SAID: &str = "(() => {
    const notice = document.querySelector('#halted');
    return notice && getComputedStyle(notice).visibility === 'visible' && notice.innerText;
})()";

/// Waits for the notice and for what it must say; the chip must not go on saying that it starts.
fn assert_said(page: &Session, words: &[&str]) -> Result<()> {
    let said = page.wait_for(SAID, SOON)?;
    for word in words {
        page.wait_for(&format!("({SAID}).includes({})", json!(word)), SOON)
            .map_err(|error| error.context(format!("{word:?} is not in {said}")))?;
    }
    let starts = "return document.querySelector('#first .state')
        .checkVisibility({ visibilityProperty: true });";
    assert_eq!(page.script(starts)?, false, "the chip goes on saying that it starts");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_policy_that_forbids_webassembly_is_named_with_what_it_must_allow() -> Result<()> {
    let host = Host::with_header(&site()?, "Content-Security-Policy", "default-src 'self'")?;
    let visit = Visit::at(host)?;
    visit.open("")?;
    assert_said(visit.page(), &["forbids WebAssembly", "script-src 'self' 'wasm-unsafe-eval'"])
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn where_no_script_runs_at_all_the_page_says_so_by_itself() -> Result<()> {
    for policy in ["default-src 'self'; script-src 'none'", "default-src 'none'"] {
        let visit = Visit::at(Host::with_header(&site()?, "Content-Security-Policy", policy)?)?;
        visit.open("")?;
        let said = visit.page().wait_for(SAID, SOON)?.to_string();
        assert!(
            said.contains("scripts are forbidden") && said.contains("wasm-unsafe-eval"),
            "{said}"
        );
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_missing_program_is_named() -> Result<()> {
    for (spoilt, words) in [
        ("_bg.wasm", &["404", "_bg.wasm", "every file of the site"][..]),
        (".js", &["files of the page are missing"]),
    ] {
        let visit = Visit::at(Host::start(&site()?)?)?;
        visit.host.spoil(spoilt, Fault::Missing);
        visit.open("?embed=1&objective=mixed4a:11")?;
        assert_said(visit.page(), words)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_host_that_answers_everything_with_its_page_is_named() -> Result<()> {
    let site = site()?;
    let visit = Visit::at(Host::start_with(move |query| {
        let is_program = query.path().contains("/page-");
        let asked = if is_program { "/".to_owned() } else { query.address.clone() };
        server::answer(&site, &server::Query { address: asked, ..query.clone() })
    })?)?;
    visit.open("")?;
    assert_said(visit.page(), &["as text/html", "not as javascript"])
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_slow_line_is_no_reason_to_say_anything() -> Result<()> {
    let visit = Visit::at(Host::start(&site()?)?)?;
    visit.host.spoil("_bg.wasm", Fault::Stalled);
    visit.open("")?;
    // Longer than the notice waits where no script runs.
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(visit.page().script(&format!("return {SAID};"))?, false);
    Ok(())
}

/// A page with the site in a frame that has no origin of its own.
fn sandboxing(query: &str) -> impl Fn(&str) -> String {
    let query = query.to_owned();
    move |site| {
        format!(
            "<!doctype html><title>deck</title><iframe sandbox=\"allow-scripts\" \
             width=480 height=480 src=\"{site}{query}\"></iframe>"
        )
    }
}

/// The site at `host` in such a frame, entered.
fn in_sandbox(host: Host, query: &str) -> Result<(Visit, Host)> {
    let deck = sandboxing(query)(&host.url(""));
    let deck = Host::start_with(move |_| {
        let mut answer = Answer::text(200, &deck);
        answer.headers = vec![("Content-Type", "text/html".to_owned())];
        answer
    })?;
    let visit = Visit::at(host)?;
    visit.page().go(&deck.url(""))?;
    visit.page().enter_frame("iframe")?;
    Ok((visit, deck))
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_sandboxed_frame_without_an_origin_says_what_is_missing() -> Result<()> {
    let (visit, _deck) = in_sandbox(Host::start(&site()?)?, "?embed=1&objective=mixed4a:11")?;
    assert_said(visit.page(), &["allow-same-origin", "Access-Control-Allow-Origin: *"])
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_sandboxed_frame_dreams_where_the_host_lets_everybody_have_its_files() -> Result<()> {
    let Network { model, layer, .. } = network();
    let open = || Host::with_header(&site()?, "Access-Control-Allow-Origin", "*");
    let dream =
        format!("?{model}embed=1&objective={layer}:5&size=32&steps=100&device=cpu&autostart=1");
    let (visit, _deck) = in_sandbox(open()?, &dream)?;
    visit.wait_for_step(2)?;
    // With everything around it, too: nothing that has no place there ends the page.
    let (visit, _deck) = in_sandbox(open()?, &format!("?{model}device=cpu"))?;
    let page = visit.page();
    page.wait_for_element("[data-testid=view-look]", LATER)?;
    page.click("[data-testid=view-look]")?;
    page.wait_for_element("[data-testid=look-file]", SOON)?;
    page.wait_for_element(crate::visit::READY, LATER)?;
    let severe = |line: &String| line.starts_with("SEVERE") && !line.contains("favicon");
    let complaints: Vec<_> = page.console()?.into_iter().filter(severe).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    Ok(())
}

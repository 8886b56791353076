//! The page as one file on a disk: no host, no network.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use xtask::browser::{Chromium, Graphics, Session};
use xtask::workspace::Workspace;

use crate::visit::{Folder, HUNG, LATER, Network, READY, SOON, Visit, network, site};

/// A dream that starts by itself and is soon over.
fn dream() -> String {
    let Network { model, layer, .. } = network();
    format!("{model}objective={layer}:5&size=32&steps=2&device=cpu&autostart=1")
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_page_saves_itself_as_one_file_that_dreams_from_a_disk() -> Result<()> {
    let Network { model, layer, .. } = network();
    let folder = Folder::new()?;
    let visit = Visit::with(Graphics::None)?;
    visit.page().devtools(
        "Browser.setDownloadBehavior",
        &json!({ "behavior": "allow", "downloadPath": folder.0 }),
    )?;
    visit.open_ready(&format!("?{model}objective={layer}:11&device=cpu"))?;
    visit.page().click("[data-testid=save-file]")?;
    let saved = folder.0.join("pellucid.html");
    wait_for_file(&saved, visit.page())?;

    let browser = Chromium::start(Graphics::None)?;
    let page = browser.page();
    // What was on view when it was saved is on view when it is opened.
    page.go(&address(&saved, ""))?;
    page.wait_for(&format!("location.search.includes('objective={layer}:11')"), SOON)?;
    page.wait_for_element(READY, LATER)?;
    dreams(page, &saved)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_command_writes_one_file_that_leads_through_its_views() -> Result<()> {
    let Network { name, model, layer } = network();
    let pellucid = Workspace::find()?.pellucid();
    if !pellucid.is_file() {
        println!("skipped: the command pellucid is not built");
        return Ok(());
    }
    let folder = Folder::new()?;
    // Letters that an address must escape.
    let talk = folder.0.join("ein Vortrag über Katzen.html");
    let output = Command::new(&pellucid)
        .args(["export", "--bundle", name, "--site"])
        .arg(site()?)
        .arg("--single-file")
        .arg(&talk)
        .args(["--views", &format!("?{model}device=cpu"), &format!("?{}", dream())])
        .arg(format!("?{model}objective={layer}:4&embed=1&device=cpu"))
        .arg(format!("?{model}view=look&device=cpu"))
        .output()
        .with_context(|| format!("running {}", pellucid.display()))?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let browser = Chromium::start(Graphics::Software)?;
    let page = browser.page();
    page.go(&address(&talk, ""))?;
    page.wait_for_element(READY, LATER)?;
    page.wait_for(&format!("{HUNG} > 12"), SOON)?;
    let next = "\u{E00F}";
    page.press(next)?;
    page.wait_for(&format!("{STEP} >= 2"), LATER)?;
    page.press(next)?;
    // The first paint has a frame of its own, before anything hears a key.
    page.wait_for("!!document.querySelector('.embed a.full')", LATER)?;
    page.press(next)?;
    let looks = "document.querySelector('[data-testid=look-file]')";
    page.wait_for(&format!("{looks} && !document.querySelector('.embed')"), LATER)?;
    dreams(page, &talk)
}

const STEP: &str =
    "Number(document.querySelector('[data-testid=dream-canvas]')?.dataset.step ?? 0)";

/// Opens a view as a slide's frame would, and waits for two steps on the processor.
fn dreams(page: &Session, file: &Path) -> Result<()> {
    page.go(&address(file, &format!("?{}&embed=1", dream())))?;
    page.wait_for(&format!("{STEP} >= 2"), LATER)?;
    let foreign = page.script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)
             .filter((name) => !name.startsWith('blob:') && !name.startsWith('data:'));",
    )?;
    assert_eq!(foreign, json!([]), "everything is inside");
    let complaints: Vec<_> =
        page.console()?.into_iter().filter(|line| line.starts_with("SEVERE")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    Ok(())
}

/// A file's address, with every letter escaped that could mean something in one.
fn address(file: &Path, query: &str) -> String {
    let mut address = "file://".to_owned();
    for byte in file.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address += &format!("%{byte:02X}");
        }
    }
    address + query
}

fn wait_for_file(file: &Path, page: &Session) -> Result<()> {
    let start = Instant::now();
    while !file.is_file() {
        if start.elapsed() > LATER {
            bail!("{} was not saved\n{}", file.display(), page.describe());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

//! Pictures of the page in every state, for looking at.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;

use crate::browser::{Chromium, Graphics, Session};
use crate::cli::{Content, Screenshots};
use crate::rehearsal::{Fault, Host};
use crate::workspace::Workspace;
use crate::{build, tools};

/// A phone, a laptop, a wall.
const SIZES: [(u32, u32); 3] = [(360, 740), (1280, 800), (2560, 1440)];
const SCHEMES: [&str; 2] = ["dark", "light"];

/// For what computes.
const PATIENCE: Duration = Duration::from_secs(240);

/// A state of the page and how to get there.
struct State {
    name: &'static str,
    query: &'static str,
    fault: Option<(&'static str, Fault)>,
    reach: fn(&Session, &Shown) -> Result<()>,
}

/// What a state may want to show.
struct Shown {
    photograph: Option<PathBuf>,
}

const READY: &str = "[data-testid=model-chip].ready";
const STEP: &str =
    "Number(document.querySelector('[data-testid=dream-canvas]')?.dataset.step ?? 0)";

const STATES: [State; 25] = [
    State {
        name: "first-paint",
        query: "",
        fault: Some(("worker_bg.wasm", Fault::Stalled)),
        reach: |page, _| {
            page.wait_for("document.querySelector('h1')?.innerText", PATIENCE).map(drop)
        },
    },
    State {
        name: "loading",
        query: "?device=cpu",
        fault: Some((".safetensors", Fault::Slow)),
        reach: |page, _| {
            let share = "Number(document.querySelector('[data-testid=progress]')?.ariaValueNow)";
            page.wait_for(&format!("{share} > 20"), PATIENCE).map(drop)
        },
    },
    State {
        name: "wall",
        query: "?device=cpu",
        fault: None,
        reach: |page, _| page.wait_for_element(READY, PATIENCE),
    },
    State {
        name: "live",
        query: "?device=cpu&objective=mixed4a:11&size=128&steps=512&seed=1",
        fault: None,
        reach: |page, _| {
            start(page)?;
            page.wait_for(&format!("{STEP} >= 120"), PATIENCE)?;
            page.click("[data-testid=dream-pause]")
        },
    },
    State {
        name: "finished",
        query: "?device=cpu&objective=mixed4a:4&size=128&steps=160&seed=1",
        fault: None,
        reach: |page, _| {
            start(page)?;
            page.wait_for(&format!("{STEP} >= 160"), PATIENCE).map(drop)
        },
    },
    State {
        name: "compare",
        query: "?device=cpu&objective=mixed4a:4&size=128&steps=100&seed=1\
                &compare=parameterization:pixel",
        fault: None,
        reach: |page, _| {
            start(page)?;
            let last = "Math.min(...[...document.querySelectorAll('[data-testid=dream-canvas]')]
                .map(canvas => Number(canvas.dataset.step ?? 0)))";
            page.wait_for(&format!("{last} >= 100"), PATIENCE).map(drop)
        },
    },
    State {
        name: "look",
        query: "?device=cpu&view=look",
        fault: None,
        reach: |page, shown| {
            page.wait_for_element(READY, PATIENCE)?;
            let Some(photograph) = &shown.photograph else { return Ok(()) };
            page.type_into("[data-testid=look-file]", &photograph.to_string_lossy())?;
            page.wait_for_element("[data-testid=look-top] [data-class]", PATIENCE)
        },
    },
    State {
        name: "train",
        query: "?device=cpu&model=efficientnet-lite0&view=train",
        fault: None,
        reach: |page, _| {
            let play = "[data-testid=train-play]";
            page.wait_for(
                &format!("document.querySelector('{play}')?.disabled === false"),
                PATIENCE,
            )?;
            page.click(play)?;
            page.wait_for(
                "document.querySelector('[data-testid=train-save]:not([disabled])')",
                PATIENCE,
            )?;
            page.click("[data-testid=train-wall] [data-latent]")
        },
    },
    State {
        name: "transformer-attention",
        query: "?device=cpu&model=vit-tiny-patch16-224&view=look&picture=animals/golden-retriever.jpg\
                &attention=11:1@6,7",
        fault: None,
        reach: |page, _| {
            page.wait_for_element("[data-testid=attended]", PATIENCE)?;
            page.wait_for("document.querySelector('[data-testid=heat-attention]')", PATIENCE)
                .map(drop)
        },
    },
    State {
        name: "transformer-wall",
        query: "?device=cpu&model=vit-tiny-patch16-224&layer=blocks.5",
        fault: None,
        reach: |page, _| page.wait_for(&hangs(".dream"), PATIENCE).map(drop),
    },
    State {
        name: "transformer-exemplars",
        query: "?device=cpu#/vit-tiny-patch16-224/blocks.9.mlp.act",
        fault: None,
        reach: |page, _| page.wait_for(&hangs(".unit-row .strip .sprite"), PATIENCE).map(drop),
    },
    State {
        name: "transformer-unit",
        query: "?device=cpu#/vit-tiny-patch16-224/blocks.9.mlp.act/7",
        fault: None,
        reach: |page, _| {
            page.wait_for_element("[data-testid=mode-heat]", PATIENCE)?;
            page.click("[data-testid=mode-heat]")?;
            page.wait_for_element("[data-heat=true] canvas", PATIENCE)
        },
    },
    State {
        name: "error",
        query: "?device=cpu",
        fault: Some((".safetensors", Fault::Missing)),
        reach: |page, _| page.wait_for_element("[data-testid=error]", PATIENCE),
    },
    State {
        name: "palette",
        query: "?device=cpu",
        fault: None,
        reach: |page, _| {
            page.wait_for_element(READY, PATIENCE)?;
            page.press("\u{E009}k\u{E000}")?;
            page.wait_for_element("dialog[open] input", PATIENCE)?;
            page.type_into("dialog[open] input", "mixed4a 1")
        },
    },
    State {
        name: "layer-wall",
        query: "?device=cpu&layer=mixed4a",
        fault: None,
        reach: |page, _| page.wait_for(&hangs(".dream"), PATIENCE).map(drop),
    },
    State {
        name: "unit",
        query: "?device=cpu#/googlenet/mixed4a/11",
        fault: None,
        reach: |page, _| page.wait_for(&hangs(".exemplar .sprite"), PATIENCE).map(drop),
    },
    State {
        name: "unit-heat",
        query: "?device=cpu#/googlenet/mixed4a/11",
        fault: None,
        reach: |page, _| {
            page.wait_for_element("[data-testid=mode-heat]", PATIENCE)?;
            page.click("[data-testid=mode-heat]")?;
            page.wait_for_element("[data-heat=true] canvas", PATIENCE)
        },
    },
    State {
        name: "unit-loading",
        query: "?device=cpu#/googlenet/mixed4a/11",
        fault: Some(("exemplars-0.bin", Fault::Stalled)),
        reach: |page, _| page.wait_for_element("[data-testid=unit-page]", PATIENCE),
    },
    State {
        name: "unit-error",
        query: "?device=cpu#/googlenet/mixed4a/11",
        fault: Some(("exemplars-0.bin", Fault::Flipped)),
        reach: |page, _| page.wait_for_element("[data-testid=error]", PATIENCE),
    },
    State {
        name: "unit-empty",
        query: "?device=cpu#/googlenet/conv2d0/5",
        fault: None,
        reach: |page, _| page.wait_for_element("[data-testid=no-exemplars]", PATIENCE),
    },
    State {
        name: "exemplars",
        query: "?device=cpu#/googlenet/mixed4a",
        fault: None,
        reach: |page, _| page.wait_for(&hangs(".unit-row .strip .sprite"), PATIENCE).map(drop),
    },
    State {
        name: "credits",
        query: "?device=cpu",
        fault: None,
        reach: |page, _| {
            page.wait_for_element("[data-testid=open-credits]", PATIENCE)?;
            page.script("document.querySelector('[data-testid=open-credits]').click();")?;
            page.wait_for(&hangs(".credited .sprite"), PATIENCE).map(drop)
        },
    },
    State {
        name: "embed-unit",
        query: "?embed=1&device=cpu#/googlenet/mixed4a/11",
        fault: None,
        reach: |page, _| page.wait_for(&hangs(".embed li .sprite"), PATIENCE).map(drop),
    },
    State {
        name: "embed-wall",
        query: "?embed=1&device=cpu&layer=mixed4a",
        fault: None,
        reach: |page, _| page.wait_for(&hangs(".embed .dream"), PATIENCE).map(drop),
    },
    State {
        name: "embed",
        query: "?embed=1&device=cpu&objective=mixed4a:11&size=128&steps=120&seed=1",
        fault: None,
        reach: |page, _| {
            start(page)?;
            page.wait_for(&format!("{STEP} >= 120"), PATIENCE).map(drop)
        },
    },
];

/// Whether the first of these pictures has come.
fn hangs(selector: &str) -> String {
    format!(
        "(() => {{
            const it = document.querySelector('{selector}');
            return it && getComputedStyle(it).backgroundImage.includes('blob:');
        }})()"
    )
}

fn start(page: &Session) -> Result<()> {
    page.wait_for_element("[data-testid=dream-start]", PATIENCE)?;
    page.click("[data-testid=dream-start]")
}

/// `cargo xtask screenshots`: brings the page into each state once, then photographs it at every
/// size in both colour schemes.
pub fn run(workspace: &Workspace, arguments: &Screenshots) -> Result<()> {
    tools::browser()?;
    let weights = workspace.reference("weights/bvlc_googlenet.safetensors");
    let site = build::usual_site(workspace, &Content { weights, optimize: true })?;
    let out = std::path::absolute(&arguments.out)
        .with_context(|| format!("finding {}", arguments.out.display()))?;
    fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
    let photograph = workspace
        .reference("images/imagenet-sample/n02123394/Persian_cat.jpg")
        .and_then(|file| file.canonicalize().ok());
    let shown = Shown { photograph };
    let only = arguments.only.as_deref().unwrap_or_default();
    for state in STATES.iter().filter(|state| state.name.contains(only)) {
        photograph_state(state, &shown, &site, &out)
            .with_context(|| format!("bringing the page into the state {:?}", state.name))?;
    }
    Ok(())
}

fn photograph_state(state: &State, shown: &Shown, site: &Path, out: &Path) -> Result<()> {
    let host = Host::start(site)?;
    if let Some((ending, fault)) = state.fault {
        host.spoil(ending, fault);
    }
    let browser = Chromium::start(Graphics::Software)?;
    let page = browser.page();
    page.appear(1280, 800, "dark")?;
    page.go(&host.url(state.query))?;
    (state.reach)(page, shown)?;
    for (width, height) in SIZES {
        for scheme in SCHEMES {
            page.appear(width, height, scheme)?;
            // Two frames: one to lay out, one to paint.
            page.script(
                "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
                    () => setTimeout(() => done(true), 150))));",
            )?;
            let file = out.join(format!("{}-{width}x{height}-{scheme}.png", state.name));
            save(&page.screenshot()?, &file)?;
            println!("{}", file.display());
        }
    }
    Ok(())
}

fn save(base64: &str, file: &Path) -> Result<()> {
    let bytes = BASE64.decode(base64).context("the browser's picture is not base64")?;
    fs::write(file, bytes).with_context(|| format!("writing {}", file.display()))
}

//! A visit to the page: a host, a browser, and what one waits for and reads there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};
use xtask::browser::{Chromium, Graphics, Session};
use xtask::rehearsal::Host;
use xtask::server::{self, Answer};

/// For what needs no network: the page itself, a click's effect.
pub const SOON: Duration = Duration::from_secs(20);

/// For what computes: a software GPU compiles its shaders first.
pub const LATER: Duration = Duration::from_secs(240);

/// The chip of the model, once the network can be used.
pub const READY: &str = "[data-testid=model-chip].ready";

/// Any message about something that went wrong.
pub const ERROR: &str = "[data-testid=error]";

/// One person at the page.
pub struct Visit {
    /// Where the page is.
    pub host: Host,
    /// The person's browser.
    pub browser: Chromium,
}

impl Visit {
    /// A browser with a software GPU, not yet anywhere.
    pub fn new() -> Result<Self> {
        Self::with(Graphics::Software)
    }

    /// A browser with these graphics, not yet anywhere.
    pub fn with(graphics: Graphics) -> Result<Self> {
        Ok(Self { host: Host::start(&site()?)?, browser: Chromium::start(graphics)? })
    }

    /// A browser without a GPU at a host of one's own.
    pub fn at(host: Host) -> Result<Self> {
        Ok(Self { host, browser: Chromium::start(Graphics::None)? })
    }

    /// The window.
    pub fn page(&self) -> &Session {
        self.browser.page()
    }

    /// Opens the page with this query.
    pub fn open(&self, query: &str) -> Result<()> {
        self.page().go(&self.host.url(query))
    }

    /// Opens the page and waits until the network can be used.
    pub fn open_ready(&self, query: &str) -> Result<()> {
        self.open(query)?;
        self.page().wait_for_element(READY, LATER)
    }

    /// Waits for a message about something that went wrong and returns its kind.
    pub fn error_kind(&self) -> Result<String> {
        self.page().wait_for_element(ERROR, LATER)?;
        let kind = self.page().attribute(ERROR, "data-kind")?;
        kind.context("the message has no data-kind")
    }

    /// The step the dream has reached.
    pub fn step(&self) -> Result<u64> {
        let step = self.page().attribute("[data-testid=dream-canvas]", "data-step")?;
        Ok(step.and_then(|step| step.parse().ok()).unwrap_or(0))
    }

    /// The loss of the newest step.
    pub fn loss(&self) -> Result<f64> {
        let loss = self.page().attribute("[data-testid=dream-canvas]", "data-loss")?;
        loss.and_then(|loss| loss.parse().ok()).context("the canvas has no data-loss")
    }

    /// Waits until the dream has made this many steps.
    pub fn wait_for_step(&self, step: u64) -> Result<()> {
        let reached = format!(
            "Number(document.querySelector('[data-testid=dream-canvas]')?.dataset.step ?? 0) >= {step}"
        );
        self.page().wait_for(&reached, LATER).map(drop)
    }

    /// The colours of the dream's canvas, as one string to compare.
    pub fn canvas(&self) -> Result<String> {
        let value = self
            .page()
            .script("return document.querySelector('[data-testid=dream-canvas]').toDataURL();")?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// A photograph of a goldfish, which is the gallery's, as a JPEG file.
    pub fn goldfish(&self) -> Result<Vec<u8>> {
        let address = self.page().script(CUT_OUT_THE_GOLDFISH)?;
        let address = address.as_str().unwrap_or_default();
        let (_, bytes) = address.split_once("base64,").context("the page made no file")?;
        Ok(BASE64.decode(bytes)?)
    }

    /// A value from the page's own address.
    pub fn parameter(&self, key: &str) -> Result<Option<String>> {
        let value = self.page().script_with(
            "return new URLSearchParams(location.search).get(arguments[0]);",
            &json!([key]),
        )?;
        Ok(value.as_str().map(str::to_owned))
    }
}

/// The goldfish of the gallery, as the address of a JPEG file that holds it.
const CUT_OUT_THE_GOLDFISH: &str = "return (async () => {
    const get = (path) => fetch('bundles/efficientnet-lite0/' + path);
    const { gallery: { credits, sprites } } = await (await get('bundle.json')).json();
    const { side, columns, rows, sheets } = sprites;
    const credited = await (await get(credits.path)).json();
    const number = credited.findIndex((picture) => picture.file === 'animals/goldfish.jpg');
    const file = await get(sheets[Math.floor(number / (columns * rows))].path);
    const sheet = await createImageBitmap(await file.blob());
    const [column, row] = [number % columns, Math.floor(number / columns) % rows];
    const cut = Object.assign(document.createElement('canvas'), { width: side, height: side });
    cut.getContext('2d').drawImage(sheet, -side * column, -side * row);
    return cut.toDataURL('image/jpeg', 0.95);
})()";

/// The class of ImageNet that a goldfish is.
pub const GOLDFISH: &str = "[data-testid=look-top] [data-class='1']";

/// The folder of the built page.
pub fn site() -> Result<PathBuf> {
    std::env::var_os("PELLUCID_SITE")
        .map(PathBuf::from)
        .context("$PELLUCID_SITE names no folder; run `cargo xtask test --browser`")
}

/// The network whose bundle opens by itself; it has weights where the reference data is.
const GOOGLENET: &str = "googlenet";

/// The network whose bundle ships with its weights.
pub const LITE: &str = "efficientnet-lite0";

/// A network that can dream, and how an address asks for it.
pub struct Network {
    /// In the registry, and of its bundle's folder.
    pub name: &'static str,
    /// The start of a query that opens it; nothing where it opens by itself.
    pub model: &'static str,
    /// One of its layers, of more than a hundred units.
    pub layer: &'static str,
}

/// GoogLeNet where the site has its weights, else the network that ships with its own.
pub fn network() -> Network {
    match weights(GOOGLENET) {
        Ok(_) => Network { name: GOOGLENET, model: "", layer: "mixed3a" },
        Err(_) => Network { name: LITE, model: "model=efficientnet-lite0&", layer: "block8" },
    }
}

/// How many pictures hang in the hall: the page's own where it has some of the network, else those
/// of the bundle's wall.
pub const HUNG: &str = "(() => {
    const own = [...document.querySelectorAll('.hung img')];
    const wall = [...document.querySelectorAll('[data-testid=dream-wall] [data-unit]')];
    const hangs = (it) => it.complete && it.naturalWidth > 0;
    const shows = (it) => getComputedStyle(it).backgroundImage !== 'none';
    return own.length > 0 ? own.filter(hangs).length : wall.filter(shows).length;
})()";

/// Where a network's bundle describes itself.
fn manifest(name: &str) -> String {
    format!("bundles/{name}/bundle.json")
}

/// Where the list of bundles is.
const LIST: &str = "bundles/index.json";

fn description(name: &str) -> Result<Value> {
    parsed(&site()?.join(manifest(name)))
}

fn parsed(file: &Path) -> Result<Value> {
    let text = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", file.display()))
}

/// The description of the bundle that opens by itself.
pub fn bundle() -> Result<Value> {
    description(GOOGLENET)
}

/// The name of the weights' file, as a network's bundle says.
pub fn weights(name: &str) -> Result<String> {
    let path = description(name)?["weights"]["path"].as_str().map(str::to_owned);
    path.context("bundle.json names no weights")
}

/// The first layer with exemplars and dreams in the site's bundle, and how many units have a
/// dream.
pub fn layer_with_exemplars() -> Result<(String, u64)> {
    let found = bundle().ok().and_then(|bundle| {
        bundle["layers"].as_array()?.iter().find_map(|layer| {
            let dreams = layer["dreams"]["sprites"]["count"].as_u64()?;
            layer["exemplars"]["records"].as_array()?;
            Some((layer["name"].as_str()?.to_owned(), dreams))
        })
    });
    found.context("the site's bundle has no exemplars")
}

/// A host whose bundle is described otherwise than the site's own; its list of bundles knows.
pub fn host_with(alter: impl FnOnce(&mut Value)) -> Result<Host> {
    host_of(GOOGLENET, alter)
}

/// The same, with another network's bundle.
pub fn host_of(name: &'static str, alter: impl FnOnce(&mut Value)) -> Result<Host> {
    let site = site()?;
    let mut described = description(name)?;
    alter(&mut described);
    let mut listed = parsed(&site.join(LIST))?;
    for entry in listed["bundles"].as_array_mut().context("a list of bundles")? {
        if entry["path"] == name {
            entry["weights"] = described.get("weights").is_some().into();
        }
    }
    Host::start_with(move |query| {
        let altered = match query.path().trim_start_matches('/') {
            LIST => &listed,
            path if path == manifest(name) => &described,
            _ => return server::answer(&site, query),
        };
        let mut answer = Answer::text(200, &altered.to_string());
        answer.headers = vec![("Content-Type", "application/json".to_owned())];
        answer
    })
}

/// What has no weights: the description of a bundle without its own.
pub fn without_weights(bundle: &mut Value) {
    bundle.as_object_mut().map(|bundle| bundle.remove("weights"));
}

/// Whether the site has GoogLeNet's weights; says so if not.
pub fn has_googlenet() -> bool {
    let found = weights(GOOGLENET).is_ok();
    if !found {
        println!("skipped: the site has no weights of GoogLeNet; the reference data is not here");
    }
    found
}

/// The checkout that is tested. Cargo runs tests in their package's folder; where they were
/// compiled may be another checkout, with which this one shares a target folder.
pub fn checkout() -> &'static Path {
    Path::new("..")
}

/// A file of the reference data; nothing, and a line saying so, where there is none.
pub fn reference(path: &str) -> Option<PathBuf> {
    let file = checkout().join("../shared").join(path);
    if !file.exists() {
        println!("skipped: reference data is not here");
        return None;
    }
    file.canonicalize().ok()
}

/// A folder of its own, for a while.
pub struct Folder(pub PathBuf);

impl Folder {
    /// An empty one.
    pub fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pellucid-page-test-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // What a test that was killed left behind under the same number.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

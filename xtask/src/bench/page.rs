//! The page's engine and the page itself in Chromium, beside onnxruntime-web and TensorFlow.js.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::measured::{Measured, Part};
use super::native::{OURS, TURNS, memory_line};
use super::peers::Peers;
use crate::browser::{Chromium, Graphics, Session};
use crate::cli::Bench;
use crate::compress;
use crate::many;
use crate::rehearsal::Host;
use crate::server::{self, Answer, Query};
use crate::workspace::Workspace;
use crate::{process, stamp};

/// For two thousand steps, or a software GPU's first step.
const PATIENCE: Duration = Duration::from_secs(550);

/// Samples of a software GPU: each takes seconds.
pub const SOFTWARE_ROUNDS: usize = 2;

/// Steps over which the page's memory must not grow, and how many looks at it.
const MANY_STEPS: u64 = 2000;
const LOOKS: u64 = 10;

/// Where the page finds a vision transformer, in the folder of the peers.
const TRANSFORMER: &str = "vit";

const STEP: &str =
    "Number(document.querySelector('[data-testid=dream-canvas]')?.dataset.step ?? 0)";

/// The weights in a site.
pub fn weights(site: &Path) -> Result<PathBuf> {
    let file = site.join("bundles/googlenet/bundle.json");
    let text = fs::read(&file).with_context(|| {
        format!("{} is missing: a benchmark needs weights, named with --weights", file.display())
    })?;
    let bundle: Value = serde_json::from_slice(&text).context("bundle.json is not JSON")?;
    let path = bundle["weights"]["path"].as_str().context(
        "a benchmark needs GoogLeNet's weights, and none are on this machine: name them with \
         --weights, or run `pellucid fetch googlenet`",
    )?;
    Ok(site.join("bundles/googlenet").join(path))
}

/// Everything that runs in a browser on the processor, a software GPU included.
pub fn processor(
    workspace: &Workspace,
    arguments: &Bench,
    site: &Path,
    peers: &Peers,
    measured: &mut Measured,
) -> Result<()> {
    transformer(workspace, peers)?;
    let sent = Arc::new(AtomicU64::new(0));
    let host = host(site, peers, sent.clone())?;
    for turn in 1..=TURNS {
        println!("\nin the page, on the processor, turn {turn} of {TURNS}");
        let ask = json!({
            "device": "cpu", "rounds": arguments.rounds,
            "side": 224, "stepSide": 128, "dreamSide": 224,
        });
        engine(&host, &ask, Part::Page, peers, measured)?;
        if peers.javascript {
            let ask = json!({
                "device": "wasm", "rounds": arguments.rounds, "side": 224, "stepSide": 128,
            });
            theirs(&host, &ask, Part::Page, measured)?;
        }
    }
    println!("\nin the page, on WebGPU in software");
    let ask = json!({
        "device": "webgpu", "rounds": SOFTWARE_ROUNDS, "side": 224, "stepSide": 128,
    });
    ours_and_theirs(&host, &ask, Part::PageGpu, peers, measured)?;
    println!("\nthe page as a visitor opens it");
    for _ in 0..TURNS {
        visit(&host, &sent, measured)?;
    }
    memory(&host, measured)?;
    many_units(site, measured)?;
    sizes(site, peers, measured);
    Ok(())
}

/// What the machine's GPU does in a browser.
pub fn gpu(
    workspace: &Workspace,
    arguments: &Bench,
    site: &Path,
    peers: &Peers,
    measured: &mut Measured,
) -> Result<()> {
    transformer(workspace, peers)?;
    let host = host(site, peers, Arc::default())?;
    for turn in 1..=TURNS {
        println!("\nin the page, on WebGPU, turn {turn} of {TURNS}");
        let ask = json!({
            "device": "webgpu", "hardware": true, "rounds": arguments.rounds,
            "side": 224, "stepSide": 128, "dreamSide": 224,
        });
        ours_and_theirs(&host, &ask, Part::PageGpu, peers, measured)?;
    }
    Ok(())
}

/// The site below `site/`, whose bytes are counted, everything of the peers below the root.
fn host(site: &Path, peers: &Peers, sent: Arc<AtomicU64>) -> Result<Host> {
    let (site, folder) = (site.to_owned(), peers.folder.clone());
    Host::start_with(move |query| {
        let script = |text: &str| {
            let mut answer = Answer::text(200, text);
            answer.headers = vec![("Content-Type", "text/javascript".to_owned())];
            answer
        };
        match query.path() {
            "/" => {
                let mut answer = Answer::text(200, "<!doctype html><title>bench</title>");
                answer.headers = vec![("Content-Type", "text/html".to_owned())];
                answer
            }
            "/ours.js" => script(include_str!("ours.js")),
            "/peers.js" => script(include_str!("peers.js")),
            _ => match query.address.strip_prefix("/site") {
                Some(rest) => {
                    let inner = Query { address: rest.to_owned(), ..query.clone() };
                    let answer = server::answer(&site, &inner);
                    sent.fetch_add(answer.body.len() as u64, Ordering::Relaxed);
                    answer
                }
                None => server::answer(&folder, query),
            },
        }
    })
}

/// Writes a bundle of a vision transformer where the page finds it; no bundle that ships has its
/// weights.
fn transformer(workspace: &Workspace, peers: &Peers) -> Result<()> {
    let folder = peers.folder.join(TRANSFORMER);
    let Some(weights) = workspace.reference("weights/vit_tiny_patch16_224.safetensors") else {
        println!("skipped: no weights of the reference data for a vision transformer in the page");
        return Ok(());
    };
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    let mut export = workspace.tool(workspace.pellucid());
    export.args(["export", "--model", "vit-tiny-patch16-224", "--weights"]).arg(weights);
    process::output(export.arg("--out").arg(folder)).map(drop)
}

/// Runs a function of a module in a fresh browser and returns what it returns.
fn in_browser(host: &Host, module: &str, function: &str, ask: &Value) -> Result<Value> {
    let hardware = ask["hardware"] == true;
    let graphics = if hardware { Graphics::Hardware } else { Graphics::Software };
    let browser = Chromium::start(graphics)?;
    browser.page().go(&host.url(""))?;
    let answer = browser.page().script_with(
        "const [module, name, ask] = arguments;
         return import(module)
             .then((functions) => functions[name](ask))
             .catch((error) => ({ failed: String(error?.stack ?? error) }));",
        &json!([host.url(module), function, ask]),
    )?;
    match answer["failed"].as_str() {
        Some(reason) => bail!("{function} failed: {reason}"),
        None => Ok(answer),
    }
}

/// Ours, and the peers where they are installed.
fn ours_and_theirs(
    host: &Host,
    ask: &Value,
    part: Part,
    peers: &Peers,
    measured: &mut Measured,
) -> Result<()> {
    engine(host, ask, part, peers, measured)?;
    if peers.javascript {
        theirs(host, ask, part, measured)?;
    }
    Ok(())
}

fn engine(
    host: &Host,
    ask: &Value,
    part: Part,
    peers: &Peers,
    measured: &mut Measured,
) -> Result<()> {
    let has_transformer = peers.folder.join(TRANSFORMER).is_dir();
    let mut ask = ask.clone();
    ask["site"] = host.url("site/").into();
    if has_transformer {
        ask["vit"] = host.url(&format!("{TRANSFORMER}/")).into();
    }
    let answer = in_browser(host, "ours.js", "pellucid", &ask)?;
    if part == Part::PageGpu {
        let adapter = answer["adapter"].as_str().unwrap_or_default().to_owned();
        measured.adapter = Some((adapter, answer["software"] == true));
    }
    measured.add_all(part, OURS, &answer["samples"])
}

/// What a peer cannot do on this machine is said and left out.
fn theirs(host: &Host, ask: &Value, part: Part, measured: &mut Measured) -> Result<()> {
    for (who, function) in [("onnxruntime-web", "onnxruntime"), ("TensorFlow.js", "tfjs")] {
        match in_browser(host, "peers.js", function, ask) {
            Ok(samples) => measured.add_all(part, who, &samples)?,
            Err(error) => println!("{who} is left out: {error:#}"),
        }
    }
    Ok(())
}

/// A first visit, until the first picture of a dream hangs there, and a second.
fn visit(host: &Host, sent: &AtomicU64, measured: &mut Measured) -> Result<()> {
    let browser = Chromium::start(Graphics::Software)?;
    for (prefix, keys) in [
        ("", ["first_paint", "ready", "first_picture", "first_paint_bytes"].as_slice()),
        ("second_", &["first_paint", "first_picture"]),
    ] {
        let before = sent.load(Ordering::Relaxed);
        let times = opened(browser.page(), host)?;
        let bytes = (sent.load(Ordering::Relaxed) - before) as f64;
        for key in keys {
            let value = times[*key].as_f64().with_context(|| format!("the page gave no {key}"))?;
            measured.add(Part::Whole, OURS, &format!("{prefix}{key}"), &[value]);
        }
        measured.add(Part::Whole, OURS, &format!("{prefix}first_picture_bytes"), &[bytes]);
        // Away, so that the next visit is one.
        browser.page().go(&host.url(""))?;
    }
    Ok(())
}

/// Opens the page on a dream and waits for its first picture: milliseconds since the address was
/// entered, and the bytes of what had come when the page was first painted.
fn opened(page: &Session, host: &Host) -> Result<Value> {
    page.go(&host.url("site/?objective=mixed4a:11&size=128&seed=1&device=cpu&autostart=1"))?;
    page.script(&format!(
        "return new Promise((resolve) => {{
             let ready;
             const look = () => {{
                 ready ??= document.documentElement.dataset.ready && performance.now();
                 if ({STEP} < 1) return requestAnimationFrame(look);
                 const paint = performance.getEntriesByName('first-contentful-paint')[0].startTime;
                 const come = ['navigation', 'resource']
                     .flatMap((kind) => performance.getEntriesByType(kind))
                     .filter((entry) => entry.responseEnd <= paint);
                 resolve({{
                     first_paint: paint,
                     ready,
                     first_picture: performance.now(),
                     first_paint_bytes: come.reduce((sum, entry) => sum + entry.transferSize, 0),
                 }});
             }};
             look();
         }});"
    ))
}

/// Memory of the page's process while it dreams: at its highest, and over many steps.
fn memory(host: &Host, measured: &mut Measured) -> Result<()> {
    let browser = Chromium::start(Graphics::Software)?;
    let page = browser.page();
    let dream = |objective: &str, size: u32, steps: u64| {
        host.url(&format!(
            "site/?objective={objective}&size={size}&steps={steps}&device=cpu&autostart=1&seed=1"
        ))
    };
    page.go(&dream("mixed4a:11", 224, 20))?;
    wait_for_step(page, 20)?;
    let highest = renderer_memory(&browser, "VmHWM:");
    measured.add(Part::Whole, OURS, "page_memory", &Vec::from_iter(highest));

    page.go(&dream("mixed3a:5", 32, MANY_STEPS))?;
    for look in 1..=LOOKS {
        wait_for_step(page, look * MANY_STEPS / LOOKS)?;
        let resident = renderer_memory(&browser, "VmRSS:");
        measured.add(Part::Whole, OURS, "page_resident", &Vec::from_iter(resident));
    }
    Ok(())
}

/// A layer of 16,384 units on a phone-sized window: what is read before its first units are here,
/// how long the window is blocked while one scrolls through all of them, and memory after that.
fn many_units(site: &Path, measured: &mut Measured) -> Result<()> {
    let host = many::host(site)?;
    let browser = Chromium::start(Graphics::None)?;
    let page = browser.page();
    page.appear(360, 740, "dark")?;
    page.go(&host.url(&format!("?device=cpu#/{}/{}", many::NETWORK, many::LAYER)))?;
    page.wait_for("!!document.querySelector('[data-place] .strip .sprite')", PATIENCE)?;
    let found = page.script(
        "const stage = document.getElementById('stage');
         const read = performance.getEntriesByType('resource')
             .filter(({ name }) => /\\.(json|bin|txt)$/.test(new URL(name).pathname))
             .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0);
         return (async () => {
             // Longer than 50 ms is what browsers call long.
             let blocked = 0;
             const note = (list) => {
                 for (const { duration } of list.getEntries()) blocked = Math.max(blocked, duration);
             };
             const observer = new PerformanceObserver(note);
             observer.observe({ type: 'longtask' });
             // 19,000 pixels a second where a frame takes a sixtieth: faster than a finger flicks.
             for (let top = 0; top < stage.scrollHeight; top += 320) {
                 stage.scrollTop = top;
                 await new Promise(requestAnimationFrame);
             }
             note({ getEntries: () => observer.takeRecords() });
             return { many_bytes: read, many_blocked: blocked };
         })();",
    )?;
    for key in ["many_bytes", "many_blocked"] {
        measured.add(Part::Whole, OURS, key, &Vec::from_iter(found[key].as_f64()));
    }
    let resident = renderer_memory(&browser, "VmRSS:");
    measured.add(Part::Whole, OURS, "many_memory", &Vec::from_iter(resident));
    Ok(())
}

fn wait_for_step(page: &Session, step: u64) -> Result<()> {
    page.wait_for(&format!("{STEP} >= {step}"), PATIENCE).map(drop)
}

/// Memory of the largest renderer among the browser's processes: window and worker together.
fn renderer_memory(browser: &Chromium, line: &str) -> Option<f64> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|process: u32| Some((process, parent(process)?)))
        .collect();
    let mut family = vec![browser.driver_process()];
    let mut next = 0;
    while let Some(&process) = family.get(next) {
        family.extend(parents.iter().filter(|(_, parent)| *parent == process).map(|(id, _)| id));
        next += 1;
    }
    family
        .into_iter()
        .filter(|process| {
            fs::read(format!("/proc/{process}/cmdline"))
                .is_ok_and(|call| String::from_utf8_lossy(&call).contains("--type=renderer"))
        })
        .filter_map(|process| memory_line(process, line))
        .max_by(f64::total_cmp)
}

fn parent(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// What a first visit downloads to compute with, without weights.
fn sizes(site: &Path, peers: &Peers, measured: &mut Measured) {
    let dist = |package: &str, file: &str| {
        peers.folder.join("node_modules").join(package).join("dist").join(file)
    };
    let programs =
        |file: &PathBuf| file.extension().is_some_and(|ending| ending == "wasm" || ending == "js");
    let ours = stamp::files_below(site).unwrap_or_default();
    let all = [
        (OURS, ours.into_iter().filter(programs).collect()),
        (
            "onnxruntime-web",
            vec![
                dist("onnxruntime-web", "ort.webgpu.min.mjs"),
                dist("onnxruntime-web", "ort-wasm-simd-threaded.asyncify.wasm"),
            ],
        ),
        (
            "TensorFlow.js",
            vec![
                dist("@tensorflow/tfjs", "tf.min.js"),
                dist("@tensorflow/tfjs-backend-webgpu", "tf-backend-webgpu.min.js"),
                dist("@tensorflow/tfjs-backend-wasm", "tf-backend-wasm.min.js"),
                dist("@tensorflow/tfjs-backend-wasm", "tfjs-backend-wasm-simd.wasm"),
            ],
        ),
    ];
    for (who, files) in all {
        let raw: Option<Vec<f64>> =
            files.iter().map(|file| Some(file.metadata().ok()?.len() as f64)).collect();
        let Some(raw) = raw else { continue };
        measured.add(Part::Whole, who, "size", &[raw.iter().sum()]);
        let small: Result<Vec<f64>> =
            files.iter().map(|file| Ok(compress::brotli_size(file)? as f64)).collect();
        if let Ok(small) = small {
            measured.add(Part::Whole, who, "size_in_brotli", &[small.iter().sum()]);
        }
    }
}

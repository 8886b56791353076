//! Chromium with a fresh profile, behind a driver of its own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::Session;
use super::session::{LOADING, SCRIPT};
use crate::tools;

/// What the browser finds when it looks for a GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Graphics {
    /// A WebGPU adapter in software: the real interface, slowly.
    #[default]
    Software,
    /// The machine's own.
    Hardware,
    /// No WebGPU at all, as in an old browser.
    None,
}

/// A browser; closed, with its profile, when dropped.
pub struct Chromium {
    driver: Child,
    session: Session,
    profile: PathBuf,
}

/// How often the driver is asked whether it is up, and how long between.
const ATTEMPTS: u32 = 150;
const PAUSE: Duration = Duration::from_millis(100);

/// Flags for a quiet browser that works on a machine without a screen, also as root.
const QUIET: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    // A camera that shows a moving pattern, and that nobody need allow.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
];

/// Whether there is a browser on this machine.
#[must_use]
pub fn find() -> bool {
    tools::find_browser().is_some()
}

impl Chromium {
    /// Starts a browser that has never been anywhere.
    pub fn start(graphics: Graphics) -> Result<Self> {
        Self::start_sized(graphics, 1280, 800)
    }

    /// Starts a browser with a window of this many pixels.
    pub fn start_sized(graphics: Graphics, width: u32, height: u32) -> Result<Self> {
        let programs = tools::find_browser().context(
            "there is no Chromium with its driver; `cargo xtask test` says how to get it",
        )?;
        let port = free_port()?;
        let mut driver = Command::new(&programs.driver)
            .arg(format!("--port={port}"))
            .args(["--silent", "--allowed-ips="])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", programs.driver.display()))?;
        let base = format!("http://127.0.0.1:{port}");
        if let Err(error) = wait_until_up(&base) {
            let _ = driver.kill();
            let _ = driver.wait();
            return Err(error);
        }
        let profile = fresh_profile();
        let mut flags: Vec<String> = QUIET.iter().map(|&flag| flag.to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.display()));
        flags.push(format!("--window-size={width},{height}"));
        flags.extend(graphics_flags(graphics).iter().map(|&flag| flag.to_owned()));
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": flags, "binary": programs.chromium },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": {
                "script": SCRIPT.as_millis() as u64,
                "pageLoad": LOADING.as_millis() as u64,
            },
        }}});
        match Session::open(&base, &capabilities) {
            Ok(session) => Ok(Self { driver, session, profile }),
            Err(error) => {
                let _ = driver.kill();
                let _ = driver.wait();
                Err(error.context("starting Chromium"))
            }
        }
    }

    /// The driver's process, the browser's parent.
    #[must_use]
    pub fn driver_process(&self) -> u32 {
        self.driver.id()
    }

    /// The one window.
    #[must_use]
    pub fn page(&self) -> &Session {
        &self.session
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Closing the session ends the browser; the driver alone would leave it running.
        if self.session.close().is_err()
            && let Some(process) = self.session.process()
        {
            let _ = Command::new("kill").args(["-KILL", &process.to_string()]).status();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn graphics_flags(graphics: Graphics) -> &'static [&'static str] {
    match graphics {
        Graphics::Software => &["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
        Graphics::Hardware if cfg!(not(target_os = "linux")) => &[],
        Graphics::Hardware => &[
            "--enable-unsafe-webgpu",
            "--ignore-gpu-blocklist",
            "--enable-features=Vulkan",
            "--use-angle=vulkan",
            // Without a screen there is none, and Chromium would fall back on software.
            "--disable-vulkan-surface",
        ],
        Graphics::None => &["--disable-features=WebGPU,WebGPUService", "--disable-gpu"],
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
    Ok(listener.local_addr().context("looking for a free port")?.port())
}

fn fresh_profile() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("pellucid-chromium-{}-{count}", std::process::id()))
}

fn wait_until_up(base: &str) -> Result<()> {
    for _ in 0..ATTEMPTS {
        if ureq::get(format!("{base}/status")).call().is_ok() {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    bail!("the browser's driver did not answer at {base}")
}

//! What verbs share that show the page on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;
use clap::Args;

use crate::interrupt;
use crate::page::{self, Page, Server};

/// Which page, and at which port.
#[derive(Args, Clone, Debug)]
pub struct PageArgs {
    /// The built page [default: $PELLUCID_SITE, else `site` beside this program, else what `cargo
    /// xtask serve` of its checkout has built]
    #[arg(long, value_name = "FOLDER")]
    pub site: Option<PathBuf>,

    /// The port to serve it at, 0 for any that is free [default: 8017, or any if that is taken]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
}

/// What of a bundle is shown first.
pub struct View<'a> {
    /// The folder of bundles.
    pub bundles: &'a Path,
    /// The bundle's name.
    pub model: &'a str,
    /// A layer of it.
    pub layer: &'a str,
    /// Whether its latents are sorted by how stable they are.
    pub by_stability: bool,
}

/// A page with its port, not answered yet.
pub struct Served {
    page: Page,
    server: Server,
    address: String,
}

impl PageArgs {
    /// The page over these bundles. Where there is none on this machine, that is said with the way to
    /// one, and there is nothing to serve.
    ///
    /// # Errors
    /// What was named is no page, or the port is taken.
    pub fn page(&self, view: &View<'_>) -> Result<Option<Served>> {
        let Some(site) = page::find(self.site.as_deref())? else {
            let bundle = view.bundles.join(view.model);
            eprintln!(
                "{} is made, but no built page is on this machine to show it: {}, and the same \
                 command shows it",
                bundle.display(),
                page::way_to_one()
            );
            return Ok(None);
        };
        let server = Server::bind(self.port)?;
        let query = if view.by_stability { "?by=stability" } else { "" };
        let address = format!("{}{query}#/{}/{}", server.url(), view.model, view.layer);
        let page = Page { site, bundles: view.bundles.to_owned() };
        Ok(Some(Served { page, server, address }))
    }
}

impl Served {
    /// Where the view is: `http://127.0.0.1:8017/#/efficientnet-lite0/block8/sae-2k`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Opens the view in a browser, if that is wanted, and answers until Ctrl-C.
    ///
    /// # Errors
    /// The system gives no threads or sockets.
    pub fn run(self, is_opened: bool) -> Result<()> {
        eprintln!("the page is served; Ctrl-C ends it");
        if is_opened {
            open(&self.address);
        }
        self.server.run(self.page, interrupt::requested)
    }
}

/// Opens an address in the browser of this machine; where that cannot be, it says so.
fn open(address: &str) {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        let mut command = Command::new("cmd");
        command.args(["/C", "start", ""]);
        command
    } else {
        Command::new("xdg-open")
    };
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        eprintln!("no browser can be opened from here ({error}): go to the address above");
    }
}

//! A host that remembers what was asked of it and fails on purpose: for tests and screenshots.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::line::Line;
use crate::server::{self, Answer, Query, Server};

/// What goes wrong with a file on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// One byte in the middle is another.
    Flipped,
    /// The second half does not arrive.
    Cut,
    /// It never comes, as long as the host stands.
    Stalled,
    /// The host hangs up, as if it were not there.
    Silent,
    /// It comes at half a megabyte a second, as if there were nothing else on its way.
    Slow,
}

/// A page's host for a while.
pub struct Host {
    server: Server,
    log: Arc<Mutex<Vec<Query>>>,
    faults: Arc<Mutex<Vec<(String, Fault)>>>,
    line: Arc<Mutex<Option<Line>>>,
    closing: Arc<AtomicBool>,
}

impl Drop for Host {
    fn drop(&mut self) {
        // Lets those go that wait in vain.
        self.closing.store(true, Ordering::Relaxed);
    }
}

impl Host {
    /// Serves a site.
    pub fn start(site: &Path) -> Result<Self> {
        Self::in_folder(site, "")
    }

    /// Serves a site in a folder of the host: `museum/`.
    pub fn in_folder(site: &Path, folder: &str) -> Result<Self> {
        let site = site.to_owned();
        let prefix = format!("/{folder}");
        Self::start_with(move |query| match query.address.strip_prefix(&prefix) {
            Some(rest) => {
                let inner = Query { address: format!("/{rest}"), ..query.clone() };
                server::answer(&site, &inner)
            }
            None => Answer::text(404, "there is nothing outside the folder\n"),
        })
    }

    /// Serves a site and says the same of every file of it.
    pub fn with_header(site: &Path, name: &'static str, value: &str) -> Result<Self> {
        let (site, value) = (site.to_owned(), value.to_owned());
        Self::start_with(move |query| {
            let mut answer = server::answer(&site, query);
            answer.headers.push((name, value.clone()));
            answer
        })
    }

    /// Serves whatever `respond` says.
    pub fn start_with(respond: impl Fn(&Query) -> Answer + Send + Sync + 'static) -> Result<Self> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let faults = Arc::new(Mutex::new(Vec::<(String, Fault)>::new()));
        let line = Arc::new(Mutex::new(None));
        let shared_line = Arc::clone(&line);
        let closing = Arc::new(AtomicBool::new(false));
        let (kept_log, kept_faults) = (Arc::clone(&log), Arc::clone(&faults));
        let must_close = Arc::clone(&closing);
        let server = Server::start(0, move |query| {
            lock(&kept_log).push(query.clone());
            let fault = lock(&kept_faults)
                .iter()
                .find(|(ending, _)| query.path().ends_with(ending.as_str()))
                .map(|(_, fault)| *fault);
            while fault == Some(Fault::Stalled) && !must_close.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(20));
            }
            let mut answer = respond(query);
            answer.line.clone_from(&lock(&shared_line));
            spoil(answer, fault)
        })?;
        Ok(Self { server, log, faults, line, closing })
    }

    /// The page's address with something appended: `?embed=1`.
    pub fn url(&self, rest: &str) -> String {
        format!("{}{rest}", self.server.url())
    }

    /// From now on every file whose path ends like this arrives spoiled.
    pub fn spoil(&self, path_ending: &str, fault: Fault) {
        lock(&self.faults).push((path_ending.to_owned(), fault));
    }

    /// From now on everything comes over one line of so many bytes a second.
    pub fn slow_down(&self, bytes_per_second: u64) {
        *lock(&self.line) = Some(Line::new(bytes_per_second));
    }

    /// From now on everything arrives as it is.
    pub fn heal(&self) {
        lock(&self.faults).clear();
    }

    /// How many others were asked for before a path with this ending; nothing if it never was.
    pub fn place(&self, path_ending: &str) -> Option<usize> {
        lock(&self.log).iter().position(|query| query.path().ends_with(path_ending))
    }

    /// How often a path with this ending was asked for.
    pub fn count(&self, path_ending: &str) -> usize {
        lock(&self.log).iter().filter(|query| query.path().ends_with(path_ending)).count()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spoil(mut answer: Answer, fault: Option<Fault>) -> Answer {
    match fault {
        None => {}
        Some(Fault::Silent) => return Answer::silence(),
        Some(Fault::Stalled | Fault::Missing) => return Answer::text(404, "gone\n"),
        Some(Fault::Flipped) => {
            let middle = answer.body.len() / 2;
            if let Some(byte) = answer.body.get_mut(middle) {
                *byte ^= 0x40;
            }
        }
        Some(Fault::Slow) => answer.line = Some(Line::new(500_000)),
        Some(Fault::Cut) => answer.body.truncate(answer.body.len() / 2),
    }
    answer
}

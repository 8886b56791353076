//! Bundles: which there are, and the one that is open.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::format::bundle::{Bundle, Entry, INDEX_LIMIT, Index, Part};
use web_sys::Blob;

use crate::address::{Address, USUAL_MODEL};
use crate::ask::client::{Client, Heard};
use crate::ask::slot::{Slot, Turn};
use crate::browser;
use crate::files;
use crate::files::web::Web;
use crate::protocol::{Failure, FailureKind, Unpack, Unpacked};

/// The folder of bundles beside the page.
pub const FOLDER: &str = "bundles";

/// How long before a host that is still fetching weights is asked again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a bundle comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Its `bundle.json`, absolute.
    Address(String),
    /// A .zip file of this name.
    File(String),
}

/// A bundle that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// Where it comes from.
    pub source: Source,
    /// Where its `bundle.json` is.
    pub url: String,
    /// For people.
    pub title: String,
    /// What is in it.
    pub bundle: Bundle,
}

impl Opened {
    /// A part of it. The window fetches it itself and asks the engine only for what came in a
    /// file, so that pictures need no engine. `what` is what it is called in errors.
    pub async fn part(&self, client: Client, part: &Part, what: &str) -> Result<Vec<u8>, Failure> {
        match self.source {
            Source::Address(_) => files::part(&Web, what, &self.url, part, &|_, _| {}).await,
            Source::File(_) => client.part(&self.url, part, what).await,
        }
    }
}

/// The bundles that can be opened, and the one that is.
#[derive(Clone, Copy)]
pub struct Library {
    client: Client,
    /// Those beside the page, in the order they are offered; nothing before the list has come.
    pub offered: RwSignal<Option<Vec<Entry>>>,
    /// The one that is open.
    pub open: RwSignal<Option<Arc<Opened>>>,
    /// Why one could not be opened.
    pub failure: RwSignal<Option<Failure>>,
    /// What was asked for last; what is open once that has come.
    asked: StoredValue<Option<Source>>,
    /// The .zip file that is open, as the visitor gave it, for an engine that starts anew.
    file: StoredValue<Option<(String, Blob)>, LocalStorage>,
    opening: Slot,
}

impl Library {
    /// Nothing known yet.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            offered: RwSignal::default(),
            open: RwSignal::default(),
            failure: RwSignal::default(),
            asked: StoredValue::default(),
            file: StoredValue::new_local(None),
            opening: Slot::new(),
        }
    }

    /// Fetches the list of bundles, then calls `then`. A site may be without one.
    pub fn list(self, then: impl FnOnce() + 'static) {
        spawn_local(async move {
            self.offered.set(Some(listed().await.unwrap_or_default()));
            then();
        });
    }

    /// The entry that an address names, or the first.
    pub fn entry(self, model: &str) -> Option<Entry> {
        self.offered.with(|offered| {
            let offered = offered.as_ref()?;
            match model {
                "" => offered.first(),
                _ => offered.iter().find(|entry| entry.path == model),
            }
            .cloned()
        })
    }

    /// The folder that opens by itself.
    pub fn first(self) -> String {
        self.entry("").map_or(USUAL_MODEL.to_owned(), |entry| entry.path)
    }

    /// Where the bundle is that an address asks for, absolute.
    pub fn wanted(self, address: &Address) -> String {
        let description = |folder: &str| match folder.ends_with(".json") {
            true => folder.to_owned(),
            false => format!("{}/bundle.json", folder.trim_end_matches('/')),
        };
        browser::absolute(&match &address.bundle {
            Some(elsewhere) => description(elsewhere),
            None => {
                let first = self.first();
                let model = if address.model.is_empty() { &first } else { &address.model };
                description(&format!("{FOLDER}/{model}"))
            }
        })
    }

    /// The bundle that is open, if it is the one that an address asks for. Reactive.
    pub fn met(self, address: &Address) -> Option<Arc<Opened>> {
        self.open.get().filter(|open| match open.source {
            Source::Address(_) => open.url == self.wanted(address),
            // A file has no address: it stands for its model.
            Source::File(_) => {
                let first = || self.first();
                let model = if address.model.is_empty() { first() } else { address.model.clone() };
                address.bundle.is_none() && model == open.bundle.model
            }
        })
    }

    /// Whether another bundle than the one that is open was asked for and is still to come.
    pub fn is_opening(self) -> bool {
        self.asked.get_value() != self.source() && self.failure.with_untracked(Option::is_none)
    }

    /// Whether the bundle at an address, absolute, was asked for last and is still to come.
    pub fn is_asked(self, url: &str) -> bool {
        let here = |asked: &Source| matches!(asked, Source::Address(asked) if asked == url);
        self.is_opening() && self.asked.with_value(|asked| asked.as_ref().is_some_and(here))
    }

    /// Opens the bundle at an address, absolute; `then` hears of it once it is open.
    pub fn fetch(self, url: String, then: impl FnOnce() + 'static) {
        let turn = self.turn_to(Source::Address(url.clone()));
        spawn_local(async move {
            let described = files::description(&Web, &url).await;
            if !turn.is_on() {
                return;
            }
            match described {
                Ok(bundle) => {
                    self.show(Source::Address(url.clone()), url, bundle);
                    then();
                }
                Err(failure) => self.failure.set(Some(failure)),
            }
        });
    }

    /// Opens a bundle from a .zip file; `then` hears of it once it is open.
    pub fn unpack(self, name: String, file: Blob, then: impl FnOnce() + 'static) {
        spawn_local(async move {
            match browser::read(&file).await {
                Ok(bytes) => self.take(name.clone(), bytes, move || {
                    self.file.set_value(Some((name, file)));
                    then();
                }),
                Err(why) => self.failure.set(Some(unreadable(&name, why))),
            }
        });
    }

    /// Opens again, in an engine that has started anew, what only the engine before had, or what
    /// it was asked for and never opened.
    pub fn reopen(self, then: impl FnOnce() + 'static) {
        match (self.source(), self.asked.get_value(), self.file.get_value()) {
            (Some(Source::File(_)), _, Some((name, file))) => self.unpack(name, file, then),
            (None, Some(Source::Address(url)), _) => self.fetch(url, then),
            _ => then(),
        }
    }

    /// Forgets what is on its way, and why something did not come: what is open is wanted.
    pub fn stay(self) {
        let source = self.source();
        if self.asked.get_value() != source {
            self.opening.end();
            self.asked.set_value(source);
            self.failure.set(None);
        }
    }

    /// Where the open bundle comes from.
    fn source(self) -> Option<Source> {
        self.open.with_untracked(|open| open.as_ref().map(|open| open.source.clone()))
    }

    /// Opens a bundle from the bytes of a .zip file; `then` hears of it once it is open.
    pub fn take(self, name: String, bytes: Vec<u8>, then: impl FnOnce() + 'static) {
        let source = Source::File(name.clone());
        let mut then = Some(then);
        let turn = self.turn_to(source.clone());
        turn.ask(self.client, Unpack { name }, vec![bytes], move |heard| match heard {
            Heard::Said(Unpacked { bundle_url, json }, _) => match Bundle::parse(json.as_bytes()) {
                Ok(bundle) => self.show(source.clone(), bundle_url, bundle),
                Err(error) => self.failure.set(Some(broken(&error))),
            },
            Heard::Failed(failure) => self.failure.set(Some(failure)),
            Heard::Done => {
                let then = then.take().filter(|_| self.failure.with_untracked(Option::is_none));
                then.into_iter().for_each(|then| then());
            }
            Heard::Cancelled => {}
        });
    }

    /// From now on this is what is asked for.
    fn turn_to(self, source: Source) -> Turn {
        self.asked.set_value(Some(source));
        self.failure.set(None);
        self.opening.turn()
    }

    fn show(self, source: Source, url: String, bundle: Bundle) {
        let title = self.offered.with_untracked(|offered| {
            let offered = offered.iter().flatten();
            let mut here = offered.filter(|entry| url == browser::absolute(&beside(&entry.path)));
            here.next().map(|entry| entry.title.clone())
        });
        let known = || shared::models::info(&bundle.model).map(|info| info.title.to_owned());
        let title = title.or_else(|| known().ok()).unwrap_or_else(|| bundle.model.clone());
        self.open.set(Some(Arc::new(Opened { source, url, title, bundle })));
    }

    /// Whether the host is still fetching the weights that the open bundle lacks.
    pub fn weights_coming(self) -> bool {
        let Some(open) = self.open.get() else { return false };
        self.offered.with(|offered| {
            let mut offered = offered.iter().flatten();
            offered.any(|entry| {
                entry.weights_coming && open.url == browser::absolute(&beside(&entry.path))
            })
        })
    }

    /// Where the host is still fetching the weights that the open bundle lacks, asks it again and
    /// again until they are there or given up; then calls `then` with the bundle's address.
    pub fn await_weights(self, then: impl FnOnce(String) + 'static) {
        if untrack(|| self.weights_coming())
            && let Some(open) = self.open.get_untracked()
        {
            self.wait_for_weights(open, then);
        }
    }

    fn wait_for_weights(self, open: Arc<Opened>, then: impl FnOnce(String) + 'static) {
        set_timeout(
            move || {
                spawn_local(async move {
                    // A host that is away for a moment is asked again all the same.
                    if let Ok(offered) = listed().await {
                        self.offered.set(Some(offered));
                    }
                    let source = Some(open.source.clone());
                    if self.source() != source {
                        return;
                    }
                    // Another bundle that is asked for meanwhile may not open.
                    let other = self.asked.get_value() != source;
                    if other || untrack(|| self.weights_coming()) {
                        self.wait_for_weights(open, then);
                    } else {
                        then(open.url.clone());
                    }
                });
            },
            PATIENCE,
        );
    }
}

fn beside(path: &str) -> String {
    format!("{FOLDER}/{path}/bundle.json")
}

/// The list of the bundles beside the page.
async fn listed() -> Result<Vec<Entry>, String> {
    let bytes = browser::fetch(&format!("{FOLDER}/index.json"), INDEX_LIMIT as u64).await?;
    Index::parse(&bytes).map(|index| index.bundles).map_err(|error| error.to_string())
}

fn broken(error: &shared::Error) -> Failure {
    Failure::new(
        FailureKind::Corrupted,
        "This is not a bundle that can be opened here.",
        error.to_string(),
        "Export it again, or open another.",
    )
}

fn unreadable(name: &str, why: String) -> Failure {
    Failure::new(
        FailureKind::Input,
        format!("The file {name} could not be read."),
        why,
        "Choose it again; if it lies on a network drive, copy it to this device first.",
    )
}

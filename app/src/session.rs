//! What the page knows of its engine: device, bundle, model, downloads and trouble, as signals.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::models;
use web_sys::File;

use crate::browser;
use crate::client::{Client, WORKER_SCRIPT, WorkerState};
use crate::library::Library;
use crate::parts::Parts;
use crate::protocol::{
    Ask, DeviceChoice, DeviceReport, Event, Failure, FailureKind, ModelReport, RequestId, Stepped,
};

/// Bytes of a download, so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Download {
    /// "engine", "weights", "labels".
    pub what: String,
    /// Bytes here.
    pub done: u64,
    /// Bytes in all, if known.
    pub total: Option<u64>,
    /// From the browser's cache.
    pub cached: bool,
}

/// What has to wait until the engine knows of a model.
type Work = Box<dyn FnOnce()>;

/// The engine, its device and its model.
#[derive(Clone, Copy)]
pub struct Session {
    /// Whom to ask.
    pub client: Client,
    /// The bundles, and the one that is open.
    pub library: Library,
    /// Its parts.
    pub parts: Parts,
    /// The device in use.
    pub device: RwSignal<Option<DeviceReport>>,
    /// The model, once it is ready.
    pub model: RwSignal<Option<Arc<ModelReport>>>,
    /// Whether the open bundle has no weights and none are at hand: only what was made beforehand
    /// can be shown.
    pub lacking: RwSignal<bool>,
    /// Why the visitor's own weights were not taken.
    pub refused: RwSignal<Option<Failure>>,
    /// What the engine fetches for the model.
    download: RwSignal<Option<Download>>,
    /// Why there is no device or no model.
    pub trouble: RwSignal<Option<Failure>>,
    /// Seconds for each pixel of a step, as last measured on this device.
    pub seconds_per_pixel: RwSignal<Option<f64>>,
    /// The request that builds the model.
    building: StoredValue<Option<RequestId>>,
    waiting: StoredValue<Vec<Work>, LocalStorage>,
    // Counts models asked for, so that late answers to an earlier one are recognised.
    generation: StoredValue<u32>,
}

impl Session {
    /// Nothing is asked or fetched yet.
    pub fn new() -> Self {
        let client = Client::new(WORKER_SCRIPT);
        let library = Library::new(client);
        Self {
            client,
            library,
            parts: Parts::new(client, library),
            device: RwSignal::new(None),
            model: RwSignal::new(None),
            lacking: RwSignal::new(false),
            refused: RwSignal::new(None),
            download: RwSignal::new(None),
            trouble: RwSignal::new(None),
            seconds_per_pixel: RwSignal::new(None),
            building: StoredValue::default(),
            waiting: StoredValue::new_local(Vec::new()),
            generation: StoredValue::default(),
        }
    }

    /// What is being fetched: the engine's program, then what the engine fetches. Reactive.
    pub fn fetching(self) -> Option<Download> {
        match self.client.loading().get() {
            Some((done, total)) => {
                Some(Download { what: "engine".to_owned(), done, total, cached: false })
            }
            None => self.download.get(),
        }
    }

    /// Changes the device; a loaded model moves along. `opened` hears of it, unless the engine had
    /// to be started anew: then everything else has ended too.
    pub fn switch(self, choice: DeviceChoice, opened: impl FnOnce() + 'static) {
        let lost = self.trouble.with_untracked(|trouble| {
            trouble.as_ref().is_some_and(|failure| failure.kind == FailureKind::DeviceLost)
        });
        if lost || self.worker_is_dead() {
            return self.restart(choice);
        }
        self.open_device(choice, opened);
        if self.model.with_untracked(Option::is_none) {
            self.load();
        }
    }

    /// Starts a new worker, then device and model as before.
    pub fn restart(self, choice: DeviceChoice) {
        self.client.restart();
        self.device.set(None);
        self.forget_model();
        self.open_device(choice, || {});
        let first = self.library.open.with_untracked(Option::is_none);
        self.library.reopen(move || {
            if first {
                return self.arrive();
            }
            self.parts.again();
            self.load();
        });
    }

    /// Opens a bundle, then loads its model. What was open stays until the other is.
    pub fn open(self, url: String) {
        self.library.fetch(url, move || self.arrive());
    }

    /// Opens a bundle from a .zip file, then loads its model.
    pub fn unpack(self, file: File) {
        self.library.unpack(file.name(), file.into(), move || self.arrive());
    }

    fn arrive(self) {
        self.parts.again();
        self.forget_model();
        self.load();
        self.library.await_weights(move |url| {
            // The visitor's own may be at work: then these come at the next visit.
            if self.model.with_untracked(Option::is_none) {
                self.library.fetch(url, move || self.load());
            }
        });
    }

    /// Fetches and builds the open bundle's model, again if need be. A bundle without weights
    /// takes those that the visitor gave on an earlier visit.
    pub fn load(self) {
        let Some(open) = self.library.open.get_untracked() else { return };
        let bundle_url = open.url.clone();
        if open.bundle.weights.is_some() {
            return self.build(Ask::LoadModel { bundle_url }, Vec::new());
        }
        match browser::remembered(&kept(&open.bundle.model)) {
            Some(sha256) => self.build(Ask::LoadKept { bundle_url, sha256 }, Vec::new()),
            None => self.lack(),
        }
    }

    /// Takes weights from a file of the visitor's own; they are kept for the next visit.
    pub fn take_weights(self, file: File) {
        let Some(open) = self.library.open.get_untracked() else { return };
        self.refused.set(None);
        let name = file.name();
        spawn_local(async move {
            match browser::read(&file).await {
                Ok(bytes) => {
                    // Another network may have been chosen while the file was read.
                    if self.library.open.get_untracked().is_some_and(|now| now.url == open.url) {
                        let ask = Ask::TakeWeights { bundle_url: open.url.clone() };
                        self.build(ask, vec![bytes]);
                    }
                }
                Err(why) => self.refused.set(Some(Failure::new(
                    FailureKind::Input,
                    format!("The file {name} could not be read."),
                    why,
                    "Choose it again, or take another copy.",
                ))),
            }
        });
    }

    fn build(self, ask: Ask, buffers: Vec<Vec<u8>>) {
        self.forget_trouble();
        self.refused.set(None);
        self.lacking.set(false);
        let own = matches!(ask, Ask::TakeWeights { .. });
        let from_keep = matches!(ask, Ask::LoadKept { .. });
        self.generation.update_value(|generation| *generation += 1);
        let generation = self.generation.get_value();
        if let Some(id) = self.building.get_value() {
            self.client.stop(id);
        }
        let id = self.client.ask(ask, buffers, move |event, _| {
            if self.generation.get_value() == generation {
                self.hear(event, own, from_keep);
            }
        });
        self.building.set_value(Some(id));
        // From now on the engine itself lets them wait.
        let waiting = self.waiting.try_update_value(std::mem::take).unwrap_or_default();
        waiting.into_iter().for_each(|work| work());
    }

    fn hear(self, event: Event, own: bool, from_keep: bool) {
        match event {
            Event::Progress { what, done, total, cached } => {
                self.download.set(Some(Download { what, done, total, cached }));
            }
            Event::Model(report) => {
                if own {
                    browser::remember(&kept(&report.name), &report.weights_sha256);
                }
                self.lacking.set(false);
                self.model.set(Some(Arc::new(report)));
            }
            Event::Failed(failure) => {
                self.download.set(None);
                self.building.set_value(None);
                let untroubled = self.trouble.with_untracked(Option::is_none);
                if from_keep && failure.kind == FailureKind::NotReady && untroubled {
                    // The browser has thrown them away: they are asked for again.
                    if let Some(open) = self.library.open.get_untracked() {
                        browser::forget(&kept(&open.bundle.model));
                    }
                    self.lack();
                } else if own {
                    self.refuse(failure);
                } else if untroubled {
                    // Without a device there is no model either; the first reason is the better one.
                    self.trouble.set(Some(failure));
                }
            }
            Event::Done | Event::Cancelled => {
                self.download.set(None);
                self.building.set_value(None);
            }
            _ => {}
        }
    }

    /// The visitor's own weights do not fit; those that come with the bundle still do.
    fn refuse(self, failure: Failure) {
        let open = self.library.open.get_untracked();
        let has_weights = open.is_some_and(|open| open.bundle.weights.is_some());
        if has_weights && self.model.with_untracked(Option::is_none) {
            self.load();
        } else {
            self.lack();
        }
        self.refused.set(Some(failure));
    }

    /// There are no weights: nothing need wait for them.
    fn lack(self) {
        self.waiting.update_value(Vec::clear);
        self.lacking.set(self.model.with_untracked(Option::is_none));
    }

    fn forget_model(self) {
        self.generation.update_value(|generation| *generation += 1);
        if let Some(id) = self.building.get_value() {
            self.client.stop(id);
        }
        self.building.set_value(None);
        self.model.set(None);
        self.download.set(None);
        self.lacking.set(false);
        self.refused.set(None);
        self.forget_trouble();
    }

    /// Trouble with the device stays until another is opened: a new model does not mend it.
    fn forget_trouble(self) {
        self.trouble.update(|trouble| {
            let of_device = |failure: &Failure| {
                matches!(failure.kind, FailureKind::NoWebGpu | FailureKind::DeviceLost)
            };
            *trouble = trouble.take().filter(of_device);
        });
    }

    /// Does what needs a model, as soon as the engine knows of one that is coming. Where none
    /// comes, it is never done.
    pub fn once_loading(self, work: impl FnOnce() + 'static) {
        let coming = self.building.get_value().is_some();
        // What the network before could do is not asked for.
        let opening = self.library.is_opening();
        // In trouble the engine's own answer says more than waiting.
        let trouble = self.trouble.with_untracked(Option::is_some) || self.worker_is_dead();
        let model = self.model.with_untracked(Option::is_some);
        if trouble || (!opening && (coming || model)) {
            work();
        } else if opening || !self.lacking.get_untracked() {
            self.waiting.update_value(|waiting| waiting.push(Box::new(work)));
        }
    }

    /// Notes trouble that a dream or a look ran into but that concerns everything.
    /// Returns whether it does.
    pub fn takes(self, failure: &Failure) -> bool {
        let concerns_all = failure.kind == FailureKind::DeviceLost || self.worker_is_dead();
        if concerns_all {
            self.trouble.set(Some(failure.clone()));
        }
        concerns_all
    }

    /// Learns from a step how fast the device is.
    pub fn measure(self, step: &Stepped) {
        let pixels = step.picture.width * step.picture.height * step.batch;
        // The first steps compile kernels and fill caches.
        if step.step >= 8 && step.rate > 0.0 && pixels > 0 {
            self.seconds_per_pixel.set(Some(1.0 / (step.rate * pixels as f64)));
        }
    }

    /// Whether the engine has ended.
    pub fn worker_is_dead(self) -> bool {
        matches!(self.client.state().get_untracked(), WorkerState::Dead(_))
    }

    /// Opens a device; `opened` hears of it once a model that is loaded has moved there.
    pub fn open_device(self, choice: DeviceChoice, opened: impl FnOnce() + 'static) {
        self.trouble.set(None);
        let mut opened = Some(opened);
        self.client.ask(Ask::OpenDevice(choice), Vec::new(), move |event, _| match event {
            Event::Device(report) => {
                self.seconds_per_pixel.set(None);
                self.device.set(Some(report));
                if let Some(opened) = opened.take() {
                    opened();
                }
            }
            Event::Failed(failure) => self.trouble.set(Some(failure)),
            _ => {}
        });
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

/// Under which the hash of a model's weights is remembered.
fn kept(model: &str) -> String {
    format!("weights.{model}")
}

/// The hashes of all weights that the visitor gave.
pub fn own_weights() -> Vec<String> {
    models::registry().iter().filter_map(|info| browser::remembered(&kept(info.name))).collect()
}

/// Whether the browser keeps weights of a model that the visitor gave on an earlier visit.
pub fn keeps_weights(model: &str) -> bool {
    browser::remembered(&kept(model)).is_some()
}

//! The engine as the page uses it: its device, and the network of the bundle that is open.

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::tap::LayerInfo;
use web_sys::File;

use super::client::{Client, Heard, WorkerState, crashed};
use super::slot::Slot;
use crate::browser;
use crate::kept_weights::Kept;
use crate::library::Library;
use crate::numbers::bytes_of;
use crate::parts::Parts;
use crate::protocol::{
    Building, DeviceChoice, DeviceReport, Failure, FailureKind, LoadKept, LoadModel, ModelReport,
    OpenDevice, Progress, Question, Stepped, TakeWeights,
};

/// How the engine is with the network of the open bundle.
#[derive(Clone, Debug, PartialEq)]
pub enum Network {
    /// None was asked for. What needs one waits.
    Unasked,
    /// It is fetched and built.
    Coming {
        /// How much of it is here.
        progress: Option<Progress>,
        /// The same network with other weights, which answers until then.
        before: Option<Arc<ModelReport>>,
    },
    /// It dreams and looks.
    Here(Arc<ModelReport>),
    /// The bundle has no weights and none are at hand: only what was made beforehand can be shown.
    Lacking,
    /// It did not come.
    Failed(Failure),
}

impl Network {
    /// The network that answers.
    fn model(&self) -> Option<&Arc<ModelReport>> {
        match self {
            Self::Here(model) | Self::Coming { before: Some(model), .. } => Some(model),
            Self::Unasked | Self::Coming { before: None, .. } | Self::Lacking | Self::Failed(_) => {
                None
            }
        }
    }

    /// Nothing comes any more: what was before goes on, or else this.
    fn or(&self, otherwise: Self) -> Self {
        self.model().cloned().map_or(otherwise, Self::Here)
    }
}

/// Where weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The bundle.
    Bundle,
    /// The visitor, now.
    Visitor,
    /// The visitor, on an earlier visit.
    Keep,
}

/// What has to wait until the engine knows of a network.
type Work = Box<dyn FnOnce()>;

/// The engine, its device and its network.
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
    /// The network that answers.
    pub model: Memo<Option<Arc<ModelReport>>>,
    /// Whether there is only what was made beforehand.
    pub lacking: Memo<bool>,
    /// Why there is no device or no network.
    pub trouble: Memo<Option<Failure>>,
    /// Why the visitor's own weights were not taken.
    pub refused: RwSignal<Option<Failure>>,
    /// The visitor's own dictionary as a layer, once it was put to use.
    pub own: RwSignal<Option<LayerInfo>>,
    /// Seconds for each pixel of a step, as last measured on this device.
    pub seconds_per_pixel: RwSignal<Option<f64>>,
    network: RwSignal<Network>,
    /// Why the engine or its device does not compute.
    broken: RwSignal<Option<Failure>>,
    kept: StoredValue<Rc<dyn Kept>, LocalStorage>,
    building: Slot,
    opening: Slot,
    waiting: StoredValue<Vec<Work>, LocalStorage>,
}

impl Session {
    /// Nothing is asked or fetched yet.
    pub fn new(client: Client, kept: impl Kept + 'static) -> Self {
        let library = Library::new(client);
        let network = RwSignal::new(Network::Unasked);
        let broken = RwSignal::new(None::<Failure>);
        let failed = move || {
            network.with(|network| match network {
                Network::Failed(failure) => Some(failure.clone()),
                Network::Unasked | Network::Coming { .. } | Network::Here(_) | Network::Lacking => {
                    None
                }
            })
        };
        Self {
            client,
            library,
            parts: Parts::new(client, library),
            device: RwSignal::new(None),
            model: Memo::new(move |_| network.with(|network| network.model().cloned())),
            lacking: Memo::new(move |_| network.with(|network| *network == Network::Lacking)),
            trouble: Memo::new(move |_| broken.get().or_else(failed)),
            refused: RwSignal::new(None),
            own: RwSignal::new(None),
            seconds_per_pixel: RwSignal::new(None),
            network,
            broken,
            kept: StoredValue::new_local(Rc::new(kept)),
            building: Slot::new(),
            opening: Slot::new(),
            waiting: StoredValue::new_local(Vec::new()),
        }
    }

    /// What is being fetched: the engine's program, then what the engine fetches. Reactive.
    pub fn fetching(self) -> Option<Progress> {
        if let Some((done, total)) = self.client.loading().get() {
            return Some(Progress { what: "engine".to_owned(), done, total, cached: false });
        }
        self.network.with(|network| match network {
            Network::Coming { progress, .. } => progress.clone(),
            Network::Unasked | Network::Here(_) | Network::Lacking | Network::Failed(_) => None,
        })
    }

    /// What is being fetched and how far it is, in words. Reactive.
    pub fn downloaded(self) -> Option<String> {
        self.fetching().map(|Progress { what, done, total, cached }| {
            let how = if cached { "from the cache, " } else { "" };
            format!("{what} {how}{}", bytes_of(done, total))
        })
    }

    /// How the engine is with the network of the open bundle.
    pub fn network(self) -> ReadSignal<Network> {
        self.network.read_only()
    }

    /// Changes the device; a network that is here moves along. `opened` hears of it, unless the
    /// engine had to be started anew: then everything else has ended too.
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

    /// Starts a new worker, then device and network as before.
    pub fn restart(self, choice: DeviceChoice) {
        self.client.restart();
        self.device.set(None);
        self.forget_network();
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

    /// Opens a bundle, then loads its network. What was open stays until the other is.
    pub fn open(self, url: String) {
        self.library.fetch(url, move || self.arrive());
    }

    /// Opens a bundle from a .zip file, then loads its network.
    pub fn unpack(self, file: File) {
        self.library.unpack(file.name(), file.into(), move || self.arrive());
    }

    /// Loads the network of a bundle that has just been opened.
    pub fn arrive(self) {
        self.parts.again();
        self.forget_network();
        self.load();
        self.library.await_weights(move |url| {
            // The visitor's own may be at work: then these come at the next visit.
            if self.model.with_untracked(Option::is_none) {
                self.library.fetch(url, move || self.load());
            }
        });
    }

    /// Fetches and builds the open bundle's network, again if need be. A bundle without weights
    /// takes those that the visitor gave on an earlier visit.
    pub fn load(self) {
        let Some(open) = self.library.open.get_untracked() else { return };
        let bundle_url = open.url.clone();
        if open.bundle.weights.is_some() {
            return self.build(LoadModel { bundle_url }, Vec::new(), Origin::Bundle);
        }
        match self.kept.with_value(|kept| kept.hash(&open.bundle.model)) {
            Some(sha256) => {
                self.build(LoadKept { bundle_url, sha256 }, Vec::new(), Origin::Keep);
            }
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
                        self.take(bytes);
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

    /// Takes weights of the visitor's own for the open bundle's network.
    pub fn take(self, weights: Vec<u8>) {
        let Some(open) = self.library.open.get_untracked() else { return };
        let bundle_url = open.url.clone();
        self.build(TakeWeights { bundle_url }, vec![weights], Origin::Visitor);
    }

    fn build(
        self,
        question: impl Question<Answer = Building>,
        buffers: Vec<Vec<u8>>,
        origin: Origin,
    ) {
        self.forget_trouble();
        self.refused.set(None);
        let before = self.model.get_untracked();
        self.network.set(Network::Coming { progress: None, before });
        self.building.ask(self.client, question, buffers, move |heard| self.hear(heard, origin));
        // From now on the engine itself lets them wait.
        let waiting = self.waiting.try_update_value(std::mem::take).unwrap_or_default();
        waiting.into_iter().for_each(|work| work());
    }

    fn hear(self, heard: Heard<Building>, origin: Origin) {
        match heard {
            Heard::Said(Building::Progress(now), _) => self.network.update(|network| {
                if let Network::Coming { progress, .. } = network {
                    *progress = Some(now);
                }
            }),
            Heard::Said(Building::Model(report), _) => {
                if origin == Origin::Visitor {
                    let (model, sha256) = (&report.name, &report.weights_sha256);
                    self.kept.with_value(|kept| kept.remember(model, sha256));
                }
                // The engine knows it no more.
                self.own.set(None);
                self.network.set(Network::Here(Arc::new(report)));
            }
            Heard::Failed(failure) => self.fail(failure, origin),
            Heard::Done | Heard::Cancelled => {
                self.network.update(|network| *network = network.or(Network::Unasked));
            }
        }
    }

    fn fail(self, failure: Failure, origin: Origin) {
        let is_gone =
            failure.kind == FailureKind::NotReady && self.broken.with_untracked(Option::is_none);
        match origin {
            Origin::Visitor => self.refuse(failure),
            Origin::Keep if is_gone => {
                // The browser has thrown them away: they are asked for again.
                if let Some(open) = self.library.open.get_untracked() {
                    self.kept.with_value(|kept| kept.forget(&open.bundle.model));
                }
                self.lack();
            }
            // Without a device there is no network either; the first reason is the better one.
            Origin::Bundle | Origin::Keep => self.network.set(Network::Failed(failure)),
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
        self.network.update(|network| *network = network.or(Network::Lacking));
    }

    fn forget_network(self) {
        self.building.end();
        self.network.set(Network::Unasked);
        self.own.set(None);
        self.refused.set(None);
        self.forget_trouble();
    }

    /// Trouble with the device stays until another is opened: a new network does not mend it.
    fn forget_trouble(self) {
        self.broken.update(|broken| {
            let of_device = |failure: &Failure| {
                matches!(failure.kind, FailureKind::NoWebGpu | FailureKind::DeviceLost)
            };
            *broken = broken.take().filter(of_device);
        });
    }

    /// Does what needs a network, as soon as the engine knows of one that is coming. Where none
    /// comes, it is never done.
    pub fn once_loading(self, work: impl FnOnce() + 'static) {
        // In trouble the engine's own answer says more than waiting.
        let in_trouble = self.trouble.with_untracked(Option::is_some) || self.worker_is_dead();
        // What the network before could do is not asked for.
        let opening = self.library.is_opening();
        match self.network.get_untracked() {
            _ if in_trouble => work(),
            Network::Coming { .. } | Network::Here(_) if !opening => work(),
            Network::Lacking if !opening => {}
            _ => self.waiting.update_value(|waiting| waiting.push(Box::new(work))),
        }
    }

    /// Notes trouble that a dream or a look ran into but that concerns everything.
    /// Returns whether it does.
    pub fn takes(self, failure: &Failure) -> bool {
        let concerns_all = failure.kind == FailureKind::DeviceLost || self.worker_is_dead();
        if concerns_all {
            self.broken.set(Some(failure.clone()));
        }
        concerns_all
    }

    /// The engine has ended, for this reason, and may have told nobody.
    pub fn mourn(self, why: &str) {
        if self.trouble.with_untracked(Option::is_none) {
            self.broken.set(Some(crashed(why)));
        }
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

    /// Opens a device; `opened` hears of it once a network that is here has moved there.
    pub fn open_device(self, choice: DeviceChoice, opened: impl FnOnce() + 'static) {
        self.broken.set(None);
        let mut opened = Some(opened);
        self.opening.ask(self.client, OpenDevice(choice), Vec::new(), move |heard| match heard {
            Heard::Said(report, _) => {
                self.seconds_per_pixel.set(None);
                self.device.set(Some(report));
                opened.take().into_iter().for_each(|opened| opened());
            }
            Heard::Failed(failure) => self.broken.set(Some(failure)),
            Heard::Done | Heard::Cancelled => {}
        });
    }
}

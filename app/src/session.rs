//! What the page knows of its engine: device, model, downloads and trouble, as signals.

use std::sync::Arc;

use leptos::prelude::*;

use crate::client::{Client, WORKER_SCRIPT, WorkerState};
use crate::protocol::{
    Ask, DeviceChoice, DeviceReport, Event, Failure, FailureKind, ModelReport, Stepped,
};

/// Bytes of a download, so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Download {
    /// "weights", "labels".
    pub what: String,
    /// Bytes here.
    pub done: u64,
    /// Bytes in all, if known.
    pub total: Option<u64>,
    /// From the browser's cache.
    pub cached: bool,
}

/// The engine, its device and its model.
#[derive(Clone, Copy)]
pub struct Session {
    /// Whom to ask.
    pub client: Client,
    /// The device in use.
    pub device: RwSignal<Option<DeviceReport>>,
    /// The model, once it is ready.
    pub model: RwSignal<Option<Arc<ModelReport>>>,
    /// What is being fetched.
    pub download: RwSignal<Option<Download>>,
    /// Why there is no device or no model.
    pub trouble: RwSignal<Option<Failure>>,
    /// Seconds for each pixel of a step, as last measured on this device.
    pub seconds_per_pixel: RwSignal<Option<f64>>,
    bundle: StoredValue<String>,
}

impl Session {
    /// Starts a worker. Nothing is asked of it yet.
    pub fn new() -> Self {
        Self {
            client: Client::start(WORKER_SCRIPT),
            device: RwSignal::new(None),
            model: RwSignal::new(None),
            download: RwSignal::new(None),
            trouble: RwSignal::new(None),
            seconds_per_pixel: RwSignal::new(None),
            bundle: StoredValue::new(String::new()),
        }
    }

    /// Opens a device and loads the model of a bundle.
    pub fn open(self, choice: DeviceChoice, bundle_url: String) {
        self.bundle.set_value(bundle_url);
        self.open_device(choice);
        self.load();
    }

    /// Changes the device; a loaded model moves along.
    pub fn switch(self, choice: DeviceChoice) {
        let lost = self.trouble.with_untracked(|trouble| {
            trouble.as_ref().is_some_and(|failure| failure.kind == FailureKind::DeviceLost)
        });
        if lost || self.worker_is_dead() {
            return self.restart(choice);
        }
        self.open_device(choice);
        if self.model.with_untracked(Option::is_none) {
            self.load();
        }
    }

    /// Starts a new worker, then device and model as before.
    pub fn restart(self, choice: DeviceChoice) {
        self.client.restart();
        self.device.set(None);
        self.model.set(None);
        self.open_device(choice);
        self.load();
    }

    /// Fetches the model, again if need be.
    pub fn load(self) {
        self.trouble.set(None);
        let ask = Ask::LoadModel { bundle_url: self.bundle.get_value() };
        self.client.ask(ask, Vec::new(), move |event, _| match event {
            Event::Progress { what, done, total, cached } => {
                self.download.set(Some(Download { what, done, total, cached }));
            }
            Event::Model(report) => self.model.set(Some(Arc::new(report))),
            Event::Failed(failure) => {
                self.download.set(None);
                // Without a device there is no model either; the first reason is the better one.
                if self.trouble.with_untracked(Option::is_none) {
                    self.trouble.set(Some(failure));
                }
            }
            Event::Done | Event::Cancelled => self.download.set(None),
            _ => {}
        });
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

    fn worker_is_dead(self) -> bool {
        matches!(self.client.state().get_untracked(), WorkerState::Dead(_))
    }

    fn open_device(self, choice: DeviceChoice) {
        self.trouble.set(None);
        self.seconds_per_pixel.set(None);
        self.client.ask(Ask::OpenDevice(choice), Vec::new(), move |event, _| match event {
            Event::Device(report) => self.device.set(Some(report)),
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

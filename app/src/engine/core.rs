//! What all requests share: the device, the model, and who waits for whom.

use std::cell::RefCell;
use std::rc::Rc;

use shared::burn::tensor::Device;

use super::activations::Activations;
use super::dropped::Dropped;
use super::host::Host;
use super::loaded::LoadedModel;
use super::order::Queue;
use super::voice::Requests;
use crate::failure;
use crate::protocol::{DeviceReport, Envelope, Failure, FailureKind, Reply};

/// What all requests share.
pub struct Core<H> {
    /// The engine's surroundings.
    pub host: H,
    /// All requests that have not ended.
    pub requests: Rc<Requests>,
    /// Who waits for whom.
    pub queue: Rc<Queue>,
    /// The device in use.
    pub device: RefCell<Option<Open>>,
    /// The model in use.
    pub model: RefCell<Option<Rc<LoadedModel>>>,
    /// What was gathered for a dictionary to learn from.
    pub gathered: RefCell<Option<Activations>>,
    /// Bundles that came as files.
    pub dropped: Dropped,
}

/// The device in use.
#[derive(Clone)]
pub struct Open {
    /// As burn knows it.
    pub device: Device,
    /// What is said of it.
    pub report: DeviceReport,
}

impl<H: Host> Core<H> {
    /// Neither device nor model yet; everything is said to `emit`.
    pub fn new(emit: impl Fn(Envelope<Reply>) + 'static, host: H) -> Self {
        Self {
            host,
            requests: Rc::new(Requests::new(Box::new(emit))),
            queue: Rc::default(),
            device: RefCell::default(),
            model: RefCell::default(),
            gathered: RefCell::default(),
            dropped: Dropped::default(),
        }
    }

    /// The device in use.
    pub fn open(&self) -> Result<Open, Failure> {
        self.device.borrow().clone().ok_or_else(|| {
            Failure::new(
                FailureKind::NotReady,
                "There is no device to compute on.",
                "None was opened, or it could not be opened.",
                "Choose a device.",
            )
        })
    }

    /// The model in use.
    pub fn loaded(&self) -> Result<Rc<LoadedModel>, Failure> {
        self.model.borrow().clone().ok_or_else(|| {
            Failure::new(
                FailureKind::NotReady,
                "There is no model yet.",
                "None was loaded, or it could not be loaded.",
                "Load a model first.",
            )
        })
    }

    /// What went wrong: with the device, if something did, else as the error says.
    pub fn blame(&self, loaded: &LoadedModel, error: shared::Error) -> Failure {
        self.healthy(loaded).err().unwrap_or_else(|| failure::of(error))
    }

    /// Refuses to believe anything computed on a device that is in trouble.
    pub fn healthy(&self, loaded: &LoadedModel) -> Result<(), Failure> {
        match self.host.device_trouble() {
            Some(trouble) if loaded.on_gpu() => Err(trouble),
            _ => Ok(()),
        }
    }
}

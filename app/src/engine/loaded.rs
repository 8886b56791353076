//! A model in use, and what it can be built from again.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use shared::burn::tensor::Device;
use shared::format::bundle::Bundle;
use shared::models;
use shared::network::Network;
use shared::readout::Readouts;
use shared::weights::{StoredTensors, WeightsError, from_bytes, from_safetensors};

use crate::protocol::DeviceChoice;

/// A model that is ready, and what it can be built from again on another device.
pub struct LoadedModel {
    /// The network.
    pub model: Arc<Network>,
    /// Where it lives.
    pub device: Device,
    /// Class labels, in the order of the logits.
    pub labels: Vec<String>,
    /// Of the weights file, hexadecimal.
    pub weights_sha256: String,
    /// Which weights were taken, where the file has several that fit.
    pub note: Option<String>,
    /// What it is built from.
    pub weights: WeightsFile,
    /// The device it lives on, by its kind.
    pub choice: DeviceChoice,
    /// The dictionaries of its bundle.
    pub dictionaries: Dictionaries,
}

/// The dictionaries of a model in use.
pub struct Dictionaries {
    /// Where the `bundle.json` is that describes them.
    pub url: String,
    /// What it says.
    pub bundle: Bundle,
    /// Those that are here, on the model's device.
    pub here: RefCell<Readouts>,
}

impl Dictionaries {
    /// Those that a bundle describes, none fetched yet.
    pub fn new(url: &str, bundle: &Bundle) -> Self {
        Self { url: url.to_owned(), bundle: bundle.clone(), here: RefCell::default() }
    }
}

/// A weights file; clones share its bytes.
#[derive(Clone)]
pub struct WeightsFile {
    /// As they came.
    pub bytes: Rc<Vec<u8>>,
    read: fn(&[u8]) -> Result<StoredTensors<'_>, WeightsError>,
}

impl WeightsFile {
    /// A bundle's, which are safetensors.
    pub fn of_bundle(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), read: from_safetensors }
    }

    /// The visitor's, of any kind that is read here.
    pub fn own(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), read: from_bytes }
    }

    /// The model, and which of several weights were taken.
    pub fn build(
        &self,
        name: &str,
        device: &Device,
    ) -> shared::Result<(Arc<Network>, Option<String>)> {
        let tensors = (self.read)(&self.bytes)?;
        let note = models::choice(name, &tensors)?.map(|choice| choice.to_string());
        Ok((Arc::new(models::load(name, tensors, device)?), note))
    }
}

impl LoadedModel {
    /// Whether it lives on the GPU.
    pub fn on_gpu(&self) -> bool {
        self.choice == DeviceChoice::WebGpu
    }

    /// The same model on another device.
    pub fn moved(&self, device: &Device, choice: DeviceChoice) -> shared::Result<Self> {
        let (model, note) = self.weights.build(self.model.info().name, device)?;
        Ok(Self {
            model,
            note,
            device: device.clone(),
            labels: self.labels.clone(),
            weights_sha256: self.weights_sha256.clone(),
            weights: self.weights.clone(),
            choice,
            dictionaries: Dictionaries::new(&self.dictionaries.url, &self.dictionaries.bundle),
        })
    }
}

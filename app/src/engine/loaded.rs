//! A model in use, and what it can be built from again.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use shared::burn::tensor::Device;
use shared::format::bundle::Bundle;
use shared::models;
use shared::network::Network;
use shared::readout::dictionary::Dictionary;
use shared::readout::{Derived, Readouts};
use shared::tap::LayerInfo;
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
    /// The visitor's own, if there is one.
    own: RefCell<Option<Own>>,
}

/// A dictionary that was learned here, or came from a file.
#[derive(Clone)]
pub struct Own {
    /// The layer that it takes apart, by its canonical name.
    pub parent: String,
    /// The dictionary.
    pub dictionary: Dictionary,
    /// Of its files, hexadecimal.
    pub sha256: String,
}

/// What the visitor's own dictionary is called, after its layer: `block8/mine`.
const OWN: &str = "mine";

impl Dictionaries {
    /// Those that a bundle describes, none fetched yet.
    pub fn new(url: &str, bundle: &Bundle) -> Self {
        Self {
            url: url.to_owned(),
            bundle: bundle.clone(),
            here: RefCell::default(),
            own: RefCell::default(),
        }
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

    /// Puts the visitor's own dictionary to use, in place of the one before.
    pub fn take_own(&self, own: Own) -> shared::Result<LayerInfo> {
        let info = self.model.info();
        let id = info.layer_id(&own.parent)?;
        let on_device = own.dictionary.on(&self.device);
        let derived = Derived::new((id, info.at(id)), OWN, on_device, &own.sha256);
        let layer = derived.info.clone();
        let Dictionaries { here, own: kept, .. } = &self.dictionaries;
        if let Some(before) = kept.replace(Some(own.clone())) {
            here.borrow_mut().remove(&(before.parent, OWN.to_owned()));
        }
        here.borrow_mut().insert((own.parent, OWN.to_owned()), derived);
        Ok(layer)
    }

    /// The same model on another device.
    pub fn moved(&self, device: &Device, choice: DeviceChoice) -> shared::Result<Self> {
        let (model, note) = self.weights.build(self.model.info().name, device)?;
        let moved = Self {
            model,
            note,
            device: device.clone(),
            labels: self.labels.clone(),
            weights_sha256: self.weights_sha256.clone(),
            weights: self.weights.clone(),
            choice,
            dictionaries: Dictionaries::new(&self.dictionaries.url, &self.dictionaries.bundle),
        };
        let own = self.dictionaries.own.borrow().clone();
        own.map(|own| moved.take_own(own)).transpose()?;
        Ok(moved)
    }
}

//! Devices and models: opened, fetched, verified, built.

use std::sync::Arc;

use shared::burn::tensor::Device;
use shared::format::bundle::{Bundle, MANIFEST_LIMIT, Part, labels_from_bytes};
use shared::models::{self, VisionModel};
use shared::weights::from_safetensors;

use super::answer::{Answer, Ending};
use super::host::{FetchError, Host};
use super::order::Turn;
use super::{Core, Open, failure};
use crate::protocol::{DeviceChoice, Failure, FailureKind, ModelReport};

/// A model that is ready, and what it can be built from again on another device.
pub struct Loaded {
    /// The network.
    pub model: Arc<dyn VisionModel>,
    /// Where it lives.
    pub device: Device,
    /// Class labels, in the order of the logits.
    pub labels: Vec<String>,
    /// Of the weights file, hexadecimal.
    pub weights_sha256: String,
    weights: Vec<u8>,
    choice: DeviceChoice,
}

impl Loaded {
    /// Whether it lives on the GPU.
    pub fn on_gpu(&self) -> bool {
        self.choice == DeviceChoice::WebGpu
    }

    /// The same model on another device.
    fn moved(&self, open: &Open) -> shared::Result<Self> {
        let name = self.model.info().name;
        Ok(Self {
            model: build(name, &self.weights, &open.device)?,
            device: open.device.clone(),
            labels: self.labels.clone(),
            weights_sha256: self.weights_sha256.clone(),
            weights: self.weights.clone(),
            choice: open.report.device,
        })
    }
}

fn build(name: &str, weights: &[u8], device: &Device) -> shared::Result<Arc<dyn VisionModel>> {
    Ok(models::load(name, from_safetensors(weights)?, device)?.into())
}

/// Opens a device and moves the model to it, if there is one.
pub async fn open_device<H: Host>(
    core: &Core<H>,
    answer: &Answer,
    choice: DeviceChoice,
) -> Result<(), Ending> {
    // A browser's device that is half open cannot be abandoned, so this cannot be stopped.
    let (device, report) = core.host.open_device(choice).await?;
    let open = Open { device, report };
    let loaded = core.model.borrow().clone();
    if let Some(loaded) = loaded.filter(|loaded| loaded.choice != open.report.device) {
        let moved = loaded.moved(&open).map_err(|error| core.blame(&loaded, error))?;
        *core.model.borrow_mut() = Some(moved.into());
    }
    *core.device.borrow_mut() = Some(open.clone());
    answer.device(open.report);
    Ok(())
}

/// Fetches a bundle's parts at once, then builds its model when its turn comes.
pub async fn load_model<H: Host>(
    core: &Core<H>,
    answer: &Answer,
    bundle_url: &str,
    turn: &Turn,
) -> Result<(), Ending> {
    let silent = |_, _| {};
    let manifest = core.host.fetch(bundle_url, MANIFEST_LIMIT as u64, &silent);
    let manifest = answer.unless_stopped(manifest).await?;
    let manifest = manifest
        .map_err(|error| failure::of_download("model's description", bundle_url, &error))?;
    let bundle = Bundle::parse(&manifest).map_err(failure::of)?;
    let info = models::info(&bundle.model).map_err(failure::of)?;
    let n_classes = info.layers.last().map_or(0, |logits| logits.channels);

    let labels = part(core, answer, "labels", bundle_url, &bundle.labels).await?;
    let labels = labels_from_bytes(&labels, n_classes).map_err(failure::of)?;
    let described = bundle.weights.ok_or_else(|| {
        Failure::new(
            FailureKind::NotReady,
            format!("{} is here without its weights.", info.title),
            "This bundle holds what was made with them, not the weights themselves.",
            "Give the weights as a file, or choose another network.",
        )
    })?;
    let weights = part(core, answer, "weights", bundle_url, &described).await?;

    answer.unless_stopped(turn.comes()).await?;
    let open = core.open()?;
    let loaded = Loaded {
        model: build(&bundle.model, &weights, &open.device).map_err(failure::of)?,
        device: open.device,
        labels,
        weights_sha256: described.sha256,
        weights,
        choice: open.report.device,
    };
    core.healthy(&loaded)?;
    let report = ModelReport {
        name: info.name.to_owned(),
        title: info.title.to_owned(),
        layers: info.layers,
        labels: loaded.labels.clone(),
        weights_sha256: loaded.weights_sha256.clone(),
    };
    *core.model.borrow_mut() = Some(loaded.into());
    answer.model(report);
    Ok(())
}

/// A part from the cache, else from its server; never one that is not what the bundle says.
async fn part<H: Host>(
    core: &Core<H>,
    answer: &Answer,
    what: &str,
    bundle_url: &str,
    part: &Part,
) -> Result<Vec<u8>, Ending> {
    let host = &core.host;
    if let Some(bytes) = answer.unless_stopped(host.cached(&part.sha256)).await? {
        if part.check(&bytes).is_ok() {
            answer.progress(what, part.size, Some(part.size), true);
            return Ok(bytes);
        }
        host.forget(&part.sha256).await;
    }
    let address = beside(bundle_url, &part.path);
    let progress = |done, _| answer.progress(what, done, Some(part.size), false);
    let bytes = answer.unless_stopped(host.fetch(&address, part.size, &progress)).await?;
    let whole = |bytes: Vec<u8>| match bytes.len() as u64 {
        received if received < part.size => {
            Err(FetchError::TooShort { received, expected: part.size })
        }
        _ => Ok(bytes),
    };
    let bytes = bytes.and_then(whole);
    let bytes = bytes.map_err(|error| failure::of_download(what, &address, &error))?;
    part.check(&bytes).map_err(|error| failure::of_corruption(what, &address, &error))?;
    host.keep(&part.sha256, &bytes).await;
    Ok(bytes)
}

/// The address of a file in the folder of another.
fn beside(address: &str, path: &str) -> String {
    let plain = address.split(['?', '#']).next().unwrap_or_default();
    let folder = plain.rfind('/').map_or("", |slash| &plain[..=slash]);
    format!("{folder}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_beside_their_bundle() {
        let part = "weights.safetensors";
        for (bundle, wanted) in [
            ("https://a.example/b/bundle.json", "https://a.example/b/weights.safetensors"),
            ("https://a.example/b/bundle.json?v=2/3#x", "https://a.example/b/weights.safetensors"),
            ("bundle.json", "weights.safetensors"),
        ] {
            assert_eq!(beside(bundle, part), wanted);
        }
    }
}

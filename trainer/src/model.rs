//! A model built from its weights, ready to run.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use shared::burn::tensor::{Device, Tensor};
use shared::image::Picture;
use shared::models;
use shared::network::{Network, Pass, Start};
use shared::readout::Readouts;
use shared::tap::{Activations, LayerId};
use shared::visualize::score::Context;

use crate::weights::Weights;
use crate::{hash, import, labels};

/// A network, with what its pictures and results are labelled with.
pub struct LoadedModel {
    /// The network.
    pub model: Arc<Network>,
    /// Class labels, in the order of the logits.
    pub labels: Vec<String>,
    /// Layers that are read out of the network's; none unless they are read from a file.
    pub readouts: Readouts,
    /// Of the weights file, hexadecimal.
    pub sha256: String,
    /// Where its weights were.
    pub weights: Weights,
}

impl LoadedModel {
    /// Finds the weights, says which they are, and builds the model.
    pub fn load(model: &str, given: Option<&Path>, device: &Device) -> Result<Self> {
        // Before any file is looked for: a wrong name is a wrong call.
        let info = models::info(model)?;
        let model = info.name;
        let weights = Weights::find(model, given)?;
        eprintln!("weights: {weights}");
        let bytes = weights.bytes()?;
        let sha256 = hash::sha256(&bytes);
        let tensors = import::tensors(model, &bytes, &weights)?;
        let built = models::load(model, tensors, device)
            .with_context(|| format!("building {model} from weights: {weights}"))?;
        let labels = labels::beside(&info, &weights);
        let readouts = Readouts::new();
        Ok(Self { model: Arc::new(built), labels, readouts, sha256, weights })
    }

    /// What layers answer to pictures of one size.
    pub fn activations<'a>(
        &self,
        pictures: impl IntoIterator<Item = &'a Picture>,
        taps: &[LayerId],
        device: &Device,
    ) -> Result<Activations> {
        let batch = pictures.into_iter().map(|picture| picture.to_tensor(device)).collect();
        let input = self.model.info().preprocessing.apply(Tensor::cat(batch, 0));
        Ok(self.model.forward(Start::Picture(input), &Pass::to(taps))?)
    }

    /// What objectives may refer to besides layers.
    pub fn context(&self) -> Context {
        Context { labels: self.labels.clone(), readouts: self.readouts.clone() }
    }
}

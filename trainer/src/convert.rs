//! Published weights as safetensors that say what they are.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use shared::models;
use shared::weights::{NamedTensors, Precision, to_safetensors};

use crate::weights::Weights;
use crate::{hash, import};

/// Where weights come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// An address, or a file's name.
    pub source: String,
    /// Of the file as it was, hexadecimal.
    pub sha256: String,
}

/// Reads weights in any published format and makes sure that they are this model's.
/// What the network does not need is left out or folded in. Also the hash of the bytes they were in.
pub fn read(model: &str, weights: &Weights) -> Result<(NamedTensors, Origin)> {
    let bytes = weights.bytes()?;
    let tensors = import::tensors(model, &bytes, weights)?;
    let tensors = models::distilled(model, tensors)
        .with_context(|| format!("no weights for {model}: {weights}"))?;
    let origin = Origin { source: weights.name(), sha256: hash::sha256(&bytes) };
    Ok((tensors, origin))
}

/// A safetensors file with the model, its source and its preprocessing in its metadata.
pub fn encode(
    model: &str,
    tensors: &NamedTensors,
    precision: Precision,
    origin: &Origin,
) -> Result<Vec<u8>> {
    let info = models::info(model)?;
    let metadata = BTreeMap::from([
        ("model".to_owned(), info.name.to_owned()),
        ("title".to_owned(), info.title.to_owned()),
        ("origin".to_owned(), info.origin.to_owned()),
        ("source".to_owned(), origin.source.clone()),
        ("source_sha256".to_owned(), origin.sha256.clone()),
        ("preprocessing".to_owned(), serde_json::to_string(&info.preprocessing)?),
    ]);
    Ok(to_safetensors(tensors, precision, &metadata)?)
}

//! Published weights as safetensors that say what they are.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use shared::models;
use shared::weights::{Precision, WeightsError};

use crate::weights::Weights;
use crate::{hash, import};

/// Weights that were converted.
pub struct Converted {
    /// A safetensors file with the model, its source and its preprocessing in its metadata.
    pub bytes: Vec<u8>,
    /// Of the file as it was, hexadecimal.
    pub source_sha256: String,
}

/// Reads weights in any published format, makes sure that they are this model's, and leaves out or
/// folds in what the network does not need. `source` is what is said of where they come from: an
/// address, or a file's name.
pub fn convert(
    model: &str,
    weights: &Weights,
    source: &str,
    precision: Precision,
) -> Result<Converted> {
    let info = models::info(model)?;
    let bytes = weights.bytes()?;
    let tensors = import::tensors(model, &bytes, weights)?;
    let source_sha256 = hash::sha256(&bytes);
    let metadata = BTreeMap::from([
        ("model".to_owned(), info.name.to_owned()),
        ("title".to_owned(), info.title.to_owned()),
        ("origin".to_owned(), info.origin.to_owned()),
        ("source".to_owned(), source.to_owned()),
        ("source_sha256".to_owned(), source_sha256.clone()),
        ("preprocessing".to_owned(), serde_json::to_string(&info.preprocessing)?),
    ]);
    let distilled = models::distilled(model, tensors, precision, &metadata);
    let bytes = match distilled {
        // They fit, only not in so few bits.
        Err(shared::Error::Weights(error @ WeightsError::TooLargeForHalf { .. })) => Err(error)?,
        other => other.with_context(|| format!("no weights for {model}: {weights}"))?,
    };
    Ok(Converted { bytes, source_sha256 })
}

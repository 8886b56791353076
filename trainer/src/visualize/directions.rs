//! Named directions from a file: what `layer/{name}` in an objective stands for.

use std::path::Path;

use anyhow::{Context as _, Result};
use shared::models::ModelInfo;
use shared::readout::{Readouts, directions};

use crate::hash;

/// Reads a safetensors file of directions.
///
/// # Errors
/// Name the file, and what in it is no direction.
pub fn read(path: &Path, info: &ModelInfo) -> Result<Readouts> {
    let read = || -> Result<Readouts> {
        let bytes = std::fs::read(path)?;
        Ok(directions::read(&bytes, &hash::sha256(&bytes), info)?)
    };
    read().with_context(|| format!("reading directions from {}", path.display()))
}

//! Where this program keeps files between runs.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use etcetera::BaseStrategy;
use etcetera::base_strategy::choose_native_strategy;

/// Everything kept lies under here: `$PELLUCID_CACHE`, else in the system's folder for caches.
pub fn folder() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("PELLUCID_CACHE").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let system = choose_native_strategy()
        .context("neither PELLUCID_CACHE nor a home folder is known: where is the cache?")?;
    Ok(system.cache_dir().join("pellucid"))
}

/// Where a model's weights lie once they were fetched.
pub fn weights_file(model: &str) -> Result<PathBuf> {
    Ok(folder()?.join("weights").join(format!("{model}.safetensors")))
}

/// Where labels that belong to a weights file lie.
pub fn labels_file(weights: &Path) -> PathBuf {
    weights.with_extension("labels.txt")
}

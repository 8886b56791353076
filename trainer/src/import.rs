//! Any published weights file to named tensors.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use shared::weights::{NamedTensors, from_caffemodel, from_safetensors};

/// Reads safetensors or `.caffemodel`, told apart by content.
pub fn read_weights(path: &Path) -> Result<NamedTensors> {
    let name = || path.display().to_string();
    let bytes = fs::read(path).with_context(name)?;
    // Eight bytes of length, then the header in JSON.
    let tensors =
        if bytes.get(8) == Some(&b'{') { from_safetensors(&bytes) } else { from_caffemodel(&bytes) };
    tensors.with_context(name)
}

//! Named directions from a file: what `layer/{name}` in an objective stands for.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use shared::models::ModelInfo;
use shared::visualize::score::Directions;
use shared::weights::from_safetensors;

/// Reads a safetensors file whose tensors are called `LAYER/NAME`; the last slash divides, and the
/// layer may go by any of its names. Each holds one value a channel.
///
/// # Errors
/// A layer that is none, a tensor without a slash in its name, or of another length.
pub fn read(path: &Path, info: &ModelInfo) -> Result<Directions> {
    let read = || {
        let bytes = std::fs::read(path)?;
        let tensors = from_safetensors(&bytes)?;
        let mut directions = Directions::new();
        for (name, tensor) in tensors {
            let Some((layer, direction)) = name.rsplit_once('/') else {
                bail!("the tensor {name:?} must be called LAYER/NAME, such as mixed4c/stripes");
            };
            let layer = info.layer(layer)?;
            if tensor.shape != [layer.channels] {
                let (found, expected) = (tensor.shape, layer.channels);
                bail!("{name} has shape {found:?}, expected [{expected}]: a value a channel");
            }
            directions.insert((layer.name.clone(), direction.to_owned()), tensor.values);
        }
        Ok(directions)
    };
    read().with_context(|| format!("reading directions from {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shared::weights::{NamedTensor, NamedTensors, Precision, to_safetensors};

    use super::*;

    fn written(name: &str, length: usize) -> Result<Directions> {
        let tensor = NamedTensor { shape: vec![length], values: vec![0.5; length] };
        let tensors = NamedTensors::from([(name.to_owned(), tensor)]);
        let bytes = to_safetensors(&tensors, Precision::F32, &BTreeMap::new()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directions.safetensors");
        std::fs::write(&path, bytes).unwrap();
        read(&path, &shared::models::info("googlenet").unwrap())
    }

    #[test]
    fn a_direction_goes_by_any_name_of_its_layer() {
        for name in ["mixed4c/stripes", "inception_4c/output/stripes"] {
            let directions = written(name, 512).unwrap();
            assert!(directions.contains_key(&("mixed4c".to_owned(), "stripes".to_owned())));
        }
    }

    #[test]
    fn what_is_no_direction_is_named_with_its_file() {
        for (name, length, said) in [
            ("stripes", 512, "LAYER/NAME"),
            ("mixed4c/stripes", 3, "expected [512]"),
            ("mixde4c/stripes", 512, "mixed4c"),
        ] {
            let error = format!("{:#}", written(name, length).unwrap_err());
            assert!(error.contains(said) && error.contains("directions.safetensors"), "{error}");
        }
    }
}

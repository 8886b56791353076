//! Where weights lie, and a model built from them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest, Sha256};
use shared::burn::tensor::{Device, Tensor};
use shared::image::Picture;
use shared::models::{self, ModelInfo, VisionModel};
use shared::ops::ReluGradient;
use shared::tap::Activations;
use shared::visualize::score::{Context, Directions};

use crate::cli::ModelArgs;

/// A model ready to run, with what its pictures and results are labelled with.
pub struct LoadedModel {
    /// The network.
    pub model: Arc<dyn VisionModel>,
    /// Class labels, in the order of the logits.
    pub labels: Vec<String>,
    /// Named directions that objectives may climb; none unless they are read from a file.
    pub directions: Directions,
    /// Of the weights file, hexadecimal.
    pub sha256: String,
    /// The weights file.
    pub path: PathBuf,
}

/// Finds the weights and builds the model.
pub fn load(args: &ModelArgs, device: &Device) -> Result<LoadedModel> {
    // Before any file is looked for: a wrong name is a wrong call.
    let info = models::info(&args.model)?;
    let path = weights(&args.model, args.weights.as_deref())?;
    let sha256 = sha256_of_file(&path)?;
    let tensors = crate::import::read_weights(&path)?;
    let model = models::load(&args.model, tensors, device)
        .with_context(|| format!("building {} from {}", args.model, path.display()))?;
    let labels = labels_beside(&info, &path);
    let directions = Directions::new();
    Ok(LoadedModel { model: Arc::from(model), labels, directions, sha256, path })
}

impl LoadedModel {
    /// What layers answer to pictures of one size.
    pub fn activations<'a>(
        &self,
        pictures: impl IntoIterator<Item = &'a Picture>,
        taps: &[&str],
        device: &Device,
    ) -> Result<Activations> {
        let batch = pictures.into_iter().map(|picture| picture.to_tensor(device)).collect();
        let input = self.model.info().preprocessing.apply(Tensor::cat(batch, 0));
        Ok(self.model.forward(input, taps, ReluGradient::Exact)?)
    }

    /// What objectives may refer to besides layers.
    pub fn context(&self) -> Context {
        Context { labels: self.labels.clone(), directions: self.directions.clone() }
    }
}

/// The weights file: the one given, else the one in the cache.
pub fn weights(model: &str, given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        if !path.is_file() {
            bail!("--weights {}: there is no such file", path.display());
        }
        return Ok(path.to_owned());
    }
    let path = weights_file(model)?;
    if !path.is_file() {
        bail!(
            "no weights for {model} in {}: `{}` gets them, \
             `--weights FILE` takes a file you have",
            path.parent().unwrap_or(Path::new("")).display(),
            crate::fetch::way_to(model)
        );
    }
    Ok(path)
}

/// Where a model's weights lie once they were fetched.
pub fn weights_file(model: &str) -> Result<PathBuf> {
    Ok(folder()?.join("weights").join(format!("{model}.safetensors")))
}

/// Everything this program keeps between runs lies under here.
pub fn folder() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = set("PELLUCID_CACHE") {
        return Ok(folder);
    }
    let home =
        || set("HOME").context("neither PELLUCID_CACHE nor HOME is set: where is the cache?");
    let platform = if cfg!(target_os = "macos") {
        home()?.join("Library/Caches")
    } else if cfg!(windows) {
        set("LOCALAPPDATA").context("neither PELLUCID_CACHE nor LOCALAPPDATA is set")?
    } else if let Some(folder) = set("XDG_CACHE_HOME") {
        folder
    } else {
        home()?.join(".cache")
    };
    Ok(platform.join("pellucid"))
}

/// A model's class labels, in the order of its logits, as far as they are known without weights.
///
/// ImageNet's thousand are known. Another order of classes is read from `NAME.labels.txt` in the
/// cache, one name a line; without that file classes go by their number.
pub fn labels(info: &ModelInfo) -> Vec<String> {
    let cached = weights_file(info.name).unwrap_or_default();
    labels_beside(info, &cached)
}

/// A model's class labels, preferring those that lie beside its weights.
pub fn labels_beside(info: &ModelInfo, weights: &Path) -> Vec<String> {
    let n_classes = info.layers.last().map_or(0, |layer| layer.channels);
    let cached = weights_file(info.name).unwrap_or_default();
    let file = [labels_file(weights), labels_file(&cached)]
        .into_iter()
        .find_map(|path| fs::read_to_string(path).ok());
    let labels = match file {
        Some(text) => models::labels::from_lines(&text, n_classes),
        None => models::labels::for_classes(n_classes),
    };
    labels.into_iter().map(|label| label.name).collect()
}

/// Where labels that belong to a weights file lie.
pub fn labels_file(weights: &Path) -> PathBuf {
    weights.with_extension("labels.txt")
}

/// SHA-256 of a file, hexadecimal, without holding the file in memory.
pub fn sha256_of_file(path: &Path) -> Result<String> {
    let hash = || -> std::io::Result<String> {
        let mut hasher = HashWriter(Sha256::new());
        std::io::copy(&mut fs::File::open(path)?, &mut hasher)?;
        Ok(hex(&hasher.0.finalize()))
    };
    hash().with_context(|| format!("reading {}", path.display()))
}

struct HashWriter(Sha256);

impl std::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_are_nowhere_are_answered_with_both_ways_to_get_them() {
        // No model of this name was ever fetched.
        let error = weights("no-such-model", None).unwrap_err().to_string();
        assert!(error.contains("pellucid fetch no-such-model"), "{error}");
        assert!(error.contains("--weights FILE"), "{error}");
    }

    #[test]
    fn a_weights_file_that_is_not_there_is_named() {
        let error = weights("googlenet", Some(Path::new("nowhere.safetensors"))).unwrap_err();
        assert!(error.to_string().contains("nowhere.safetensors"));
    }

    #[test]
    fn a_files_hash_is_the_published_one_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, "abc").unwrap();
        // The example of FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_of_file(&path).unwrap(), expected);
    }
}

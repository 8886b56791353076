//! Where weights lie, and a model built from them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fmt, fs};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest, Sha256};
use shared::burn::tensor::{Device, Tensor};
use shared::image::Picture;
use shared::models::{self, ModelInfo};
use shared::network::{Network, Pass, Start};
use shared::tap::{Activations, LayerId};
use shared::visualize::score::{Context, Directions};

use crate::{built_in, import};

/// Where a model's weights are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weights {
    /// In a file.
    File(PathBuf),
    /// Inside this program.
    BuiltIn(&'static [u8]),
}

impl Weights {
    /// Their bytes, of whatever kind.
    pub fn bytes(&self) -> Result<Cow<'static, [u8]>> {
        match self {
            Self::File(path) => Ok(import::read_file(path)?.into()),
            Self::BuiltIn(bytes) => Ok((*bytes).into()),
        }
    }

    /// What they are called in a file that is made from them.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::BuiltIn(_) => concat!("pellucid ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(out),
            Self::BuiltIn(_) => out.write_str("built in"),
        }
    }
}

/// A model ready to run, with what its pictures and results are labelled with.
pub struct LoadedModel {
    /// The network.
    pub model: Arc<Network>,
    /// Class labels, in the order of the logits.
    pub labels: Vec<String>,
    /// Named directions that objectives may climb; none unless they are read from a file.
    pub directions: Directions,
    /// Of the weights file, hexadecimal.
    pub sha256: String,
    /// Where its weights were.
    pub weights: Weights,
}

/// Finds the weights, says which they are, and builds the model.
pub fn load(model: &str, given: Option<&Path>, device: &Device) -> Result<LoadedModel> {
    // Before any file is looked for: a wrong name is a wrong call.
    let info = models::info(model)?;
    let weights = weights(model, given)?;
    eprintln!("weights: {weights}");
    let bytes = weights.bytes()?;
    let sha256 = sha256_of(&bytes);
    let tensors = import::tensors(model, &bytes, &weights)?;
    let built = models::load(model, tensors, device)
        .with_context(|| format!("building {model} from weights: {weights}"))?;
    let labels = labels_beside(&info, &weights);
    let directions = Directions::new();
    Ok(LoadedModel { model: Arc::new(built), labels, directions, sha256, weights })
}

impl LoadedModel {
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
        Context { labels: self.labels.clone(), directions: self.directions.clone() }
    }
}

/// The weights: those given, else those in the cache, else those inside this program.
pub fn weights(model: &str, given: Option<&Path>) -> Result<Weights> {
    if let Some(path) = given {
        if !path.exists() {
            bail!("--weights {}: there is no such file", path.display());
        }
        return Ok(Weights::File(path.to_owned()));
    }
    let path = weights_file(model)?;
    if path.is_file() {
        return Ok(Weights::File(path));
    }
    built_in::weights(model).map(Weights::BuiltIn).with_context(|| {
        format!(
            "no weights for {model} in {}: `{}` gets them, `--weights FILE` takes a file you have",
            path.parent().unwrap_or(Path::new("")).display(),
            crate::fetch::way_to(model)
        )
    })
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
    labels_from([weights_file(info.name).ok()], info)
}

/// A model's class labels, preferring those that lie beside its weights.
pub fn labels_beside(info: &ModelInfo, weights: &Weights) -> Vec<String> {
    let beside = match weights {
        Weights::File(path) => Some(path.clone()),
        Weights::BuiltIn(_) => None,
    };
    labels_from([beside, weights_file(info.name).ok()], info)
}

/// Labels from the first file of them that lies beside one of these weights.
fn labels_from<const N: usize>(weights: [Option<PathBuf>; N], info: &ModelInfo) -> Vec<String> {
    let n_classes = info.layers.last().map_or(0, |layer| layer.channels);
    let mut files = weights.into_iter().flatten().map(|path| labels_file(&path));
    let file = files.find_map(|path| fs::read_to_string(path).ok());
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

/// SHA-256, hexadecimal.
pub fn sha256_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
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
    fn weights_that_are_given_come_before_those_inside_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let given = folder.path().join("own.safetensors");
        fs::write(&given, "own").unwrap();
        let found = weights(built_in::MODEL, Some(&given)).unwrap();
        assert_eq!(found, Weights::File(given));
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

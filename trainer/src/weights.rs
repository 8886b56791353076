//! Which weights a model is built from.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::{built_in, cache, import};

/// Where a model's weights are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weights {
    /// In a file.
    File(PathBuf),
    /// Inside this program.
    BuiltIn(&'static [u8]),
}

impl Weights {
    /// Those given, else those in the cache, else those inside this program.
    pub fn find(model: &str, given: Option<&Path>) -> Result<Self> {
        if let Some(path) = given {
            if !path.exists() {
                bail!("--weights {}: there is no such file", path.display());
            }
            return Ok(Self::File(path.to_owned()));
        }
        let path = cache::weights_file(model)?;
        if path.is_file() {
            return Ok(Self::File(path));
        }
        built_in::weights(model).map(Self::BuiltIn).with_context(|| {
            format!(
                "no weights for {model} in {}: `{}` gets them, `--weights FILE` takes a file you have",
                path.parent().unwrap_or(Path::new("")).display(),
                way_to(model)
            )
        })
    }

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

/// The command that brings a model's published weights into the cache.
pub fn way_to(model: &str) -> String {
    format!("pellucid fetch {model}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_are_nowhere_are_answered_with_both_ways_to_get_them() {
        // No model of this name was ever fetched.
        let error = Weights::find("no-such-model", None).unwrap_err().to_string();
        assert!(error.contains("pellucid fetch no-such-model"), "{error}");
        assert!(error.contains("--weights FILE"), "{error}");
    }

    #[test]
    fn weights_that_are_given_come_before_those_inside_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let given = folder.path().join("own.safetensors");
        std::fs::write(&given, "own").unwrap();
        let found = Weights::find(built_in::MODEL, Some(&given)).unwrap();
        assert_eq!(found, Weights::File(given));
    }

    #[test]
    fn a_weights_file_that_is_not_there_is_named() {
        let error = Weights::find("googlenet", Some(Path::new("nowhere.safetensors"))).unwrap_err();
        assert!(error.to_string().contains("nowhere.safetensors"));
    }
}

//! Weights files of any published kind, read for a model.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use shared::models;
use shared::weights::{ENDINGS, StoredTensors, from_bytes};

/// The bytes of a file; a folder is called one.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    if path.is_dir() {
        bail!("{} is a folder; {}", path.display(), instead_of(path));
    }
    fs::read(path).with_context(|| format!("reading weights from {}", path.display()))
}

/// The tensors in a weights file called `name`. Where it holds several sets that fit the model,
/// it is said which is taken.
pub fn tensors<'a>(model: &str, bytes: &'a [u8], name: impl Display) -> Result<StoredTensors<'a>> {
    let tensors = from_bytes(bytes).with_context(|| format!("reading weights from {name}"))?;
    if let Some(choice) = models::choice(model, &tensors)? {
        eprintln!("{name}: {choice}");
    }
    Ok(tensors)
}

/// What to do with a folder that was given for a file.
fn instead_of(folder: &Path) -> String {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut weights: Vec<_> = names
        .filter_map(|path| {
            let ending = path.extension()?.to_str()?.to_lowercase();
            Some((ENDINGS.iter().position(|known| *known == ending)?, path))
        })
        .collect();
    weights.sort();
    match weights.first() {
        Some((_, file)) => format!("name the file in it, such as {}", file.display()),
        None => "name the weights file itself; none is in this folder".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use shared::weights::{NamedTensor, NamedTensors};

    use super::*;

    // Made by `scripts/tiny_checkpoints.py` with `torch.save`.
    const ZIP: &[u8] = include_bytes!("../tests/checkpoints/tiny_zip.pth");
    const LEGACY: &[u8] = include_bytes!("../tests/checkpoints/tiny_legacy.pth");
    const NESTED: &[u8] = include_bytes!("../tests/checkpoints/tiny_nested.pth");
    const SCRIPT: &[u8] = include_bytes!("../tests/checkpoints/tiny_script.pth");
    const EXPANDED: &[u8] = include_bytes!("../tests/checkpoints/tiny_expanded.pth");

    fn read(bytes: &[u8]) -> Result<NamedTensors> {
        // The name says nothing: content alone decides.
        Ok(tensors("googlenet", bytes, "file")?.into_iter().collect())
    }

    fn expected(before: &str) -> NamedTensors {
        let weight =
            NamedTensor { shape: vec![2, 3], values: (0..6).map(|i| i as f32 / 4.0).collect() };
        let bias = NamedTensor { shape: vec![2], values: vec![-1.5, 2.0] };
        let named = [("fc.weight", weight), ("fc.bias", bias)];
        named.map(|(name, tensor)| (format!("{before}{name}"), tensor)).into()
    }

    #[test]
    fn checkpoints_of_new_and_old_pytorch_give_the_same_tensors() {
        for (checkpoint, before) in [(ZIP, ""), (LEGACY, ""), (NESTED, "state_dict."), (SCRIPT, "")]
        {
            assert_eq!(read(checkpoint).unwrap(), expected(before));
        }
    }

    #[test]
    fn a_checkpoint_cut_anywhere_is_refused_without_a_panic() {
        for checkpoint in [ZIP, LEGACY] {
            for length in (0..checkpoint.len()).step_by(7) {
                assert!(read(&checkpoint[..length]).is_err(), "{length} of {}", checkpoint.len());
            }
        }
    }

    #[test]
    fn a_small_file_cannot_ask_for_gigabytes() {
        let error = format!("{:#}", read(EXPANDED).unwrap_err());
        assert!(error.contains("declares 4000000000 bytes of tensors"), "{error}");
    }

    #[test]
    fn a_folder_is_called_one_and_the_weights_in_it_are_proposed() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = || read_file(folder.path()).unwrap_err().to_string();
        assert!(
            refusal()
                .ends_with("is a folder; name the weights file itself; none is in this folder")
        );
        for name in ["config.json", "pytorch_model.bin", "model.safetensors"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let file = folder.path().join("model.safetensors");
        assert!(refusal().ends_with(&format!("name the file in it, such as {}", file.display())));
    }
}

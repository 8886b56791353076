//! A bundle's folder, written whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use shared::format::bundle::{Bundle, Part, labels_from_bytes, labels_to_text};
use shared::models;
use shared::weights::Precision;

use crate::convert::{self, Origin};
use crate::{cache, output};

/// The name of the file that makes a folder a bundle.
const MANIFEST: &str = "bundle.json";

/// Writes the bundle of a model to `folder`, in place of a bundle that is there already.
pub fn export(model: &str, weights: &Path, precision: Precision, folder: &Path) -> Result<Bundle> {
    let info = models::info(model)?;
    refuse_to_replace_what_is_no_bundle(folder)?;
    let tensors = convert::read(model, weights)?;
    let source = weights.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let origin = Origin { source, sha256: cache::sha256_of_file(weights)? };
    let labels = labels_to_text(&cache::labels_beside(&info, weights)).into_bytes();
    let weights = convert::encode(model, &tensors, precision, &origin)?;
    // The reader's own checks, so that nothing is written that cannot be opened.
    let n_classes = info.layers.last().map_or(0, |layer| layer.channels);
    labels_from_bytes(&labels, n_classes)?;
    let bundle = Bundle::new(
        &info,
        Some(Part::of("weights.safetensors", &weights)),
        Part::of("labels.txt", &labels),
    );
    let manifest = bundle.to_json()?.into_bytes();
    Bundle::parse(&manifest)?;

    let files = [("weights.safetensors", weights), ("labels.txt", labels), (MANIFEST, manifest)];
    write_folder(folder, &files)?;
    Ok(bundle)
}

/// Writes files into a new folder beside `folder`, then lets it take that name.
fn write_folder(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<()> {
    let unfinished = output::beside(folder, "writing");
    let written = write_files(&unfinished, files).and_then(|()| replace(folder, &unfinished));
    if written.is_err() {
        // The error that counts is the one that brought us here.
        let _ = fs::remove_dir_all(&unfinished);
    }
    written.with_context(|| format!("writing the bundle {}", folder.display()))
}

fn write_files(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in files {
        output::write_whole(&folder.join(name), |out| Ok(out.write_all(bytes)?))?;
    }
    Ok(())
}

/// Moves `new` to `folder`. What was there steps aside first and is removed last.
fn replace(folder: &Path, new: &Path) -> Result<()> {
    let old: Option<PathBuf> = folder.exists().then(|| output::beside(folder, "replaced"));
    if let Some(old) = &old {
        fs::rename(folder, old)?;
    }
    if let Err(error) = fs::rename(new, folder) {
        if let Some(old) = &old {
            fs::rename(old, folder)?;
        }
        return Err(error.into());
    }
    if let Some(old) = &old {
        fs::remove_dir_all(old)?;
    }
    Ok(())
}

fn refuse_to_replace_what_is_no_bundle(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let is_bundle = folder.join(MANIFEST).is_file();
    let is_empty = folder.is_dir()
        && fs::read_dir(folder).with_context(|| folder.display().to_string())?.next().is_none();
    if !is_bundle && !is_empty {
        bail!(
            "--out {} exists and holds no {MANIFEST}: expected a new folder or a bundle to replace",
            folder.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_replaces_another_whole_and_leaves_nothing_beside() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("googlenet");
        write_folder(&folder, &[("old", vec![1]), (MANIFEST, vec![1])]).unwrap();
        write_folder(&folder, &[("new", vec![2]), (MANIFEST, vec![2])]).unwrap();
        assert_eq!(names(&folder), [MANIFEST, "new"]);
        assert_eq!(names(root.path()), ["googlenet"]);
    }

    #[test]
    fn a_folder_that_cannot_be_written_leaves_the_old_one() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("googlenet");
        write_folder(&folder, &[(MANIFEST, vec![1])]).unwrap();
        // A file name that no folder can hold.
        assert!(write_folder(&folder, &[("a/\0", vec![2])]).is_err());
        assert_eq!(fs::read(folder.join(MANIFEST)).unwrap(), [1]);
        assert_eq!(names(root.path()), ["googlenet"]);
    }

    #[test]
    fn a_folder_of_somebodys_own_files_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("thesis.tex"), "").unwrap();
        assert!(refuse_to_replace_what_is_no_bundle(root.path()).is_err());
        assert!(refuse_to_replace_what_is_no_bundle(&root.path().join("new")).is_ok());
    }
}

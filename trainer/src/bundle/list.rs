//! `index.json`: which bundles lie in a folder.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use shared::format::bundle::{Entry, Index, SCHEMA};
use shared::models;

use super::existing::{Existing, MANIFEST};
use super::folder;
use crate::output;

/// The file's name.
pub const INDEX: &str = "index.json";

/// Models in the order they are offered; others follow by their folder's name.
const FIRST: [&str; 2] = ["googlenet", "efficientnet-lite0"];

/// Writes the list of the bundles in a folder.
pub fn list(bundles: &Path) -> Result<Index> {
    let mut found = Vec::new();
    for name in folders(bundles)? {
        let bundle = Existing::open(&bundles.join(&name))?.bundle;
        let info = models::info(&bundle.model)?;
        let rank = FIRST.iter().position(|model| *model == info.name).unwrap_or(FIRST.len());
        // Two of one model are told apart by their folders.
        let title = if name == info.name {
            info.title.to_owned()
        } else {
            format!("{} ({name})", info.title)
        };
        let weights = Some(bundle.weights.is_some());
        found.push((rank, Entry { path: name, title, weights, weights_coming: false }));
    }
    if found.is_empty() {
        bail!("{} holds no bundle: expected folders with {MANIFEST}", bundles.display());
    }
    found.sort_by(|(rank, entry), (other, another)| {
        (rank, &entry.path).cmp(&(other, &another.path))
    });
    let entries = found.into_iter().map(|(_, entry)| entry).collect();
    let index = Index { schema: SCHEMA, bundles: entries };
    let text = index.to_json()?;
    // The reader's own checks: a folder's name may be nothing that can stand in an address.
    Index::parse(text.as_bytes())?;
    output::write_whole(&bundles.join(INDEX), |out| Ok(out.write_all(text.as_bytes())?))?;
    Ok(index)
}

/// Names of the folders that are bundles, sorted.
fn folders(bundles: &Path) -> Result<Vec<String>> {
    let reading = || format!("reading the folder {}", bundles.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(bundles).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().join(MANIFEST).is_file() && !folder::is_left_over(&name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use shared::format::bundle::{Bundle, Part};

    use super::*;

    fn bundle(root: &Path, folder: &str, model: &str) {
        let info = models::info(model).unwrap();
        let bundle = Bundle::new(&info, None, Part::of("labels.txt", b"tench\n"));
        fs::create_dir(root.join(folder)).unwrap();
        fs::write(root.join(folder).join(MANIFEST), bundle.to_json().unwrap()).unwrap();
    }

    #[test]
    fn googlenet_comes_first_then_others_by_their_folders() {
        let root = tempfile::tempdir().unwrap();
        bundle(root.path(), "inception-v1", "inception-v1");
        bundle(root.path(), "another", "googlenet-torchvision");
        bundle(root.path(), "googlenet", "googlenet");
        bundle(root.path(), "googlenet.writing-17", "googlenet");
        fs::create_dir(root.path().join("notes")).unwrap();
        let index = list(root.path()).unwrap();
        let paths: Vec<_> = index.bundles.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["googlenet", "another", "inception-v1"]);
        let titles: Vec<_> = index.bundles.iter().map(|entry| entry.title.as_str()).collect();
        assert!(index.bundles.iter().all(|entry| entry.weights == Some(false)), "{index:?}");
        assert!(titles[0] == "GoogLeNet" && titles[1].ends_with("(another)"), "{titles:?}");
        let written = fs::read(root.path().join(INDEX)).unwrap();
        assert_eq!(Index::parse(&written).unwrap(), index);
        // The list itself is no bundle.
        assert_eq!(list(root.path()).unwrap(), index);
    }

    #[test]
    fn a_folder_without_bundles_and_a_bundle_that_cannot_be_read_are_named() {
        let root = tempfile::tempdir().unwrap();
        let error = list(root.path()).unwrap_err().to_string();
        assert!(error.contains("holds no bundle"), "{error}");
        bundle(root.path(), "googlenet", "googlenet");
        fs::write(root.path().join("googlenet/bundle.json"), "{").unwrap();
        let error = format!("{:#}", list(root.path()).unwrap_err());
        assert!(error.contains("googlenet/bundle.json"), "{error}");
        assert!(!root.path().join(INDEX).exists());
    }

    #[test]
    fn a_folder_whose_name_cannot_stand_in_an_address_is_refused() {
        let root = tempfile::tempdir().unwrap();
        bundle(root.path(), "my bundle", "googlenet");
        let error = list(root.path()).unwrap_err().to_string();
        assert!(error.contains("bundles[0].path"), "{error}");
    }
}

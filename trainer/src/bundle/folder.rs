//! A bundle's folder on disk: replaced whole or not at all.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, bail};

use super::existing::{Existing, MANIFEST};
use crate::output;

/// Between a folder's name and the number of the process that works beside it.
const WRITING: &str = "writing";
const REPLACED: &str = "replaced";

/// Writes files into a new folder beside `folder`, then lets it take that name.
pub fn write(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    let unfinished = beside(folder, WRITING);
    let written = write_files(&unfinished, files).and_then(|()| replace(folder, &unfinished));
    if written.is_err() {
        // The error that counts is the one that brought us here.
        let _ = fs::remove_dir_all(&unfinished);
    }
    written.with_context(|| format!("writing the bundle {}", folder.display()))
}

fn write_files(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in files {
        output::write_whole(&folder.join(name), |out| Ok(out.write_all(bytes)?))?;
    }
    Ok(())
}

/// Moves `new` to `folder`. What was there is removed last.
fn replace(folder: &Path, new: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(fs::rename(new, folder)?);
    }
    if exchange(folder, new).is_ok() {
        return Ok(fs::remove_dir_all(new)?);
    }
    // In two steps where the system has no single one for it.
    let old = beside(folder, REPLACED);
    fs::rename(folder, &old)?;
    if let Err(error) = fs::rename(new, folder) {
        fs::rename(&old, folder)?;
        return Err(error.into());
    }
    Ok(fs::remove_dir_all(&old)?)
}

/// A name in the same folder that no other running `pellucid` uses.
fn beside(path: &Path, purpose: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{purpose}-{}", std::process::id()));
    path.with_file_name(name)
}

/// Lets two folders change places in one step, so that whoever looks finds the one or the other.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether a folder of this name is what a killed export left beside its target.
pub fn is_left_over(name: &str) -> bool {
    [WRITING, REPLACED].iter().any(|purpose| {
        let process = name.rsplit_once(&format!(".{purpose}-")).map(|(_, process)| process);
        process.is_some_and(|process| process.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// Refuses a target that holds anything but a bundle: what is there is removed.
pub fn refuse_to_replace_what_is_no_bundle(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let expected = "expected a new folder or a bundle to replace";
    let is_empty = folder.is_dir()
        && fs::read_dir(folder).with_context(|| folder.display().to_string())?.next().is_none();
    if is_empty {
        return Ok(());
    }
    if !folder.join(MANIFEST).is_file() {
        bail!("--out {} exists and holds no {MANIFEST}: {expected}", folder.display());
    }
    let bundle = Existing::open(folder)
        .with_context(|| format!("--out {} exists: {expected}", folder.display()))?
        .bundle;
    let parts = bundle.parts();
    let parts: HashSet<PathBuf> = parts.iter().map(|part| folder.join(&part.path)).collect();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        let reading = || format!("reading the folder {}", inner.display());
        for entry in fs::read_dir(&inner).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            let path = entry.path();
            if entry.file_type().with_context(reading)?.is_dir() {
                folders.push(path);
            } else if path != folder.join(MANIFEST) && !parts.contains(&path) {
                bail!(
                    "--out {} holds {}, which is no part of its bundle: {expected}",
                    folder.display(),
                    path.strip_prefix(folder).unwrap_or(&path).display()
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::format::bundle::{Bundle, Part};
    use shared::models;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn files<const N: usize>(files: [(&str, u8); N]) -> Vec<(String, Vec<u8>)> {
        files.map(|(name, byte)| (name.to_owned(), vec![byte])).into()
    }

    #[test]
    fn a_folder_replaces_another_whole_and_leaves_nothing_beside() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("googlenet");
        write(&folder, &files([("old", 1), (MANIFEST, 1)])).unwrap();
        write(&folder, &files([("deep/new", 2), (MANIFEST, 2)])).unwrap();
        assert_eq!(names(&folder), [MANIFEST, "deep"]);
        assert_eq!(names(root.path()), ["googlenet"]);
    }

    #[test]
    fn a_folder_that_cannot_be_written_leaves_the_old_one() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("googlenet");
        write(&folder, &files([(MANIFEST, 1)])).unwrap();
        // A file name that no folder can hold.
        assert!(write(&folder, &files([("a/\0", 2)])).is_err());
        assert_eq!(fs::read(folder.join(MANIFEST)).unwrap(), [1]);
        assert_eq!(names(root.path()), ["googlenet"]);
    }

    #[test]
    fn a_folder_of_somebodys_own_files_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("googlenet");
        let refusal = || refuse_to_replace_what_is_no_bundle(&folder).map_err(|e| format!("{e:#}"));
        assert_eq!(refusal(), Ok(()), "not there");
        fs::create_dir(&folder).unwrap();
        assert_eq!(refusal(), Ok(()), "empty");
        let notes = folder.join("notes");
        fs::create_dir(&notes).unwrap();
        fs::write(notes.join("thesis.tex"), "").unwrap();
        assert!(refusal().unwrap_err().contains("holds no bundle.json"));

        // Another program's file of that name.
        fs::write(folder.join(MANIFEST), r#"{"name": "a parcel"}"#).unwrap();
        assert!(refusal().unwrap_err().contains("schema"));

        let labels = Part::of("labels.txt", b"tench\n");
        let bundle = Bundle::new(&models::info("googlenet").unwrap(), None, labels);
        fs::write(folder.join(MANIFEST), bundle.to_json().unwrap()).unwrap();
        fs::write(folder.join("labels.txt"), "tench\n").unwrap();
        let told = refusal().unwrap_err();
        assert!(told.contains("thesis.tex"), "{told}");
        fs::remove_dir_all(notes).unwrap();
        assert_eq!(refusal(), Ok(()), "a bundle");
    }

    #[test]
    fn what_a_killed_export_leaves_is_known_by_its_name() {
        let left = beside(Path::new("bundles/googlenet"), WRITING);
        assert!(is_left_over(left.file_name().unwrap().to_str().unwrap()));
        assert!(!is_left_over("googlenet"));
        assert!(!is_left_over("hand.writing-practice"));
    }
}

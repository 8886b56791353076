//! Knows whether something must be made again: a fingerprint of its inputs, kept beside it.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

/// A fingerprint that changes with any byte or name that went into it.
///
/// Not cryptographic: it tells one's own files apart, it does not guard against anyone.
#[derive(Default)]
pub struct Fingerprint(DefaultHasher);

impl Fingerprint {
    /// Mixes in a setting.
    #[must_use]
    pub fn with(mut self, value: impl Hash) -> Self {
        value.hash(&mut self.0);
        self
    }

    /// Mixes in a file's bytes, or every file below a folder, by name and content. What does
    /// not exist counts as that.
    pub fn with_path(mut self, path: &Path) -> Result<Self> {
        for file in files_below(path)? {
            file.strip_prefix(path).unwrap_or(&file).hash(&mut self.0);
            read(&file)?.hash(&mut self.0);
        }
        Ok(self)
    }

    /// The fingerprint as 16 hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

/// Every file below a folder, sorted; the path itself if it is a file; nothing if it is absent.
pub fn files_below(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries =
                fs::read_dir(&path).with_context(|| format!("listing {}", path.display()))?;
            for entry in entries {
                waiting.push(entry.with_context(|| format!("listing {}", path.display()))?.path());
            }
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether the stamp file holds this fingerprint.
#[must_use]
pub fn is_current(stamp: &Path, fingerprint: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|held| held == fingerprint)
}

/// Writes the fingerprint, after the thing it stands for is complete.
pub fn set(stamp: &Path, fingerprint: &str) -> Result<()> {
    fs::write(stamp, fingerprint).with_context(|| format!("writing {}", stamp.display()))
}

/// Counts a file as used now, so that [`keep_newest`] takes others first.
pub fn touch(file: &Path) {
    if let Ok(file) = File::options().append(true).open(file) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Removes all but so many files of a folder, those used longest ago first.
pub fn keep_newest(folder: &Path, count: usize) -> Result<()> {
    let mut files: Vec<(SystemTime, PathBuf)> = files_below(folder)?
        .into_iter()
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file)))
        .collect();
    files.sort();
    let n_old = files.len().saturating_sub(count);
    for (_, file) in files.into_iter().take(n_old) {
        fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    }
    Ok(())
}

/// A file's bytes, or an error that names it.
pub fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("reading {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("xtask-stamp-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("inner")).unwrap();
        fs::write(folder.join("inner/a"), "one").unwrap();
        folder
    }

    fn fingerprint(folder: &Path) -> String {
        Fingerprint::default().with_path(folder).unwrap().finish()
    }

    #[test]
    fn a_changed_byte_and_a_changed_name_change_the_fingerprint() {
        let folder = folder("change");
        let first = fingerprint(&folder);
        assert_eq!(first, fingerprint(&folder));
        fs::write(folder.join("inner/a"), "two").unwrap();
        let second = fingerprint(&folder);
        assert_ne!(first, second);
        fs::rename(folder.join("inner/a"), folder.join("inner/b")).unwrap();
        assert_ne!(second, fingerprint(&folder));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_stamp_is_current_only_for_what_it_was_set_to() {
        let folder = folder("current");
        let stamp = folder.join("stamp");
        assert!(!is_current(&stamp, "x"));
        set(&stamp, "x").unwrap();
        assert!(is_current(&stamp, "x"));
        assert!(!is_current(&stamp, "y"));
        fs::remove_dir_all(folder).unwrap();
    }
}

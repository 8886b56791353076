//! Where a store lies.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use crate::hash;
use crate::output::{self, WRITING};

/// The name of the description of a store.
pub const STORE: &str = "store.json";

/// The folder of the shards in a store.
pub const SHARDS: &str = "shards";

/// A place that files are put into whole or not at all, and are never changed in.
pub trait Shelf: Send + Sync {
    /// What it is called, for people.
    fn name(&self) -> String;

    /// A small file, if it is there.
    ///
    /// # Errors
    /// It cannot be read, or is longer than `limit` bytes.
    fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>>;

    /// The files beside each other in a folder, and their sizes. A folder that is not there has
    /// none.
    fn list(&self, folder: &str) -> Result<BTreeMap<String, u64>>;

    /// SHA-256 of a file, hexadecimal; `progress` hears of every so many bytes.
    fn sha256(&self, path: &str, progress: &mut dyn FnMut(u64)) -> Result<String>;

    /// Writes a small file unless there is one: then it is left alone, and the answer is false.
    fn create(&self, path: &str, bytes: &[u8]) -> Result<bool>;

    /// Writes a small file, in the place of another if there is one.
    fn put(&self, path: &str, bytes: &[u8]) -> Result<()>;

    /// A file on this machine for what becomes a large file of a shard.
    fn begin(&self, shard: u64) -> Result<NamedTempFile>;

    /// Puts such a file where it belongs.
    fn keep(&self, file: NamedTempFile, path: &str) -> Result<()>;

    /// Removes what a run that was killed left of these shards, and of the description.
    fn tidy(&self, shards: Range<u64>) -> Result<()>;
}

/// A folder on this machine, or one that many machines share.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    fn shards(&self) -> PathBuf {
        self.0.join(SHARDS)
    }
}

impl Shelf for Folder {
    fn name(&self) -> String {
        self.0.display().to_string()
    }

    fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>> {
        let path = self.0.join(path);
        let reading = || format!("reading {}", path.display());
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.with_context(reading)?,
        };
        let mut bytes = Vec::new();
        file.take(limit as u64 + 1).read_to_end(&mut bytes).with_context(reading)?;
        if limit < bytes.len() {
            bail!("{}: longer than {limit} bytes", path.display());
        }
        Ok(Some(bytes))
    }

    fn list(&self, folder: &str) -> Result<BTreeMap<String, u64>> {
        let folder = self.0.join(folder);
        let reading = || format!("reading the folder {}", folder.display());
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
            entries => entries.with_context(reading)?,
        };
        let mut files = BTreeMap::new();
        for entry in entries {
            let entry = entry.with_context(reading)?;
            // Others may finish and remove theirs meanwhile. What is no text is none of ours.
            let (Ok(metadata), Ok(name)) =
                (fs::metadata(entry.path()), entry.file_name().into_string())
            else {
                continue;
            };
            if metadata.is_file() && !name.starts_with('.') {
                files.insert(name, metadata.len());
            }
        }
        Ok(files)
    }

    fn sha256(&self, path: &str, progress: &mut dyn FnMut(u64)) -> Result<String> {
        hash::sha256_of_file_heard(&self.0.join(path), progress)
    }

    fn create(&self, path: &str, bytes: &[u8]) -> Result<bool> {
        output::create_whole(&self.0.join(path), |out| Ok(out.write_all(bytes)?))
    }

    fn put(&self, path: &str, bytes: &[u8]) -> Result<()> {
        output::write_whole(&self.0.join(path), |out| Ok(out.write_all(bytes)?))
    }

    fn begin(&self, shard: u64) -> Result<NamedTempFile> {
        begin_in(&self.shards(), "", shard)
    }

    fn keep(&self, file: NamedTempFile, path: &str) -> Result<()> {
        let path = self.0.join(path);
        let kept = || -> Result<()> {
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        kept().with_context(|| format!("writing {}", path.display()))
    }

    fn tidy(&self, shards: Range<u64>) -> Result<()> {
        tidy_in(&self.0, |target| target == STORE)?;
        tidy_in(&self.shards(), |target| is_of(target, &shards))
    }
}

/// A file in a folder for what becomes one of a shard; its name begins with a dot and a prefix.
pub fn begin_in(folder: &Path, prefix: &str, shard: u64) -> Result<NamedTempFile> {
    let writing = || format!("writing to {}", folder.display());
    fs::create_dir_all(folder).with_context(writing)?;
    output::unfinished(format!(".{prefix}{shard:06}{WRITING}"), folder).with_context(writing)
}

/// Removes hidden files that nobody writes any more, if what they were to become (`000004.json`
/// where one is `.000004.json.writing-` and what makes it the only one) is ours.
pub fn tidy_in(folder: &Path, is_ours: impl Fn(&str) -> bool) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let target = name.to_str().and_then(|name| name.strip_prefix('.')?.split_once(WRITING));
        if target.is_some_and(|(target, _)| is_ours(target)) && is_left(&path) {
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// Whether a file is one of these shards.
pub fn is_of(name: &str, shards: &Range<u64>) -> bool {
    let shard = name.split('.').next().and_then(|number| number.parse().ok());
    shard.is_some_and(|shard| shards.contains(&shard))
}

/// Whether nobody writes a file any more.
fn is_left(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder(temporary.path().join("store"));
        (temporary, folder)
    }

    #[test]
    fn who_comes_first_writes_and_who_comes_later_leaves_it_alone() {
        let (_temporary, folder) = folder();
        assert_eq!(folder.read("store.json", 9).unwrap(), None);
        assert!(folder.create("store.json", b"first").unwrap());
        assert!(!folder.create("store.json", b"later").unwrap());
        assert_eq!(folder.read("store.json", 9).unwrap().unwrap(), b"first");
        let error = folder.read("store.json", 4).unwrap_err().to_string();
        assert!(error.contains("longer than 4 bytes"), "{error}");
    }

    #[test]
    fn what_is_being_written_is_seen_by_nobody_until_it_is_kept() {
        let (_temporary, folder) = folder();
        assert!(folder.list(SHARDS).unwrap().is_empty());
        let mut file = folder.begin(3).unwrap();
        file.write_all(b"numbers").unwrap();
        assert!(folder.list(SHARDS).unwrap().is_empty());
        folder.keep(file, "shards/a").unwrap();
        assert_eq!(folder.list(SHARDS).unwrap(), BTreeMap::from([("a".to_owned(), 7)]));
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_others_write_is_not() {
        let (_temporary, folder) = folder();
        let at_work = folder.begin(3).unwrap();
        let [left, of_another] = [3, 4].map(|shard| folder.begin(shard).unwrap().keep().unwrap().1);
        let cut = ["shards/.000003.json.writing-x", ".store.json.writing-x"].map(|name| {
            let path = folder.0.join(name);
            fs::write(&path, "{").unwrap();
            path
        });
        folder.tidy(2..4).unwrap();
        assert!(at_work.path().exists() && of_another.exists());
        assert!(!left.exists() && cut.iter().all(|path| !path.exists()));
    }
}

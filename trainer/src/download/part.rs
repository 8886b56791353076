//! The unfinished file and what is known of its origin.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::DownloadError;

/// Where an unfinished file comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOrigin {
    /// As asked for.
    pub address: String,
    /// The server's mark of this version of the file.
    pub validator: Option<String>,
    /// Bytes of the whole, if the server said.
    pub total: Option<u64>,
    /// Of the whole, if it is published: files of one hash are one, wherever they come from.
    #[serde(default)]
    pub hash: Option<String>,
}

/// An unfinished file, locked for this process.
#[derive(Debug)]
pub struct Part {
    file: File,
    path: PathBuf,
}

impl Part {
    /// Opens or begins the part at `path` and locks it.
    pub fn open(path: &Path) -> Result<Self, DownloadError> {
        let failed = |reason| DownloadError::Disk { path: path.to_owned(), reason };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path: path.to_owned() }),
            Err(TryLockError::WouldBlock) => Err(DownloadError::Busy(path.to_owned())),
            // A file system without locks, as some network ones are: go on without.
            Err(TryLockError::Error(_)) => Ok(Self { file, path: path.to_owned() }),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes here.
    pub fn length(&self) -> Result<u64, DownloadError> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|error| self.disk(error))
    }

    /// Where the bytes here came from, if that was noted.
    pub fn origin(&self) -> Option<PartOrigin> {
        let text = fs::read(origin_path(&self.path)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Where the bytes here came from, if the download of `address` can go on after them.
    /// Bytes that cannot be continued stay until [`Part::restart`]: nothing better may come.
    pub fn resumable(
        &self,
        address: &str,
        hash: Option<&str>,
    ) -> Result<Option<PartOrigin>, DownloadError> {
        let origin = self.origin().and_then(|origin| {
            let is_same_file = hash.is_some() && origin.hash.as_deref() == hash;
            match origin.address == address {
                true if origin.validator.is_some() || hash.is_some() => Some(origin),
                // Another server's mark of the version means nothing to this one.
                false if is_same_file => Some(PartOrigin { validator: None, ..origin }),
                _ => None,
            }
        });
        Ok(if 0 < self.length()? { origin } else { None })
    }

    /// Begins anew with a file of this origin.
    pub fn restart(&mut self, origin: &PartOrigin) -> Result<(), DownloadError> {
        self.clear()?;
        let text = serde_json::to_vec(origin).map_err(|error| self.disk(error.into()))?;
        fs::write(origin_path(&self.path), text).map_err(|error| self.disk(error))
    }

    /// Throws away what is here.
    pub fn clear(&mut self) -> Result<(), DownloadError> {
        self.file.set_len(0).map_err(|error| self.disk(error))
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        let written = self.file.seek(SeekFrom::End(0)).and_then(|_| self.file.write_all(bytes));
        written.map_err(|error| self.disk(error))
    }

    /// Removes the part, once what it held is safe elsewhere or known to be useless.
    pub fn remove(self) -> io::Result<()> {
        let Self { file, path } = self;
        // Some systems do not remove open files.
        drop(file);
        let origin = origin_path(&path);
        if origin.exists() {
            fs::remove_file(origin)?;
        }
        fs::remove_file(path)
    }

    /// Keeps what is here for the next run; where nothing is, nothing stays.
    pub fn leave(self) -> Result<(), DownloadError> {
        if 0 < self.length()? {
            return Ok(());
        }
        let path = self.path.clone();
        self.remove().map_err(|reason| DownloadError::Disk { path, reason })
    }

    fn disk(&self, reason: io::Error) -> DownloadError {
        DownloadError::Disk { path: self.path.clone(), reason }
    }
}

fn origin_path(part: &Path) -> PathBuf {
    let mut name = OsString::from(part);
    name.push(".json");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(validator: Option<&str>) -> PartOrigin {
        let address = "http://example.org/weights".to_owned();
        PartOrigin { address, validator: validator.map(str::to_owned), total: Some(9), hash: None }
    }

    #[test]
    fn a_part_goes_on_only_for_the_address_it_came_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.part");
        let origin = origin(Some("\"v1\""));
        let mut part = Part::open(&path).unwrap();
        part.restart(&origin).unwrap();
        part.append(b"half").unwrap();
        drop(part);

        let part = Part::open(&path).unwrap();
        assert_eq!(part.resumable(&origin.address, None).unwrap(), Some(origin));
        assert_eq!(part.length().unwrap(), 4);
        assert_eq!(part.resumable("http://example.org/other", None).unwrap(), None);
        assert_eq!(part.length().unwrap(), 4, "nothing else has come yet");
    }

    #[test]
    fn without_a_mark_of_its_version_a_part_goes_on_only_towards_a_known_hash() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = Part::open(&folder.path().join("weights.part")).unwrap();
        let origin = origin(None);
        part.restart(&origin).unwrap();
        part.append(b"half").unwrap();
        assert_eq!(part.resumable(&origin.address, Some("1f")).unwrap(), Some(origin.clone()));
        assert_eq!(part.resumable(&origin.address, None).unwrap(), None);
    }

    #[test]
    fn a_part_goes_on_from_another_address_of_a_file_of_the_same_hash() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = Part::open(&folder.path().join("weights.part")).unwrap();
        let origin = PartOrigin { hash: Some("1f".to_owned()), ..origin(Some("\"v1\"")) };
        part.restart(&origin).unwrap();
        part.append(b"half").unwrap();
        let resumed = |hash| part.resumable("http://mirror.example.org/w", hash).unwrap();
        assert_eq!(resumed(Some("1f")), Some(PartOrigin { validator: None, ..origin }));
        assert_eq!(resumed(Some("2e")), None);
    }

    #[test]
    fn two_runs_cannot_share_a_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.part");
        let first = Part::open(&path).unwrap();
        assert!(matches!(Part::open(&path), Err(DownloadError::Busy(_))));
        drop(first);
        Part::open(&path).unwrap().remove().unwrap();
        assert!(!path.exists());
    }
}

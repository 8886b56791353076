//! Rows of numbers into shards, each finished before anybody sees it.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::sync::mpsc::Receiver;

use anyhow::{Error, Result};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use shared::format::bundle::Part;
use shared::format::shards::{Layout, Record, Titled, data_path, pictures_path, record_path};
use tempfile::NamedTempFile;

use crate::hash;
use crate::shards::shelf::{SHARDS, Shelf};

/// Some examples of one shard, which come behind those that came before.
pub struct Rows {
    /// The shard.
    pub shard: u64,
    /// Bytes of each array.
    pub arrays: Vec<Vec<u8>>,
    /// What the examples are called.
    pub pictures: Vec<Titled>,
    /// The numbers of those that could not be read.
    pub unreadable: Vec<u64>,
}

/// Writes the shards of a store.
pub struct Writer<'a> {
    /// Where to.
    pub shelf: &'a dyn Shelf,
    /// Where in a shard numbers lie.
    pub layout: &'a Layout,
    /// SHA-256 of the description, hexadecimal.
    pub store_sha256: &'a str,
}

impl Writer<'_> {
    /// Writes what comes until nothing does; a shard that has not all its examples then is
    /// forgotten. Returns the records of the others.
    pub fn run(&self, rows: Receiver<Rows>) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut begun: Option<Begun> = None;
        for rows in rows {
            let shard = rows.shard;
            let whole = self.layout.shard_examples(shard);
            let mut taken = match begun.take() {
                Some(begun) => begun,
                None => self.begin(shard).map_err(|error| self.failed(shard, error))?,
            };
            taken.add(rows).map_err(|error| self.failed(shard, error.into()))?;
            if taken.pictures.len() as u64 == whole.end - whole.start {
                records.push(self.finish(shard, taken).map_err(|error| self.failed(shard, error))?);
            } else {
                begun = Some(taken);
            }
        }
        Ok(records)
    }

    fn begin(&self, shard: u64) -> Result<Begun> {
        let files = self.layout.arrays.iter().map(|_| {
            let file = BufWriter::with_capacity(1 << 20, self.shelf.begin(shard)?);
            Ok(Unfinished { file, hasher: Sha256::new(), size: 0 })
        });
        let files = files.collect::<Result<_>>()?;
        Ok(Begun { files, pictures: Vec::new(), unreadable: Vec::new() })
    }

    /// Its files first, its record last: who sees that sees all.
    fn finish(&self, shard: u64, begun: Begun) -> Result<Record> {
        let Begun { files, pictures, unreadable } = begun;
        let mut arrays = Vec::new();
        for (array, unfinished) in files.into_iter().enumerate() {
            let (file, size, sha256) = unfinished.finish()?;
            let path = data_path(shard, array, &sha256, self.layout);
            self.shelf.keep(file, &format!("{SHARDS}/{path}"))?;
            arrays.push(Part { path, size, sha256 });
        }
        let listed = serde_json::to_vec(&pictures)?;
        let path = pictures_path(shard, &hash::sha256(&listed));
        self.shelf.put(&format!("{SHARDS}/{path}"), &listed)?;
        let examples = self.layout.shard_examples(shard);
        let record = Record {
            store_sha256: self.store_sha256.to_owned(),
            shard,
            first: examples.start,
            examples: examples.end - examples.start,
            unreadable,
            arrays,
            pictures: Part::of(&path, &listed),
        };
        let path = format!("{SHARDS}/{}", record_path(shard));
        self.shelf.put(&path, record.to_json()?.as_bytes())?;
        Ok(record)
    }

    fn failed(&self, shard: u64, error: Error) -> Error {
        let context = format!("writing shard {shard} of {}", self.shelf.name());
        let full = is_full(&error);
        error.context(match full {
            true => format!(
                "{context}: there is no room left; shards that are finished stay, and the same \
                 command goes on once there is"
            ),
            false => context,
        })
    }
}

/// Whether a disk, or what may be used of it, is full.
fn is_full(error: &Error) -> bool {
    error.chain().any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    })
}

/// A shard on its way.
struct Begun {
    files: Vec<Unfinished>,
    pictures: Vec<Titled>,
    unreadable: Vec<u64>,
}

impl Begun {
    fn add(&mut self, rows: Rows) -> io::Result<()> {
        for (file, bytes) in self.files.iter_mut().zip(&rows.arrays) {
            file.write(bytes)?;
        }
        self.pictures.extend(rows.pictures);
        self.unreadable.extend(rows.unreadable);
        Ok(())
    }
}

/// A file of numbers on its way.
struct Unfinished {
    file: BufWriter<NamedTempFile>,
    hasher: Sha256,
    size: u64,
}

impl Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn finish(self) -> Result<(NamedTempFile, u64, String)> {
        let file = self.file.into_inner().map_err(|error| error.into_error())?;
        Ok((file, self.size, HEXLOWER.encode(&self.hasher.finalize())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let full = Error::from(io::Error::from(ErrorKind::StorageFull)).context("writing");
        assert!(is_full(&full));
        assert!(!is_full(&Error::from(io::Error::from(ErrorKind::NotFound))));
    }
}

//! What is in a store, and whether it is what was written.

use std::ops::Range;

use anyhow::Result;
use serde::Serialize;
use shared::format::shards::{Layout, shard_of_record};

use super::shelf::{Folder, SHARDS, Shelf};
use super::{Origin, Store, description, finished, runs_without};
use crate::interrupt;
use crate::progress::{Counted, Progress};

/// What a store holds. A stable interface: scripts read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verified {
    /// Where it lies.
    pub store: String,
    /// Whose format it is: `pellucid` or `saev`.
    pub format: &'static str,
    /// Whose activations these are.
    pub model: String,
    /// What of them, and how it is laid out.
    #[serde(flatten)]
    pub layout: Layout,
    /// How many shards there are when all is recorded.
    pub shards: u64,
    /// Those that are not there, as `[first, behind the last]`.
    pub missing: Vec<[u64; 2]>,
    /// How many pictures could not be read, of the shards that are there.
    pub unreadable: u64,
    /// Of the files of numbers that are there.
    pub bytes: u64,
    /// What is wrong, file by file.
    pub damaged: Vec<String>,
}

impl Verified {
    fn new(store: String, format: &'static str, model: String, layout: Layout) -> Self {
        let shards = layout.shards();
        let (missing, damaged) = (Vec::new(), Vec::new());
        Self { store, format, model, layout, shards, missing, unreadable: 0, bytes: 0, damaged }
    }

    /// Whether all of it is there and right.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.damaged.is_empty()
    }

    fn missing(mut self, runs: Vec<Range<u64>>) -> Self {
        self.missing = runs.into_iter().map(|run| [run.start, run.end]).collect();
        self
    }
}

/// Compares every file of a store with its size and SHA-256.
///
/// # Errors
/// It is no store, a file cannot be read, or Ctrl-C was pressed.
pub fn verify(shelf: &dyn Shelf) -> Result<Verified> {
    let (description, store_sha256) = description(shelf)?;
    let layout = description.layout;
    let mut found =
        Verified::new(shelf.name(), "pellucid", description.named.model, layout.clone());
    let files = shelf.list(SHARDS)?;
    let mut shards: Vec<u64> = files.keys().filter_map(|name| shard_of_record(name)).collect();
    shards.sort_unstable();
    // Of a store that was larger once: no shard of this one.
    shards.retain(|shard| *shard < found.shards);
    let mut records = Vec::new();
    for &shard in &shards {
        interrupt::check()?;
        match finished(shelf, &files, (&store_sha256, &layout), shard) {
            Ok(record) => records.extend(record),
            Err(error) => found.damaged.push(format!("{error:#}")),
        }
    }
    let parts = || records.iter().flat_map(|record| record.arrays.iter().chain([&record.pictures]));
    let total = parts().map(|part| part.size).sum();
    let mut progress = Progress::new("verifying", Some(total), Counted::Bytes);
    for part in parts() {
        let path = format!("{SHARDS}/{}", part.path);
        let sha256 = shelf.sha256(&path, &mut |bytes| progress.advance(bytes))?;
        if sha256 != part.sha256 {
            let expected = &part.sha256;
            found.damaged.push(format!("{path} has SHA-256 {sha256}, expected {expected}"));
        }
        interrupt::check()?;
    }
    progress.clear();
    found.unreadable = records.iter().map(|record| record.unreadable.len() as u64).sum();
    found.bytes = records.iter().flat_map(|record| &record.arrays).map(|part| part.size).sum();
    let missing = runs_without(0..found.shards, shards.into_iter());
    Ok(found.missing(missing))
}

/// The same of saev's shards, which have no checksums: they are there, and long enough.
///
/// # Errors
/// As [`Store::open`].
pub fn verify_saev(folder: &Folder) -> Result<Verified> {
    let store = Store::open(&folder.0)?;
    let model = match store.origin() {
        Origin::Pellucid(named) => named.model.clone(),
        Origin::Saev(metadata) => format!("{} {}", metadata.family, metadata.ckpt),
    };
    let layout = store.layout().clone();
    let mut found = Verified::new(folder.name(), "saev", model, layout);
    let there = store.examples().count() as u64;
    found.bytes = there * store.layout().example_bytes(0) as u64;
    Ok(found.missing(store.missing()))
}

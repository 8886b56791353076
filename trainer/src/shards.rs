//! Activations on disk, opened: numbers are mapped into memory, not read.
//!
//! `docs/shards.md` says what a store is. saev's shards are opened the same way.

pub mod bucket;
pub mod saev;
pub mod shelf;
pub mod verify;

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use memmap2::Mmap;
use shared::format::shards::saev::{self as theirs, Metadata};
use shared::format::shards::{
    self as format, Description, Layout, Named, PICTURES_LIMIT, RECORD_LIMIT, Record, STORE_LIMIT,
    Titled, record_path, shard_of_record,
};

use crate::hash;
use shelf::{Folder, SHARDS, STORE, Shelf};

/// A store that is open.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    origin: Origin,
    layout: Layout,
    /// Of its description, hexadecimal.
    sha256: String,
    shards: BTreeMap<u64, Shard>,
}

/// Who wrote a store, and what is known of it besides its layout.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// `pellucid record`.
    Pellucid(Box<Named>),
    /// saev.
    Saev(Box<Metadata>),
}

/// A shard that is there.
#[derive(Debug)]
struct Shard {
    files: Vec<Mapped>,
    unreadable: Vec<u64>,
    /// The list of its pictures; saev has none.
    pictures: Option<String>,
}

/// A file of numbers, mapped when it is first looked at.
#[derive(Debug)]
struct Mapped {
    path: PathBuf,
    /// Bytes that it must have at least.
    size: u64,
    map: OnceLock<Mmap>,
}

impl Mapped {
    fn new(path: PathBuf, size: u64) -> Self {
        Self { path, size, map: OnceLock::new() }
    }

    fn bytes(&self) -> Result<&[u8]> {
        if let Some(map) = self.map.get() {
            return Ok(map);
        }
        let opening = || format!("opening {}", self.path.display());
        let file = File::open(&self.path).with_context(opening)?;
        let size = file.metadata().with_context(opening)?.len();
        if size < self.size {
            bail!("{} has {size} bytes, expected {}", self.path.display(), self.size);
        }
        // SAFETY: a file of a store never changes once it has its name. If somebody cuts one off all
        // the same, what is beyond its end ends the program; it is never taken for something else.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(&file) }.with_context(opening)?;
        Ok(self.map.get_or_init(|| map))
    }
}

impl Store {
    /// Opens a store, or saev's shards. Of its files only sizes are looked at; [`verify`] looks at
    /// what is in them.
    ///
    /// # Errors
    /// It is neither, or a file is damaged or of another size, by name.
    pub fn open(folder: &Path) -> Result<Self> {
        if folder.join(theirs::METADATA).is_file() {
            return Self::open_saev(folder);
        }
        let shelf = Folder(folder.to_owned());
        let (description, store_sha256) = description(&shelf)?;
        let Description { named, layout } = description;
        let files = shelf.list(SHARDS)?;
        let mut shards = BTreeMap::new();
        for shard in files.keys().filter_map(|name| shard_of_record(name)) {
            let within = || format!("in {}", folder.display());
            let record =
                finished(&shelf, &files, (&store_sha256, &layout), shard).with_context(within)?;
            let Some(record) = record else { continue };
            let inside = folder.join(SHARDS);
            let mapped =
                record.arrays.iter().map(|part| Mapped::new(inside.join(&part.path), part.size));
            let files = mapped.collect();
            let (unreadable, pictures) = (record.unreadable, Some(record.pictures.path));
            shards.insert(shard, Shard { files, unreadable, pictures });
        }
        let origin = Origin::Pellucid(Box::new(named));
        Ok(Self { folder: folder.to_owned(), origin, layout, sha256: store_sha256, shards })
    }

    fn open_saev(folder: &Path) -> Result<Self> {
        let within = || format!("in {}", folder.display());
        let shelf = Folder(folder.to_owned());
        let bytes = shelf.read(theirs::METADATA, theirs::METADATA_LIMIT)?.unwrap_or_default();
        let metadata = Metadata::parse(&bytes).with_context(within)?;
        let layout = metadata.layout();
        // The first protocol had no list: how many are in a file follows.
        if let Some(bytes) = shelf.read(theirs::SHARDS, theirs::SHARDS_LIMIT)? {
            theirs::check_list(&bytes, &layout).with_context(within)?;
        }
        let files = shelf.list("")?;
        let mut shards = BTreeMap::new();
        for shard in 0..layout.shards() {
            let (name, needed) = (theirs::data_name(shard), layout.file_bytes(shard, 0));
            match files.get(&name) {
                None => break,
                Some(size) if *size < needed => {
                    bail!("{}: {name} has {size} bytes, expected {needed}", folder.display())
                }
                Some(_) => {
                    let files = vec![Mapped::new(folder.join(name), needed)];
                    shards.insert(shard, Shard { files, unreadable: Vec::new(), pictures: None });
                }
            }
        }
        let origin = Origin::Saev(Box::new(metadata));
        let sha256 = hash::sha256(&bytes);
        Ok(Self { folder: folder.to_owned(), origin, layout, sha256, shards })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Who wrote it.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Of its description, hexadecimal: another store has another.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The model, and SHA-256 of its weights, hexadecimal; saev knows none.
    pub fn made_with(&self) -> [&str; 2] {
        match &self.origin {
            Origin::Pellucid(named) => [&named.model, &named.weights_sha256],
            Origin::Saev(metadata) => [&metadata.ckpt, ""],
        }
    }

    /// Where in it numbers lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Shards that are not there yet, in runs.
    pub fn missing(&self) -> Vec<Range<u64>> {
        runs_without(0..self.layout.shards(), self.shards.keys().copied())
    }

    /// The examples that can be read in the shards that are there, in order.
    pub fn examples(&self) -> impl Iterator<Item = u64> {
        self.shards.iter().flat_map(|(shard, there)| {
            let is_read = |number: &u64| there.unreadable.binary_search(number).is_err();
            self.layout.shard_examples(*shard).filter(is_read)
        })
    }

    /// What a layer answered to an example; the layer as [`Layout::find`] finds it. Nothing where
    /// the picture could not be read.
    ///
    /// # Shapes
    /// - returns: `[tokens, channels]`
    ///
    /// # Errors
    /// Its shard is not there, or cannot be mapped.
    pub fn tokens(&self, layer: [usize; 2], example: u64) -> Result<Option<Vec<f32>>> {
        let number = example / self.layout.examples_per_shard;
        let shard = self.shard(number)?;
        if self.layout.examples <= example {
            bail!("{} has no example {example}", self.folder.display());
        }
        if shard.unreadable.binary_search(&example).is_ok() {
            return Ok(None);
        }
        let bytes = &shard.files[layer[0]].bytes()?[self.layout.layer_bytes(example, layer)];
        Ok(Some(self.layout.dtype.decode(bytes)))
    }

    /// What the examples of a shard are called, in their order; nothing in saev's.
    ///
    /// # Errors
    /// The shard is not there, or its list is damaged.
    pub fn pictures(&self, shard: u64) -> Result<Vec<Titled>> {
        let Some(name) = &self.shard(shard)?.pictures else { return Ok(Vec::new()) };
        let path = format!("{SHARDS}/{name}");
        let bytes = Folder(self.folder.clone()).read(&path, PICTURES_LIMIT)?.unwrap_or_default();
        let examples = self.layout.shard_examples(shard);
        Ok(format::pictures(&path, &bytes, examples.end - examples.start)?)
    }

    /// What pictures that can be read are labelled as, by their number; those without a label are left
    /// out.
    ///
    /// # Errors
    /// A shard's list is damaged.
    pub fn labels(&self) -> Result<BTreeMap<u64, String>> {
        let mut labels = BTreeMap::new();
        for (&shard, there) in &self.shards {
            let numbers = self.layout.shard_examples(shard);
            let titled = numbers.zip(self.pictures(shard)?).filter(|(number, titled)| {
                !titled.label.is_empty() && there.unreadable.binary_search(number).is_err()
            });
            labels.extend(titled.map(|(number, titled)| (number, titled.label)));
        }
        Ok(labels)
    }

    fn shard(&self, shard: u64) -> Result<&Shard> {
        let found = self.shards.get(&shard);
        found.with_context(|| format!("{} has no shard {shard} yet", self.folder.display()))
    }
}

/// The description of a store, and its SHA-256.
///
/// # Errors
/// There is none, or it is damaged.
pub fn description(shelf: &dyn Shelf) -> Result<(Description, String)> {
    let bytes = shelf.read(STORE, STORE_LIMIT)?.with_context(|| {
        format!("{} is no store: it has neither {STORE} nor {}", shelf.name(), theirs::METADATA)
    })?;
    let description = Description::parse(&bytes).with_context(|| format!("in {}", shelf.name()))?;
    Ok((description, hash::sha256(&bytes)))
}

/// The record of a shard that is there and whole, as far as its files' sizes tell; `files` are those
/// of the folder of shards. Nothing where there is none.
///
/// # Errors
/// It cannot be read, does not belong to this store, or a file of it is missing or of another size.
pub fn finished(
    shelf: &dyn Shelf,
    files: &BTreeMap<String, u64>,
    (store_sha256, layout): (&str, &Layout),
    shard: u64,
) -> Result<Option<Record>> {
    let path = record_path(shard);
    if !files.contains_key(&path) {
        return Ok(None);
    }
    let path = format!("{SHARDS}/{path}");
    let bytes = shelf.read(&path, RECORD_LIMIT)?.with_context(|| format!("{path} went away"))?;
    let record = Record::parse(&bytes, shard, store_sha256, layout)?;
    for part in record.arrays.iter().chain([&record.pictures]) {
        match files.get(&part.path) {
            Some(&size) if size == part.size => {}
            Some(size) => bail!("{} has {size} bytes, expected {}", part.path, part.size),
            None => bail!("{} is missing", part.path),
        }
    }
    Ok(Some(record))
}

/// What is left of numbers without some of them, which are ascending, in runs.
pub fn runs_without(all: Range<u64>, without: impl Iterator<Item = u64>) -> Vec<Range<u64>> {
    let mut runs = Vec::new();
    let mut next = all.start;
    for number in without.filter(|number| all.contains(number)) {
        if next < number {
            runs.push(next..number);
        }
        next = number + 1;
    }
    if next < all.end {
        runs.push(next..all.end);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_in_runs() {
        let runs = |without: &[u64]| runs_without(2..9, without.iter().copied());
        assert_eq!(runs(&[]).first(), Some(&(2..9)));
        assert_eq!(runs(&[0, 2, 5, 6, 9]), [3..5, 7..9]);
        assert_eq!(runs(&[2, 3, 4, 5, 6, 7, 8]), []);
    }

    #[test]
    fn a_folder_that_is_no_store_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let error = Store::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is no store"), "{error}");
    }

    /// Two examples of two layers, a class token and two places, three channels, one a file.
    fn saevs(folder: &Path) -> Vec<f32> {
        let metadata = r#"{"family": "clip", "ckpt": "a", "layers": [3, 11],
            "content_tokens_per_example": 2, "cls_token": true, "d_model": 3, "n_examples": 2,
            "max_tokens_per_shard": 7, "data": "gASVAAAA", "dataset": "/", "pixel_agg": null,
            "dtype": "float32", "protocol": "2.1"}"#;
        let shards = r#"[{"name": "acts000000.bin", "n_examples": 1},
            {"name": "acts000001.bin", "n_examples": 1}, {"name": "acts000002.bin", "n_examples": 0}]"#;
        std::fs::write(folder.join("metadata.json"), metadata).unwrap();
        std::fs::write(folder.join("shards.json"), shards).unwrap();
        let values: Vec<f32> = (0..2 * 2 * 3 * 3).map(|value| value as f32 / 7.0).collect();
        for (number, example) in values.chunks(18).chain([[0.0; 18].as_slice()]).enumerate() {
            let bytes: Vec<u8> = example.iter().flat_map(|value| value.to_le_bytes()).collect();
            std::fs::write(folder.join(theirs::data_name(number as u64)), bytes).unwrap();
        }
        values
    }

    #[test]
    fn saevs_shards_are_opened_although_the_last_of_them_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let values = saevs(folder.path());
        let store = Store::open(folder.path()).unwrap();
        assert_eq!((store.layout().shards(), store.missing().len()), (2, 0));
        assert_eq!(store.examples().collect::<Vec<_>>(), [0, 1]);
        let layer = store.layout().find("blocks.11").unwrap();
        assert_eq!(store.tokens(layer, 1).unwrap().unwrap(), values[27..36]);
        assert!(store.tokens(layer, 2).is_err());
        assert!(store.pictures(0).unwrap().is_empty());
    }

    #[test]
    fn a_file_of_saevs_that_was_cut_off_is_named() {
        let folder = tempfile::tempdir().unwrap();
        saevs(folder.path());
        std::fs::write(folder.path().join("acts000001.bin"), [0; 71]).unwrap();
        let error = Store::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("acts000001.bin has 71 bytes, expected 72"), "{error}");
        std::fs::remove_file(folder.path().join("acts000001.bin")).unwrap();
        let missing = Store::open(folder.path()).unwrap().missing();
        assert_eq!(missing.first(), Some(&(1..2)));
    }
}

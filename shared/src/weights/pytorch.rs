//! Named tensors in PyTorch's `.pth`, `.pt`, `.bin` and `.ckpt` files.
//!
//! `torch.save` writes a zip archive: a pickle of protocol 2 in `NAME/data.pkl`, in which tensors
//! refer to storages, and each storage's values in `NAME/data/KEY`. Before PyTorch 1.6 it wrote
//! pickles one after the other (a magic number, a version, a description of the machine, the
//! object, the storages' keys), then each storage's length and values.
//!
//! Training scripts save weights deep inside other things. Every tensor is read under the names
//! that lead to it, joined by dots: `model_ema.module.conv1.weight`. What an optimizer keeps is
//! left out. Objects, whole models among them, are looked through without their classes.
//!
//! Source: `torch/serialization.py`, `torch/_utils.py`, <https://github.com/pytorch/pytorch>.

mod pickle;
mod storage;
mod tree;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::error::WeightsError;
use super::foreign::Foreign;
use super::stored::StoredTensors;
use crate::format::zip::{self, Zip};

use pickle::{Node, Pickle};
use storage::Storages;

/// What the first pickle of the older layout says.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// As far into a file as the pickle of that number reaches.
const MAGIC_LENGTH: usize = 64;

/// Bytes of tensors for a byte of file: shared weights may count twice or so, never this often.
const MAX_EXPANSION: u64 = 16;

/// Whether a file begins like one that `torch.save` wrote, or like another .zip archive.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let mut head = &bytes[..bytes.len().min(MAGIC_LENGTH)];
    let is_pickle = matches!(head, [0x80, 2..=5, ..]);
    bytes.starts_with(zip::BEGINNING) || is_pickle && read_magic(&mut head).is_ok()
}

fn read_magic(bytes: &mut &[u8]) -> Result<(), String> {
    let pickle = Pickle::read(bytes)?;
    match pickle.node(pickle.root) {
        Node::Integer(MAGIC) => Ok(()),
        _ => Err("a pickle that torch.save did not write".to_owned()),
    }
}

/// Finds every tensor of floating point numbers that is not an optimizer's.
pub fn from_pytorch(bytes: &[u8]) -> Result<StoredTensors<'_>, WeightsError> {
    if bytes.starts_with(zip::BEGINNING) {
        return from_zip(bytes);
    }
    legacy(bytes).map_err(unreadable)
}

fn unreadable(reason: String) -> WeightsError {
    WeightsError::Unreadable { format: ".pth", reason }
}

/// A whole number or a text that a file has beside its tensors, under keys that lead to it; nothing
/// where there is none.
pub fn plain_from_pytorch(bytes: &[u8], keys: &[&str]) -> Result<Option<Value>, WeightsError> {
    let pickle = match bytes.starts_with(zip::BEGINNING) {
        true => Archive::open(bytes)?.pickle()?,
        false => {
            let mut rest = bytes;
            legacy_object(&mut rest).map_err(unreadable)?
        }
    };
    Ok(tree::plain(&pickle, keys))
}

/// What `torch.save` packs into a .zip archive.
struct Archive<'a> {
    zip: Zip<&'a [u8]>,
    entries: BTreeMap<String, zip::Packed>,
    /// Of the archive's one folder, which is called like the file was.
    root: String,
}

fn said(error: crate::Error) -> WeightsError {
    unreadable(error.to_string())
}

impl<'a> Archive<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, WeightsError> {
        let zip = Zip::open(bytes)
            .map_err(|error| unreadable(format!("{error}; was the download complete?")))?;
        let entries: BTreeMap<_, _> = zip.entries().map_err(said)?.into_iter().collect();
        let is_root = |root: &&str| root.find('/').is_none_or(|slash| slash == root.len() - 1);
        let roots = entries.keys().filter_map(|name| name.strip_suffix("data.pkl"));
        let root = roots.filter(|root| root.is_empty() || root.ends_with('/')).find(is_root);
        let Some(root) = root.map(str::to_owned) else {
            let bundle = entries.keys().any(|name| name.ends_with("bundle.json"));
            return Err(WeightsError::Foreign(Foreign::Zip { bundle }));
        };
        Ok(Self { zip, entries, root })
    }

    fn unpack(&self, name: &str) -> Result<Option<Cow<'_, [u8]>>, WeightsError> {
        let name = format!("{}{name}", self.root);
        let entry = self.entries.get(&name);
        entry.map(|entry| self.zip.unpack(&name, *entry)).transpose().map_err(said)
    }

    fn pickle(&self) -> Result<Pickle, WeightsError> {
        let data = self.unpack("data.pkl")?.unwrap_or_default();
        Pickle::read(&mut &*data).map_err(unreadable)
    }
}

fn from_zip(bytes: &[u8]) -> Result<StoredTensors<'_>, WeightsError> {
    let archive = Archive::open(bytes)?;
    if archive.unpack("byteorder")?.is_some_and(|order| order.starts_with(b"big")) {
        return Err(unreadable(
            "it was written on a machine that orders bytes the other way".to_owned(),
        ));
    }
    let pickle = archive.pickle()?;
    let Archive { zip, entries, root } = archive;
    // Storages as `torch.save` writes them are not compressed, and are read where they lie.
    let mut left = MAX_EXPANSION * bytes.len() as u64;
    let storages = Storages::new(|key| {
        let name = format!("{root}data/{key}");
        let entry = entries.get(&name).ok_or_else(|| format!("its storage {name} is missing"))?;
        left = left.checked_sub(entry.size()).ok_or("its storages unpack to too much")?;
        zip.unpack_lasting(&name, *entry).map_err(|error| error.to_string())
    });
    tensors(&pickle, storages, bytes.len()).map_err(unreadable)
}

/// What a file of the older layout is about; the keys of its storages follow.
fn legacy_object(rest: &mut &[u8]) -> Result<Pickle, String> {
    read_magic(rest)?;
    let _version = Pickle::read(rest)?;
    let _machine = Pickle::read(rest)?;
    Pickle::read(rest)
}

/// The tensors of the older layout.
fn legacy(bytes: &[u8]) -> Result<StoredTensors<'_>, String> {
    let mut rest = bytes;
    let object = legacy_object(&mut rest)?;
    let keys = Pickle::read(&mut rest)?;
    let sizes = tree::element_sizes(&object);
    let mut storages = BTreeMap::new();
    for key in keys.sequence(keys.root) {
        let key = keys.text(*key).ok_or("a storage's key that is no text")?;
        let (length, after) =
            rest.split_first_chunk::<8>().ok_or("it ends before its storages do")?;
        let size = sizes.get(key).ok_or_else(|| format!("no tensor is in the storage {key}"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok();
        let length = length.and_then(|length| length.checked_mul(*size));
        let split = length.and_then(|length| after.split_at_checked(length));
        let (values, after) = split.ok_or("it ends before its storages do: cut short?")?;
        storages.insert(key.to_owned(), values);
        rest = after;
    }
    let find = |key: &str| {
        let found = storages.get(key).copied().map(Cow::Borrowed);
        found.ok_or_else(|| format!("its storage {key} is missing"))
    };
    tensors(&object, Storages::new(find), bytes.len())
}

/// Every tensor in an object.
fn tensors<'a>(
    pickle: &Pickle,
    mut storages: Storages<'_, 'a>,
    file_length: usize,
) -> Result<StoredTensors<'a>, String> {
    let found = tree::tensors(pickle)?;
    // A tensor may repeat one stored value any number of times, so a small file could ask for more
    // memory than there is.
    let declared =
        found.iter().fold(0_u64, |sum, (_, tensor)| sum.saturating_add(tensor.byte_len()));
    if MAX_EXPANSION * (file_length as u64) < declared {
        return Err(format!(
            "a file of {file_length} bytes that declares {declared} bytes of tensors"
        ));
    }
    let mut tensors = StoredTensors::default();
    for (name, view) in found {
        let shape = view.shape.clone();
        let read = storages.reader(view).map_err(|reason| format!("{name}: {reason}"))?;
        // The first of those that the same name leads to.
        if tensors.shape(&name).is_none() {
            tensors.insert(name, shape, read);
        }
    }
    if tensors.is_empty() {
        return Err("it holds no tensor of floating point numbers".to_owned());
    }
    Ok(tensors)
}

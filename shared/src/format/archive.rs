//! A bundle in one .zip file.
//!
//! An archive is untrusted like every bundle. Nothing of it is unpacked but what `bundle.json`
//! names, each part when it is asked for and into as many bytes as `bundle.json` says, so that an
//! archive takes no more memory than the same bundle in a folder.

use std::collections::BTreeMap;

use super::bundle::{Bundle, MANIFEST_LIMIT, Part};
use super::zip::{Packed, Zip};
use crate::{Error, Result};

/// The most that a bundle may unpack to, in bytes.
pub const ARCHIVE_LIMIT: u64 = 2 << 30;

/// What macOS adds to every archive.
const MACOS: &str = "__MACOSX/";

/// A bundle in one .zip file: `bundle.json` at its root or in a folder there, and the parts beside
/// it.
pub struct Archive {
    zip: Zip<Vec<u8>>,
    json: String,
    bundle: Bundle,
    /// By their path in the bundle.
    parts: BTreeMap<String, Packed>,
}

impl Archive {
    /// Reads the directory and `bundle.json`, and checks that every part is there.
    ///
    /// # Errors
    /// No .zip file or a damaged one, no `bundle.json` or two, entries that leave the folder or
    /// share a name, a part that is missing or is not as long as `bundle.json` says.
    pub fn open(bytes: Vec<u8>) -> Result<Self> {
        let zip = Zip::open(bytes)?;
        let mut entries = read_directory(&zip)?;
        let folder = find_bundle(&entries)?;
        let manifest = format!("{folder}bundle.json");
        let packed = entries.remove(&manifest).ok_or_else(no_bundle)?;
        if (MANIFEST_LIMIT as u64) < packed.size() {
            return Err(wrong(
                &manifest,
                format!("has {} bytes, at most {MANIFEST_LIMIT} are read", packed.size()),
            ));
        }
        let json = String::from_utf8(zip.unpack(&manifest, packed)?.into_owned())
            .map_err(|error| wrong(&manifest, format!("is no UTF-8: {error}")))?;
        let bundle = Bundle::parse(json.as_bytes())?;

        let total: u64 = bundle.parts().iter().map(|part| part.size).sum();
        if ARCHIVE_LIMIT < total {
            return Err(wrong(
                &manifest,
                format!("its parts have {total} bytes, at most {ARCHIVE_LIMIT} are unpacked"),
            ));
        }
        let mut parts = BTreeMap::new();
        for part in bundle.parts() {
            let packed = entries.remove(&format!("{folder}{}", part.path)).ok_or_else(|| {
                wrong(&part.path, "is missing from the archive, but named in bundle.json")
            })?;
            if packed.size() != part.size {
                return Err(wrong(
                    &part.path,
                    format!("unpacks to {} bytes, bundle.json says {}", packed.size(), part.size),
                ));
            }
            zip.packed(&part.path, packed)?;
            parts.insert(part.path.clone(), packed);
        }
        Ok(Self { zip, json, bundle, parts })
    }

    /// The text of `bundle.json`.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// What `bundle.json` says.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The archive's own bytes.
    pub fn bytes(&self) -> &[u8] {
        self.zip.bytes()
    }

    /// A part, unpacked and checked.
    ///
    /// # Errors
    /// No such part, damaged data, or bytes other than the part describes.
    pub fn unpack(&self, part: &Part) -> Result<Vec<u8>> {
        let packed = self
            .parts
            .get(&part.path)
            .ok_or_else(|| wrong(&part.path, "is no part of the archive's bundle"))?;
        let bytes = self.zip.unpack(&part.path, *packed)?.into_owned();
        part.check(&bytes)?;
        Ok(bytes)
    }
}

/// Every file in the archive, by its name.
fn read_directory(zip: &Zip<Vec<u8>>) -> Result<BTreeMap<String, Packed>> {
    let mut entries = BTreeMap::new();
    for (name, entry) in zip.entries()? {
        if leaves_folder(&name) {
            return Err(wrong("archive", format!("the entry {name:?} leaves its folder")));
        }
        // Folders, what a Mac adds, and names that no part can have.
        if name.ends_with('/') || name.starts_with(MACOS) || !name.is_ascii() {
            continue;
        }
        if entries.contains_key(&name) {
            return Err(wrong("archive", format!("two entries are called {name:?}")));
        }
        entries.insert(name, entry);
    }
    Ok(entries)
}

/// Whether a name would mean a place outside the folder that it is unpacked into, on any system.
fn leaves_folder(name: &str) -> bool {
    name.starts_with('/')
        || name.contains('\\')
        || name.as_bytes().get(1) == Some(&b':')
        || name.split('/').any(|step| step == "..")
}

/// The folder that holds `bundle.json`: nothing, or one name and a slash.
fn find_bundle(entries: &BTreeMap<String, Packed>) -> Result<String> {
    let folders: Vec<&str> = entries
        .keys()
        .filter_map(|name| name.strip_suffix("bundle.json"))
        .filter(|folder| folder.is_empty() || folder.find('/') == Some(folder.len() - 1))
        .collect();
    match folders.as_slice() {
        [folder] => Ok((*folder).to_owned()),
        [] => Err(no_bundle()),
        [one, other, ..] => Err(wrong(
            "archive",
            format!("has two bundles, {one}bundle.json and {other}bundle.json; expected one"),
        )),
    }
}

fn no_bundle() -> Error {
    wrong("archive", "has no bundle.json, neither at its root nor in a folder there")
}

fn wrong(what: &str, reason: impl Into<String>) -> Error {
    Error::Format { what: what.to_owned(), reason: reason.into() }
}

//! A bundle in one .zip file.
//!
//! An archive is untrusted like every bundle. Nothing of it is unpacked but what `bundle.json`
//! names, each part when it is asked for and into as many bytes as `bundle.json` says, so that an
//! archive takes no more memory than the same bundle in a folder.
//!
//! Source: PKWARE's APPNOTE 6.3.10. Read are entries that are stored or deflated, as every program
//! writes them that is not asked for something else.

use std::collections::BTreeMap;

use miniz_oxide::inflate::{TINFLStatus, decompress_slice_iter_to_slice};
use rawzip::{
    CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipFileHeaderRecord, ZipSliceArchive,
    ZipVerification,
};

use super::bundle::{Bundle, MANIFEST_LIMIT, Part};
use crate::{Error, Result};

/// The most that a bundle may unpack to, in bytes.
pub const ARCHIVE_LIMIT: u64 = 2 << 30;

/// The most entries an archive may have.
const ENTRIES_LIMIT: usize = 100_000;

/// The most bytes that one byte of deflated data stands for: two bits can repeat 258 of them.
const MAX_EXPANSION: u64 = 1032;

/// What macOS adds to every archive.
const MACOS: &str = "__MACOSX/";

/// A bundle in one .zip file: `bundle.json` at its root or in a folder there, and the parts beside
/// it.
pub struct Archive {
    zip: ZipSliceArchive<Vec<u8>>,
    json: String,
    bundle: Bundle,
    /// By their path in the bundle.
    parts: BTreeMap<String, Packed>,
}

/// An entry as the archive's directory describes it.
#[derive(Clone, Copy)]
struct Packed {
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    encrypted: bool,
}

impl Archive {
    /// Reads the directory and `bundle.json`, and checks that every part is there.
    ///
    /// # Errors
    /// No .zip file or a damaged one, no `bundle.json` or two, entries that leave the folder or
    /// share a name, a part that is missing or is not as long as `bundle.json` says.
    pub fn open(bytes: Vec<u8>) -> Result<Self> {
        let zip = ZipArchive::from_slice(bytes)
            .map_err(|error| wrong("archive", format!("is no whole .zip file: {error}")))?;
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
        let json = String::from_utf8(packed.unpack(&manifest, &zip)?)
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
            packed.check(&part.path, &zip)?;
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
        self.zip.get_ref()
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
        let bytes = packed.unpack(&part.path, &self.zip)?;
        part.check(&bytes)?;
        Ok(bytes)
    }
}

impl Packed {
    fn of(entry: &ZipFileHeaderRecord<'_>) -> Self {
        Self {
            place: entry.wayfinder(),
            method: entry.compression_method(),
            encrypted: entry.flags().is_encrypted(),
        }
    }

    /// Bytes once unpacked, as the directory says.
    fn size(&self) -> u64 {
        self.place.uncompressed_size_hint()
    }

    /// Refuses what cannot unpack to what the directory says, before anything is allocated.
    fn check<'a>(&self, name: &str, zip: &'a ZipSliceArchive<Vec<u8>>) -> Result<&'a [u8]> {
        if self.encrypted {
            return Err(wrong(name, "is encrypted"));
        }
        let entry = zip
            .get_entry(self.place)
            .map_err(|error| wrong(name, format!("is not where the archive says: {error}")))?;
        let packed = entry.data().len() as u64;
        let possible = match self.method {
            CompressionMethod::STORE => self.size() == packed,
            CompressionMethod::DEFLATE => self.size() <= MAX_EXPANSION.saturating_mul(packed),
            other => {
                return Err(wrong(
                    name,
                    format!(
                        "is compressed by method {}; only stored (0) and deflated (8) are read",
                        other.as_u16()
                    ),
                ));
            }
        };
        if !possible {
            return Err(wrong(
                name,
                format!("{packed} bytes cannot unpack to the {} that it claims", self.size()),
            ));
        }
        Ok(entry.data())
    }

    fn unpack(&self, name: &str, zip: &ZipSliceArchive<Vec<u8>>) -> Result<Vec<u8>> {
        let data = self.check(name, zip)?;
        let bytes = if self.method == CompressionMethod::STORE {
            data.to_vec()
        } else {
            inflate(name, data, self.size())?
        };
        let found =
            ZipVerification { crc: rawzip::crc32(&bytes), uncompressed_size: bytes.len() as u64 };
        let entry = zip.get_entry(self.place);
        let verified = entry.and_then(|entry| entry.claim_verifier().valid(found));
        verified.map_err(|error| wrong(name, format!("is damaged in the archive: {error}")))?;
        Ok(bytes)
    }
}

/// Exactly `size` bytes from deflated ones.
fn inflate(name: &str, data: &[u8], size: u64) -> Result<Vec<u8>> {
    let no_memory =
        || Error::OutOfMemory { reason: format!("{name} of the archive unpacks to {size} bytes") };
    let length = usize::try_from(size).map_err(|_| no_memory())?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| no_memory())?;
    bytes.resize(length, 0);
    match decompress_slice_iter_to_slice(&mut bytes, std::iter::once(data), false, true) {
        Ok(unpacked) if unpacked == length => Ok(bytes),
        Ok(unpacked) => Err(wrong(name, format!("unpacks to {unpacked} bytes, not {size}"))),
        Err(TINFLStatus::HasMoreOutput) => {
            Err(wrong(name, format!("unpacks to more than the {size} bytes that it claims")))
        }
        Err(_) => Err(wrong(name, "is damaged in the archive: its data cannot be unpacked")),
    }
}

/// Every file in the archive, by its name.
fn read_directory(zip: &ZipSliceArchive<Vec<u8>>) -> Result<BTreeMap<String, Packed>> {
    let mut entries = BTreeMap::new();
    for (number, entry) in zip.entries().enumerate() {
        let entry = entry
            .map_err(|error| wrong("archive", format!("its directory is damaged: {error}")))?;
        if ENTRIES_LIMIT <= number {
            return Err(wrong("archive", format!("has more than {ENTRIES_LIMIT} entries")));
        }
        let name = entry.file_path();
        let name = String::from_utf8_lossy(name.as_bytes());
        if leaves_folder(&name) {
            return Err(wrong("archive", format!("the entry {name:?} leaves its folder")));
        }
        // Folders, what a Mac adds, and names that no part can have.
        if name.ends_with('/') || name.starts_with(MACOS) || !name.is_ascii() {
            continue;
        }
        if entries.insert(name.to_string(), Packed::of(&entry)).is_some() {
            return Err(wrong("archive", format!("two entries are called {name:?}")));
        }
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

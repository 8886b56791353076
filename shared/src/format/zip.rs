//! Files in a .zip archive, unpacked one at a time into as many bytes as its directory says.
//!
//! An archive is read from its end: the end record says where the directory is, and a zip64 record
//! before it, which some programs always write, counts as part of the end and not of the
//! directory. Read are entries that are stored or deflated, as every program writes them that is
//! not asked for something else.
//!
//! Source: PKWARE's APPNOTE 6.3.10.

use std::borrow::Cow;
use std::io::{Cursor, Write};

use miniz_oxide::inflate::{TINFLStatus, decompress_slice_iter_to_slice};
use rawzip::{
    CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipArchiveWriter, ZipFileHeaderRecord,
    ZipSliceArchive, ZipVerification,
};

use crate::{Error, Result};

/// The most entries an archive may have.
const ENTRIES_LIMIT: usize = 100_000;

/// The most bytes that one byte of deflated data stands for: two bits can repeat 258 of them.
const MAX_EXPANSION: u64 = 1032;

/// An archive of files by name, stored as they are.
///
/// # Errors
/// A name that an archive cannot hold.
pub fn stored(files: &[(String, &[u8])]) -> Result<Vec<u8>> {
    let archive = || {
        let mut out = ZipArchiveWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let (mut entry, config) = out.new_file(name.as_str()).start()?;
            let mut data = config.wrap(&mut entry);
            data.write_all(bytes).map_err(rawzip::Error::from)?;
            let (_, described) = data.finish()?;
            entry.finish(described)?;
        }
        Ok::<_, rawzip::Error>(out.finish()?.into_inner())
    };
    archive().map_err(|error| wrong("archive", format!("cannot be written: {error}")))
}

/// How the first entry of an archive begins.
pub const BEGINNING: &[u8] = b"PK\x03\x04";

/// An archive, still packed.
pub struct Zip<B>(ZipSliceArchive<B>);

/// An entry as the archive's directory describes it.
#[derive(Clone, Copy)]
pub struct Packed {
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    encrypted: bool,
}

impl<B: AsRef<[u8]>> Zip<B> {
    /// Finds the directory.
    ///
    /// # Errors
    /// No .zip file, or one that was cut short.
    pub fn open(bytes: B) -> Result<Self> {
        let zip = ZipArchive::from_slice(bytes)
            .map_err(|error| wrong("archive", format!("is no whole .zip file: {error}")))?;
        Ok(Self(zip))
    }

    /// The archive's own bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.get_ref().as_ref()
    }

    /// Every entry by its name, folders too, in the directory's order.
    ///
    /// # Errors
    /// A damaged directory, or one that is too long.
    pub fn entries(&self) -> Result<Vec<(String, Packed)>> {
        let mut entries = Vec::new();
        for entry in self.0.entries() {
            let entry = entry
                .map_err(|error| wrong("archive", format!("its directory is damaged: {error}")))?;
            if ENTRIES_LIMIT <= entries.len() {
                return Err(wrong("archive", format!("has more than {ENTRIES_LIMIT} entries")));
            }
            let name = entry.file_path();
            let name = String::from_utf8_lossy(name.as_bytes()).into_owned();
            entries.push((name, Packed::of(&entry)));
        }
        Ok(entries)
    }

    /// The data of an entry as it lies in the archive. Refused is what cannot unpack to what the
    /// directory says, before anything is allocated.
    pub fn packed(&self, name: &str, entry: Packed) -> Result<&[u8]> {
        if entry.encrypted {
            return Err(wrong(name, "is encrypted"));
        }
        let found = self
            .0
            .get_entry(entry.place)
            .map_err(|error| wrong(name, format!("is not where the archive says: {error}")))?;
        let packed = found.data().len() as u64;
        let possible = match entry.method {
            CompressionMethod::STORE => entry.size() == packed,
            CompressionMethod::DEFLATE => entry.size() <= MAX_EXPANSION.saturating_mul(packed),
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
                format!("{packed} bytes cannot unpack to the {} that it claims", entry.size()),
            ));
        }
        Ok(found.data())
    }

    /// The content of an entry, checked; where it is stored, without a copy.
    pub fn unpack(&self, name: &str, entry: Packed) -> Result<Cow<'_, [u8]>> {
        let data = self.packed(name, entry)?;
        let bytes = if entry.method == CompressionMethod::STORE {
            Cow::Borrowed(data)
        } else {
            Cow::Owned(inflate(name, data, entry.size())?)
        };
        let found =
            ZipVerification { crc: rawzip::crc32(&bytes), uncompressed_size: bytes.len() as u64 };
        let verified = self.0.get_entry(entry.place);
        let verified = verified.and_then(|entry| entry.claim_verifier().valid(found));
        verified.map_err(|error| wrong(name, format!("is damaged in the archive: {error}")))?;
        Ok(bytes)
    }
}

impl<'a> Zip<&'a [u8]> {
    /// As [`Zip::unpack`], for as long as the archive's own bytes are there.
    pub fn unpack_lasting(&self, name: &str, entry: Packed) -> Result<Cow<'a, [u8]>> {
        let bytes: &'a [u8] = self.0.get_ref();
        Ok(match self.unpack(name, entry)? {
            Cow::Owned(unpacked) => Cow::Owned(unpacked),
            Cow::Borrowed(_) => {
                let place =
                    self.0.get_entry(entry.place).map(|entry| entry.compressed_data_range());
                let place =
                    place.ok().and_then(|(start, end)| bytes.get(start as usize..end as usize));
                Cow::Borrowed(place.ok_or_else(|| wrong(name, "is not where the archive says"))?)
            }
        })
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
    pub fn size(&self) -> u64 {
        self.place.uncompressed_size_hint()
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

fn wrong(what: &str, reason: impl Into<String>) -> Error {
    Error::Format { what: what.to_owned(), reason: reason.into() }
}

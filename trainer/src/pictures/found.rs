//! A picture that was come across on a walk, and how it is had.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;

/// The largest picture file that is read out of a shard, in bytes.
const LARGEST_IN_SHARD: u64 = 256 << 20;

/// A picture that was come across, not read yet.
pub struct Found<'a> {
    /// Relative to the source, with `/` between folders: `n02088364/beagle.jpg`, or
    /// `train-000.tar/n02088364/beagle.jpg` inside a shard.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// Where it is.
    pub location: Location<'a>,
}

/// Where a picture was come across.
pub enum Location<'a> {
    /// A file of its own.
    File(PathBuf),
    /// In a shard, about to be read.
    Shard(&'a mut dyn Read),
    /// It cannot be had, and why.
    Broken(String),
}

/// A picture file, or where it lies.
pub enum Content {
    /// A file of its own.
    File(PathBuf),
    /// Taken out of a shard.
    Bytes(Vec<u8>),
    /// It cannot be had, and why.
    Broken(String),
}

impl Found<'_> {
    /// Takes the picture out of its shard. Errors become part of the content: the rest of the
    /// source can still be walked.
    pub fn content(self) -> Content {
        match self.location {
            Location::File(path) => Content::File(path),
            Location::Broken(reason) => Content::Broken(reason),
            Location::Shard(_) if LARGEST_IN_SHARD < self.size => {
                Content::Broken(format!("{} bytes are more than a picture has", self.size))
            }
            Location::Shard(reader) => {
                let mut bytes = Vec::new();
                match reader.take(self.size).read_to_end(&mut bytes) {
                    Ok(length) if length as u64 == self.size => Content::Bytes(bytes),
                    Ok(length) => Content::Broken(format!(
                        "the shard ends after {length} of this file's {} bytes",
                        self.size
                    )),
                    Err(error) => Content::Broken(error.to_string()),
                }
            }
        }
    }
}

/// What is done with each picture come across.
pub type Visit<'a> = &'a mut dyn FnMut(Found<'_>) -> Result<ControlFlow<()>>;

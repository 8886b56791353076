//! Bundles are unpacked from .zip files.

use shared::format::archive::Archive;

use super::core::Core;
use super::voice::{Ending, Voice};
use crate::failure;
use crate::protocol::{Unpack, Unpacked};

/// Opens a .zip file.
pub fn unpack<H>(
    core: &Core<H>,
    voice: &Voice<Unpacked>,
    Unpack { name }: Unpack,
    buffers: Vec<Vec<u8>>,
) -> Result<(), Ending> {
    let bytes = buffers.into_iter().next().unwrap_or_default();
    let archive = Archive::open(bytes).map_err(|error| failure::of_bundle(&name, error))?;
    let json = archive.json().to_owned();
    voice.say(Unpacked { bundle_url: core.dropped.add(archive), json }, Vec::new());
    Ok(())
}

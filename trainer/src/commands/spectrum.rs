//! `pellucid spectrum`: a folder of pictures to the average spectrum that MACO holds fixed.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::failure::WrongCall;
use crate::output;
use crate::pictures::source::Source;
use crate::spectrum::measure;

/// Which pictures, and how finely.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    pellucid spectrum photographs/ --size 224 --grid 64 --out maco_spectrum.safetensors")]
pub struct Args {
    /// A folder of photographs, searched to the bottom, also in its .tar files
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The spectrum, as safetensors in half precision
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,

    /// Side of the square that each picture is cropped and scaled to, in pixels
    #[arg(long, default_value_t = 128, value_name = "N")]
    size: usize,

    /// Frequencies a side that are kept, between which the rest is read off [default: --size]
    #[arg(long, value_name = "N")]
    grid: Option<usize>,
}

/// Writes the spectrum. Pictures that cannot be read are named, counted and skipped.
pub fn run(args: Args) -> Result<()> {
    let grid = args.grid.unwrap_or(args.size);
    for (option, size) in [("size", args.size), ("grid", grid)] {
        if !(4..=2048).contains(&size) {
            return Err(WrongCall(format!("--{option} is {size}; it must be 4 to 2048")).into());
        }
    }
    let measured = measure(Source::new(&args.folder)?, args.size)?;
    let bytes = measured.spectrum.on_grid(grid)?.to_bytes()?;
    output::write_whole(&args.out, |out| Ok(out.write_all(&bytes)?))?;
    output::line(&format!("{} pictures  {}", measured.pictures, args.out.display()))?;
    if 0 < measured.unreadable {
        bail!("{} pictures could not be read and were skipped", measured.unreadable);
    }
    Ok(())
}

//! `pellucid import`: a published weights file to safetensors.

use std::path::PathBuf;

use anyhow::Result;
use indicatif::DecimalBytes;
use serde::Serialize;
use shared::weights::from_safetensors;

use super::arguments::PrecisionChoice;
use crate::convert::{Converted, convert};
use crate::weights::Weights;
use crate::{cache, hash, output};

/// Which file, for which model.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid import googlenet bvlc_googlenet.caffemodel\n  \
    pellucid import googlenet-torchvision googlenet-1378be20.pth --precision f16 --out small.safetensors\n  \
    pellucid import clip-vit-b-32 ViT-B-32.pt")]
pub struct Args {
    /// The model the weights are for, such as googlenet or efficientnet-lite0
    model: String,

    /// A .caffemodel, .pth or .safetensors file, with the names of any of its publications
    file: PathBuf,

    /// Where to write; otherwise the cache, where every verb finds it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Bits of a weight
    #[arg(long, value_enum, default_value_t = PrecisionChoice::F32)]
    precision: PrecisionChoice,

    /// One line of JSON instead of the path
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Imported {
    model: String,
    path: PathBuf,
    sha256: String,
    source_sha256: String,
}

/// Converts, and prints where the weights are.
pub fn run(args: Args) -> Result<()> {
    let model = shared::models::info(&args.model)?.name;
    let path = match args.out {
        Some(path) => path,
        None => cache::weights_file(model)?,
    };
    let file = Weights::File(args.file);
    let Converted { bytes, source_sha256 } =
        convert(model, &file, &file.name(), args.precision.into())?;
    output::write_whole(&path, |out| Ok(out.write_all(&bytes)?))?;
    let sha256 = hash::sha256_of_file(&path)?;
    let count = from_safetensors(&bytes)?.len();
    eprintln!("{count} tensors, {}", DecimalBytes(bytes.len() as u64));
    if args.json {
        return output::json_line(&Imported {
            model: model.to_owned(),
            path,
            sha256,
            source_sha256,
        });
    }
    output::line(&path.display().to_string())
}

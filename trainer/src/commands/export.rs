//! `pellucid export`: a model to the bundle that the page opens.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use shared::format::bundle::Bundle;

use crate::cli::PrecisionChoice;
use crate::{bundle, cache, output};

/// Which model, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid export --model googlenet --out public/bundles/googlenet\n  \
    pellucid export --model googlenet --weights bvlc_googlenet.caffemodel --out googlenet\n\n\
    A bundle that is at --out already is replaced, whole or not at all.")]
pub struct Args {
    /// Its name: googlenet, inception-v1 or googlenet-torchvision
    #[arg(long, value_name = "NAME")]
    model: String,

    /// Its weights, in any published format; otherwise what `pellucid fetch` put into the cache
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,

    /// The bundle's folder
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,

    /// Bits of a weight
    #[arg(long, value_enum, default_value_t = PrecisionChoice::F16)]
    precision: PrecisionChoice,

    /// One line of JSON instead of the list of files
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Exported {
    path: PathBuf,
    bundle: Bundle,
}

/// Writes the bundle, and prints what is in it.
pub fn run(args: Args) -> Result<()> {
    shared::models::info(&args.model)?;
    let weights = cache::weights(&args.model, args.weights.as_deref())?;
    let bundle = bundle::export(&args.model, &weights, args.precision.into(), &args.out)?;
    if args.json {
        return output::json_line(&Exported { path: args.out, bundle });
    }
    for part in bundle.parts() {
        let path = args.out.join(&part.path);
        output::line(&format!("{:>9}  {}", output::bytes(part.size), path.display()))?;
    }
    let manifest = args.out.join("bundle.json");
    output::line(&format!("{:>9}  {}", "", manifest.display()))
}

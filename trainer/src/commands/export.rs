//! `pellucid export`: a model to the bundle that the page opens.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use shared::format::bundle::Bundle;

use crate::cli::PrecisionChoice;
use crate::commands::single_file;
use crate::failure::WrongCall;
use crate::{bundle, cache, output};

/// Which model, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid export --model googlenet --out public/bundles/googlenet\n  \
    pellucid export --model googlenet --weights bvlc_googlenet.caffemodel --out googlenet\n  \
    pellucid export --single-file talk.html --site site --bundle googlenet \
    --views '?objective=mixed4a:11'\n\n\
    A bundle that is at --out already is replaced, whole or not at all.")]
pub struct Args {
    /// Its name: googlenet, inception-v1 or googlenet-torchvision
    #[arg(long, value_name = "NAME", required_unless_present = "single_file")]
    model: Option<String>,

    /// Its weights, in any published format; otherwise what `pellucid fetch` put into the cache
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,

    /// The bundle's folder
    #[arg(long, value_name = "FOLDER", required_unless_present = "single_file")]
    out: Option<PathBuf>,

    /// Bits of a weight
    #[arg(long, value_enum, default_value_t = PrecisionChoice::F16)]
    precision: PrecisionChoice,

    /// The page in one file instead
    #[command(flatten)]
    single: single_file::Args,

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
    if let Some(path) = &args.single.single_file {
        return single_file::run(&args.single, path, args.json);
    }
    let (Some(model), Some(out)) = (args.model, args.out) else {
        return Err(WrongCall("a bundle needs --model NAME and --out FOLDER".to_owned()).into());
    };
    shared::models::info(&model)?;
    let weights = cache::weights(&model, args.weights.as_deref())?;
    let bundle = bundle::export(&model, &weights, args.precision.into(), &out)?;
    if args.json {
        return output::json_line(&Exported { path: out, bundle });
    }
    for part in bundle.parts() {
        let path = out.join(&part.path);
        output::line(&format!("{:>9}  {}", output::bytes(part.size), path.display()))?;
    }
    let manifest = out.join("bundle.json");
    output::line(&format!("{:>9}  {}", "", manifest.display()))
}

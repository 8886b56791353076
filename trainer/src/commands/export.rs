//! `pellucid export`: a network, and what was made of it, to the bundle that the page opens.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indicatif::DecimalBytes;
use serde::Serialize;
use shared::format::bundle::{Bundle, Index};

use super::arguments::PrecisionChoice;
use super::single_file;
use crate::bundle::{self, Ingredients, WeightsFrom};
use crate::output;
use crate::weights::Weights;

/// Which model, what was made of it, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid export --model googlenet --out bundles/googlenet\n  \
    pellucid export --model googlenet --without-weights --gallery gallery/ \\\n      \
    --exemplars exemplars/googlenet/ --dreams dreams/googlenet/ --out bundles/googlenet\n  \
    pellucid export --from bundles/googlenet --weights bvlc_googlenet.caffemodel --out site/googlenet\n  \
    pellucid export --list bundles/\n  \
    pellucid export --single-file talk.html --site site --bundle googlenet \
    --views '?objective=mixed4a:11'\n\n\
    A bundle that is at --out already is replaced, whole or not at all. The same inputs give the\n\
    same bytes. docs/export.md makes a bundle from nothing.")]
pub struct Args {
    /// Its name, such as googlenet or efficientnet-lite0; that of --from if not given
    #[arg(long, value_name = "NAME", required_unless_present_any = ["from", "list", "single_file"])]
    model: Option<String>,

    /// Its weights, in any published format; otherwise those of --from, or without it those in the
    /// cache, or those that are built in
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,

    /// Leave the weights out: the bundle shows what was made beforehand
    #[arg(long, conflicts_with = "weights")]
    without_weights: bool,

    /// Bits of a weight [default: f16]; weights that come from --from stay as they are, those that
    /// are built in too, unless this is given
    #[arg(long, value_enum)]
    precision: Option<PrecisionChoice>,

    /// Photographs of 224x224 pixels, and gallery.json with their titles, authors and licences
    #[arg(long, value_name = "DIR")]
    gallery: Option<PathBuf>,

    /// What `pellucid exemplars` found in these photographs
    #[arg(long, value_name = "DIR")]
    exemplars: Option<PathBuf>,

    /// What `pellucid exemplars` found in more pictures than these: of each unit the best value is
    /// kept, so that the page can say what the photographs have little of
    #[arg(long, value_name = "DIR")]
    reference: Option<PathBuf>,

    /// A dictionary whose latents the bundle offers as a layer: SAELens's files, which go into it
    /// byte for byte; a folder, or NAME=FOLDER, LAYER/NAME=FOLDER; may be repeated
    #[arg(long = "dictionary", value_name = "FOLDER")]
    dictionaries: Vec<String>,

    /// Layers to offer first, in this order; of --exemplars only these are taken
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    layers: Vec<String>,

    /// Pictures that `pellucid visualize NAME LAYER:0..N --out DIR/` made; may be repeated
    #[arg(long, value_name = "DIR")]
    dreams: Vec<PathBuf>,

    /// A bundle from which everything is taken, byte for byte, that is not given
    #[arg(long, value_name = "BUNDLE")]
    from: Option<PathBuf>,

    /// The bundle's folder
    #[arg(long, value_name = "FOLDER", required_unless_present_any = ["list", "single_file"])]
    out: Option<PathBuf>,

    /// Instead of making a bundle: list those in a folder in its index.json, which the page reads
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = [
            "model", "weights", "without_weights", "precision", "gallery", "exemplars", "reference",
            "dictionaries", "layers", "dreams", "from", "out",
        ]
    )]
    list: Option<PathBuf>,

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

#[derive(Debug, Serialize)]
struct Listed {
    path: PathBuf,
    index: Index,
}

/// Writes the bundle or the list of bundles, and prints what is in it.
pub fn run(args: Args) -> Result<()> {
    if let Some(path) = &args.single.single_file {
        return single_file::run(&args.single, path, args.json);
    }
    if let Some(folder) = &args.list {
        return list(folder, args.json);
    }
    let as_json = args.json;
    let out = args.out.clone().context("--out names no folder")?;
    let bundle = bundle::export(&args.ingredients()?, &out)?;
    if as_json {
        return output::json_line(&Exported { path: out, bundle });
    }
    for part in bundle.parts() {
        let path = out.join(&part.path);
        output::line(&format!("{:>9}  {}", DecimalBytes(part.size).to_string(), path.display()))?;
    }
    output::line(&format!("{:>9}  {}", "", out.join("bundle.json").display()))
}

fn list(folder: &Path, as_json: bool) -> Result<()> {
    let index = bundle::list(folder)?;
    let path = folder.join(bundle::INDEX);
    if as_json {
        return output::json_line(&Listed { path, index });
    }
    for entry in &index.bundles {
        output::line(&format!("{}  {}", entry.title, folder.join(&entry.path).display()))?;
    }
    output::line(&path.display().to_string())
}

impl Args {
    fn ingredients(self) -> Result<Ingredients> {
        // Before any file is looked for: a wrong name is a wrong call.
        let known = self.model.as_deref().map(shared::models::info).transpose()?;
        let weights = if self.without_weights {
            WeightsFrom::Nowhere
        } else if self.weights.is_none() && self.from.is_some() {
            WeightsFrom::Bundle
        } else {
            let name = known.map_or("this model", |info| info.name);
            let weights = Weights::find(name, self.weights.as_deref())?;
            WeightsFrom::Given { weights, precision: self.precision.map(Into::into) }
        };
        Ok(Ingredients {
            model: self.model,
            weights,
            gallery: self.gallery,
            exemplars: self.exemplars,
            reference: self.reference,
            dreams: self.dreams,
            dictionaries: self.dictionaries,
            layers: self.layers,
            from: self.from,
        })
    }
}

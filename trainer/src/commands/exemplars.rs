//! `pellucid exemplars`: pictures that excite units most.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use serde::Serialize;
use shared::format::exemplars::Statistic;
use shared::format::exemplars::TOP_LIMIT;
use shared::models;
use shared::readout::Looked;
use shared::tap::LayerInfo;

use super::arguments::{DeviceArgs, DictionaryArgs, WeightsArgs, is_the_same};
use crate::exemplars::channels::Channels;
use crate::exemplars::report::{LayerReport, heat_path, json_path};
use crate::exemplars::{Search, positions, sheet};
use crate::failure::WrongCall;
use crate::model::LoadedModel;
use crate::pictures::source::Source;
use crate::{device, naming, output};

/// Which layers, which pictures, and what to make of them.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "pellucid exemplars [OPTIONS] [MODEL] <LAYER>... --images <DIR> --out <DIR>"
)]
#[command(after_help = "Examples:\n  \
    pellucid exemplars block12 --images photographs/ --out exemplars/\n  \
    pellucid exemplars googlenet mixed4a --images photographs/ --out exemplars/\n  \
    pellucid exemplars googlenet mixed4a mixed4d --images shards/ --channels 0..20,137 \\\n      \
    --statistic max --top 20 --batch 32 --out exemplars/\n  \
    pellucid exemplars vit-tiny-patch16-224 blocks.10 --images photographs/ --statistic cls \\\n      \
    --out exemplars/\n  \
    pellucid exemplars vit-tiny-patch16-224 blocks.10/sae-3k --images photographs/ \\\n      \
    --dictionary dictionaries/seed-0 --channels 421 --statistic max --out exemplars/\n\n\
    A first word that is a model's name is the model; otherwise it is the one that is built in,\n\
    efficientnet-lite0. A run that was stopped goes on where it was with the same command.")]
pub struct Args {
    /// Layers, by canonical name or alias; `pellucid layers` lists them. The model's name may come
    /// first
    #[arg(required = true, value_name = "LAYER")]
    words: Vec<String>,

    #[command(flatten)]
    dictionaries: DictionaryArgs,

    #[command(flatten)]
    weights: WeightsArgs,

    /// A folder of pictures, searched to the bottom, also in its .tar files; the folder that a
    /// picture lies in is its label. Or one .tar file. --out may lie in it and is left out
    #[arg(long, value_name = "DIR")]
    images: PathBuf,

    /// A folder for LAYER.json, LAYER.heat and LAYER.png
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,

    /// Channels to draw: 7, 0..10, 3,7,20..25 [default: the first ten]. The JSON has all of them
    #[arg(long, value_name = "CHANNELS")]
    channels: Option<Channels>,

    /// Exemplars of each unit
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,

    /// What pictures are ranked by: mean (those full of what a unit looks for), max (those that have
    /// it somewhere), one position (center, or ROW,COLUMN from 0), or a transformer's token that has
    /// none (cls, reg0)
    #[arg(long, default_value_t, value_name = "STATISTIC")]
    statistic: Statistic,

    /// Pictures computed together
    #[arg(long, default_value_t = 4, value_name = "N")]
    batch: usize,

    /// Draw no figure
    #[arg(long)]
    no_figure: bool,

    /// One line of JSON for each layer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    device: DeviceArgs,
}

/// What was made of a layer. A stable interface: scripts read it.
#[derive(Serialize)]
struct Made<'a> {
    layer: &'a str,
    statistic: Statistic,
    images: u64,
    unreadable: u64,
    units: usize,
    json: PathBuf,
    heat: PathBuf,
    figures: Vec<PathBuf>,
}

/// Finds the exemplars and prints where they were written.
pub fn run(args: Args) -> Result<()> {
    if args.batch == 0 {
        return Err(WrongCall("--batch is 0; it must be at least 1".to_owned()).into());
    }
    if args.top == 0 || TOP_LIMIT < args.top {
        return Err(WrongCall(format!("--top is {}; it must be 1 to {TOP_LIMIT}", args.top)).into());
    }
    let named = naming::split_layers(&args.words)?;
    let info = models::info(named.model)?;
    let device = device::open(args.device.device.into())?;
    let readouts = args.dictionaries.readouts(&info, &device)?;
    let mut layers: Vec<LayerInfo> = Vec::new();
    for name in named.rest {
        let looked = Looked::find(info.name, &info.layers, &readouts, name)?;
        // An alias may stand beside the name it resolves to.
        if layers.iter().all(|known| known.name != looked.info().name) {
            layers.push(looked.info().clone());
        }
    }
    let channels = layers.iter().map(|layer| Channels::of(args.channels.as_ref(), layer));
    let channels: Vec<Vec<usize>> = channels.collect::<shared::Result<_>>()?;
    for layer in &layers {
        args.statistic
            .check(layer, positions(layer, &info.preprocessing))
            .context("--statistic")?;
    }
    let source = Source::new(&args.images).context("--images")?;
    if is_the_same(&args.images, &args.out) {
        let reason =
            "is the folder of --images itself, and its figures would be taken for pictures";
        let mend = format!("choose another, such as {}", args.images.join("found").display());
        return Err(WrongCall(format!("--out {} {reason}: {mend}", args.out.display())).into());
    }
    let source = source.without(&args.out);
    let loaded = LoadedModel::load(named.model, args.weights.weights.as_deref(), &device)?;
    let loaded = LoadedModel { readouts, ..loaded };
    let search = Search {
        layers: &layers,
        source: &source,
        statistic: args.statistic,
        top: args.top,
        batch: args.batch,
        out: &args.out,
    };
    let reports = search.run(&loaded, &device)?;
    let figures = reports.par_iter().zip(&channels).map(|(report, channels)| {
        if args.no_figure {
            return Ok(Vec::new());
        }
        sheet::draw(&args.out, report, channels, &source, &info)
    });
    let figures: Vec<Vec<PathBuf>> = figures.collect::<Result<_>>()?;
    for (report, figures) in reports.iter().zip(figures) {
        let made = Made {
            layer: &report.layer,
            statistic: report.statistic,
            images: report.images,
            unreadable: report.unreadable,
            units: report.units.len(),
            json: json_path(&args.out, &report.layer),
            heat: heat_path(&args.out, &report.layer),
            figures,
        };
        if args.json { output::json_line(&made)? } else { output::line(&text(&made))? }
    }
    match reports.first() {
        Some(LayerReport { unreadable, images, .. }) if 0 < *unreadable => {
            let all = images + unreadable;
            bail!("{unreadable} of {all} pictures could not be read and were skipped")
        }
        _ => Ok(()),
    }
}

/// `mixed4a: 512 units on 700 pictures  exemplars/mixed4a.json  exemplars/mixed4a.png`
fn text(made: &Made<'_>) -> String {
    let Made { layer, units, images, .. } = made;
    let files = std::iter::once(&made.json).chain(&made.figures);
    let files = files.map(|file| format!("  {}", file.display()));
    format!("{layer}: {units} units on {images} pictures{}", files.collect::<String>())
}

//! `pellucid explore`: from pictures to a page of what a layer has learned of them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Serialize;
use shared::models::{self, ModelInfo};
use shared::tap::LayerInfo;

use super::arguments::{DeviceArgs, WeightsArgs, is_the_same, sources};
use super::serving::{PageArgs, Served, View};
use crate::explore::{Exploration, Explored};
use crate::failure::WrongCall;
use crate::model::LoadedModel;
use crate::train::sweep;
use crate::{built_in, device, naming, output, page};

/// The layer that is taken apart of the network that is built in.
const USUAL_LAYER: &str = "block8";

/// Of each dictionary: another seed tells what of it is stable.
const SEEDS: u64 = 2;

/// In a run of usual length, twice as much as `pellucid train` takes gets further.
const LEARNING_RATE: &str = "learning_rate=0.002";

/// Which pictures, which layer, how much of it.
#[derive(Debug, clap::Args)]
#[command(override_usage = "pellucid explore [OPTIONS] [MODEL] <IMAGES>...")]
#[command(after_help = "Examples:\n  \
    pellucid explore photographs/\n  \
    pellucid explore photographs/ --thousands 1000 --dreams 8 --out quick/ --open\n  \
    pellucid explore googlenet photographs/ --layer mixed4d --out mixed4d/\n  \
    pellucid explore photographs/ --layer block11 --latents 4096 --set k=16 --no-serve\n\n\
    Records what the layer answers, trains a dictionary with two seeds, evaluates them, finds the\n\
    pictures that excite its latents, dreams some, exports a bundle and shows it in the page. A run\n\
    that was stopped goes on with the same command; what is there already is not made again. What it\n\
    makes stays on this machine: the bundle has your pictures in it, and no licence to publish them.\n\
    docs/explore.md says what is in --out.")]
pub struct Args {
    /// Folders of pictures, searched to the bottom, also in their .tar files, or .tar files; the
    /// folder that a picture lies in is its label. The model's name may come first
    #[arg(required = true, value_name = "IMAGES")]
    words: Vec<PathBuf>,

    /// The layer to take apart [default: block8 of the network that is built in]
    #[arg(long, value_name = "LAYER")]
    layer: Option<String>,

    /// The folder for all that is made
    #[arg(long, short, default_value = "explored", value_name = "DIR")]
    out: PathBuf,

    /// Latents of the dictionary
    #[arg(long, default_value_t = 2048, value_name = "N")]
    latents: u32,

    /// Thousands of activations to train on; they come again where there are fewer
    #[arg(long, default_value_t = 6000, value_name = "N")]
    thousands: u32,

    /// What else is trained otherwise than by default, as `pellucid train` takes it: k=16, kind=relu
    #[arg(long = "set", value_name = "KEY=VALUE")]
    given: Vec<String>,

    /// Pictures that the page shows, drawn from all folders alike
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=5000))]
    gallery: u32,

    /// Latents that are dreamed, the most stable; a later call may ask for more
    #[arg(long, default_value_t = 24, value_name = "N")]
    dreams: usize,

    /// Of those whose frequency has a decimal logarithm from MIN to MAX
    #[arg(
        long,
        num_args = 2,
        value_names = ["MIN", "MAX"],
        default_values_t = [-3.5, -1.0],
        allow_negative_numbers = true
    )]
    log_freq_range: Vec<f64>,

    #[command(flatten)]
    weights: WeightsArgs,

    #[command(flatten)]
    device: DeviceArgs,

    /// Makes the bundle and ends
    #[arg(long, conflicts_with_all = ["open", "port"])]
    no_serve: bool,

    /// Opens the page in a browser
    #[arg(long)]
    open: bool,

    #[command(flatten)]
    page: PageArgs,

    /// One line of JSON for what was made
    #[arg(long)]
    json: bool,
}

/// What was made, and where it is shown. A stable interface: scripts read it.
#[derive(Serialize)]
struct Made<'a> {
    #[serde(flatten)]
    explored: &'a Explored,
    address: Option<&'a str>,
}

/// Makes what is not there, prints where it is, and shows it.
pub fn run(args: Args) -> Result<()> {
    let is_there = |path: &PathBuf| path.exists();
    let named = naming::split(&args.words, "a folder of pictures", is_there)?;
    let info = models::info(named.model)?;
    let layer = layer(args.layer.as_deref(), &info)?;
    // Before an hour's work: what is named to show it with must be there.
    if !args.no_serve {
        page::find(args.page.site.as_deref())?;
    }
    let mut training = vec![
        format!("latents={}", args.latents),
        format!("thousands={}", args.thousands),
        LEARNING_RATE.to_owned(),
    ];
    training.extend(args.given.iter().cloned());
    let runs = sweep::runs(None, &training, SEEDS)?;
    for run in &runs {
        let config = run.recipe.config(layer.channels);
        config.map_err(|error| WrongCall(format!("{}: {error:#}", run.name)))?;
    }
    if let Some(images) = named.rest.iter().find(|images| is_the_same(images, &args.out)) {
        let (out, other) = (args.out.display(), images.join("explored"));
        let reason = "is a folder of pictures itself, and what is made would be taken for some";
        let wrong = format!("--out {out} {reason}: choose another, such as {}", other.display());
        return Err(WrongCall(wrong).into());
    }
    // It may lie among the pictures, and what is not there yet cannot be left out.
    let is_new = !args.out.exists();
    fs::create_dir_all(&args.out)?;
    let explored = sources("IMAGES", named.rest, &args.out).and_then(|(sources, labels)| {
        let devices = device::open_several(args.device.device.into(), 1)?;
        let device = devices.first().cloned().unwrap_or_else(shared::device::cpu);
        let loaded = LoadedModel::load(named.model, args.weights.weights.as_deref(), &device)?;
        let exploration = Exploration {
            layer: &layer,
            sources,
            labels,
            training: &training,
            runs: &runs,
            gallery: args.gallery as usize,
            dreams: args.dreams,
            log_frequency: [args.log_freq_range[0], args.log_freq_range[1]],
            out: &args.out,
        };
        exploration.run(loaded, &device, &devices)
    });
    if explored.is_err() && is_new {
        // Nothing is in it where pictures or weights were missing; else it stays.
        let _ = fs::remove_dir(&args.out);
    }
    let explored = explored?;
    let served = if args.no_serve {
        None
    } else {
        let Explored { bundles, model, layer, .. } = &explored;
        // Those that were dreamed lead then.
        let by_stability = 1 < runs.len();
        args.page.page(&View { bundles, model, layer, by_stability })?
    };
    let address = served.as_ref().map(Served::address);
    if args.json {
        output::json_line(&Made { explored: &explored, address })?;
    } else {
        output::line(&explored.bundles.join(&explored.model).display().to_string())?;
        address.into_iter().try_for_each(output::line)?;
    }
    let skipped = explored.unreadable;
    if let Some(served) = served {
        if 0 < skipped {
            eprintln!("{skipped} pictures could not be read; all else is done");
        }
        served.run(args.open)?;
    }
    if 0 < skipped {
        let all = explored.pictures + skipped;
        bail!("{skipped} of {all} pictures could not be read and were skipped");
    }
    Ok(())
}

/// The layer that is named, else the usual one.
fn layer(given: Option<&str>, info: &ModelInfo) -> Result<LayerInfo> {
    let name = match given {
        Some(name) => name,
        None if info.name == built_in::MODEL => USUAL_LAYER,
        None => {
            let model = info.name;
            let wrong = format!(
                "name a layer of {model} with --layer; `pellucid layers {model}` lists them"
            );
            return Err(WrongCall(wrong).into());
        }
    };
    Ok(info.layer(name)?.clone())
}

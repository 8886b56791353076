//! `pellucid train`: dictionaries from a store of activations, or straight from pictures.

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Serialize;
use shared::burn::tensor::Device;
use shared::models;

use super::arguments::{
    DeviceArgs, PrecisionChoice, TokensChoice, WeightsArgs, open_store, partition, sources,
};
use crate::failure::WrongCall;
use crate::model::LoadedModel;
use crate::pictures::listing::Listing;
use crate::record::partition::Partition;
use crate::train::live::Live;
use crate::train::report::Line;
use crate::train::supply::Supply;
use crate::train::sweep::Run;
use crate::train::{Sweep, Trained, sweep};
use crate::{device, dictionary, naming, output};

/// Which activations, which dictionaries.
#[derive(Debug, clap::Args)]
#[command(override_usage = "pellucid train [OPTIONS] <STORE> --out <DIR>\n       \
    pellucid train [OPTIONS] --stream [MODEL] <LAYER> --images <DIR>... --out <DIR>\n       \
    pellucid train --to-saev <DICTIONARY> --out <DIR>\n       \
    pellucid train --to-saelens <DICTIONARY> --bits <BITS> --out <DIR>")]
#[command(after_help = "Examples:\n  \
    pellucid train store/ --out dictionaries/\n  \
    pellucid train store/ --set k=16,32 --set latents=3072 --set thousands=20000 --out dictionaries/\n  \
    pellucid train store/ --sweep sweep.toml --out dictionaries/\n  \
    pellucid train --stream block8 --images photographs/ --buffer 1024 --out dictionaries/\n\n\
    A sweep is a TOML file of what --set takes; lists multiply out, and runs of one batch, layer and\n\
    length train side by side:\n\n  \
    kind = [\"topk\", \"batch-topk\"]  # also relu, jumprelu, gated\n  \
    k = [16, 32]                    # of these two; l1 of relu and gated, l0 of jumprelu\n  \
    latents = 3072                  # or expansion = 16\n  \
    thousands = 10000               # activations\n\n\
    docs/dictionaries.md has every key. Two seeds of each are trained, because what another seed does\n\
    not find is no finding. A run that was stopped goes on with the same command.")]
pub struct Args {
    /// A store that `pellucid record` has filled, or saev's shards
    #[arg(value_name = "STORE", required_unless_present_any = ["to_saev", "to_saelens", "stream"])]
    store: Option<PathBuf>,

    /// Trains straight from pictures, without a store: what this layer answers is computed as it is
    /// needed, anew in each epoch that the buffer does not hold. The model's name may come first
    #[arg(
        long,
        value_names = ["MODEL", "LAYER"],
        num_args = 1..=2,
        requires = "images",
        conflicts_with = "store"
    )]
    stream: Vec<String>,

    /// What to train: a TOML file whose lists multiply out
    #[arg(long, value_name = "FILE")]
    sweep: Option<PathBuf>,

    /// The same on the command line, in the place of what the file says: k=32, kind=topk,batch-topk
    #[arg(long = "set", value_name = "KEY=VALUE")]
    given: Vec<String>,

    /// Seeds of each
    #[arg(long, default_value_t = 2, value_name = "N")]
    seeds: u64,

    /// The folder for the runs, a folder each
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,

    /// Trains only this part of the runs: 1/4, 2/4, .. 4/4. Many machines train one sweep into one
    /// folder [default: as Slurm's job array or Kubernetes' indexed job says, else all of it]
    #[arg(long, value_name = "I/N")]
    partition: Option<Partition>,

    /// Activations that are drawn from at a time, in MiB: those of so many pictures are mixed
    #[arg(long, default_value_t = 256, value_name = "MIB")]
    buffer: u64,

    #[command(flatten)]
    device: DeviceArgs,

    /// Each batch is shared among so many GPUs
    #[arg(long, default_value_t = 1, value_name = "N")]
    gpus: usize,

    /// Writes a dictionary as saev keeps one, into --out
    #[arg(long, value_name = "DICTIONARY", conflicts_with_all = ["store", "stream", "sweep", "given", "list"])]
    to_saev: Option<PathBuf>,

    /// Writes a dictionary, of whichever program, as SAELens and this one keep one, into --out
    #[arg(
        long,
        value_name = "DICTIONARY",
        conflicts_with_all = ["store", "stream", "sweep", "given", "list", "to_saev"]
    )]
    to_saelens: Option<PathBuf>,

    /// Bits of a number of --to-saelens; SAELens does not read q8
    #[arg(long, value_enum, default_value_t = PrecisionChoice::F32, requires = "to_saelens")]
    bits: PrecisionChoice,

    /// Names the runs and trains none
    #[arg(long)]
    list: bool,

    /// One line of JSON for each run
    #[arg(long)]
    json: bool,

    #[command(flatten, next_help_heading = "Of --stream")]
    pictures: PictureArgs,
}

/// What activations are computed from.
#[derive(Debug, clap::Args)]
struct PictureArgs {
    /// Folders of pictures, as `pellucid record` takes them, but for .tar files
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "stream")]
    images: Vec<PathBuf>,

    /// Which tokens: places are tokens, also a convolution's
    #[arg(long, value_enum, default_value_t, requires = "stream")]
    tokens: TokensChoice,

    /// Pictures computed together
    #[arg(long, default_value_t = 8, value_name = "N", requires = "stream")]
    batch: usize,

    #[command(flatten)]
    weights: WeightsArgs,
}

/// What came of a run. A stable interface: scripts read it.
#[derive(Serialize)]
struct Made<'a> {
    run: &'a str,
    folder: PathBuf,
    #[serde(flatten)]
    last: Option<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<&'a str>,
}

/// Trains, and prints where the dictionaries are.
pub fn run(args: Args) -> Result<()> {
    if let Some(path) = &args.to_saev {
        let file = dictionary::write_saev(&dictionary::open(path)?, &args.out)?;
        return output::line(&file.display().to_string());
    }
    if let Some(path) = &args.to_saelens {
        let dictionary::Opened { dictionary, made, .. } = dictionary::open(path)?;
        dictionary::write(&args.out, &dictionary, &made, args.bits.into())?;
        return output::line(&args.out.display().to_string());
    }
    if !(1..=1 << 20).contains(&args.buffer) {
        return Err(
            WrongCall(format!("--buffer is {}; it must be 1 to 1048576", args.buffer)).into()
        );
    }
    let runs = sweep::runs(args.sweep.as_deref(), &args.given, args.seeds)?;
    if args.list {
        return runs.iter().try_for_each(|run| output::line(&run.name));
    }
    let partition = partition(args.partition)?;
    let Some(store) = &args.store else { return stream(&args, &runs, partition) };
    let store = open_store(store)?;
    let missing = store.missing();
    if !missing.is_empty() {
        let count: u64 = missing.iter().map(|run| run.end - run.start).sum();
        eprintln!("warning: {count} shards of the store are not there yet; training on the others");
    }
    train(&args, &store, &runs, partition, &open_devices(&args)?)
}

/// Where dictionaries are trained; on the processor where there is none.
fn open_devices(args: &Args) -> Result<Vec<Device>> {
    if args.gpus == 0 {
        return Err(WrongCall("--gpus is 0; it must be at least 1".to_owned()).into());
    }
    device::open_several(args.device.device.into(), args.gpus)
}

/// Trains straight from pictures.
fn stream(args: &Args, runs: &[Run], partition: Partition) -> Result<()> {
    let PictureArgs { images, tokens, batch, weights } = &args.pictures;
    if *batch == 0 {
        return Err(WrongCall("--batch is 0; it must be at least 1".to_owned()).into());
    }
    let named = naming::split_layers(&args.stream)?;
    let info = models::info(named.model)?;
    let [layer] = named.rest else {
        let wrong = format!("--stream takes one layer, not {}", named.rest.join(" "));
        return Err(WrongCall(wrong).into());
    };
    let layer = info.layer(layer)?;
    let (sources, labels) = sources("--images", images, &args.out)?;
    let devices = open_devices(args)?;
    let device = devices.first().cloned().unwrap_or_else(shared::device::cpu);
    let loaded = LoadedModel::load(named.model, weights.weights.as_deref(), &device)?;
    let listing = Listing::of(sources)?;
    let (network, pictures) = ((&loaded, &device), (&listing, &labels));
    let live = Live::new(network, layer, pictures, (*tokens).into(), *batch)?;
    train(args, &live, runs, partition, &devices)?;
    let [all, unreadable] = live.unreadable();
    if 0 < unreadable {
        bail!("{unreadable} of {all} pictures could not be read; others stood in their places");
    }
    Ok(())
}

fn train(
    args: &Args,
    supply: &dyn Supply,
    runs: &[Run],
    partition: Partition,
    devices: &[Device],
) -> Result<()> {
    let (out, buffer) = (args.out.as_path(), args.buffer << 20);
    let trained = Sweep { supply, runs, partition, out, devices, buffer }.run()?;
    for Trained { run, folder, last } in &trained {
        let made = Made {
            run: &run.name,
            folder: folder.clone(),
            last: last.clone().unwrap_or(None),
            failed: last.as_ref().err().map(String::as_str),
        };
        if args.json { output::json_line(&made)? } else { output::line(&text(&made))? }
    }
    let failed = trained.iter().filter(|trained| trained.last.is_err()).count();
    if 0 < failed {
        bail!("{failed} of {} runs left the finite numbers and have no dictionary", trained.len());
    }
    Ok(())
}

fn text(made: &Made<'_>) -> String {
    let what = match (&made.failed, &made.last) {
        (Some(why), _) => format!("failed: {why}"),
        (None, None) => "there already".to_owned(),
        (None, Some(line)) => {
            let dead = 100.0 * line.dead_share;
            let (mse, l0) = (line.normalized_mse, line.l0);
            format!("normalized MSE {mse:.4}, L0 {l0:.2}, {dead:.1} % dead")
        }
    };
    format!("{}: {what}  {}", made.run, made.folder.display())
}

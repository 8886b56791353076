//! `pellucid record`: activations on disk.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Serialize;
use shared::format::shards::saev::METADATA;
use shared::format::shards::{Array, Layout, PER_SHARD_LIMIT};
use shared::models;
use shared::tap::LayerInfo;

use super::arguments::{DeviceArgs, DtypeChoice, TokensChoice, WeightsArgs, partition, sources};
use crate::failure::WrongCall;
use crate::model::LoadedModel;
use crate::pictures::listing::Listing;
use crate::record::partition::Partition;
use crate::record::{Recorded, Recording};
use crate::shards::bucket::{Bucket, Patience, is_address};
use crate::shards::shelf::{Folder, Shelf};
use crate::shards::verify::{Verified, verify, verify_saev};
use crate::shards::{Store, saev};
use crate::{device, naming, output};

/// Which layers, which pictures, and what to keep.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "pellucid record [OPTIONS] [MODEL] <LAYER>... --images <DIR>... --out <STORE>\n       \
    pellucid record --verify <STORE>\n       \
    pellucid record --to-saev <STORE> --out <DIR>"
)]
#[command(after_help = "Examples:\n  \
    pellucid record block12 --images photographs/ --out store/\n  \
    pellucid record googlenet mixed4a mixed4d --images train.tar val.tar --out store/ \\\n      \
    --tokens pooled --dtype f32\n  \
    pellucid record googlenet mixed4d --images shards/ --out s3://bucket/store --partition 3/16\n  \
    pellucid record --verify store/\n  \
    pellucid record --to-saev store/ --out $SAEV_SCRATCH\n\n\
    A first word that is a model's name is the model; otherwise it is the one that is built in,\n\
    efficientnet-lite0. A run that was stopped goes on with the same command; docs/shards.md says\n\
    what is written, and how to open it with numpy.")]
pub struct Args {
    /// Layers, by canonical name or alias; `pellucid layers` lists them. The model's name may come
    /// first
    #[arg(value_name = "LAYER", required_unless_present_any = ["verify", "to_saev"])]
    words: Vec<String>,

    #[command(flatten)]
    weights: WeightsArgs,

    /// Folders of pictures, searched to the bottom, also in their .tar files, or .tar files; the
    /// folder that a picture lies in is its label
    #[arg(
        long,
        value_name = "DIR",
        num_args = 1..,
        required_unless_present_any = ["verify", "to_saev"]
    )]
    images: Vec<PathBuf>,

    /// The folder of the store, or s3://bucket/prefix, gs://.., az://..: credentials come from the
    /// environment
    #[arg(long, short, value_name = "STORE", required_unless_present = "verify")]
    out: Option<PathBuf>,

    /// Which tokens are kept: places are tokens, also a convolution's
    #[arg(long, value_enum, default_value_t)]
    tokens: TokensChoice,

    /// How numbers are stored
    #[arg(long, value_enum, default_value_t)]
    dtype: DtypeChoice,

    /// Pictures in a shard: a run that is killed loses at most one shard of work
    #[arg(long, default_value_t = 1024, value_name = "N")]
    shard_size: u64,

    /// Pictures computed together
    #[arg(long, default_value_t = 8, value_name = "N")]
    batch: usize,

    /// Records only this part of the shards: 1/4, 2/4, .. 4/4. Many machines fill one store
    /// [default: as Slurm's job array or Kubernetes' indexed job says, else all of it]
    #[arg(long, value_name = "I/N")]
    partition: Option<Partition>,

    /// Says what is in a store, or in saev's shards, and compares every file with its checksum
    #[arg(long, value_name = "STORE", conflicts_with_all = ["words", "images", "out", "to_saev"])]
    verify: Option<PathBuf>,

    /// Writes a store as saev's shards (protocol 2.1), below --out
    #[arg(long, value_name = "STORE", conflicts_with_all = ["words", "images"])]
    to_saev: Option<PathBuf>,

    /// One line of JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    device: DeviceArgs,
}

/// What was recorded. A stable interface: scripts read it.
#[derive(Serialize)]
struct Made<'a> {
    store: String,
    model: &'a str,
    #[serde(flatten)]
    layout: &'a Layout,
    /// Which part of the shards.
    partition: String,
    /// Shards when all is recorded.
    shards: u64,
    /// Those that are there.
    recorded: u64,
    /// Pictures of this part that could not be read.
    unreadable: u64,
}

/// What was written for saev.
#[derive(Serialize)]
struct Converted<'a> {
    folder: &'a Path,
}

/// Records, or looks at what was recorded.
pub fn run(args: Args) -> Result<()> {
    match (&args.verify, &args.to_saev, &args.out) {
        (Some(store), ..) => look(store, args.json),
        (None, Some(store), Some(out)) => convert(store, out, args.json),
        (None, None, Some(out)) => record(&args, out),
        (None, _, None) => Err(WrongCall("name a store with --out".to_owned()).into()),
    }
}

fn record(args: &Args, out: &Path) -> Result<()> {
    if args.batch == 0 {
        return Err(WrongCall("--batch is 0; it must be at least 1".to_owned()).into());
    }
    if !(1..=PER_SHARD_LIMIT).contains(&args.shard_size) {
        let found = args.shard_size;
        let wrong = format!("--shard-size is {found}; it must be 1 to {PER_SHARD_LIMIT}");
        return Err(WrongCall(wrong).into());
    }
    let partition = partition(args.partition)?;
    let named = naming::split_layers(&args.words)?;
    let info = models::info(named.model)?;
    let mut layers: Vec<LayerInfo> = Vec::new();
    for name in named.rest {
        let layer = info.layer(name)?;
        // An alias may stand beside the name it resolves to.
        if layers.iter().all(|known| known.name != layer.name) {
            layers.push(layer.clone());
        }
    }
    let shelf = shelf(out)?;
    let (sources, labels) = sources("--images", &args.images, out)?;
    let device = device::open(args.device.device.into())?;
    let loaded = LoadedModel::load(named.model, args.weights.weights.as_deref(), &device)?;
    let listing = Listing::of(sources)?;
    let recording = Recording {
        layers: &layers,
        listing: &listing,
        labels: &labels,
        tokens: args.tokens.into(),
        dtype: args.dtype.into(),
        examples_per_shard: args.shard_size,
        partition,
        batch: args.batch,
        shelf: &*shelf,
    };
    let Recorded { description, records, there } = recording.run(&loaded, &device)?;
    let layout = &description.layout;
    let unreadable = records.iter().map(|record| record.unreadable.len() as u64).sum();
    let made = Made {
        store: shelf.name(),
        model: &description.named.model,
        layout,
        partition: partition.to_string(),
        shards: layout.shards(),
        recorded: there,
        unreadable,
    };
    if args.json {
        output::json_line(&made)?;
    } else {
        let (there, shards) = (made.recorded, made.shards);
        output::line(&format!(
            "{}: {there} of {shards} shards",
            text(&made.store, made.model, layout)
        ))?;
    }
    if 0 < unreadable {
        let all: u64 = records.iter().map(|record| record.examples).sum();
        bail!("{unreadable} of {all} pictures could not be read and were skipped");
    }
    Ok(())
}

/// A folder, or an address in an object storage.
fn shelf(store: &Path) -> Result<Box<dyn Shelf>> {
    match store.to_str().filter(|name| is_address(name)) {
        Some(url) => {
            let variables = std::env::vars_os().filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            });
            Ok(Box::new(Bucket::open(url, variables, Patience::default())?))
        }
        None => Ok(Box::new(Folder(store.to_owned()))),
    }
}

fn look(store: &Path, json: bool) -> Result<()> {
    let found = match store.join(METADATA).is_file() {
        true => verify_saev(&Folder(store.to_owned()))?,
        false => verify(&*shelf(store)?)?,
    };
    if json {
        output::json_line(&found)?
    } else {
        report(&found)?
    }
    match (found.missing.is_empty(), found.damaged.len()) {
        (true, 0) => Ok(()),
        (_, damaged) if 0 < damaged => bail!(
            "{damaged} files are damaged; the command that recorded \
            them records again those that are missing or of another size: remove the others"
        ),
        _ => bail!("the store is not whole: the command that recorded it goes on"),
    }
}

fn report(found: &Verified) -> Result<()> {
    let Verified { store, model, layout, shards, missing, unreadable, bytes, damaged, .. } = found;
    output::line(&text(store, model, layout))?;
    for Array { layers, channels, tokens, extra, grid } in &layout.arrays {
        let places = grid.map_or(String::new(), |[rows, columns]| {
            let extra = if 0 < *extra { format!("{extra} + ") } else { String::new() };
            format!(" ({extra}{rows} x {columns})")
        });
        let layers = layers.join(" ");
        output::line(&format!("  {layers}: {tokens} tokens{places} of {channels} channels"))?;
    }
    let gone: u64 = missing.iter().map(|[first, behind]| behind - first).sum();
    let there = shards - gone;
    output::line(&format!("  {there} of {shards} shards, {bytes} bytes"))?;
    for [first, behind] in missing {
        let last = behind - 1;
        let which = if *first == last { format!("{first}") } else { format!("{first} to {last}") };
        output::line(&format!("  missing: {which}"))?;
    }
    if 0 < *unreadable {
        output::line(&format!("  {unreadable} pictures could not be read"))?;
    }
    damaged.iter().try_for_each(|what| output::line(&format!("  damaged: {what}")))
}

fn convert(store: &Path, out: &Path, json: bool) -> Result<()> {
    for path in [store, out] {
        if path.to_str().is_some_and(is_address) {
            let path = path.display();
            let wrong = format!("{path}: --to-saev reads and writes folders: copy the store first");
            return Err(WrongCall(wrong).into());
        }
    }
    let folder = saev::write(&Store::open(store)?, out)?;
    if json {
        return output::json_line(&Converted { folder: &folder });
    }
    output::line(&folder.display().to_string())
}

/// `store/: 700 pictures, googlenet, patches of mixed4a mixed4d, f16`
fn text(store: &str, model: &str, layout: &Layout) -> String {
    let layers: Vec<&str> = layout.layers().collect();
    format!(
        "{store}: {} pictures, {model}, {} of {}, {}",
        layout.examples,
        layout.tokens.name(),
        layers.join(" "),
        layout.dtype.name()
    )
}

//! `pellucid synthetic`: activations whose features are known.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use shared::format::shards::{Layout, PER_SHARD_LIMIT};

use super::arguments::DtypeChoice;
use crate::failure::WrongCall;
use crate::output;
use crate::shards::shelf::Folder;
use crate::synthetic::Drawing;
use crate::synthetic::design::Design;

/// From what, how many, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid synthetic --out known/\n  \
    pellucid synthetic --out held-out/ --draw 1 --examples 100000\n  \
    pellucid train known/ --set latents=1024 --set k=7 --out dictionaries/\n  \
    pellucid evaluate dictionaries/ held-out/\n\n\
    Features fire as in SynthSAEBench (arXiv:2602.14687): rarer and rarer by rank, in trees, together\n\
    with others. The store has them beside it, so `pellucid evaluate` tells what a dictionary finds of\n\
    them. A run that was stopped goes on with the same command. docs/dictionaries.md")]
pub struct Args {
    /// The folder of the store
    #[arg(long, short, value_name = "STORE")]
    out: PathBuf,

    /// Activations that are drawn
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    examples: u64,

    /// Which ones: another number gives other activations of the same features
    #[arg(long, default_value_t = 0, value_name = "N")]
    draw: u64,

    /// Of the features
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,

    /// How many features there are
    #[arg(long, default_value_t = Design::default().features, value_name = "N")]
    features: usize,

    /// How wide an activation is
    #[arg(long, default_value_t = Design::default().channels, value_name = "N")]
    channels: usize,

    /// How often the most frequent feature fires
    #[arg(long, default_value_t = Design::default().most, value_name = "P")]
    most: f64,

    /// How often the rarest does
    #[arg(long, default_value_t = Design::default().least, value_name = "P")]
    least: f64,

    /// With which power of the rank frequency falls between these
    #[arg(long, default_value_t = Design::default().exponent, value_name = "X")]
    exponent: f64,

    /// Trees of features, each of which fires only where its parent does
    #[arg(long, default_value_t = Design::default().trees, value_name = "N")]
    trees: usize,

    /// Children of a feature of a tree
    #[arg(long, default_value_t = Design::default().branching, value_name = "N")]
    branching: usize,

    /// Generations below a tree's root
    #[arg(long, default_value_t = Design::default().depth, value_name = "N")]
    depth: usize,

    /// Children of one parent may fire together; otherwise only one of them does at a time
    #[arg(long)]
    together: bool,

    /// Causes that features have in common
    #[arg(long, default_value_t = Design::default().rank, value_name = "N")]
    rank: usize,

    /// How strongly a feature depends on each of them
    #[arg(long, default_value_t = Design::default().correlation, value_name = "X")]
    correlation: f64,

    /// Length of what every activation has besides
    #[arg(long, default_value_t = Design::default().bias, value_name = "X")]
    bias: f64,

    /// How numbers are stored
    #[arg(long, value_enum, default_value_t = DtypeChoice::F32)]
    dtype: DtypeChoice,

    /// Activations in a shard
    #[arg(long, default_value_t = 16_384, value_name = "N")]
    shard_size: u64,

    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// What was drawn. A stable interface: scripts read it.
#[derive(Serialize)]
struct Made<'a> {
    store: PathBuf,
    #[serde(flatten)]
    layout: &'a Layout,
    /// Of what.
    design: &'a Design,
    /// Features of an activation, in the mean.
    true_l0: f64,
}

/// Draws, and says what.
pub fn run(args: Args) -> Result<()> {
    if !(1..=PER_SHARD_LIMIT).contains(&args.shard_size) {
        let found = args.shard_size;
        let wrong = format!("--shard-size is {found}; it must be 1 to {PER_SHARD_LIMIT}");
        return Err(WrongCall(wrong).into());
    }
    let design = Design {
        features: args.features,
        channels: args.channels,
        most: args.most,
        least: args.least,
        exponent: args.exponent,
        trees: args.trees,
        branching: args.branching,
        depth: args.depth,
        exclusive: !args.together,
        rank: args.rank,
        correlation: args.correlation,
        bias: args.bias,
        seed: args.seed,
        ..Design::default()
    };
    let drawing = Drawing {
        design: &design,
        draw: args.draw,
        examples: args.examples,
        dtype: args.dtype.into(),
        examples_per_shard: args.shard_size,
        shelf: &Folder(args.out.clone()),
    };
    let drawn = drawing.run()?;
    if args.json {
        let layout = &drawn.description.layout;
        let (store, true_l0) = (args.out, drawn.l0);
        return output::json_line(&Made { store, layout, design: &design, true_l0 });
    }
    output::line(&format!(
        "{} activations of {} features, {:.2} at a time  {}",
        args.examples,
        design.features,
        drawn.l0,
        args.out.display()
    ))
}

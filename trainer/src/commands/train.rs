//! `pellucid train`: dictionaries from a store of activations.

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Serialize;

use super::arguments::open_store;
use crate::failure::WrongCall;
use crate::train::report::Line;
use crate::train::{Sweep, Trained, sweep};
use crate::{dictionary, output};

/// Which store, which dictionaries.
#[derive(Debug, clap::Args)]
#[command(override_usage = "pellucid train [OPTIONS] <STORE> --out <DIR>\n       \
    pellucid train --to-saev <DICTIONARY> --out <DIR>")]
#[command(after_help = "Examples:\n  \
    pellucid train store/ --out dictionaries/\n  \
    pellucid train store/ --set k=16,32 --set latents=3072 --set thousands=20000 --out dictionaries/\n  \
    pellucid train store/ --sweep sweep.toml --out dictionaries/\n\n\
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
    #[arg(value_name = "STORE", required_unless_present = "to_saev")]
    store: Option<PathBuf>,

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

    /// Activations that are drawn from at a time, in MiB: those of so many pictures are mixed
    #[arg(long, default_value_t = 256, value_name = "MIB")]
    buffer: u64,

    /// Writes a dictionary as saev keeps one, into --out
    #[arg(long, value_name = "DICTIONARY", conflicts_with_all = ["store", "sweep", "given", "list"])]
    to_saev: Option<PathBuf>,

    /// Names the runs and trains none
    #[arg(long)]
    list: bool,

    /// One line of JSON for each run
    #[arg(long)]
    json: bool,
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
    if !(1..=1 << 20).contains(&args.buffer) {
        return Err(
            WrongCall(format!("--buffer is {}; it must be 1 to 1048576", args.buffer)).into()
        );
    }
    let runs = sweep::runs(args.sweep.as_deref(), &args.given, args.seeds)?;
    if args.list {
        return runs.iter().try_for_each(|run| output::line(&run.name));
    }
    let store = args.store.ok_or_else(|| WrongCall("name a store".to_owned()))?;
    let store = open_store(&store)?;
    let missing = store.missing();
    if !missing.is_empty() {
        let count: u64 = missing.iter().map(|run| run.end - run.start).sum();
        eprintln!("warning: {count} shards of the store are not there yet; training on the others");
    }
    let sweep = Sweep { store: &store, runs: &runs, out: &args.out, buffer: args.buffer << 20 };
    let trained = sweep.run()?;
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

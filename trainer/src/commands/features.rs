//! `pellucid features`: the latents of a dictionary that was evaluated.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

use super::arguments::WeightsArgs;
use super::serving::{PageArgs, View};
use crate::dictionary;
use crate::evaluate;
use crate::evaluate::worth::Latent;
use crate::explore::{bundles_of, make_bundle};
use crate::features::{self, By, Choice};
use crate::output;

/// Which latents of what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid features dictionaries/seed-0 --sort stability\n  \
    pellucid features dictionaries/seed-0 --log-freq-range -3 -1.5 --sort purity --top 50\n  \
    pellucid features dictionaries/seed-0 --label dog --json\n  \
    pellucid features dictionaries/seed-0 --figures figures/\n  \
    pellucid features explored/dictionaries/seed-0 --open\n\n\
    `pellucid evaluate` must have been there. `pellucid exemplars .. --dictionary FOLDER --channels ..`\n\
    shows the pictures of the latents that are found here.")]
pub struct Args {
    /// The folder of a dictionary
    #[arg(value_name = "DICTIONARY")]
    dictionary: PathBuf,

    /// Only latents whose frequency has a decimal logarithm from MIN to MAX
    #[arg(long, num_args = 2, value_names = ["MIN", "MAX"], allow_negative_numbers = true)]
    log_freq_range: Option<Vec<f64>>,

    /// Only latents whose mean value has
    #[arg(long, num_args = 2, value_names = ["MIN", "MAX"], allow_negative_numbers = true)]
    log_value_range: Option<Vec<f64>>,

    /// Only latents whose label has this in it
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,

    /// What comes first
    #[arg(long, value_enum, default_value_t)]
    sort: Sort,

    /// How many
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,

    /// A folder for density.png and scatter.png, of all latents
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,

    /// One line of JSON for each latent
    #[arg(long)]
    json: bool,

    /// Then shows the latents in the page, in a browser, until Ctrl-C: with their pictures where
    /// `pellucid explore` made them, else by what the page computes itself
    #[arg(long)]
    open: bool,

    #[command(flatten, next_help_heading = "Of --open")]
    page: PageArgs,

    #[command(flatten, next_help_heading = "Of --open")]
    weights: WeightsArgs,
}

/// A measure by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// How often they fire
    #[default]
    Frequency,
    /// Their mean where they fire
    Value,
    /// The part of their top pictures that have one label
    Purity,
    /// How alike their partner in another seed's dictionary is
    Stability,
    /// How alike the pictures are that excite them, by another network
    Monosemanticity,
    /// How much they fire side by side
    Coherence,
}

impl From<Sort> for By {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Frequency => Self::Frequency,
            Sort::Value => Self::Value,
            Sort::Purity => Self::Purity,
            Sort::Stability => Self::Stability,
            Sort::Monosemanticity => Self::Monosemanticity,
            Sort::Coherence => Self::Coherence,
        }
    }
}

/// Prints the latents that are wanted.
pub fn run(args: Args) -> Result<()> {
    let (_, latents) = evaluate::read(dictionary::folder(&args.dictionary))?;
    let range = |range: &Option<Vec<f64>>| {
        range.as_ref().and_then(|range| range.as_slice().try_into().ok())
    };
    let choice = Choice {
        log_frequency: range(&args.log_freq_range),
        log_value: range(&args.log_value_range),
        label: args.label.clone(),
    };
    let chosen = choice.of(&latents, args.sort.into());
    if !args.json {
        output::line(&format!(
            "{:>7} {:>9} {:>9} {:>6} {:>6} {:>6} {:>6}  label",
            "latent", "frequency", "mean", "purity", "stable", "mono", "coher"
        ))?;
    }
    for latent in chosen.iter().take(args.top) {
        if args.json { output::json_line(latent)? } else { output::line(&text(latent))? }
    }
    if !args.json {
        let shown = chosen.len().min(args.top);
        eprintln!("{shown} of {} latents, of {} in all", chosen.len(), latents.len());
    }
    if let Some(folder) = &args.figures {
        let name = args.dictionary.file_name().unwrap_or_default().to_string_lossy();
        for file in features::draw(folder, &name, &latents)? {
            eprintln!("{}", file.display());
        }
    }
    if args.open { show(&args) } else { Ok(()) }
}

/// Shows the latents in the page.
fn show(args: &Args) -> Result<()> {
    let opened = dictionary::open(&args.dictionary)?;
    let (bundles, layer) = match bundles_of(&opened) {
        Some(found) => found,
        None => make_bundle(&opened, args.weights.weights.as_deref())?,
    };
    let by_stability = args.sort == Sort::Stability;
    let view = View { bundles: &bundles, model: &opened.made.model, layer: &layer, by_stability };
    match args.page.page(&view)? {
        Some(served) => {
            if !args.json {
                output::line(served.address())?;
            }
            served.run(true)
        }
        None => Ok(()),
    }
}

fn text(latent: &Latent) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    format!(
        "{:>7} {:>9.2e} {:>9.3} {:>6} {:>6} {:>6} {:>6}  {}",
        latent.latent,
        latent.frequency,
        latent.mean,
        number(latent.purity),
        number(latent.stability),
        number(latent.monosemanticity),
        number(latent.coherence),
        latent.label.as_deref().unwrap_or("")
    )
}

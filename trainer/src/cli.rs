//! The command line as plain data.

use clap::{Parser, Subcommand};

use crate::commands;

/// Shows what a vision network has learned.
#[derive(Debug, Parser)]
#[command(name = "pellucid", version, max_term_width = 100)]
#[command(
    after_help = "A network is built in: begin with `pellucid classify cat.jpg`. `pellucid doctor` says what\n\
    else is here, `pellucid fetch googlenet` gets another.\n\
    Results go to stdout, progress to stderr.\n\
    Exit code: 0 done, 1 the job failed, 2 the call was wrong."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Download a model's published weights into the cache
    Fetch(commands::fetch::Args),
    /// Convert a published weights file to safetensors
    Import(commands::import::Args),
    /// List a model's layers
    Layers(commands::layers::Args),
    /// Say what a model sees in pictures
    Classify(commands::classify::Args),
    /// Make pictures of what units look for
    Visualize(Box<commands::visualize::Args>),
    /// Find the pictures that excite units most
    Exemplars(Box<commands::exemplars::Args>),
    /// Keep what layers answer to pictures on disk, for dictionaries and probes
    Record(Box<commands::record::Args>),
    /// Draw activations whose features are known, to judge dictionaries by
    Synthetic(commands::synthetic::Args),
    /// Train dictionaries on what was recorded
    Train(commands::train::Args),
    /// Say what dictionaries are worth
    Evaluate(commands::evaluate::Args),
    /// List the latents of a dictionary by what they are worth
    Features(commands::features::Args),
    /// From a folder of pictures to a page of what a layer has learned of them, in one go
    Explore(Box<commands::explore::Args>),
    /// Measure the average magnitude spectrum of a folder of pictures, for MACO
    Spectrum(commands::spectrum::Args),
    /// Write the bundle that the page opens
    Export(Box<commands::export::Args>),
    /// Say what is here, what is missing, and how to mend it
    Doctor(commands::doctor::Args),
}

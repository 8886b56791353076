//! The command line as plain data.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use shared::weights::Precision;

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
    /// Measure the average magnitude spectrum of a folder of pictures, for MACO
    Spectrum(commands::spectrum::Args),
    /// Write the bundle that the page opens
    Export(Box<commands::export::Args>),
    /// Say what is here, what is missing, and how to mend it
    Doctor(commands::doctor::Args),
}

/// The weights of the model that a verb works on.
#[derive(Args, Clone, Debug)]
pub struct WeightsArgs {
    /// The model's weights, in any published format; otherwise what `pellucid fetch` put into the
    /// cache, otherwise those that are built in (efficientnet-lite0)
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
}

/// Where a verb computes.
#[derive(Args, Clone, Copy, Debug)]
pub struct DeviceArgs {
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
}

/// A device by the name of its driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceChoice {
    /// A GPU that this program was built for and that is here, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A GPU through Vulkan, Metal or DX12.
    Wgpu,
    /// An NVIDIA GPU.
    Cuda,
}

/// Bits of a written weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PrecisionChoice {
    /// Half: half the size, nearly always the same top class.
    F16,
    /// Single: as published.
    F32,
    /// Eight bits: a quarter of the size, kernels scaled output by output.
    Q8,
}

impl From<PrecisionChoice> for Precision {
    fn from(choice: PrecisionChoice) -> Self {
        match choice {
            PrecisionChoice::F16 => Self::F16,
            PrecisionChoice::F32 => Self::F32,
            PrecisionChoice::Q8 => Self::Q8,
        }
    }
}

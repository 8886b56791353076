//! Arguments that several verbs have.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use shared::burn::tensor::Device;
use shared::format::shards::{Dtype, TokenKind};
use shared::models::ModelInfo;
use shared::readout::Readouts;
use shared::weights::Precision;

use crate::exemplars::label::Labels;
use crate::failure::WrongCall;
use crate::pictures::source::Source;
use crate::record::partition::Partition;
use crate::shards::Store;
use crate::shards::bucket::is_address;
use crate::{device, dictionary};

/// The weights of the model that a verb works on.
#[derive(Args, Clone, Debug)]
pub struct WeightsArgs {
    /// The model's weights, in any published format; otherwise what `pellucid fetch` put into the
    /// cache, otherwise those that are built in (efficientnet-lite0)
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
}

/// Dictionaries whose latents a verb works on.
#[derive(Args, Clone, Debug)]
pub struct DictionaryArgs {
    /// A dictionary that `pellucid train` made or another program saved: its latents are a layer,
    /// such as blocks.10/sae-3k, or blocks.10/mine of mine=FOLDER, or of blocks.10/mine=FOLDER where
    /// it does not know its layer. May be given several times
    #[arg(long = "dictionary", value_name = "[[LAYER/]NAME=]FOLDER")]
    given: Vec<String>,
}

impl DictionaryArgs {
    /// As layers of a network.
    ///
    /// # Errors
    /// One that is none, or none of this network; two of one name.
    pub fn readouts(&self, info: &ModelInfo, device: &Device) -> Result<Readouts> {
        let mut readouts = Readouts::new();
        for given in &self.given {
            for (name, readout) in dictionary::readouts(given, info, device)? {
                let (layer, own) = &name;
                if readouts.contains_key(&name) {
                    let wrong =
                        format!("two dictionaries are called {layer}/{own}: name one NAME=FOLDER");
                    return Err(WrongCall(wrong).into());
                }
                readouts.insert(name, readout);
            }
        }
        Ok(readouts)
    }
}

/// The part that was asked for, else the scheduler's.
///
/// # Errors
/// The scheduler says something that cannot be.
pub fn partition(given: Option<Partition>) -> Result<Partition> {
    if let Some(partition) = given {
        return Ok(partition);
    }
    let scheduled = Partition::scheduled(|name| std::env::var(name).ok());
    match scheduled.map_err(|error| WrongCall(error.to_string()))? {
        Some((partition, variable)) => {
            eprintln!("partition: {partition} (as {variable} says)");
            Ok(partition)
        }
        None => Ok(Partition::WHOLE),
    }
}

/// Where pictures are, and what they are called: as in their folder, or, where several are named, as
/// these are. Those in `out` are none of them. `argument` is what named them.
///
/// # Errors
/// There is nothing of a name, or a list of titles that cannot be read.
pub fn sources(
    argument: &'static str,
    images: &[PathBuf],
    out: &Path,
) -> Result<(Vec<Source>, Labels)> {
    let [alone] = images else {
        for path in images {
            Source::new(path).context(argument)?;
        }
        let sources = images.iter().map(|path| Source::as_given(path).without(out)).collect();
        return Ok((sources, Labels::by_place()));
    };
    Ok((vec![Source::new(alone).context(argument)?.without(out)], Labels::of(alone)?))
}

/// Whether two paths lead to one place.
pub fn is_the_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Opens a store in a folder.
///
/// # Errors
/// It is none; an address, because numbers are mapped into memory.
pub fn open_store(path: &Path) -> Result<Store> {
    if path.to_str().is_some_and(is_address) {
        let path = path.display();
        let wrong = format!("{path}: a store is read from a folder: copy it there first");
        return Err(WrongCall(wrong).into());
    }
    Store::open(path)
}

/// Tokens by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TokensChoice {
    /// The class token
    Cls,
    /// Every place
    #[default]
    Patches,
    /// Class and register tokens, then every place
    All,
    /// The mean over all places
    Pooled,
}

impl From<TokensChoice> for TokenKind {
    fn from(choice: TokensChoice) -> Self {
        match choice {
            TokensChoice::Cls => Self::Cls,
            TokensChoice::Patches => Self::Patches,
            TokensChoice::All => Self::All,
            TokensChoice::Pooled => Self::Pooled,
        }
    }
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

impl From<DeviceChoice> for device::Choice {
    fn from(choice: DeviceChoice) -> Self {
        match choice {
            DeviceChoice::Auto => Self::Auto,
            DeviceChoice::Cpu => Self::Cpu,
            DeviceChoice::Wgpu => Self::Wgpu,
            DeviceChoice::Cuda => Self::Cuda,
        }
    }
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

/// A kind of number by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DtypeChoice {
    /// Single precision
    F32,
    /// Half precision: 11 bits, up to 65,504
    #[default]
    F16,
    /// 8 bits, as far as single precision goes
    Bf16,
}

impl From<DtypeChoice> for Dtype {
    fn from(choice: DtypeChoice) -> Self {
        match choice {
            DtypeChoice::F32 => Self::F32,
            DtypeChoice::F16 => Self::F16,
            DtypeChoice::Bf16 => Self::Bf16,
        }
    }
}

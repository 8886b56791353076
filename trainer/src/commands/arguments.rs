//! Arguments that several verbs have.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use shared::weights::Precision;

use crate::device;

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

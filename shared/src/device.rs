//! The one place that names devices.

#[cfg(feature = "webgpu")]
pub mod webgpu;

use burn::tensor::{Device, Tensor};

use crate::{Error, Result};

/// The processor: SIMD, and threads where the platform has them.
pub fn cpu() -> Device {
    Device::flex()
}

/// A GPU through Vulkan, Metal or DX12, the system's choice of adapter.
#[cfg(feature = "wgpu")]
pub fn wgpu() -> Device {
    Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)
}

/// Reads a tensor's values back, row by row.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let failed = |reason: String| Error::Device { device: "compute".to_owned(), reason };
    let data = tensor.into_data_async().await.map_err(|error| failed(format!("{error:?}")))?;
    data.try_to_vec::<f32>().map_err(|error| failed(format!("{error:?}")))
}

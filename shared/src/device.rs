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

/// The first of NVIDIA's GPUs.
#[cfg(feature = "cuda")]
pub fn cuda() -> Device {
    Device::cuda(0)
}

/// A GPU's name, and whether it computes in software; nothing for the processor.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub fn identity(device: &Device) -> Option<(String, bool)> {
    // A software renderer is no card on any bus.
    device.identity().map(|identity| (identity.name, identity.physical.is_none()))
}

/// Reads a tensor's values back, row by row.
///
/// # Errors
/// What befell the device since it was last read: kernels run, and fail, behind the calls that
/// ask for them.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.into_data_async().await.map_err(|error| failed(&format!("{error:?}")))?;
    data.try_into_vec::<f32>().map_err(|error| failed(&format!("{error:?}")))
}

/// The library's account of a failure lists every kernel that was skipped for it; where a tensor
/// that found no room was the cause, that line alone says all.
fn failed(account: &str) -> Error {
    const NO_ROOM: [&str; 2] = ["can't allocate buffer", "out of device memory"];
    let no_room = account.lines().find(|line| NO_ROOM.iter().any(|words| line.contains(words)));
    match no_room {
        Some(line) => Error::OutOfMemory { reason: line.trim().to_owned() },
        None => Error::Device { device: "compute".to_owned(), reason: account.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_without_room_is_told_from_other_failures() {
        let account = "An error happened\n  Caused by: can't allocate buffer of size: 4294967296";
        let error = failed(account).to_string();
        assert_eq!(
            error,
            "the device has not enough memory: \
             Caused by: can't allocate buffer of size: 4294967296"
        );
        assert!(failed("the shader is wrong").to_string().starts_with("the compute device failed"));
    }
}

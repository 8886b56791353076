//! The one place that picks a device, and says why.

use anyhow::Result;
use shared::burn::tensor::Device;

use crate::failure::WrongCall;

/// A device by the name of its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A GPU that this program was built for and that is here, else the processor.
    Auto,
    /// The processor.
    Cpu,
    /// A GPU through Vulkan, Metal or DX12.
    Wgpu,
    /// An NVIDIA GPU.
    Cuda,
}

/// A device and why it was chosen.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Where tensors live.
    pub device: Device,
    /// `cpu`, `wgpu` or `cuda`.
    pub driver: &'static str,
    /// One clause for people.
    pub reason: String,
}

/// Something other than the processor that can compute.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// Where tensors live.
    pub device: Device,
    /// `wgpu` or `cuda`.
    pub driver: &'static str,
    /// As its driver names it.
    pub name: String,
    /// It renders on the processor: slower than the processor's own code.
    pub software: bool,
}

/// Drivers this program was built with, best first.
pub const COMPILED: &[&str] = &[
    #[cfg(feature = "cuda")]
    "cuda",
    #[cfg(feature = "wgpu")]
    "wgpu",
    "cpu",
];

/// The device asked for, announced on stderr.
pub fn open(choice: Choice) -> Result<Device> {
    let chosen = choose(choice)?;
    eprintln!("device: {} ({})", chosen.driver, chosen.reason);
    Ok(chosen.device)
}

/// So many devices of the one driver that is asked for, announced on stderr; none where that is the
/// processor, which is never several.
///
/// # Errors
/// There are not so many.
pub fn open_several(choice: Choice, count: usize) -> Result<Vec<Device>> {
    let chosen = choose(choice)?;
    eprintln!("device: {} ({})", chosen.driver, chosen.reason);
    let found = match (chosen.driver, count) {
        ("cpu", _) => Vec::new(),
        (_, 1) => vec![chosen.device],
        (driver, _) => {
            let alike = adapters().into_iter().filter(|adapter| adapter.driver == driver);
            alike.take(count).map(|adapter| adapter.device).collect()
        }
    };
    if found.len() < count && 1 < count {
        let (driver, there) = (chosen.driver, found.len());
        return Err(WrongCall(format!("--gpus {count}: {driver} has {there} here")).into());
    }
    Ok(found)
}

/// The device asked for, or the best one for `auto`.
pub fn choose(choice: Choice) -> Result<Chosen> {
    match choice {
        Choice::Auto => Ok(automatic()),
        Choice::Cpu => Ok(processor("asked for".to_owned())),
        Choice::Wgpu => asked_for("wgpu"),
        Choice::Cuda => asked_for("cuda"),
    }
}

fn automatic() -> Chosen {
    if COMPILED == ["cpu"] {
        return processor("this program was built without GPU drivers".to_owned());
    }
    let adapters = adapters();
    match adapters.iter().find(|adapter| !adapter.software) {
        Some(adapter) => Chosen {
            device: adapter.device.clone(),
            driver: adapter.driver,
            reason: format!("{} is here", adapter.name),
        },
        None if adapters.is_empty() => processor("no GPU was found".to_owned()),
        None => {
            processor("the only GPU here is a software one, slower than the processor".to_owned())
        }
    }
}

fn processor(reason: String) -> Chosen {
    Chosen { device: shared::device::cpu(), driver: "cpu", reason }
}

fn asked_for(driver: &str) -> Result<Chosen> {
    if !COMPILED.contains(&driver) {
        return Err(WrongCall(format!(
            "--device {driver}: this program was built without {driver}; \
             `cargo install --path trainer --features {driver}` builds one with it"
        ))
        .into());
    }
    let mut adapters: Vec<_> =
        adapters().into_iter().filter(|adapter| adapter.driver == driver).collect();
    adapters.sort_by_key(|adapter| adapter.software);
    let Some(adapter) = adapters.into_iter().next() else {
        return Err(WrongCall(format!(
            "--device {driver}: no such device was found; `pellucid doctor` shows what is here"
        ))
        .into());
    };
    let kind = if adapter.software { ", a software renderer" } else { "" };
    let reason = format!("asked for; {}{kind}", adapter.name);
    Ok(Chosen { device: adapter.device, driver: adapter.driver, reason })
}

/// Every adapter that the compiled drivers reach. Opens them, so ask once.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub fn adapters() -> Vec<Adapter> {
    use shared::burn::tensor::DeviceType;
    let drivers = [
        #[cfg(feature = "cuda")]
        ("cuda", DeviceType::Cuda),
        #[cfg(feature = "wgpu")]
        ("wgpu", DeviceType::Wgpu),
    ];
    let mut adapters = Vec::new();
    for (driver, kind) in drivers {
        for device in Device::enumerate(kind).iter() {
            let Some((name, software)) = shared::device::identity(device) else { continue };
            adapters.push(Adapter { device: device.clone(), driver, name, software });
        }
    }
    adapters
}

/// Without GPU drivers there is nothing to list.
#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
pub fn adapters() -> Vec<Adapter> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_of_device_gives_its_reason() {
        for choice in [Choice::Auto, Choice::Cpu] {
            assert!(!choose(choice).unwrap().reason.is_empty());
        }
    }

    #[test]
    fn the_processor_is_no_gpu_and_never_several() {
        assert!(open_several(Choice::Cpu, 1).unwrap().is_empty());
        let error = open_several(Choice::Cpu, 2).unwrap_err().to_string();
        assert_eq!(error, "--gpus 2: cpu has 0 here");
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_driver_that_was_not_compiled_in_is_refused_with_the_command_that_mends_it() {
        let error = choose(Choice::Cuda).unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
}

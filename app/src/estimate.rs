//! How long a dream will take, before it starts.

use shared::visualize::Making;

use crate::protocol::{DeviceChoice, DeviceReport};

/// Seconds above which a dream says so before it starts.
const SLOW: f64 = 20.0;
/// Square sides that are offered instead, in pixels.
const SMALLER: [usize; 4] = [224, 128, 96, 64];
/// A step to mixed4a at 128 px in one wasm thread on a desktop: 60 ms (docs/benchmarks.md).
const PROCESSOR: f64 = 60e-3 / (128.0 * 128.0);
/// The same on a software GPU: 4 s.
const SOFTWARE_GPU: f64 = 4.0 / (128.0 * 128.0);

/// Seconds a step costs for each pixel of the picture, as measured or, before, as expected.
/// Nothing for a real GPU that has not been measured: it may be anything, and is fast.
pub fn seconds_per_pixel(device: &DeviceReport, measured: Option<f64>) -> Option<f64> {
    measured.or(match (device.device, device.software) {
        (DeviceChoice::WebGpu, false) => None,
        (DeviceChoice::WebGpu, true) => Some(SOFTWARE_GPU),
        _ => Some(PROCESSOR),
    })
}

/// Seconds for a whole dream.
pub fn seconds(making: &Making, seconds_per_pixel: f64) -> f64 {
    let settings = &making.settings;
    let pixels = settings.width * settings.height * settings.batch * settings.views;
    seconds_per_pixel * (pixels * making.steps) as f64
}

/// A warning for a slow dream: how long, and a smaller side with its time if one helps.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// Seconds for the dream as it is set.
    pub seconds: f64,
    /// Side in pixels, and seconds.
    pub smaller: Option<(usize, f64)>,
}

/// Whether a dream is slow enough to say so.
pub fn warning(making: &Making, seconds_per_pixel: f64) -> Option<Warning> {
    let whole = seconds(making, seconds_per_pixel);
    if whole <= SLOW {
        return None;
    }
    let side = making.settings.width.min(making.settings.height);
    let smaller = |side: usize| {
        let mut smaller = making.clone();
        (smaller.settings.width, smaller.settings.height) = (side, side);
        (side, seconds(&smaller, seconds_per_pixel))
    };
    let offers: Vec<_> = SMALLER.into_iter().filter(|offer| *offer < side).map(smaller).collect();
    let quick = offers.iter().find(|(_, seconds)| *seconds <= SLOW).or(offers.last());
    Some(Warning { seconds: whole, smaller: quick.copied() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(device: DeviceChoice, software: bool) -> DeviceReport {
        DeviceReport { device, adapter: String::new(), software, reason: String::new() }
    }

    #[test]
    fn the_processor_takes_half_a_minute_for_the_default() {
        let cost = seconds_per_pixel(&device(DeviceChoice::Cpu, false), None).unwrap();
        let warning = warning(&Making::default(), cost).unwrap();
        assert_eq!(warning.seconds.round(), 31.0);
        assert_eq!(warning.smaller.map(|(side, _)| side), Some(96));
    }

    #[test]
    fn a_gpu_is_not_warned_about_until_measured() {
        let gpu = device(DeviceChoice::WebGpu, false);
        assert_eq!(seconds_per_pixel(&gpu, None), None);
        assert_eq!(seconds_per_pixel(&gpu, Some(1e-6)), Some(1e-6));
        assert_eq!(warning(&Making::default(), 1e-6), None);
    }

    #[test]
    fn the_smallest_size_is_offered_when_none_is_quick() {
        let mut making = Making::default();
        let offered = |making: &Making| warning(making, SOFTWARE_GPU).unwrap().smaller;
        assert_eq!(offered(&making).map(|(side, _)| side), Some(64));
        making.set("size", "64").unwrap();
        assert_eq!(offered(&making), None);
    }
}

//! Colours for values: the same quantity has the same colour everywhere.
//!
//! Inferno runs from black through purple and orange to pale yellow. Equal steps of the value are
//! nearly equal steps of lightness, so it reads in grey and with any colour vision.

/// Inferno at 0, 1/16, ..., 1: sRGB, 0..=255. Samples of the colour map of S. van der Walt and
/// N. Smith (2015), which is in the public domain (CC0).
const INFERNO: [[u8; 3]; 17] = [
    [0, 0, 4],
    [11, 7, 36],
    [33, 12, 74],
    [61, 9, 101],
    [87, 16, 110],
    [113, 25, 110],
    [138, 34, 106],
    [163, 44, 97],
    [188, 55, 84],
    [210, 70, 68],
    [228, 90, 49],
    [241, 115, 29],
    [249, 142, 9],
    [252, 172, 17],
    [249, 203, 53],
    [242, 234, 105],
    [252, 255, 164],
];

/// The colour of a value in 0..=1 (clamped; not-a-number counts as 0): sRGB, 0..=255.
pub fn inferno(value: f32) -> [u8; 3] {
    let last = INFERNO.len() - 1;
    let share_of_all = if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
    let position = share_of_all * last as f32;
    let below = (position as usize).min(last - 1);
    let share = position - below as f32;
    let mix = |channel: usize| {
        let from = f32::from(INFERNO[below][channel]);
        let to = f32::from(INFERNO[below + 1][channel]);
        (from + share * (to - from)).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CIE lightness, 0..=100, of an sRGB colour.
    fn lightness(colour: [u8; 3]) -> f32 {
        let linear = colour.map(|byte| {
            let value = f32::from(byte) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        let luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        if luminance > 0.008_856 { 116.0 * luminance.cbrt() - 16.0 } else { 903.3 * luminance }
    }

    #[test]
    fn lightness_rises_evenly_from_black_to_pale() {
        let steps: Vec<f32> = (0..=64).map(|step| lightness(inferno(step as f32 / 64.0))).collect();
        assert!(steps[0] < 1.0 && steps[64] > 95.0);
        let mean = (steps[64] - steps[0]) / 64.0;
        for pair in steps.windows(2) {
            let rise = pair[1] - pair[0];
            assert!(rise > 0.0 && (rise - mean).abs() < 0.75 * mean, "{rise} beside {mean}");
        }
    }

    #[test]
    fn values_outside_the_scale_take_its_ends() {
        assert_eq!(inferno(-3.0), inferno(0.0));
        assert_eq!(inferno(7.0), [252, 255, 164]);
        assert_eq!(inferno(f32::NAN), [0, 0, 4]);
    }

    #[test]
    fn between_two_samples_lies_their_mean() {
        assert_eq!(inferno(1.5 / 16.0), [22, 10, 55]);
    }
}

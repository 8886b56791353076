//! A picture made small without changing its brightness.

use shared::Result;
use shared::image::{Picture, Resampling};

/// Bytes `[side, side, 3]` of a picture scaled to that size.
///
/// What is averaged is light, not the bytes that stand for it: averages of bytes come out too dark
/// wherever neighbouring pixels differ much, and in dreams they do.
pub fn of(picture: &Picture, side: usize) -> Result<Vec<u8>> {
    if (picture.width(), picture.height()) == (side, side) {
        return Ok(picture.to_rgb8());
    }
    let small = map(picture, light)?.resize(side, side, Resampling::Lanczos);
    Ok(map(&small, signal)?.to_rgb8())
}

fn map(picture: &Picture, value: impl Fn(f32) -> f32) -> Result<Picture> {
    let planes = picture.planes().iter().copied().map(value).collect();
    Picture::from_planes(picture.width(), picture.height(), planes)
}

/// Of a value of sRGB, 0..=1 (IEC 61966-2-1).
fn light(signal: f32) -> f32 {
    if signal <= 0.04045 { signal / 12.92 } else { ((signal + 0.055) / 1.055).powf(2.4) }
}

/// The value of sRGB that stands for this much light.
fn signal(light: f32) -> f32 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_becoming_light() {
        for byte in 0..=255_u8 {
            let value = f32::from(byte) / 255.0;
            assert!((signal(light(value)) - value).abs() < 1e-5, "{byte}");
        }
    }

    #[test]
    fn a_fine_chequerboard_becomes_as_bright_as_it_looks() {
        let plane = (0..64 * 64).map(|place| ((place % 64 + place / 64) % 2) as f32);
        let planes: Vec<f32> = plane.clone().chain(plane.clone()).chain(plane).collect();
        let picture = Picture::from_planes(64, 64, planes).unwrap();
        let small = of(&picture, 16).unwrap();
        assert_eq!(small.len(), 16 * 16 * 3);
        // Half the light is 188 of 255, not 128; the rim is left out.
        let middle = small[(8 * 16 + 8) * 3];
        assert!(middle.abs_diff(188) <= 2, "{middle}");
    }

    #[test]
    fn a_picture_of_that_size_stays_as_it_is() {
        let bytes: Vec<u8> = (0..12).map(|value| value * 20).collect();
        assert_eq!(of(&Picture::from_rgb8(2, 2, &bytes).unwrap(), 2).unwrap(), bytes);
    }
}

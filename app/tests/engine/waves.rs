//! Pictures to look at.

use shared::image::Picture;

/// Waves in all colours.
pub fn waves(width: usize, height: usize, phase: usize) -> Picture {
    let wave = |place: usize| (128.0 + 127.0 * ((place * (3 + phase)) as f32 / 50.0).sin()) as u8;
    let bytes: Vec<u8> = (0..3 * width * height).map(wave).collect();
    Picture::from_rgb8(width, height, &bytes).unwrap()
}

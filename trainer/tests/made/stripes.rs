//! Pictures that differ.

/// Each other stripes: another direction, width and colour.
pub fn stripes(number: usize) -> image::RgbImage {
    image::RgbImage::from_fn(256, 256, |x, y| {
        let (x, y, number) = (f64::from(x), f64::from(y), number as f64);
        let phase = (x * number.cos() + y * number.sin()) * (0.08 + 0.03 * (number % 7.0));
        let level = |shift: f64| (128.0 + 120.0 * (phase + shift * number).sin()) as u8;
        image::Rgb([level(0.0), level(0.4), level(0.9)])
    })
}

//! Pictures as they come in a request, and maps as they go out.

use shared::image::Picture;
use shared::preprocess::Preprocessing;

use crate::failure;
use crate::protocol::{Failure, FailureKind, PictureSize};

/// Longest side of a picture that is accepted, in pixels.
const LONGEST_SIDE: usize = 8192;

/// The picture in a request, from its RGBA bytes. Much larger ones than the network needs
/// (`wanted_side` pixels) are shrunk while they are bytes, because as numbers they take four times
/// the room.
pub fn read(size: PictureSize, bytes: Vec<u8>, wanted_side: usize) -> Result<Picture, Failure> {
    let PictureSize { width, height } = size;
    let unusable = |why: String| {
        let next = "Choose another picture, or a smaller copy of this one.";
        Failure::new(FailureKind::Picture, "This picture cannot be used.", why, next)
    };
    if width == 0 || height == 0 || LONGEST_SIDE < width.max(height) {
        return Err(unusable(format!(
            "It has {width}x{height} pixels; each side must have 1 to {LONGEST_SIDE}."
        )));
    }
    let needed = 4 * width * height;
    if bytes.len() != needed {
        return Err(unusable(format!(
            "{width}x{height} pixels need {needed} bytes, found {}.",
            bytes.len()
        )));
    }
    let shrink = width.min(height) / (4 * wanted_side.max(1));
    if shrink < 2 {
        return Picture::from_rgba8(width, height, &bytes).map_err(failure::of);
    }
    let (width, height, bytes) = shrunk(width, height, &bytes, shrink);
    Picture::from_rgb8(width, height, &bytes).map_err(failure::of)
}

/// The part of the picture in a request that the network looks at; one of just its size is cut
/// already.
pub fn cut(
    size: PictureSize,
    bytes: Vec<u8>,
    preprocessing: &Preprocessing,
) -> Result<Picture, Failure> {
    let picture = read(size, bytes, preprocessing.resize.side())?;
    let side = preprocessing.crop;
    Ok(match (picture.width(), picture.height()) {
        (width, height) if (width, height) == (side, side) => picture,
        _ => preprocessing.classification_crop(&picture),
    })
}

/// Means over squares of `factor` pixels of RGBA on white, as RGB; a rest at the edges is cut off.
fn shrunk(width: usize, height: usize, rgba: &[u8], factor: usize) -> (usize, usize, Vec<u8>) {
    let (columns, rows) = (width / factor, height / factor);
    let mut rgb = Vec::with_capacity(3 * columns * rows);
    for row in 0..rows {
        let mut sums = vec![[0_u32; 3]; columns];
        for line in rgba.chunks_exact(4 * width).skip(row * factor).take(factor) {
            let squares = line.chunks_exact(4 * factor);
            for (sum, square) in sums.iter_mut().zip(squares) {
                for pixel in square.chunks_exact(4) {
                    let alpha = u32::from(pixel[3]);
                    for (sum, &value) in sum.iter_mut().zip(pixel) {
                        *sum += (alpha * u32::from(value) + (255 - alpha) * 255 + 127) / 255;
                    }
                }
            }
        }
        let area = (factor * factor) as u32;
        rgb.extend(sums.iter().flatten().map(|sum| ((sum + area / 2) / area) as u8));
    }
    (columns, rows, rgb)
}

/// A map as it travels: little-endian, row by row.
pub fn map_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_means_over_squares_and_shows_white_through() {
        // Black and white columns, then clear ones; the fifth column is cut off.
        let line = [[0, 0, 0, 255], [255, 255, 255, 255], [9, 9, 9, 0], [9, 9, 9, 0], [1; 4]];
        let rgba: Vec<u8> = line.iter().cycle().take(10).flatten().copied().collect();
        let (width, height, rgb) = shrunk(5, 2, &rgba, 2);
        assert_eq!((width, height), (2, 1));
        assert_eq!(rgb, [128, 128, 128, 255, 255, 255]);
    }

    #[test]
    fn a_large_photograph_keeps_its_look() {
        let size = PictureSize { width: 2100, height: 2050 };
        let grey = vec![200; 4 * size.width * size.height];
        let opaque: Vec<u8> =
            grey.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect();
        let picture = read(size, opaque, 256).unwrap();
        assert_eq!((picture.width(), picture.height()), (1050, 1025));
        assert!(picture.planes().iter().all(|value| (value - 200.0 / 255.0).abs() < 1e-6));
    }
}

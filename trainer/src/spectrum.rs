//! How strong each spatial frequency is in a folder of photographs.
//!
//! Fel et al. 2023 (arXiv:2306.06805) hold a visualization's Fourier magnitudes at the average of
//! ImageNet's and let only the phases move. Here as there, a picture is cut to its middle square,
//! scaled, its RGB values in 0..=1 turned into decorrelated colour channels by the inverse of the
//! matrix that paints pictures, and transformed with the ortho-normalised Fourier transform; the
//! magnitudes are averaged over pictures.

use anyhow::{Result, bail};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use shared::image::{Picture, Resampling};
use shared::visualize::parameters::color_matrix;
use shared::visualize::spectrum::MagnitudeSpectrum;

use crate::interrupt;
use crate::pictures::ahead::FEW;
use crate::pictures::listing::Listing;
use crate::pictures::source::Source;
use crate::progress::{Counted, Progress};

/// An average over photographs.
pub struct Measured {
    /// The average.
    pub spectrum: MagnitudeSpectrum,
    /// Pictures it is made of.
    pub pictures: usize,
    /// Files that could not be read.
    pub unreadable: usize,
}

/// The average over pictures, at a side of `size` pixels.
pub fn measure(source: Source, size: usize) -> Result<Measured> {
    let listing = Listing::of(vec![source])?;
    let counted = Counted::Things("pictures");
    let mut progress = Progress::new("spectrum", Some(listing.pictures), counted);
    let mut sum = vec![0.0; 3 * size * (size / 2 + 1)];
    let (mut pictures, mut unreadable) = (0, 0);
    let one = move |picture: Picture| Ok(magnitudes(&square(&picture, size)));
    for decoded in listing.decode_ahead(0, FEW, one) {
        interrupt::check()?;
        match decoded?.picture {
            Ok(magnitudes) => {
                pictures += 1;
                sum.iter_mut().zip(magnitudes).for_each(|(sum, one)| *sum += one);
            }
            Err(error) => {
                unreadable += 1;
                progress.note(&format!("skipped: {error:#}"));
            }
        }
        progress.advance(1);
    }
    progress.finish();
    if pictures == 0 {
        bail!("none of the {unreadable} pictures could be read");
    }
    let mean = sum.into_iter().map(|sum| (sum / pictures as f64) as f32).collect();
    Ok(Measured { spectrum: MagnitudeSpectrum::new(size, mean)?, pictures, unreadable })
}

/// The middle square, scaled to a side of `size` pixels.
fn square(picture: &Picture, size: usize) -> Picture {
    let side = picture.width().min(picture.height());
    picture.center_crop(side, side).resize(size, size, Resampling::Lanczos)
}

/// Magnitudes of the ortho-normalised Fourier transform of a square picture's decorrelated
/// colour channels: those frequencies whose column is not the mirror of another.
///
/// # Shapes
/// - returns: `[3, size, size / 2 + 1]`
fn magnitudes(picture: &Picture) -> Vec<f64> {
    let size = picture.width();
    let half = size / 2 + 1;
    let transform = FftPlanner::<f64>::new().plan_fft_forward(size);
    let area = size * size;
    let inverse = inverse(color_matrix().map(|row| row.map(f64::from)));
    let rgb = picture.planes();
    let mut magnitudes = Vec::with_capacity(3 * size * half);
    for weights in inverse {
        let mut values: Vec<Complex<f64>> = (0..area)
            .map(|place| {
                let terms = weights.iter().zip(rgb.chunks_exact(area));
                terms.map(|(weight, plane)| weight * f64::from(plane[place])).sum()
            })
            .map(|value: f64| Complex::new(value, 0.0))
            .collect();
        transform.process(&mut values);
        let mut columns = transposed(&values, size);
        transform.process(&mut columns);
        // The whole transform is normalised by the square root of the number of pixels.
        let values = transposed(&columns, size);
        for row in values.chunks_exact(size) {
            magnitudes.extend(row[..half].iter().map(|value| value.norm() / size as f64));
        }
    }
    magnitudes
}

fn transposed(values: &[Complex<f64>], size: usize) -> Vec<Complex<f64>> {
    (0..size * size).map(|place| values[place % size * size + place / size]).collect()
}

/// By Cramer's rule. The matrix that paints is constant and invertible.
fn inverse(m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let minor = |row: usize, column: usize| {
        let (above, below) = ((row + 1) % 3, (row + 2) % 3);
        let (left, right) = ((column + 1) % 3, (column + 2) % 3);
        m[above][left] * m[below][right] - m[above][right] * m[below][left]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * minor(0, column)).sum();
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| minor(column, row) / determinant))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// RGB whose decorrelated channels are 0 but for one that is `values`.
    fn picture(channel: usize, size: usize, values: impl Fn(usize, usize) -> f64) -> Picture {
        let matrix = color_matrix();
        let planes = (0..3 * size * size).map(|place| {
            let (rgb, row, column) = (place / size / size, place / size % size, place % size);
            (f64::from(matrix[rgb][channel]) * values(row, column)) as f32
        });
        Picture::from_planes(size, size, planes.collect()).unwrap()
    }

    #[test]
    fn the_inverse_undoes_the_matrix() {
        let matrix = color_matrix().map(|row| row.map(f64::from));
        let inverse = inverse(matrix);
        for (row, weights) in inverse.iter().enumerate() {
            for column in 0..3 {
                let found: f64 =
                    weights.iter().zip(&matrix).map(|(one, line)| one * line[column]).sum();
                let expected = f64::from(u8::from(row == column));
                assert!((found - expected).abs() < 1e-9, "{row}, {column}: {found}");
            }
        }
    }

    #[test]
    fn a_wave_is_found_at_its_frequency_with_its_strength() {
        let size = 16;
        let wave = picture(1, size, |row, column| {
            (TAU * (3.0 * row as f64 + 2.0 * column as f64) / size as f64).cos()
        });
        let magnitudes = magnitudes(&wave);
        let half = size / 2 + 1;
        let expected = (size * size) as f64 / 2.0 / size as f64;
        for (place, found) in magnitudes.iter().enumerate() {
            let at = place == (size + 3) * half + 2;
            let expected = if at { expected } else { 0.0 };
            assert!((found - expected).abs() < 1e-5, "{place}: {found}, {expected}");
        }
    }

    #[test]
    fn energy_is_kept_as_by_the_slow_sum() {
        let size = 6;
        let noise = picture(0, size, |row, column| ((row * 7 + column * 13) % 11) as f64 / 11.0);
        let found = magnitudes(&noise);
        let half = size / 2 + 1;
        for row in 0..size {
            for column in 0..half {
                let mut sum = Complex::new(0.0, 0.0);
                for place in 0..size * size {
                    let (y, x) = (place / size, place % size);
                    let angle = -TAU * (row * y + column * x) as f64 / size as f64;
                    let value = ((y * 7 + x * 13) % 11) as f64 / 11.0;
                    sum += Complex::from_polar(value, angle);
                }
                let expected = sum.norm() / size as f64;
                assert!((found[row * half + column] - expected).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn a_folder_is_averaged_and_what_cannot_be_read_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let flat = Picture::from_rgb8(8, 12, &[128; 8 * 12 * 3]).unwrap();
        std::fs::write(
            folder.path().join("a.png"),
            shared::format::recipe::encode_png(&flat, None).unwrap(),
        )
        .unwrap();
        std::fs::write(folder.path().join("b.png"), "no picture").unwrap();
        let measured = measure(Source::new(folder.path()).unwrap(), 8).unwrap();
        assert_eq!((measured.pictures, measured.unreadable), (1, 1));
        assert_eq!(measured.spectrum.at(0, 0.25, 0.25), 0.0);
    }
}

//! A picture as the sum of waves.

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor, TensorData};

use super::color::COLOR_CORRELATION;
use crate::Result;
use crate::ops::product;
use crate::visualize::spectrum::MagnitudeSpectrum;

/// Contrast of a MACO picture: standard deviation of its luminance before the sigmoid.
/// Photographs have about 0.25 in 0..=1, where the sigmoid is 4 times as flat.
const MACO_CONTRAST: f64 = 1.2;

/// Amplitude for each spatial frequency: `1 / max(f, 1 / max(height, width))`, f in cycles per
/// pixel. Falls as 1/f, like natural images, so one learning rate serves every scale
/// (Olah et al. 2017, "Feature Visualization").
///
/// # Shapes
/// - returns: `[height, width / 2 + 1]`
pub(super) fn fourier_scale(height: usize, width: usize) -> Vec<f32> {
    let lowest = 1.0 / height.max(width) as f64;
    frequencies(height, width).map(|[fy, fx]| (1.0 / fy.hypot(fx).max(lowest)) as f32).collect()
}

/// Magnitudes of photographs at this size, `[3, height, width / 2 + 1]`, as loud as
/// [`MACO_CONTRAST`] wants them. By Parseval's theorem the contrast does not depend on the phases.
pub(super) fn maco_magnitude(height: usize, width: usize) -> Result<Vec<f32>> {
    let spectrum = MagnitudeSpectrum::of_photographs()?;
    let grid: Vec<_> = frequencies(height, width).collect();
    let magnitude: Vec<f64> = (0..3)
        .flat_map(|channel| grid.iter().map(move |&[fy, fx]| (channel, fy, fx)))
        .map(|(channel, fy, fx)| spectrum.at(channel, fy, fx))
        .collect();
    let power: f64 = grid
        .iter()
        .zip(&magnitude)
        .map(|(&[_, fx], value)| value.powi(2) * if fx == 0.0 || fx == -0.5 { 1.0 } else { 2.0 })
        .sum();
    let deviation = (power / (height * width) as f64).sqrt();
    let luminance = COLOR_CORRELATION[0][0]
        / COLOR_CORRELATION.iter().map(|row| row[0].powi(2)).sum::<f64>().sqrt();
    let gain = MACO_CONTRAST / (deviation * luminance);
    Ok(magnitude.into_iter().map(|value| (value * gain) as f32).collect())
}

/// Vertical and horizontal frequency of every coefficient, in cycles per pixel, row by row.
/// As NumPy counts them: for an even length the highest is -0.5.
fn frequencies(height: usize, width: usize) -> impl Iterator<Item = [f64; 2]> {
    let signed = |index: usize, length: usize| {
        let index =
            if index < length.div_ceil(2) { index as f64 } else { index as f64 - length as f64 };
        index / length as f64
    };
    (0..height).flat_map(move |row| {
        (0..=width / 2).map(move |column| [signed(row, height), signed(column, width)])
    })
}

/// An inverse real Fourier transform of any size, as two matrix products: exact on every
/// device, differentiable by the library, and a few percent of a network's work.
#[derive(Debug)]
pub(super) struct InverseFourier {
    /// Down the columns, complex to complex, `[2 * height, 2 * height]`.
    down: Tensor<2>,
    /// Across the rows, complex to real, `[width / 2 + 1, width]` for real and imaginary part.
    across: [Tensor<2>; 2],
}

impl InverseFourier {
    pub(super) fn new(height: usize, width: usize, device: &Device) -> Self {
        let half = width / 2 + 1;
        let norm = 1.0 / ((height * width) as f64).sqrt();
        let turn =
            |index: usize, length: usize| (TAU * (index % length) as f64 / length as f64).sin_cos();
        let mut down = vec![0.0f32; 4 * height * height];
        for y in 0..height {
            for row in 0..height {
                let (sine, cosine) = turn(y * row, height);
                let mut set = |y: usize, row: usize, value: f64| {
                    down[y * 2 * height + row] = (value * norm) as f32;
                };
                set(y, row, cosine);
                set(y, height + row, -sine);
                set(height + y, row, sine);
                set(height + y, height + row, cosine);
            }
        }
        let mut across = [vec![0.0f32; half * width], vec![0.0f32; half * width]];
        for column in 0..half {
            // Every column but the first (and, for an even width, the last) stands for its mirror
            // image too.
            let weight = if column == 0 || 2 * column == width { 1.0 } else { 2.0 };
            for x in 0..width {
                let (sine, cosine) = turn(column * x, width);
                across[0][column * width + x] = (weight * cosine) as f32;
                across[1][column * width + x] = (-weight * sine) as f32;
            }
        }
        let matrix = |values: Vec<f32>, shape: [usize; 2]| {
            Tensor::from_data(TensorData::new(values, shape), device)
        };
        Self {
            down: matrix(down, [2 * height, 2 * height]),
            across: across.map(|values| matrix(values, [half, width])),
        }
    }

    /// # Shapes
    /// - `spectrum`: `[batch, 3, 2 * height, width / 2 + 1]`, real rows, then imaginary rows
    /// - returns: `[batch, 3, height, width]`
    pub(super) fn apply(&self, spectrum: Tensor<4>) -> Tensor<4> {
        let columns = product(self.down.clone().unsqueeze(), spectrum);
        let height = columns.dims()[2] / 2;
        let part = |imaginary: usize| {
            let rows = columns.clone().narrow(2, imaginary * height, height);
            product(rows, self.across[imaginary].clone().unsqueeze())
        };
        part(0) + part(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_plain_sum() {
        for (height, width) in [(4, 6), (5, 4), (6, 5), (3, 3)] {
            let device = crate::device::cpu();
            let half = width / 2 + 1;
            let count = 2 * height * half;
            let spectrum: Vec<f32> = (0..count).map(|index| (index as f32 * 0.7).sin()).collect();
            let data = TensorData::new(spectrum.clone(), [1, 1, 2 * height, half]);
            let found =
                InverseFourier::new(height, width, &device).apply(Tensor::from_data(data, &device));
            for (place, found) in
                found.into_data().try_to_vec::<f32>().unwrap().into_iter().enumerate()
            {
                let (y, x) = (place / width, place % width);
                let mut sum = 0.0;
                for row in 0..height {
                    for column in 0..half {
                        let angle = TAU * (y * row) as f64 / height as f64
                            + TAU * (x * column) as f64 / width as f64;
                        let real = f64::from(spectrum[row * half + column]);
                        let imaginary = f64::from(spectrum[(height + row) * half + column]);
                        let mirrored = column != 0 && 2 * column != width;
                        // In the unmirrored columns the imaginary part left after the first pass
                        // is ignored, which the plain sum's real part does by itself.
                        let weight = if mirrored { 2.0 } else { 1.0 };
                        sum += weight * (real * angle.cos() - imaginary * angle.sin());
                    }
                }
                let expected = sum / ((height * width) as f64).sqrt();
                assert!((f64::from(found) - expected).abs() < 1e-5, "{height}x{width} at {place}");
            }
        }
    }
}

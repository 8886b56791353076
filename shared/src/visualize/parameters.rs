//! Pixels, Fourier coefficients or phases as a picture.
//!
//! Every parameterisation is one tensor that the optimizer moves, and one differentiable road
//! from it to RGB in 0..=1: coefficients, inverse Fourier transform, colour, sigmoid.

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor, TensorData, activation};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, Uniform};

use crate::visualize::settings::{Parameterization, Settings};
use crate::visualize::spectrum::MagnitudeSpectrum;
use crate::{Error, Result};

/// How loud the noise is that a picture starts from (Lucid's).
const START: f32 = 0.01;

/// Contrast of a MACO picture: standard deviation of its luminance before the sigmoid.
/// Photographs have about 0.25 in 0..=1, where the sigmoid is 4 times as flat.
const MACO_CONTRAST: f64 = 1.2;

/// Square roots of the covariance of colours in ImageNet, from decorrelated channels (light and
/// dark, blue and yellow, green and magenta) to RGB (Lucid, `color.py`).
const COLOR_CORRELATION: [[f64; 3]; 3] =
    [[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]];

/// The square roots of the covariance of colours divided by its longest column: `rgb[i] = sum of matrix[i][j] * field[j]`.
pub fn color_matrix() -> [[f32; 3]; 3] {
    let length =
        |column: usize| COLOR_CORRELATION.iter().map(|row| row[column].powi(2)).sum::<f64>().sqrt();
    let longest = (0..3).map(length).fold(0.0, f64::max);
    COLOR_CORRELATION.map(|row| row.map(|value| (value / longest) as f32))
}

/// The road from parameters to pictures of one size.
#[derive(Debug)]
pub struct Painter {
    kind: Parameterization,
    transform: Option<InverseFourier>,
    /// For Fourier, 1/f; for MACO, the fixed magnitudes. Twice over, for real and imaginary part.
    amplitude: Option<Tensor<4>>,
    /// `[3, 3]`, transposed, if channels are decorrelated.
    color: Option<Tensor<2>>,
    shape: [usize; 4],
}

impl Painter {
    /// For pictures as the settings want them.
    pub fn new(settings: &Settings, device: &Device) -> Result<Self> {
        let Settings { width, height, batch, .. } = *settings;
        let kind = settings.parameterization;
        let half = width / 2 + 1;
        let spectrum = match kind {
            Parameterization::Pixel => None,
            Parameterization::Fourier => {
                let amplitude = fourier_scale(height, width);
                Some((0..3).flat_map(|_| amplitude.iter().copied()).collect())
            }
            Parameterization::Maco => Some(maco_magnitude(height, width)?),
        };
        let amplitude = spectrum.map(|one: Vec<f32>| {
            let twice =
                one.chunks_exact(height * half).flat_map(|channel| [channel, channel].concat());
            let data = TensorData::new(twice.collect::<Vec<_>>(), [1, 3, 2 * height, half]);
            Tensor::from_data(data, device)
        });
        let color = settings.decorrelate.then(|| {
            let matrix = color_matrix();
            let transposed = [0, 1, 2].map(|column| [0, 1, 2].map(|row| matrix[row][column]));
            Tensor::from_floats(transposed, device)
        });
        let shape = match kind {
            Parameterization::Pixel => [batch, 3, height, width],
            Parameterization::Fourier => [batch, 3, 2 * height, half],
            Parameterization::Maco => [batch, 3, height, half],
        };
        let transform = amplitude.is_some().then(|| InverseFourier::new(height, width, device));
        Ok(Self { kind, transform, amplitude, color, shape })
    }

    /// Length of each axis of the parameters: pixels `[batch, 3, height, width]`, coefficients
    /// `[batch, 3, 2 * height, width / 2 + 1]` (real rows, then imaginary rows), phases in
    /// radians `[batch, 3, height, width / 2 + 1]`.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// The noise that `seed` starts from. Phases are even, everything else is quiet and normal.
    pub fn start(&self, seed: u64, device: &Device) -> Result<Tensor<4>> {
        let count: usize = self.shape.iter().product();
        let random = ChaCha8Rng::seed_from_u64(seed);
        let unfit = |error: String| Error::Setting {
            name: "start",
            found: error,
            expected: "a distribution".to_owned(),
        };
        let values: Vec<f32> = match self.kind {
            Parameterization::Maco => {
                let phase =
                    Uniform::new(0.0, TAU as f32).map_err(|error| unfit(error.to_string()))?;
                phase.sample_iter(random).take(count).collect()
            }
            _ => {
                let noise = Normal::new(0.0, START).map_err(|error| unfit(error.to_string()))?;
                noise.sample_iter(random).take(count).collect()
            }
        };
        Ok(Tensor::from_data(TensorData::new(values, self.shape), device))
    }

    /// The pictures that parameters describe. Differentiable.
    ///
    /// # Shapes
    /// - `parameters`: [`Painter::shape`]
    /// - returns: `[batch, 3, height, width]`, RGB in 0..=1
    pub fn paint(&self, parameters: Tensor<4>) -> Tensor<4> {
        let field = self.field(parameters);
        let Some(matrix) = &self.color else { return activation::sigmoid(field) };
        let [batch, _, height, width] = field.dims();
        let channels_last = field.reshape([batch, 3, height * width]).swap_dims(1, 2);
        let rgb = channels_last.matmul(matrix.clone().unsqueeze());
        activation::sigmoid(rgb.swap_dims(1, 2).reshape([batch, 3, height, width]))
    }

    /// Decorrelated channels, before colour.
    fn field(&self, parameters: Tensor<4>) -> Tensor<4> {
        let (Some(transform), Some(amplitude)) = (&self.transform, &self.amplitude) else {
            return parameters;
        };
        match self.kind {
            // Lucid divides by 4 so that one learning rate serves pixels and coefficients.
            Parameterization::Fourier => {
                transform.apply(parameters * amplitude.clone()).div_scalar(4.0)
            }
            _ => {
                let turned = Tensor::cat(vec![parameters.clone().cos(), parameters.sin()], 2);
                transform.apply(turned * amplitude.clone())
            }
        }
    }
}

/// Amplitude for each spatial frequency: `1 / max(f, 1 / max(height, width))`, f in cycles per
/// pixel. Falls as 1/f, like natural images, so one learning rate serves every scale
/// (Olah et al. 2017, "Feature Visualization").
///
/// # Shapes
/// - returns: `[height, width / 2 + 1]`
fn fourier_scale(height: usize, width: usize) -> Vec<f32> {
    let lowest = 1.0 / height.max(width) as f64;
    frequencies(height, width).map(|[fy, fx]| (1.0 / fy.hypot(fx).max(lowest)) as f32).collect()
}

/// Magnitudes of photographs at this size, `[3, height, width / 2 + 1]`, as loud as
/// [`MACO_CONTRAST`] wants them. By Parseval's theorem the contrast does not depend on the phases.
fn maco_magnitude(height: usize, width: usize) -> Result<Vec<f32>> {
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
struct InverseFourier {
    /// Down the columns, complex to complex, `[2 * height, 2 * height]`.
    down: Tensor<2>,
    /// Across the rows, complex to real, `[width / 2 + 1, width]` for real and imaginary part.
    across: [Tensor<2>; 2],
}

impl InverseFourier {
    fn new(height: usize, width: usize, device: &Device) -> Self {
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
    fn apply(&self, spectrum: Tensor<4>) -> Tensor<4> {
        let columns = self.down.clone().unsqueeze::<4>().matmul(spectrum);
        let height = columns.dims()[2] / 2;
        let part = |imaginary: usize| {
            let rows = columns.clone().narrow(2, imaginary * height, height);
            rows.matmul(self.across[imaginary].clone().unsqueeze())
        };
        part(0) + part(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(parameterization: Parameterization, height: usize, width: usize) -> Settings {
        Settings { width, height, parameterization, ..Settings::default() }
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

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
            for (place, found) in values(found).into_iter().enumerate() {
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

    #[test]
    fn every_parameterization_starts_near_grey_and_its_seed_decides() {
        let device = crate::device::cpu();
        for kind in [Parameterization::Pixel, Parameterization::Fourier] {
            let painter = Painter::new(&settings(kind, 33, 32), &device).unwrap();
            let paint = |seed| values(painter.paint(painter.start(seed, &device).unwrap()));
            assert_eq!(paint(1).len(), 3 * 33 * 32);
            assert!(paint(1).iter().all(|value| (value - 0.5).abs() < 0.2));
            assert_eq!(paint(1), paint(1));
            assert_ne!(paint(1), paint(2));
        }
    }

    #[test]
    fn maco_has_the_contrast_of_a_photograph_whatever_its_phases() {
        let device = crate::device::cpu();
        for (height, width) in [(64, 64), (97, 128)] {
            let painter =
                Painter::new(&settings(Parameterization::Maco, height, width), &device).unwrap();
            for seed in 0..3 {
                let picture = values(painter.paint(painter.start(seed, &device).unwrap()));
                let mean = picture.iter().sum::<f32>() / picture.len() as f32;
                let variance = picture.iter().map(|value| (value - mean).powi(2)).sum::<f32>();
                let deviation = (variance / picture.len() as f32).sqrt();
                assert!((0.15..0.35).contains(&deviation), "{height}x{width}: {deviation}");
            }
        }
    }
}

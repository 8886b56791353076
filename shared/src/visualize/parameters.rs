//! Pixels, Fourier coefficients, phases or grids as a picture.
//!
//! Every parameterisation is one tensor that the optimizer moves, and one differentiable road
//! from it to RGB in 0..=1: the picture's channels, colour, sigmoid.

mod color;
mod fourier;
mod pyramid;

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor, TensorData, activation};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, Uniform};

use crate::ops::product;
use crate::visualize::settings::{Parameterization, Settings};
use crate::{Error, Result};

pub use color::color_matrix;
use fourier::{InverseFourier, fourier_scale, maco_magnitude};
use pyramid::Pyramid;

/// How loud the noise is that a picture starts from (Lucid's).
const START: f32 = 0.01;

/// The road from parameters to pictures of one size, with a margin around them.
#[derive(Debug)]
pub struct Painter {
    road: Road,
    /// `[3, 3]`, transposed, if channels are decorrelated.
    color: Option<Tensor<2>>,
    shape: [usize; 4],
    margin: usize,
}

/// From parameters to channels, before colour.
#[derive(Debug)]
enum Road {
    Pixels,
    /// Coefficients, louder for low frequencies.
    Waves {
        transform: InverseFourier,
        amplitude: Tensor<4>,
    },
    /// Phases under fixed magnitudes.
    Phases {
        transform: InverseFourier,
        magnitude: Tensor<4>,
    },
    Grids(Pyramid),
}

impl Painter {
    /// For pictures as the settings want them.
    pub fn new(settings: &Settings, device: &Device) -> Result<Self> {
        let [height, width] = settings.canvas();
        let batch = settings.batch;
        let half = width / 2 + 1;
        // `[1, 3, 2 * height, width / 2 + 1]`: for real and imaginary part alike.
        let twice = |channels: Vec<f32>| {
            let both = channels.chunks_exact(height * half).flat_map(|one| [one, one].concat());
            let data = TensorData::new(both.collect::<Vec<_>>(), [1, 3, 2 * height, half]);
            Tensor::from_data(data, device)
        };
        let transform = || InverseFourier::new(height, width, device);
        let (road, shape) = match settings.parameterization {
            Parameterization::Pixel => (Road::Pixels, [batch, 3, height, width]),
            Parameterization::Fourier => {
                let amplitude = twice(fourier_scale(height, width).repeat(3));
                let road = Road::Waves { transform: transform(), amplitude };
                (road, [batch, 3, 2 * height, half])
            }
            Parameterization::Maco => {
                let magnitude = twice(maco_magnitude(height, width)?);
                let road = Road::Phases { transform: transform(), magnitude };
                (road, [batch, 3, height, half])
            }
            Parameterization::Pyramid => {
                let pyramid = Pyramid::new([height, width], settings.decay, device);
                let shape = [batch, 3, 1, pyramid.places()];
                (Road::Grids(pyramid), shape)
            }
        };
        let color = settings.decorrelate.then(|| {
            let matrix = color_matrix();
            let transposed = [0, 1, 2].map(|column| [0, 1, 2].map(|row| matrix[row][column]));
            Tensor::from_floats(transposed, device)
        });
        Ok(Self { road, color, shape, margin: settings.margin })
    }

    /// Length of each axis of the parameters, for a canvas that is the picture and its margin:
    /// pixels `[batch, 3, height, width]`, coefficients `[batch, 3, 2 * height, width / 2 + 1]`
    /// (real rows, then imaginary rows), phases in radians `[batch, 3, height, width / 2 + 1]`,
    /// grids `[batch, 3, 1, places]` (from coarse to fine, each row by row).
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
        let values: Vec<f32> = match self.road {
            Road::Phases { .. } => {
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

    /// The canvases that parameters describe: pictures with their margin. Differentiable.
    ///
    /// # Shapes
    /// - `parameters`: [`Painter::shape`]
    /// - returns: `[batch, 3, height + 2 * margin, width + 2 * margin]`, RGB in 0..=1
    pub fn paint(&self, parameters: Tensor<4>) -> Tensor<4> {
        let field = self.field(parameters);
        let Some(matrix) = &self.color else { return activation::sigmoid(field) };
        let [batch, _, height, width] = field.dims();
        let channels_last = field.reshape([batch, 3, height * width]).swap_dims(1, 2);
        let rgb = product(channels_last, matrix.clone().unsqueeze());
        activation::sigmoid(rgb.swap_dims(1, 2).reshape([batch, 3, height, width]))
    }

    /// Canvases without their margin.
    ///
    /// # Shapes
    /// - returns: `[batch, 3, height, width]`
    pub fn cut(&self, canvases: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = canvases.dims();
        let inside = |side: usize| side - 2 * self.margin;
        canvases.narrow(2, self.margin, inside(height)).narrow(3, self.margin, inside(width))
    }

    /// Decorrelated channels, before colour.
    fn field(&self, parameters: Tensor<4>) -> Tensor<4> {
        match &self.road {
            Road::Pixels => parameters,
            // Lucid divides by 4 so that one learning rate serves pixels and coefficients.
            Road::Waves { transform, amplitude } => {
                transform.apply(parameters * amplitude.clone()).div_scalar(4.0)
            }
            Road::Phases { transform, magnitude } => {
                let turned = Tensor::cat(vec![parameters.clone().cos(), parameters.sin()], 2);
                transform.apply(turned * magnitude.clone())
            }
            Road::Grids(pyramid) => pyramid.apply(&parameters),
        }
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
    fn every_parameterization_starts_near_grey_and_its_seed_decides() {
        let device = crate::device::cpu();
        for kind in Parameterization::ALL.into_iter().filter(|&kind| kind != Parameterization::Maco)
        {
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

    #[test]
    fn a_margin_is_painted_and_cut() {
        let device = crate::device::cpu();
        for kind in Parameterization::ALL {
            let settings = Settings { margin: 5, ..settings(kind, 24, 17) };
            let painter = Painter::new(&settings, &device).unwrap();
            let canvas = painter.paint(painter.start(1, &device).unwrap());
            assert_eq!(canvas.dims(), [1, 3, 34, 27]);
            let inside = canvas.clone().slice([0..1, 0..3, 5..29, 5..22]);
            painter.cut(canvas).into_data().assert_eq(&inside.into_data(), true);
        }
    }
}

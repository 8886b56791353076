//! How strong each spatial frequency is in photographs: what MACO holds fixed.

use std::collections::BTreeMap;

use crate::weights::{NamedTensor, NamedTensors};
use crate::{Error, Result};

/// Average magnitude of the ortho-normalised Fourier transform of photographs, for each
/// decorrelated colour channel (Fel et al. 2023, "Unlocking Feature Visualization for Deeper
/// Networks with MAgnitude Constrained Optimization", arXiv:2306.06805).
#[derive(Clone, Debug, PartialEq)]
pub struct MagnitudeSpectrum {
    size: usize,
    /// `[3, size, size / 2 + 1]`.
    magnitude: Vec<f32>,
}

/// Measured with `pellucid spectrum --size 224 --grid 64` on 700 photographs.
const PHOTOGRAPHS: &[u8] = include_bytes!("maco_spectrum.safetensors");

/// Name of the one tensor in a spectrum's file.
const TENSOR: &str = "magnitude";

impl MagnitudeSpectrum {
    /// The one that comes with the library.
    pub fn of_photographs() -> Result<Self> {
        Self::from_bytes(PHOTOGRAPHS)
    }

    /// From magnitudes of square pictures, `[3, size, size / 2 + 1]`.
    pub fn new(size: usize, magnitude: Vec<f32>) -> Result<Self> {
        let expected = 3 * size * (size / 2 + 1);
        let reason = if size < 4 || magnitude.len() != expected {
            format!("{} magnitudes for size {size}, expected {expected}", magnitude.len())
        } else if magnitude.iter().any(|value| !value.is_finite() || *value < 0.0) {
            "a magnitude is negative or not finite".to_owned()
        } else {
            return Ok(Self { size, magnitude });
        };
        Err(Error::Format { what: "magnitude spectrum".to_owned(), reason })
    }

    /// From a safetensors file with one tensor `magnitude`, `[3, size, size / 2 + 1]`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let tensors = crate::weights::from_safetensors(bytes)?;
        let mut tensors: NamedTensors = tensors.into_iter().collect();
        let tensor = tensors.remove(TENSOR).ok_or_else(|| Error::Format {
            what: "magnitude spectrum".to_owned(),
            reason: format!("there is no tensor {TENSOR:?}"),
        })?;
        match tensor.shape[..] {
            [3, size, half] if half == size / 2 + 1 => Self::new(size, tensor.values),
            _ => Err(Error::Format {
                what: format!("magnitude spectrum, tensor {TENSOR:?}"),
                reason: format!("shape {:?}, expected [3, size, size / 2 + 1]", tensor.shape),
            }),
        }
    }

    /// As a safetensors file in half precision.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let shape = vec![3, self.size, self.size / 2 + 1];
        let tensor = NamedTensor { shape, values: self.magnitude.clone() };
        let tensors = BTreeMap::from([(TENSOR.to_owned(), tensor)]);
        Ok(crate::weights::to_safetensors(
            &tensors,
            crate::weights::Precision::F16,
            &BTreeMap::new(),
        )?)
    }

    /// The same at the frequencies of squares of `size` pixels, at least 4: a coarser grid keeps the
    /// shape, which is smooth, in less room.
    pub fn on_grid(&self, size: usize) -> Result<Self> {
        let cycles = |row: usize| {
            let signed = if row <= size / 2 { row as f64 } else { row as f64 - size as f64 };
            signed / size as f64
        };
        let magnitudes = (0..3).flat_map(|channel| {
            let rows = (0..size).flat_map(|row| (0..=size / 2).map(move |column| (row, column)));
            rows.map(move |(row, column)| {
                self.at(channel, cycles(row), column as f64 / size as f64) as f32
            })
        });
        Self::new(size, magnitudes.collect())
    }

    /// Magnitude for a colour channel at a frequency in cycles per pixel (both in -0.5..=0.5):
    /// interpolated after flattening by the 1/f that photographs follow at every size, so that the
    /// shape carries over to any size. 0 at 0.
    pub fn at(&self, channel: usize, fy: f64, fx: f64) -> f64 {
        let frequency = fy.hypot(fx);
        if frequency == 0.0 {
            return 0.0;
        }
        let size = self.size as f64;
        let (row, column) = (fy * size, (fx.abs() * size).min((self.size / 2) as f64));
        let (top, left) = (row.floor(), column.floor());
        let mut sum = 0.0;
        let mut total = 0.0;
        for (row, row_share) in [(top, 1.0 - (row - top)), (top + 1.0, row - top)] {
            for (column, column_share) in
                [(left, 1.0 - (column - left)), (left + 1.0, column - left)]
            {
                let weight = row_share * column_share;
                let inside = column <= (self.size / 2) as f64;
                if 0.0 < weight && inside && (row, column) != (0.0, 0.0) {
                    sum += weight * self.flattened(channel, row, column);
                    total += weight;
                }
            }
        }
        if total == 0.0 {
            self.flattened(channel, 0.0, 1.0) / frequency
        } else {
            sum / total / frequency
        }
    }

    /// Magnitude times frequency at a point of the grid that is not the origin.
    fn flattened(&self, channel: usize, row: f64, column: f64) -> f64 {
        let size = self.size as f64;
        let half = self.size / 2 + 1;
        let wrapped = row.rem_euclid(size) as usize % self.size;
        let magnitude = self.magnitude[(channel * self.size + wrapped) * half + column as usize];
        f64::from(magnitude) * (row / size).hypot(column / size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exactly 1/f, of size 8.
    fn pink() -> MagnitudeSpectrum {
        let magnitude = (0..3 * 8 * 5).map(|place| {
            let (row, column) = (place / 5 % 8, place % 5);
            let fy = if row < 4 { row as f32 } else { row as f32 - 8.0 } / 8.0;
            1.0 / fy.hypot(column as f32 / 8.0).max(0.01)
        });
        MagnitudeSpectrum::new(8, magnitude.collect()).unwrap()
    }

    #[test]
    fn one_over_f_stays_one_over_f_at_every_size() {
        for (fy, fx) in [(0.01, 0.02), (-0.3, 0.11), (0.49, 0.5), (0.0, 0.06), (-0.5, 0.0)] {
            let expected = 1.0 / f64::hypot(fy, fx);
            let found = pink().at(1, fy, fx);
            assert!((found / expected - 1.0).abs() < 1e-5, "({fy}, {fx}): {found}, {expected}");
        }
    }

    #[test]
    fn bytes_survive_the_round_trip() {
        let again = MagnitudeSpectrum::from_bytes(&pink().to_bytes().unwrap()).unwrap();
        assert!((again.at(0, 0.2, 0.1) / pink().at(0, 0.2, 0.1) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_coarser_grid_keeps_the_shape() {
        let coarse = pink().on_grid(6).unwrap();
        for (fy, fx) in [(0.2, 0.1), (-0.5, 0.0), (1.0 / 6.0, 0.0), (-0.4, 0.45)] {
            let (expected, found) = (pink().at(0, fy, fx), coarse.at(0, fy, fx));
            assert!((found / expected - 1.0).abs() < 1e-5, "({fy}, {fx}): {found}, {expected}");
        }
    }

    #[test]
    fn photographs_have_more_light_and_dark_than_colour() {
        let photographs = MagnitudeSpectrum::of_photographs().unwrap();
        assert!(photographs.at(2, 0.1, 0.1) < photographs.at(0, 0.1, 0.1));
    }

    #[test]
    fn magnitudes_that_are_none_are_refused() {
        assert!(MagnitudeSpectrum::new(8, vec![-1.0; 120]).is_err());
        assert!(MagnitudeSpectrum::new(8, vec![1.0; 119]).is_err());
    }
}

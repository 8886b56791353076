//! A picture: RGB in 0..=1, to and from bytes.

use ::image::imageops::{self, FilterType};
use ::image::{ImageBuffer, Luma};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How the pixels of a scaled picture are made of those around their place. Where a picture
/// shrinks, each looks as much further (antialiasing), as in Pillow and therefore torchvision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resampling {
    /// A sinc of three lobes: the sharpest.
    Lanczos,
    /// Cubic splines (Catmull-Rom), as CLIP wants it and most of timm's models.
    Bicubic,
    /// Triangles, as most of torchvision's models want it.
    Bilinear,
}

impl Resampling {
    fn filter(self) -> FilterType {
        match self {
            Self::Lanczos => FilterType::Lanczos3,
            Self::Bicubic => FilterType::CatmullRom,
            Self::Bilinear => FilterType::Triangle,
        }
    }
}

/// RGB values in 0..=1, stored plane by plane: `[3, height, width]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    width: usize,
    height: usize,
    planes: Vec<f32>,
}

impl Picture {
    /// From planes of RGB in 0..=1, `[3, height, width]`.
    pub fn from_planes(width: usize, height: usize, planes: Vec<f32>) -> Result<Self> {
        let expected = 3 * width * height;
        if planes.len() != expected || expected == 0 {
            return Err(Error::PictureSize { width, height, expected, found: planes.len() });
        }
        Ok(Self { width, height, planes })
    }

    /// From interleaved bytes, `[height, width, 3]`.
    pub fn from_rgb8(width: usize, height: usize, bytes: &[u8]) -> Result<Self> {
        Self::from_interleaved(width, height, bytes, 3)
    }

    /// From interleaved bytes with alpha, `[height, width, 4]`; transparency shows white.
    pub fn from_rgba8(width: usize, height: usize, bytes: &[u8]) -> Result<Self> {
        Self::from_interleaved(width, height, bytes, 4)
    }

    fn from_interleaved(width: usize, height: usize, bytes: &[u8], stride: usize) -> Result<Self> {
        let expected = stride * width * height;
        if bytes.len() != expected || expected == 0 {
            return Err(Error::PictureSize { width, height, expected, found: bytes.len() });
        }
        let area = width * height;
        let mut planes = vec![0.0; 3 * area];
        for (place, pixel) in bytes.chunks_exact(stride).enumerate() {
            let alpha = pixel.get(3).map_or(1.0, |&alpha| f32::from(alpha) / 255.0);
            for channel in 0..3 {
                planes[channel * area + place] =
                    1.0 - alpha * (1.0 - f32::from(pixel[channel]) / 255.0);
            }
        }
        Ok(Self { width, height, planes })
    }

    /// Pixels across.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels down.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The values, `[3, height, width]`.
    pub fn planes(&self) -> &[f32] {
        &self.planes
    }

    /// Interleaved bytes, `[height, width, 3]`, rounded and clamped.
    pub fn to_rgb8(&self) -> Vec<u8> {
        self.interleaved(3)
    }

    /// Interleaved opaque bytes, `[height, width, 4]`, rounded and clamped.
    pub fn to_rgba8(&self) -> Vec<u8> {
        self.interleaved(4)
    }

    fn interleaved(&self, stride: usize) -> Vec<u8> {
        let area = self.width * self.height;
        let mut bytes = vec![255; stride * area];
        for (place, pixel) in bytes.chunks_exact_mut(stride).enumerate() {
            for (value, plane) in pixel.iter_mut().zip(self.planes.chunks_exact(area)) {
                *value = byte(plane[place]);
            }
        }
        bytes
    }

    /// As a batch of one.
    ///
    /// # Shapes
    /// - returns: `[1, 3, height, width]`
    pub fn to_tensor(&self, device: &Device) -> Tensor<4> {
        let data = TensorData::new(self.planes.clone(), [1, 3, self.height, self.width]);
        Tensor::from_data(data, device)
    }

    /// Reads a batch back from its device.
    ///
    /// # Shapes
    /// - `batch`: `[batch, 3, height, width]`
    pub async fn from_tensor(batch: Tensor<4>) -> Result<Vec<Self>> {
        let [_, _, height, width] = batch.dims();
        let values = crate::device::read(batch).await?;
        values
            .chunks_exact(3 * height * width)
            .map(|planes| Self::from_planes(width, height, planes.to_vec()))
            .collect()
    }

    /// Scaled so that the shorter side is `side`. A picture that already fits is left as it is.
    pub fn resize_shorter_side(&self, side: usize, resampling: Resampling) -> Self {
        let shorter = self.width.min(self.height);
        if shorter == side {
            return self.clone();
        }
        let scale = side as f64 / shorter as f64;
        let scaled = |length: usize| ((length as f64 * scale).round() as usize).max(side);
        self.resize(scaled(self.width), scaled(self.height), resampling)
    }

    /// Scaled to exactly this size.
    pub fn resize(&self, width: usize, height: usize, resampling: Resampling) -> Self {
        let area = width * height;
        let mut planes = Vec::with_capacity(3 * area);
        for plane in self.planes.chunks_exact(self.width * self.height) {
            let source: Option<ImageBuffer<Luma<f32>, _>> =
                ImageBuffer::from_raw(self.width as u32, self.height as u32, plane);
            // The constructor made sure that a plane is width * height long.
            let Some(source) = source else { continue };
            let (width, height) = (width as u32, height as u32);
            let scaled = imageops::resize(&source, width, height, resampling.filter());
            planes.extend(scaled.into_raw().into_iter().map(|value| value.clamp(0.0, 1.0)));
        }
        Self { width, height, planes }
    }

    /// The middle `width` x `height`; sides that are too short stay as they are.
    pub fn center_crop(&self, width: usize, height: usize) -> Self {
        let (width, height) = (width.min(self.width), height.min(self.height));
        let left = (self.width - width) / 2;
        let top = (self.height - height) / 2;
        self.crop(left, top, width, height)
    }

    fn crop(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let planes = self
            .planes
            .chunks_exact(self.width * self.height)
            .flat_map(|plane| plane.chunks_exact(self.width).skip(top).take(height))
            .flat_map(|row| &row[left..left + width])
            .copied()
            .collect();
        Self { width, height, planes }
    }
}

/// 0..=1 as 0..=255, rounded and clamped.
fn byte(value: f32) -> u8 {
    (value * 255.0).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{NamedTensors, from_safetensors};

    #[test]
    fn bytes_survive_the_round_trip() {
        let bytes: Vec<u8> = (0..2 * 3 * 3).map(|value| value * 14).collect();
        let picture = Picture::from_rgb8(2, 3, &bytes).unwrap();
        assert_eq!(picture.to_rgb8(), bytes);
    }

    #[test]
    fn transparency_shows_white() {
        let picture = Picture::from_rgba8(1, 1, &[0, 0, 0, 0]).unwrap();
        assert_eq!(picture.to_rgb8(), [255, 255, 255]);
    }

    #[test]
    fn a_short_buffer_is_refused_with_its_size() {
        let error = Picture::from_rgb8(4, 4, &[0; 10]).unwrap_err().to_string();
        assert!(error.contains("4x4") && error.contains("48") && error.contains("10"), "{error}");
    }

    #[test]
    fn the_shorter_side_becomes_what_was_asked() {
        let picture = Picture::from_planes(6, 3, vec![0.25; 3 * 18]).unwrap();
        let scaled = picture.resize_shorter_side(7, Resampling::Lanczos);
        assert_eq!((scaled.width(), scaled.height()), (14, 7));
        assert!(scaled.planes().iter().all(|value| (value - 0.25).abs() < 1e-6));
    }

    /// The picture of `scripts/resampling_reference.py`.
    fn of_the_reference() -> Picture {
        let (width, height) = (23, 17);
        let value = |place: usize| {
            let (channel, row, column) =
                (place / (width * height), place / width % height, place % width);
            ((31 * channel + 17 * row + 29 * column + 7 * row * column) % 101) as f32 / 100.0
        };
        let planes = (0..3 * width * height).map(value).collect();
        Picture::from_planes(width, height, planes).unwrap()
    }

    #[test]
    fn every_kind_of_resampling_is_pillows() {
        let golden = include_bytes!("../tests/golden/resampling.safetensors");
        let golden: NamedTensors = from_safetensors(golden).unwrap().into_iter().collect();
        let mut compared = 0;
        for (kind, name) in [
            (Resampling::Lanczos, "lanczos"),
            (Resampling::Bicubic, "bicubic"),
            (Resampling::Bilinear, "bilinear"),
        ] {
            for [width, height] in [[9, 7], [41, 30], [8, 8]] {
                let scaled = of_the_reference().resize(width, height, kind);
                let expected = &golden[&format!("{name}.{width}x{height}")];
                assert_eq!(expected.shape, [3, height, width]);
                for (found, expected) in scaled.planes().iter().zip(&expected.values) {
                    assert!((found - expected).abs() < 1e-5, "{name}: {found}, not {expected}");
                    compared += 1;
                }
            }
        }
        assert_eq!(compared, 3 * 3 * (9 * 7 + 41 * 30 + 8 * 8));
    }

    #[test]
    fn the_centre_is_the_centre() {
        let planes = (0..3).flat_map(|_| (0..16).map(|value| value as f32 / 16.0)).collect();
        let picture = Picture::from_planes(4, 4, planes).unwrap();
        let middle = picture.center_crop(2, 2);
        assert_eq!(middle.planes()[..4], [5.0, 6.0, 9.0, 10.0].map(|value| value / 16.0));
    }
}

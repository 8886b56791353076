//! A picture as a sum of grids from coarse to fine (Fort and Whitaker 2025, "Direct Ascent
//! Synthesis", arXiv 2502.07753).

use burn::tensor::{Device, Tensor, TensorData};

use crate::ops::product;

/// Places along the longer side of the coarsest grid; each next has twice as many.
const COARSEST: usize = 2;

/// Grids up to this one are equally loud.
const LOUD: usize = 4;

/// How sharply bicubic interpolation turns (Keys 1981, with the value that PyTorch and OpenCV use).
const SHARPNESS: f64 = -0.75;

/// Grids of 2, 4, 8, .. places along the longer side, the last as fine as the picture, each
/// enlarged bicubically to its size.
#[derive(Debug)]
pub(super) struct Pyramid {
    levels: Vec<Level>,
    places: usize,
}

#[derive(Debug)]
struct Level {
    /// Where its values begin among those of all grids.
    start: usize,
    /// Rows and columns.
    size: [usize; 2],
    gain: f64,
    /// Rows to the picture's, `[height, rows]`, and columns to the picture's, `[columns, width]`;
    /// nothing where it is as fine as the picture.
    enlarge: Option<(Tensor<2>, Tensor<2>)>,
}

impl Pyramid {
    /// For pictures of `[height, width]`. A grid of r places is `(4 / r)^decay` times as loud as
    /// the coarsest.
    pub(super) fn new(picture: [usize; 2], decay: f64, device: &Device) -> Self {
        let mut places = 0;
        let levels = sizes(picture).into_iter().map(|size| {
            let start = places;
            places += size[0] * size[1];
            let longer = size[0].max(size[1]).max(LOUD);
            let enlarge = (size != picture).then(|| {
                let matrix =
                    |values, shape| Tensor::from_data(TensorData::new(values, shape), device);
                let down = matrix(bicubic(size[0], picture[0]), [picture[0], size[0]]);
                let across = matrix(bicubic(size[1], picture[1]), [picture[1], size[1]]);
                (down, across.transpose())
            });
            Level { start, size, gain: (LOUD as f64 / longer as f64).powf(decay), enlarge }
        });
        Self { levels: levels.collect(), places }
    }

    /// Values of all grids together, a channel.
    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// # Shapes
    /// - `grids`: `[batch, 3, 1, places]`, grid after grid, each row by row
    /// - returns: `[batch, 3, height, width]`
    pub(super) fn apply(&self, grids: &Tensor<4>) -> Tensor<4> {
        let [batch, channels, ..] = grids.dims();
        let field = |level: &Level| {
            let [rows, columns] = level.size;
            let grid = grids.clone().narrow(3, level.start, rows * columns);
            let grid = grid.reshape([batch, channels, rows, columns]).mul_scalar(level.gain);
            match &level.enlarge {
                Some((down, across)) => {
                    product(product(down.clone().unsqueeze(), grid), across.clone().unsqueeze())
                }
                None => grid,
            }
        };
        let [height, width] = self.levels.last().map_or([0, 0], |level| level.size);
        let empty = Tensor::zeros([batch, channels, height, width], &grids.device());
        self.levels.iter().map(field).fold(empty, |sum, field| sum + field)
    }
}

/// Rows and columns of every grid for a picture of this size, from coarse to fine.
fn sizes(picture: [usize; 2]) -> Vec<[usize; 2]> {
    let longer = picture[0].max(picture[1]);
    let grid = |places: usize| {
        picture.map(|side| ((side * places) as f64 / longer as f64).round().max(1.0) as usize)
    };
    let coarse = std::iter::successors(Some(COARSEST), |places| Some(2 * places));
    coarse.take_while(|&places| places < longer).map(grid).chain([picture]).collect()
}

/// Weights from `from` places to `to` by bicubic interpolation; edges lie on edges, and beyond
/// the edge the last place goes on.
///
/// # Shapes
/// - returns: `[to, from]`
fn bicubic(from: usize, to: usize) -> Vec<f32> {
    let mut weights = vec![0.0; to * from];
    for (place, row) in weights.chunks_exact_mut(from).enumerate() {
        let source = (place as f64 + 0.5) * from as f64 / to as f64 - 0.5;
        for neighbour in -1..=2 {
            let at = source.floor() + f64::from(neighbour);
            let inside = at.clamp(0.0, from as f64 - 1.0) as usize;
            row[inside] += cubic(source - at) as f32;
        }
    }
    weights
}

/// How much a place counts at this distance from it, in places.
fn cubic(distance: f64) -> f64 {
    let x = distance.abs();
    if x <= 1.0 {
        ((SHARPNESS + 2.0) * x - (SHARPNESS + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        SHARPNESS * (((x - 5.0) * x + 8.0) * x - 4.0)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_double_up_to_the_picture_and_keep_its_shape() {
        assert_eq!(sizes([20, 20]), [[2, 2], [4, 4], [8, 8], [16, 16], [20, 20]]);
        assert_eq!(sizes([16, 32]), [[1, 2], [2, 4], [4, 8], [8, 16], [16, 32]]);
        assert_eq!(sizes([5, 3]), [[2, 1], [4, 2], [5, 3]]);
    }

    #[test]
    fn a_level_that_is_even_stays_even_at_every_size() {
        for (from, to) in [(1, 7), (2, 9), (4, 16), (16, 20), (5, 31)] {
            for row in bicubic(from, to).chunks_exact(from) {
                let sum: f32 = row.iter().sum();
                assert!((sum - 1.0).abs() < 1e-6, "{from} to {to}: {sum}");
            }
        }
    }

    #[test]
    fn the_sum_of_grids_is_the_plain_sum() {
        let device = crate::device::cpu();
        let pyramid = Pyramid::new([12, 9], 0.5, &device);
        assert_eq!(pyramid.places(), 2 * 2 + 4 * 3 + 8 * 6 + 12 * 9);
        let grids: Vec<f32> =
            (0..pyramid.places()).map(|index| (index as f32 * 0.7).sin()).collect();
        let data = TensorData::new(grids.clone(), [1, 1, 1, grids.len()]);
        let found = pyramid.apply(&Tensor::from_data(data, &device));
        let found: Vec<f32> = found.into_data().try_to_vec().unwrap();
        for (index, found) in found.into_iter().enumerate() {
            let (y, x) = (index / 9, index % 9);
            let mut sum = 0.0;
            let mut start = 0;
            for ([rows, columns], gain) in [
                ([2, 2], 1.0),
                ([4, 3], 1.0),
                ([8, 6], 0.5_f32.sqrt()),
                ([12, 9], 3.0_f32.powf(-0.5)),
            ] {
                let (down, across) = (bicubic(rows, 12), bicubic(columns, 9));
                for row in 0..rows {
                    for column in 0..columns {
                        let weight = down[y * rows + row] * across[x * columns + column];
                        sum += gain * weight * grids[start + row * columns + column];
                    }
                }
                start += rows * columns;
            }
            assert!((found - sum).abs() < 1e-5, "{found} at {y}, {x}; {sum} expected");
        }
    }
}

//! Patches as tokens and back. Tokens lie side by side, those without a place first:
//! `[batch, channels, 1, tokens]`.

use std::f64::consts::TAU;

use burn::tensor::{Tensor, TensorData};

use crate::ops::product;
use crate::tap::Caught;

/// Learned positions of patches, one for each of a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions {
    /// Patches on its side.
    pub side: usize,
    /// How they are resized to other grids.
    pub resizing: Resizing,
}

/// How positions are resized: with cubic polynomials (Keys 1981), of which PyTorch has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resizing {
    /// `interpolate(.., antialias=True)`: wider where it shrinks, its slope -1/2, nothing beyond
    /// the edge.
    Antialiased,
    /// `interpolate(.., antialias=False)`: its slope -3/4, the edge repeated beyond it; and by a
    /// factor of `(new + 0.1) / old`, as the original DINOv2 does it.
    Interpolated,
}

impl Resizing {
    /// What each of so many new places along an axis takes of each of the old.
    ///
    /// # Shapes
    /// - returns: `[new, old]`
    fn weights(self, old: usize, new: usize) -> Vec<f32> {
        let (old_places, new_places) = (old as f64, new as f64);
        let (scale, slope, width) = match self {
            Self::Antialiased => {
                let scale = old_places / new_places;
                (scale, -0.5, scale.max(1.0))
            }
            Self::Interpolated => (old_places / (new_places + 0.1), -0.75, 1.0),
        };
        let mut weights = vec![0.0; new * old];
        for (place, row) in weights.chunks_exact_mut(old).enumerate() {
            let centre = (place as f64 + 0.5) * scale - 0.5;
            let first = (centre - 2.0 * width).floor() as isize;
            let last = (centre + 2.0 * width).ceil() as isize;
            for index in first..=last {
                let inside = index.clamp(0, old as isize - 1);
                if self == Self::Interpolated || index == inside {
                    let weight = cubic((index as f64 - centre) / width, slope);
                    row[inside as usize] += weight;
                }
            }
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|weight| *weight /= sum);
        }
        weights.into_iter().map(|weight| weight as f32).collect()
    }
}

/// Keys' polynomial, of this slope at 1.
fn cubic(x: f64, slope: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((slope + 2.0) * x - (slope + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * slope
    } else {
        0.0
    }
}

impl Positions {
    /// # Shapes
    /// - `positions`: `[channels, side * side]`
    /// - returns: `[channels, rows * columns]`
    fn resized(self, positions: Tensor<2>, [rows, columns]: [usize; 2]) -> Tensor<2> {
        let Self { side, resizing } = self;
        if [rows, columns] == [side, side] {
            return positions;
        }
        let [channels, _] = positions.dims();
        let along = |new: usize| {
            let weights = TensorData::new(resizing.weights(side, new), [new, side]);
            Tensor::<2>::from_data(weights, &positions.device())
        };
        // [channels, rows of old, columns], then the rows.
        let across = positions.clone().reshape([channels * side, side]);
        let across = product(across, along(columns).transpose());
        let down = across.reshape([channels, side, columns]).swap_dims(0, 1);
        let down = product(along(rows), down.reshape([side, channels * columns]));
        let resized = down.reshape([rows, channels, columns]).swap_dims(0, 1);
        resized.reshape([channels, rows * columns])
    }
}

/// Patches as tokens behind those without a place.
///
/// # Shapes
/// - `patches`: `[batch, channels, rows, columns]`
/// - `learned`: `[extra + positions, channels, 1, 1]`
/// - returns: `[batch, channels, 1, extra + rows * columns]`
pub(super) fn tokens(
    patches: Tensor<4>,
    learned: Tensor<4>,
    extra: usize,
    positions: Option<Positions>,
) -> Tensor<4> {
    let [batch, channels, rows, columns] = patches.dims();
    let [count, ..] = learned.dims();
    let learned = learned.reshape([count, channels]).transpose();
    let mut placed = patches.reshape([batch, channels, 1, rows * columns]);
    if let Some(positions) = positions {
        let at_places = learned.clone().narrow(1, extra, count - extra);
        let at_places = positions.resized(at_places, [rows, columns]);
        placed = placed + at_places.reshape([1, channels, 1, rows * columns]);
    }
    let free = learned.narrow(1, 0, extra).reshape([1, channels, 1, extra]);
    let free = free.expand([batch, channels, 1, extra]);
    let free = if placed.is_autodiff() { Tensor::from_inner(free) } else { free };
    Tensor::cat(vec![free, placed], 3)
}

/// Tokens as what was caught of a layer.
pub(super) fn split(tokens: Tensor<4>, extra: usize, [rows, columns]: [usize; 2]) -> Caught {
    let [batch, channels, ..] = tokens.dims();
    let free = tokens.clone().narrow(3, 0, extra).reshape([batch, channels, extra]);
    let placed = tokens.narrow(3, extra, rows * columns);
    Caught { grid: placed.reshape([batch, channels, rows, columns]), extra: Some(free) }
}

/// The opposite of [`split`]; what has no tokens without a place stays as it is.
pub(super) fn join(Caught { grid, extra }: Caught) -> Tensor<4> {
    let Some(extra) = extra else { return grid };
    let [batch, channels, rows, columns] = grid.dims();
    let [_, _, count] = extra.dims();
    let free = extra.reshape([batch, channels, 1, count]);
    Tensor::cat(vec![free, grid.reshape([batch, channels, 1, rows * columns])], 3)
}

/// The longest period of a rotation, in units of half a picture's side (DINOv3).
const LONGEST_PERIOD: f64 = 100.0;

/// Queries and keys turned by where their patches lie: rotary positions (Su et al. 2021,
/// arXiv:2104.09864) along two axes as in DINOv3 (Siméoni et al. 2025, arXiv:2508.10104, 3.2).
/// Coordinates run from -1 to 1 over patches' centres along each axis; half of a head's pairs of
/// channels turn with the row, half with the column, with periods from 1 to 100. What has no place
/// stays as it is.
///
/// # Shapes
/// - `input`, returns: `[batch, 3 * channels, 1, extra + rows * columns]`
pub(super) fn rotated(input: Tensor<4>, heads: usize, extra: usize, size: [usize; 2]) -> Tensor<4> {
    let [batch, channels, _, count] = input.dims();
    let channels = channels / 3;
    let of_head = channels / heads;
    let (cosines, sines) = rotations(of_head, extra, size);
    let device = input.device().inner();
    let factors = |values: Vec<f32>| {
        Tensor::<4>::from_data(TensorData::new(values, [1, 1, of_head, count]), &device)
    };

    let turning = input.clone().narrow(1, 0, 2 * channels);
    let turning = turning.reshape([batch, 2 * heads, of_head, count]);
    let half = of_head / 2;
    let (first, second) =
        (turning.clone().narrow(2, 0, half), turning.clone().narrow(2, half, half));
    let crossed = Tensor::cat(vec![second.neg(), first], 2);
    let turned = turning * factors(cosines) + crossed * factors(sines);
    let turned = turned.reshape([batch, 2 * channels, 1, count]);
    Tensor::cat(vec![turned, input.narrow(1, 2 * channels, channels)], 1)
}

/// Cosines and sines of the angles by which channels turn, `[channels of a head, tokens]`.
fn rotations(of_head: usize, extra: usize, [rows, columns]: [usize; 2]) -> (Vec<f32>, Vec<f32>) {
    let count = extra + rows * columns;
    let (mut cosines, mut sines) = (vec![1.0; of_head * count], vec![0.0; of_head * count]);
    let quarter = of_head / 4;
    let centre = |place: usize, places: usize| 2.0 * (place as f64 + 0.5) / places as f64 - 1.0;
    for channel in 0..of_head {
        // Twice over: rows, then columns.
        let pair = channel % (2 * quarter);
        let period = LONGEST_PERIOD.powf((pair % quarter) as f64 / quarter as f64);
        for place in 0..rows * columns {
            let coordinate = match pair < quarter {
                true => centre(place / columns, rows),
                false => centre(place % columns, columns),
            };
            let angle = TAU * coordinate / period;
            let index = channel * count + extra + place;
            (cosines[index], sines[index]) = (angle.cos() as f32, angle.sin() as f32);
        }
    }
    (cosines, sines)
}

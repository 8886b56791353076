//! How a gradient moves numbers.

use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use crate::ops::flex::parallel;
use crate::ops::flex::product::{Matrix, Onto, multiply};

/// Which way down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Kingma and Ba 2014, arXiv:1412.6980; with weight decay Loshchilov and Hutter's AdamW
    /// (arXiv:1711.05101).
    #[default]
    Adam,
    /// Encoder and decoder go the way of their momentum with all its singular values near 1
    /// (Jordan et al. 2024, "Muon"), as far as Adam would go (Liu et al. 2025, arXiv:2502.16982);
    /// what is no matrix goes as with Adam.
    Muon,
}

/// How far a step goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Which step it is, from 1.
    pub step: u64,
    /// Of this step.
    pub learning_rate: f32,
    /// What gradients are multiplied by.
    pub shorter: f32,
    /// Part of itself that a number loses in each step, in units of the learning rate.
    pub weight_decay: f32,
}

/// Numbers, their gradient, and the running means that an optimizer keeps of it and of its squares.
pub struct Moved<'a> {
    /// What moves.
    pub values: &'a mut [f32],
    /// Where it would rise.
    pub gradient: &'a [f32],
    /// Of the gradient.
    pub first: &'a mut [f32],
    /// Of its squares.
    pub second: &'a mut [f32],
}

/// Of Adam: how much of its means stays.
pub const DECAYS: [f32; 2] = [0.9, 0.999];
/// What keeps Adam from dividing by nothing.
pub const EPSILON: f32 = 1e-8;

/// Of Muon: how much of the momentum stays.
pub const MOMENTUM: f32 = 0.95;
/// Of Muon: the factors of its polynomial, and how often that is applied.
pub const POLYNOMIAL: [f32; 3] = [3.4445, -4.775, 2.0315];
/// See [`POLYNOMIAL`].
pub const ITERATIONS: usize = 5;

/// Length of a row or column of what Muon moves by, over its learning rate: about Adam's.
pub const LENGTH: f32 = 0.2;

/// Below this a matrix has no direction.
pub const NOTHING: f32 = 1e-7;

/// Numbers that are moved at a time on one core.
const PIECE: usize = 1 << 16;

/// Moves a dictionary.
pub fn advance(
    optimizer: Optimizer,
    parameters: &mut Parameters,
    gradient: &Parameters,
    moments: &mut [Parameters; 2],
    pace: Pace,
) {
    let channels = parameters.decoder_bias.len();
    let [first, second] = moments;
    let moments = first.all_mut().into_iter().zip(second.all_mut());
    let arrays = parameters.all_mut().into_iter().zip(gradient.all()).zip(moments);
    let moved = arrays.map(|((values, gradient), (first, second))| Moved {
        values,
        gradient,
        first,
        second,
    });
    let is_matrix =
        |name: &&str| Parameters::MATRICES.contains(name) && optimizer == Optimizer::Muon;
    let (matrices, rest): (Vec<_>, Vec<_>) =
        Parameters::NAMES.into_iter().zip(moved).partition(|(name, _)| is_matrix(name));
    matrices.into_iter().for_each(|(_, matrix)| muon(matrix, channels, pace));
    adam(rest.into_iter().map(|(_, moved)| moved), pace);
}

/// Moves each number on its own.
pub fn adam<'a>(arrays: impl IntoIterator<Item = Moved<'a>>, pace: Pace) {
    let Pace { step, learning_rate, shorter, weight_decay } = pace;
    let steps = step.min(1 << 20) as i32;
    let [first_correction, second_correction] = DECAYS.map(|decay| 1.0 - decay.powi(steps));
    let kept = 1.0 - learning_rate * weight_decay;
    let mut pieces = Vec::new();
    for Moved { values, gradient, first, second } in arrays {
        let moments = first.chunks_mut(PIECE).zip(second.chunks_mut(PIECE));
        let values = values.chunks_mut(PIECE).zip(gradient.chunks(PIECE));
        pieces.extend(values.zip(moments));
    }
    parallel::all(pieces, |((values, gradient), (first, second))| {
        let moments = first.iter_mut().zip(second);
        for ((value, gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
            let gradient = gradient * shorter;
            *first += (1.0 - DECAYS[0]) * (gradient - *first);
            *second += (1.0 - DECAYS[1]) * (gradient * gradient - *second);
            let size = (*second / second_correction).sqrt() + EPSILON;
            *value = *value * kept - learning_rate * (*first / first_correction) / size;
        }
    });
}

/// Moves a matrix as a whole.
fn muon(matrix: Moved<'_>, columns: usize, pace: Pace) {
    let Moved { values, gradient, first, .. } = matrix;
    let Pace { learning_rate, shorter, weight_decay, .. } = pace;
    for (momentum, gradient) in first.iter_mut().zip(gradient) {
        *momentum += (1.0 - MOMENTUM) * (gradient * shorter - *momentum);
    }
    // Nesterov's: where the momentum will be.
    let ahead = first.iter().zip(gradient);
    let ahead = ahead
        .map(|(momentum, gradient)| MOMENTUM * momentum + (1.0 - MOMENTUM) * (gradient * shorter));
    let rows = values.len() / columns;
    let direction = orthogonal(ahead.collect(), rows, columns);
    let far = learning_rate * LENGTH * (rows.max(columns) as f32).sqrt();
    let kept = 1.0 - learning_rate * weight_decay;
    for (value, direction) in values.iter_mut().zip(direction) {
        *value = *value * kept - far * direction;
    }
}

/// A matrix with the same singular vectors, whose singular values are near 1 (within 0.7 to 1.2): a
/// polynomial of odd degree, applied a few times.
///
/// # Shapes
/// - `matrix`: `[rows, columns]`
fn orthogonal(mut matrix: Vec<f32>, rows: usize, columns: usize) -> Vec<f32> {
    let length = matrix.iter().map(|value| value * value).sum::<f32>().sqrt().max(NOTHING);
    matrix.iter_mut().for_each(|value| *value /= length);
    let side = rows.min(columns);
    let [linear, cubic, quintic] = POLYNOMIAL;
    let mut squares = vec![0.0; side * side];
    let mut factor = vec![0.0; side * side];
    for _ in 0..ITERATIONS {
        let plain = Matrix::dense(&matrix, columns);
        let turned =
            Matrix { values: &matrix, rows: columns, columns: rows, strides: [1, columns] };
        let (left, right) = if columns <= rows { (turned, plain) } else { (plain, turned) };
        multiply(Onto::Nothing, &mut squares, side, left, right);
        let of_squares = Matrix::dense(&squares, side);
        multiply(Onto::Nothing, &mut factor, side, of_squares, of_squares);
        for (factor, square) in factor.iter_mut().zip(&squares) {
            *factor = cubic * square + quintic * *factor;
        }
        let mut next: Vec<f32> = matrix.iter().map(|value| linear * value).collect();
        let factor = Matrix::dense(&factor, side);
        let (left, right) = if columns <= rows { (plain, factor) } else { (factor, plain) };
        multiply(Onto::Itself, &mut next, columns, left, right);
        matrix = next;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn random(count: usize, seed: u64) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn a_direction_has_the_same_singular_vectors_and_values_near_one() {
        for (rows, columns) in [(40, 12), (12, 40), (9, 9)] {
            let matrix = random(rows * columns, 3);
            let found = orthogonal(matrix.clone(), rows, columns);
            // From U S V' comes U f(S) V', whose product with it is symmetric.
            let side = rows.min(columns);
            let product = |one: usize, other: usize| -> f32 {
                let at = |values: &[f32], which: usize, inner: usize| match columns <= rows {
                    true => values[inner * columns + which],
                    false => values[which * columns + inner],
                };
                let inner = rows.max(columns);
                (0..inner).map(|inner| at(&found, one, inner) * at(&matrix, other, inner)).sum()
            };
            for one in 0..side {
                for other in 0..one {
                    let [here, there] = [product(one, other), product(other, one)];
                    assert!((here - there).abs() < 1e-3, "{rows} x {columns}: {here}, {there}");
                }
            }
            // The mean square of singular values.
            let squares: f32 = found.iter().map(|value| value * value).sum();
            let mean = squares / side as f32;
            assert!((0.5..1.4).contains(&mean), "{rows} x {columns}: {mean}");
        }
        assert!(orthogonal(vec![0.0; 12], 3, 4).iter().all(|value| *value == 0.0));
    }

    /// Numbers are those of `scripts/dictionary_peers.py muon`.
    #[test]
    fn muon_goes_where_pytorchs_goes() {
        let theirs = [
            -0.0628, 0.57417, 0.97553, 0.8519, 0.34412, -0.2943, -0.80905, -0.97053, -0.62872,
            -0.0146, 0.57644, 0.96449, 0.86217, 0.33298, -0.30684, -0.83176, -0.9753, -0.62945,
            0.00516, 0.59962, 0.93271, 0.85923, 0.3232, -0.31002,
        ];
        let numbers = |first: u64| (first..first + 24).map(|place| (0.7 * place as f64).sin());
        let mut values: Vec<f32> = numbers(0).map(|value| value as f32).collect();
        let before = values.clone();
        let (mut first, mut second) = (vec![0.0; 24], vec![0.0; 24]);
        for step in 1..=3 {
            let gradient: Vec<f32> =
                numbers(100 * step).map(|value| value.powi(3) as f32).collect();
            let pace = Pace { step, learning_rate: 0.1, shorter: 1.0, weight_decay: 0.1 };
            let (first, second) = (&mut first[..], &mut second[..]);
            muon(Moved { values: &mut values, gradient: &gradient, first, second }, 4, pace);
        }
        let moved = values.iter().zip(&before).map(|(after, before)| (after - before).abs());
        assert!(0.05 < moved.fold(0.0, f32::max));
        for (value, theirs) in values.iter().zip(theirs) {
            assert!((value - theirs).abs() < 2e-5, "{values:?}");
        }
    }

    #[test]
    fn steps_are_those_of_their_formulas() {
        let mut values = random(6, 1);
        let (mut first, mut second) = (vec![0.0; 6], vec![0.0; 6]);
        let mut expected: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
        let (mut means, mut squares) = (vec![0.0; 6], vec![0.0; 6]);
        for step in 1..=5 {
            let gradient = random(6, 10 + step);
            let pace = Pace { step, learning_rate: 0.1, shorter: 0.5, weight_decay: 0.3 };
            let moved = Moved {
                values: &mut values,
                gradient: &gradient,
                first: &mut first,
                second: &mut second,
            };
            adam([moved], pace);
            for place in 0..6 {
                let slope = 0.5 * f64::from(gradient[place]);
                means[place] = 0.9 * means[place] + 0.1 * slope;
                squares[place] = 0.999 * squares[place] + 0.001 * slope * slope;
                let mean = means[place] / (1.0 - 0.9_f64.powi(step as i32));
                let square: f64 = squares[place] / (1.0 - 0.999_f64.powi(step as i32));
                expected[place] *= 1.0 - 0.1 * 0.3;
                expected[place] -= 0.1 * mean / (square.sqrt() + 1e-8);
            }
        }
        for (value, expected) in values.iter().zip(expected) {
            assert!((f64::from(*value) - expected).abs() < 1e-5, "{value}, expected {expected}");
        }
    }
}

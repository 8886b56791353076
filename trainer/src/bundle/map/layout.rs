//! Points of a map on their way from where they begin to where their pairs let them rest.

use anyhow::Result;
use shared::readout::dictionary::optimizer::{Moved, Pace, adam};

use super::pairs::Pairs;
use crate::interrupt;

/// Steps of each phase: the whole takes shape, then its parts, then what is close around each point.
const PHASES: [u64; 3] = [100, 100, 250];

/// What Adam moves a coordinate by at first.
const LEARNING_RATE: f32 = 1.0;

/// How much pairs of each kind count.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Weights {
    near: f32,
    mid_near: f32,
    further: f32,
}

impl Weights {
    /// In a step, from 0. The mid-near pairs' falls in the first phase.
    fn at(step: u64) -> Self {
        let [first, second, _] = PHASES;
        if step < first {
            let done = step as f32 / first as f32;
            Self { near: 2.0, mid_near: 1000.0 * (1.0 - done) + 3.0 * done, further: 1.0 }
        } else if step < first + second {
            Self { near: 3.0, mid_near: 3.0, further: 1.0 }
        } else {
            Self { near: 1.0, mid_near: 0.0, further: 1.0 }
        }
    }
}

/// Where points come to, from where they start.
///
/// # Errors
/// Ctrl-C.
pub fn settle(mut points: Vec<[f32; 2]>, pairs: &Pairs) -> Result<Vec<[f32; 2]>> {
    let still = vec![[0.0; 2]; points.len()];
    let [mut first, mut second] = [still.clone(), still];
    for step in 0..PHASES.iter().sum() {
        interrupt::check()?;
        let gradient = gradient(&points, pairs, Weights::at(step));
        let moved = Moved {
            values: points.as_flattened_mut(),
            gradient: gradient.as_flattened(),
            first: first.as_flattened_mut(),
            second: second.as_flattened_mut(),
        };
        let pace =
            Pace { step: step + 1, learning_rate: LEARNING_RATE, shorter: 1.0, weight_decay: 0.0 };
        adam([moved], pace);
    }
    Ok(points)
}

/// Where the loss rises. That is, summed over pairs at a squared distance of d - 1 and weighed:
/// d / (10 + d) of near ones, d / (10,000 + d) of mid-near ones, 1 / (1 + d) of further ones.
fn gradient(points: &[[f32; 2]], pairs: &Pairs, weights: Weights) -> Vec<[f32; 2]> {
    let mut sum = vec![[0.0; 2]; points.len()];
    let Weights { near, mid_near, further } = weights;
    let over = |number: f32, root: f32| number / (root * root);
    rise(&mut sum, points, &pairs.near, |d| over(near * 20.0, 10.0 + d));
    rise(&mut sum, points, &pairs.mid_near, |d| over(mid_near * 20_000.0, 10_000.0 + d));
    rise(&mut sum, points, &pairs.further, |d| over(further * -2.0, 1.0 + d));
    sum
}

/// Adds what pairs do, `slope` times as much as their points are apart.
fn rise(sum: &mut [[f32; 2]], points: &[[f32; 2]], pairs: &[[u32; 2]], slope: impl Fn(f32) -> f32) {
    for pair in pairs {
        let [one, other] = pair.map(|point| point as usize);
        let apart = [0, 1].map(|axis| points[one][axis] - points[other][axis]);
        let slope = slope(1.0 + apart[0] * apart[0] + apart[1] * apart[1]);
        for (axis, apart) in apart.into_iter().enumerate() {
            sum[one][axis] += slope * apart;
            sum[other][axis] -= slope * apart;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [[f32; 2]; 4] = [[0.0, 0.5], [1.5, -1.0], [-2.0, 0.25], [3.0, 4.0]];

    fn pairs() -> Pairs {
        Pairs {
            near: vec![[0, 1], [1, 0], [2, 3]],
            mid_near: vec![[0, 2], [3, 1]],
            further: vec![[0, 3], [1, 2], [2, 0]],
        }
    }

    /// As the paper has it, slowly.
    fn loss(points: &[[f64; 2]], pairs: &Pairs, weights: Weights) -> f64 {
        let over = |pairs: &[[u32; 2]], weight: f32, term: fn(f64) -> f64| -> f64 {
            let d = |[one, other]: [u32; 2]| {
                let [one, other] = [one, other].map(|point| points[point as usize]);
                1.0 + (one[0] - other[0]).powi(2) + (one[1] - other[1]).powi(2)
            };
            pairs.iter().map(|pair| f64::from(weight) * term(d(*pair))).sum()
        };
        over(&pairs.near, weights.near, |d| d / (10.0 + d))
            + over(&pairs.mid_near, weights.mid_near, |d| d / (10_000.0 + d))
            + over(&pairs.further, weights.further, |d| 1.0 / (1.0 + d))
    }

    #[test]
    fn the_gradient_is_that_of_the_papers_loss() {
        let weights = Weights { near: 2.0, mid_near: 700.0, further: 1.5 };
        let found = gradient(&POINTS, &pairs(), weights);
        for point in 0..POINTS.len() {
            for axis in 0..2 {
                let moved = |by: f64| {
                    let mut points = POINTS.map(|point| point.map(f64::from));
                    points[point][axis] += by;
                    loss(&points, &pairs(), weights)
                };
                let expected = (moved(1e-4) - moved(-1e-4)) / 2e-4;
                let found = f64::from(found[point][axis]);
                assert!((found - expected).abs() < 1e-4, "{point} {axis}: {found}, {expected}");
            }
        }
    }

    #[test]
    fn weights_are_the_papers() {
        let weights = |near, mid_near, further| Weights { near, mid_near, further };
        assert_eq!(Weights::at(0), weights(2.0, 1000.0, 1.0));
        assert_eq!(Weights::at(50), weights(2.0, 501.5, 1.0));
        assert_eq!(Weights::at(100), weights(3.0, 3.0, 1.0));
        assert_eq!(Weights::at(200), weights(1.0, 0.0, 1.0));
        assert_eq!(Weights::at(449), weights(1.0, 0.0, 1.0));
    }

    #[test]
    fn what_is_near_comes_nearer_and_what_is_further_goes_away() {
        let far = [[0.0, 0.0], [40.0, 0.0], [0.1, 0.0]];
        let pairs = Pairs { near: vec![[0, 1]], further: vec![[0, 2]], ..Pairs::default() };
        let found = settle(far.to_vec(), &pairs).unwrap();
        let apart =
            |other: usize| (found[0][0] - found[other][0]).hypot(found[0][1] - found[other][1]);
        assert!(apart(1) < 1.0 && 2.0 < apart(2), "{found:?}");
    }
}

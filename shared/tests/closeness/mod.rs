//! Whether numbers agree with those of an independent implementation.

use shared::burn::tensor::Tensor;
use shared::device::read;

/// The library promises 1e-3; in practice rounding leaves much less.
const TOLERANCE: f64 = 1e-5;

/// A tensor read back.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    pollster::block_on(read(tensor)).unwrap()
}

/// Norm of the difference over norm of the reference.
#[track_caller]
pub fn assert_agrees(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let norm = |values: &mut dyn Iterator<Item = f64>| {
        values.map(|value| value * value).sum::<f64>().sqrt()
    };
    let difference = found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b));
    let error = norm(&mut { difference }) / norm(&mut expected.iter().map(|b| f64::from(*b)));
    eprintln!("{what}: relative error {error:.1e}");
    assert!(error < TOLERANCE, "{what}: relative error {error:e}, expected below {TOLERANCE:e}");
}

//! Rows of matrices that lie in slices, one after the other.

/// Cuts so many off the front.
pub fn take<'a, T>(values: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (front, rest) = std::mem::take(values).split_at_mut(count);
    *values = rest;
    front
}

/// One of a matrix.
pub fn row(values: &[f32], index: usize, columns: usize) -> &[f32] {
    &values[index * columns..][..columns]
}

/// One of a matrix.
pub fn row_mut(values: &mut [f32], index: usize, columns: usize) -> &mut [f32] {
    &mut values[index * columns..][..columns]
}

/// `row += factor * other`
pub fn add(row: &mut [f32], other: &[f32], factor: f32) {
    row.iter_mut().zip(other).for_each(|(value, other)| *value += factor * other);
}

/// The product of two rows, in sixteen sums side by side, which vector instructions add at once.
pub fn dot(row: &[f32], other: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    let (chunks, others) = (row.chunks_exact(LANES), other.chunks_exact(LANES));
    let rest = chunks.remainder().iter().zip(others.remainder());
    let rest: f32 = rest.map(|(value, other)| value * other).sum();
    for (chunk, other) in chunks.zip(others) {
        for lane in 0..LANES {
            sums[lane] += chunk[lane] * other[lane];
        }
    }
    rest + sums.iter().sum::<f32>()
}

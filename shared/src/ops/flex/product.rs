//! Products of matrices that lie anywhere in slices.

use std::ops::Range;

use gemm::Parallelism;

use super::parallel;

/// A matrix somewhere in a slice.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    /// Its values, among others.
    pub values: &'a [f32],
    /// How many.
    pub rows: usize,
    /// How many.
    pub columns: usize,
    /// From row to row, from column to column.
    pub strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// Row after row.
    pub fn dense(values: &'a [f32], columns: usize) -> Self {
        let rows = values.len() / columns.max(1);
        Self { values, rows, columns, strides: [columns, 1] }
    }

    fn last(&self) -> usize {
        (self.rows - 1) * self.strides[0] + (self.columns - 1) * self.strides[1]
    }
}

/// What a product is added to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Onto {
    /// What the output held is overwritten.
    Nothing,
    /// The output grows by the product.
    Itself,
}

/// `left * right`, added onto what `onto` says; rows of the output lie `row_stride` apart.
///
/// # Panics
/// The sizes must fit each other and their slices.
#[allow(unsafe_code)]
pub fn multiply(
    onto: Onto,
    output: &mut [f32],
    row_stride: usize,
    left: Matrix<'_>,
    right: Matrix<'_>,
) {
    let (rows, inner, columns) = (left.rows, left.columns, right.columns);
    assert_eq!(inner, right.rows, "the matrices do not fit each other");
    if rows == 0 || inner == 0 || columns == 0 {
        return;
    }
    assert!(left.last() < left.values.len() && right.last() < right.values.len());
    assert!(columns <= row_stride && (rows - 1) * row_stride + columns <= output.len());
    let product = Product { output: output.as_mut_ptr(), row_stride, onto, left, right };
    let pieces: Vec<_> = if rows * inner * columns < WORTH_SHARING {
        vec![(0..rows, 0..columns)]
    } else if rows < columns {
        // The longer side is cut: each core then reads all of the smaller factor.
        parallel::shares(columns, LANES).into_iter().map(|columns| (0..rows, columns)).collect()
    } else {
        parallel::shares(rows, LANES).into_iter().map(|rows| (rows, 0..columns)).collect()
    };
    // SAFETY: every element that is read or written lies inside its slice, as the lines above made
    // sure; the pieces do not overlap, and the output is borrowed for all of them.
    parallel::all(pieces, |(rows, columns)| unsafe { product.compute(rows, columns) });
}

/// Multiplications from which on a product is shared out: some tens of microseconds of them.
const WORTH_SHARING: usize = 1 << 20;

/// Values that the widest vector instructions take at once.
const LANES: usize = 16;

/// A product whose pieces different cores may compute.
struct Product<'a> {
    output: *mut f32,
    row_stride: usize,
    onto: Onto,
    left: Matrix<'a>,
    right: Matrix<'a>,
}

// SAFETY: the pointer is only written through in `compute`, whose callers see to it that no two
// pieces overlap.
#[allow(unsafe_code)]
unsafe impl Sync for Product<'_> {}

impl Product<'_> {
    /// Computes the piece of the output in these rows and columns.
    ///
    /// # Safety
    /// The whole product must fit its slices, and nothing else may use the piece meanwhile.
    #[allow(unsafe_code)]
    unsafe fn compute(&self, rows: Range<usize>, columns: Range<usize>) {
        let Self { output, row_stride, onto, left, right } = self;
        // SAFETY: the caller's promise.
        unsafe {
            gemm::gemm(
                rows.len(),
                columns.len(),
                left.columns,
                output.add(rows.start * row_stride + columns.start),
                1,
                *row_stride as isize,
                *onto == Onto::Itself,
                left.values.as_ptr().add(rows.start * left.strides[0]),
                left.strides[1] as isize,
                left.strides[0] as isize,
                right.values.as_ptr().add(columns.start * right.strides[1]),
                right.strides[1] as isize,
                right.strides[0] as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}

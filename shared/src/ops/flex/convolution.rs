//! Convolutions on the processor: patches unfolded a tile at a time, then one matrix product.
//!
//! Patches are unfolded channel by channel, so that their rows are runs of the picture's own rows
//! and weights serve as they lie in their file, `[outputs, inputs * kernel * kernel]`.

use std::ops::Range;

use gemm::Parallelism;

use super::super::Window;
use super::parallel;

/// Values of a tile of patches: two megabytes, which the caches of two cores hold.
const TILE: usize = 1 << 19;

/// Sizes of a convolution.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Pictures.
    pub batch: usize,
    /// Channels that come in.
    pub inputs: usize,
    /// Channels that go out.
    pub outputs: usize,
    /// Rows and columns that come in.
    pub size: [usize; 2],
    /// Where the kernel is laid.
    pub window: Window,
}

impl Sizes {
    /// Values of a patch.
    fn patch(&self) -> usize {
        self.inputs * self.window.kernel * self.window.kernel
    }

    fn input_area(&self) -> usize {
        self.size[0] * self.size[1]
    }

    fn output_area(&self) -> usize {
        self.window.output[0] * self.window.output[1]
    }

    /// Whether patches are the picture as it is.
    fn is_pointwise(&self) -> bool {
        let Window { kernel, stride, before, output } = self.window;
        kernel == 1 && stride == 1 && before == [0, 0] && output == self.size
    }

    /// Rows of windows, as many at a time as fit in a tile.
    fn tiles(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let [rows, columns] = self.window.output;
        let height = (TILE / (self.patch() * columns).max(1)).clamp(1, rows.max(1));
        (0..rows).step_by(height).map(move |row| row..(row + height).min(rows))
    }
}

/// # Shapes
/// - `input`: `[batch, inputs, height, width]`
/// - `weight`: `[outputs, inputs, kernel, kernel]`
/// - `bias`: `[outputs]`
/// - returns: `[batch, outputs, rows of windows, columns of windows]`
pub fn forward(input: &[f32], weight: &[f32], bias: &[f32], sizes: Sizes) -> Vec<f32> {
    let area = sizes.output_area();
    let weight = Matrix {
        values: weight,
        rows: sizes.outputs,
        columns: sizes.patch(),
        strides: [sizes.patch(), 1],
    };
    let mut output = Vec::with_capacity(sizes.batch * sizes.outputs * area);
    for _ in 0..sizes.batch {
        for &bias in bias {
            output.resize(output.len() + area, bias);
        }
    }
    let mut patches = Vec::new();
    let planes = input.chunks_exact(sizes.inputs * sizes.input_area());
    for (plane, output) in planes.zip(output.chunks_exact_mut(sizes.outputs * area)) {
        if sizes.is_pointwise() {
            multiply(Onto::Itself, output, area, weight, Matrix::dense(plane, area));
            continue;
        }
        for rows in sizes.tiles() {
            let columns = rows.len() * sizes.window.output[1];
            patches.resize(sizes.patch() * columns, 0.0);
            unfold(plane, &mut patches, rows.clone(), sizes);
            let tile = &mut output[rows.start * sizes.window.output[1]..];
            multiply(Onto::Itself, tile, area, weight, Matrix::dense(&patches, columns));
        }
    }
    output
}

/// The gradient with respect to the input.
///
/// # Shapes
/// - `gradient`: `[batch, outputs, rows of windows, columns of windows]`
/// - `weight`: `[outputs, inputs, kernel, kernel]`
/// - returns: `[batch, inputs, height, width]`
pub fn backward(gradient: &[f32], weight: &[f32], sizes: Sizes) -> Vec<f32> {
    let area = sizes.output_area();
    let transposed = Matrix {
        values: weight,
        rows: sizes.patch(),
        columns: sizes.outputs,
        strides: [1, sizes.patch()],
    };
    let mut output = vec![0.0; sizes.batch * sizes.inputs * sizes.input_area()];
    let mut patches = Vec::new();
    let planes = output.chunks_exact_mut(sizes.inputs * sizes.input_area());
    for (plane, gradient) in planes.zip(gradient.chunks_exact(sizes.outputs * area)) {
        if sizes.is_pointwise() {
            multiply(Onto::Nothing, plane, area, transposed, Matrix::dense(gradient, area));
            continue;
        }
        for rows in sizes.tiles() {
            let columns = rows.len() * sizes.window.output[1];
            patches.resize(sizes.patch() * columns, 0.0);
            let tile = Matrix {
                values: &gradient[rows.start * sizes.window.output[1]..],
                rows: sizes.outputs,
                columns,
                strides: [area, 1],
            };
            multiply(Onto::Nothing, &mut patches, columns, transposed, tile);
            fold(&patches, plane, rows, sizes);
        }
    }
    output
}

/// One row of patches: the values at one place of the kernel, for a tile of windows.
struct Place {
    channel: usize,
    row: usize,
    column: usize,
    /// The windows of a row whose value here lies inside the picture's width.
    inside: Range<usize>,
}

impl Place {
    fn of(index: usize, sizes: Sizes) -> Self {
        let Window { kernel, stride, before: [_, left], output: [_, columns] } = sizes.window;
        let column = index % kernel;
        let from = left.saturating_sub(column).div_ceil(stride).min(columns);
        let to = (sizes.size[1] + left).saturating_sub(column).div_ceil(stride);
        Self {
            channel: index / (kernel * kernel),
            row: index / kernel % kernel,
            column,
            inside: from..to.clamp(from, columns),
        }
    }

    /// Where in the picture the first of `inside` lies, for a row of windows; nothing if the
    /// whole row lies in the padding.
    fn first(&self, window_row: usize, sizes: Sizes) -> Option<usize> {
        if self.inside.is_empty() {
            return None;
        }
        let Window { stride, before: [top, left], .. } = sizes.window;
        let [height, width] = sizes.size;
        let row = (window_row * stride + self.row).checked_sub(top).filter(|&row| row < height)?;
        let column = (self.inside.start * stride + self.column).checked_sub(left)?;
        Some((self.channel * height + row) * width + column)
    }
}

/// Lays the picture out as one column a window.
fn unfold(plane: &[f32], patches: &mut [f32], rows: Range<usize>, sizes: Sizes) {
    let Window { stride, output: [_, columns], .. } = sizes.window;
    parallel::each_piece(
        patches,
        rows.len() * columns,
        || (),
        |index, patches, ()| {
            let place = Place::of(index, sizes);
            for (window_row, patch) in rows.clone().zip(patches.chunks_exact_mut(columns)) {
                let Some(first) = place.first(window_row, sizes) else {
                    patch.fill(0.0);
                    continue;
                };
                patch[..place.inside.start].fill(0.0);
                patch[place.inside.end..].fill(0.0);
                let inside = &mut patch[place.inside.clone()];
                match stride {
                    1 => inside.copy_from_slice(&plane[first..][..inside.len()]),
                    _ => {
                        for (patch, &value) in
                            inside.iter_mut().zip(plane[first..].iter().step_by(stride))
                        {
                            *patch = value;
                        }
                    }
                }
            }
        },
    );
}

/// Adds each window's column back to where [`unfold`] took it from.
fn fold(patches: &[f32], plane: &mut [f32], rows: Range<usize>, sizes: Sizes) {
    let Window { kernel, stride, output: [_, columns], .. } = sizes.window;
    let (area, places) = (sizes.input_area(), kernel * kernel);
    let length = rows.len() * columns;
    parallel::each_piece(
        plane,
        area,
        || (),
        |channel, plane, ()| {
            let patches = patches[channel * places * length..].chunks_exact(length).take(places);
            for (index, patches) in patches.enumerate() {
                // Its own channel is the first of the plane at hand.
                let place = Place::of(index, sizes);
                for (window_row, patch) in rows.clone().zip(patches.chunks_exact(columns)) {
                    let Some(first) = place.first(window_row, sizes) else { continue };
                    let inside = &patch[place.inside.clone()];
                    match stride {
                        1 => {
                            let values = plane[first..][..inside.len()].iter_mut();
                            values.zip(inside).for_each(|(value, patch)| *value += patch);
                        }
                        _ => {
                            let values = plane[first..].iter_mut().step_by(stride);
                            values.zip(inside).for_each(|(value, patch)| *value += patch);
                        }
                    }
                }
            }
        },
    );
}

/// A matrix somewhere in a slice.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// From row to row, from column to column.
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// Row after row.
    fn dense(values: &'a [f32], columns: usize) -> Self {
        let rows = values.len() / columns.max(1);
        Self { values, rows, columns, strides: [columns, 1] }
    }

    fn last(&self) -> usize {
        (self.rows - 1) * self.strides[0] + (self.columns - 1) * self.strides[1]
    }
}

/// What a product is added to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Onto {
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
fn multiply(
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

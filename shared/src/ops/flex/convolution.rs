//! Convolutions on the processor: patches unfolded a tile at a time, then one matrix product.
//!
//! Patches are unfolded channel by channel, so that their rows are runs of the picture's own rows
//! and weights serve as they lie in their file, `[outputs, inputs * kernel * kernel]`.

use std::ops::Range;

use gemm::Parallelism;

use super::super::Window;

/// Values of a tile of patches: half a megabyte, which a core's second-level cache holds.
const TILE: usize = 1 << 17;

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

/// A run of a row of patches beside the run of the picture's row that it shows.
struct Run {
    /// In the patches.
    patch: Range<usize>,
    /// Where the run begins in the picture; nothing if it lies in the padding.
    first: Option<usize>,
    /// Windows of the run before and after which there is padding alone.
    inside: Range<usize>,
}

/// Every run of a tile of patches, in the order they lie there.
fn runs(rows: Range<usize>, sizes: Sizes) -> impl Iterator<Item = Run> {
    let Sizes { inputs, size: [height, width], window, .. } = sizes;
    let Window { kernel, stride, before: [top, left], output: [_, columns] } = window;
    let places = (0..inputs * kernel * kernel)
        .map(move |place| (place / (kernel * kernel), place / kernel % kernel, place % kernel));
    let n_rows = rows.len();
    places.enumerate().flat_map(move |(index, (channel, row, column))| {
        // Windows whose value here lies inside the picture's width.
        let from = left.saturating_sub(column).div_ceil(stride).min(columns);
        let to = (width + left).saturating_sub(column).div_ceil(stride).clamp(from, columns);
        rows.clone().enumerate().map(move |(line, window_row)| {
            let start = (index * n_rows + line) * columns;
            let source = (window_row * stride + row).checked_sub(top).filter(|&row| row < height);
            Run {
                patch: start..start + columns,
                first: source.map(|source| {
                    (channel * height + source) * width + from * stride + column - left
                }),
                inside: if source.is_some() { from..to } else { 0..0 },
            }
        })
    })
}

/// Lays the picture out as one column a window.
fn unfold(plane: &[f32], patches: &mut [f32], rows: Range<usize>, sizes: Sizes) {
    let stride = sizes.window.stride;
    for Run { patch, first, inside } in runs(rows, sizes) {
        let patch = &mut patches[patch];
        patch[..inside.start].fill(0.0);
        patch[inside.end..].fill(0.0);
        let inside = &mut patch[inside];
        let Some(first) = first.filter(|_| !inside.is_empty()) else {
            continue;
        };
        if stride == 1 {
            inside.copy_from_slice(&plane[first..first + inside.len()]);
        } else {
            let values = plane[first..].iter().step_by(stride);
            for (patch, &value) in inside.iter_mut().zip(values) {
                *patch = value;
            }
        }
    }
}

/// Adds each window's column back to where [`unfold`] took it from.
fn fold(patches: &[f32], plane: &mut [f32], rows: Range<usize>, sizes: Sizes) {
    let stride = sizes.window.stride;
    for Run { patch, first, inside } in runs(rows, sizes) {
        let inside = &patches[patch][inside];
        let Some(first) = first.filter(|_| !inside.is_empty()) else {
            continue;
        };
        if stride == 1 {
            for (value, patch) in plane[first..first + inside.len()].iter_mut().zip(inside) {
                *value += patch;
            }
        } else {
            for (value, patch) in plane[first..].iter_mut().step_by(stride).zip(inside) {
                *value += patch;
            }
        }
    }
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
    let parallelism =
        if cfg!(target_family = "wasm") { Parallelism::None } else { Parallelism::Rayon(0) };
    // SAFETY: every element that the product reads or writes lies inside its slice, as the lines
    // above made sure, and the output is borrowed mutably, so it overlaps neither factor.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            output.as_mut_ptr(),
            1,
            row_stride as isize,
            onto == Onto::Itself,
            left.values.as_ptr(),
            left.strides[1] as isize,
            left.strides[0] as isize,
            right.values.as_ptr(),
            right.strides[1] as isize,
            right.strides[0] as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

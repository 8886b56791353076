//! Convolutions on the processor: patches unfolded a tile at a time, then one matrix product;
//! large ones with 3x3 kernels in fewer multiplications ([`super::winograd`]).
//!
//! Patches are unfolded channel by channel, so that their rows are runs of the picture's own rows
//! and weights serve as they lie in their file, `[outputs, inputs * kernel * kernel]`.

use std::ops::Range;

use super::super::Window;
use super::parallel;
use super::product::{Matrix, Onto, multiply};
use super::winograd::{self, Plan};

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

    /// The same in fewer multiplications, where that works and pays: with vectors of four, a
    /// multiplication costs more than moving its factors; with wider ones it is the other way.
    fn winograd(&self) -> Option<Plan> {
        if cfg!(not(target_family = "wasm")) {
            return None;
        }
        let Window { kernel, stride, before, output } = self.window;
        let Self { inputs, outputs, size, .. } = *self;
        let plan = Plan { inputs, outputs, size, before, output };
        (kernel == 3 && stride == 1 && plan.is_worth_it()).then_some(plan)
    }

    /// As [`Self::winograd`], for the gradient.
    fn winograd_backward(&self) -> Option<Plan> {
        let Plan { inputs, outputs, size, before, output } = self.winograd()?;
        let [Some(top), Some(left)] = before.map(|before| 2_usize.checked_sub(before)) else {
            return None;
        };
        let before = [top, left];
        Some(Plan { inputs: outputs, outputs: inputs, size: output, before, output: size })
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
    let kernels = Matrix {
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
    let planes = input.chunks_exact(sizes.inputs * sizes.input_area());
    if let Some(plan) = sizes.winograd() {
        let transformed = winograd::transform_kernels(&plan, |output, input| {
            let start = (output * sizes.inputs + input) * 9;
            std::array::from_fn(|place| weight[start + place])
        });
        for (plane, output) in planes.zip(output.chunks_exact_mut(sizes.outputs * area)) {
            winograd::correlate(plane, &transformed, output, &plan);
        }
        return output;
    }
    let mut patches = Vec::new();
    for (plane, output) in planes.zip(output.chunks_exact_mut(sizes.outputs * area)) {
        if sizes.is_pointwise() {
            multiply(Onto::Itself, output, area, kernels, Matrix::dense(plane, area));
            continue;
        }
        for rows in sizes.tiles() {
            let columns = rows.len() * sizes.window.output[1];
            patches.resize(sizes.patch() * columns, 0.0);
            unfold(plane, &mut patches, rows.clone(), sizes);
            let tile = &mut output[rows.start * sizes.window.output[1]..];
            multiply(Onto::Itself, tile, area, kernels, Matrix::dense(&patches, columns));
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
    // A unit of one branch sends nothing back into the others.
    if gradient.iter().all(|&value| value == 0.0) {
        return output;
    }
    let planes = output.chunks_exact_mut(sizes.inputs * sizes.input_area());
    if let Some(plan) = sizes.winograd_backward() {
        // Backwards, kernels are turned by half a circle and lead from outputs to inputs.
        let transformed = winograd::transform_kernels(&plan, |input, output| {
            let end = (output * sizes.inputs + input) * 9 + 8;
            std::array::from_fn(|place| weight[end - place])
        });
        for (plane, gradient) in planes.zip(gradient.chunks_exact(sizes.outputs * area)) {
            winograd::correlate(gradient, &transformed, plane, &plan);
        }
        return output;
    }
    let mut patches = Vec::new();
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
struct KernelPosition {
    channel: usize,
    row: usize,
    column: usize,
    /// The windows of a row whose value here lies inside the picture's width.
    inside: Range<usize>,
}

impl KernelPosition {
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
            let position = KernelPosition::of(index, sizes);
            for (window_row, patch) in rows.clone().zip(patches.chunks_exact_mut(columns)) {
                let Some(first) = position.first(window_row, sizes) else {
                    patch.fill(0.0);
                    continue;
                };
                patch[..position.inside.start].fill(0.0);
                patch[position.inside.end..].fill(0.0);
                let inside = &mut patch[position.inside.clone()];
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
                let position = KernelPosition::of(index, sizes);
                for (window_row, patch) in rows.clone().zip(patches.chunks_exact(columns)) {
                    let Some(first) = position.first(window_row, sizes) else { continue };
                    let inside = &patch[position.inside.clone()];
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

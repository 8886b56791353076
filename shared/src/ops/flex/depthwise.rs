//! Depthwise convolutions on the processor, a plane at a time: for each window a few products,
//! whose factors lie in as many long rows.

use super::super::Window;
use super::dealt::Dealt;

/// Values that are summed at a time: what the registers of the narrowest vectors hold.
const LANES: usize = 16;

/// Room to correlate planes of one size.
pub struct Forward {
    window: Window,
    /// Zero where there is padding.
    dealt: Dealt,
    sums: Vec<f32>,
}

impl Forward {
    /// For planes of `size`, rows first.
    pub fn new(size: [usize; 2], window: Window) -> Self {
        let dealt = Dealt::new(size, window, 0.0);
        Self { window, sums: vec![0.0; dealt.loop_length()], dealt }
    }

    /// The plane under the kernel, plus a bias.
    pub fn correlate(&mut self, plane: &[f32], kernel: &[f32], bias: f32, output: &mut [f32]) {
        self.dealt.deal(plane);
        let taps: Vec<Tap<'_>> = kernel
            .iter()
            .enumerate()
            .map(|(place, &weight)| Tap { weight, values: self.dealt.seen_at(place) })
            .collect();
        sum_products(&taps, bias, &mut self.sums);
        let rows = self.sums.chunks(self.dealt.columns());
        for (output, sums) in output.chunks_exact_mut(self.window.output[1]).zip(rows) {
            output.copy_from_slice(&sums[..output.len()]);
        }
    }
}

/// Room to pull gradients of one size back.
pub struct Backward {
    window: Window,
    /// Of the plane, rows first.
    size: [usize; 2],
    /// How many windows further a pixel can still be seen.
    reach: usize,
    /// Rows and columns of the gradient with its border.
    bordered_size: [usize; 2],
    /// The gradient with a border of zeros as wide as the reach.
    bordered: Vec<f32>,
    sums: Vec<f32>,
}

impl Backward {
    /// For planes of `size`, rows first.
    pub fn new(size: [usize; 2], window: Window) -> Self {
        let reach = (window.kernel - 1) / window.stride;
        let [rows, columns] = window.output.map(|windows| windows + 2 * reach);
        Self {
            window,
            size,
            reach,
            bordered_size: [rows, columns],
            bordered: vec![0.0; rows * columns],
            // A row for each row of windows that any pixel of a rest can be seen in.
            sums: vec![0.0; (rows - reach - 1) * columns + columns - reach],
        }
    }

    /// The gradient of [`Forward::correlate`] with respect to its plane.
    pub fn pull_back(&mut self, gradient: &[f32], kernel: &[f32], output: &mut [f32]) {
        let Window { kernel: side, stride, before: [top, left], output: [_, width] } = self.window;
        let (reach, columns) = (self.reach, self.bordered_size[1]);
        for (row, gradient) in gradient.chunks_exact(width).enumerate() {
            let start = (row + reach) * columns + reach;
            self.bordered[start..start + width].copy_from_slice(gradient);
        }
        for rest in 0..stride * stride {
            // Pixels that leave this rest are seen at every stride-th place of the kernel only.
            let [down, across] = [rest / stride, rest % stride];
            let places = |from: usize| (from..side).step_by(stride).enumerate();
            let mut taps = Vec::with_capacity(side * side);
            for (behind, row) in places(down) {
                for (beside, column) in places(across) {
                    let first = (reach - behind) * columns + reach - beside;
                    let values = &self.bordered[first..][..self.sums.len()];
                    taps.push(Tap { weight: kernel[row * side + column], values });
                }
            }
            sum_products(&taps, 0.0, &mut self.sums);
            // The first pixel of each kind, and the window it is the corner of.
            let first = |rest: usize, before: usize| {
                let pixel = (rest + stride - before % stride) % stride;
                (pixel, (pixel + before) / stride)
            };
            let ((row, above), (column, beside)) = (first(down, top), first(across, left));
            let sums = self.sums.chunks(columns).skip(above);
            for (row, sums) in (row..self.size[0]).step_by(stride).zip(sums) {
                let output = &mut output[row * self.size[1]..][..self.size[1]];
                let pixels = output.iter_mut().skip(column).step_by(stride);
                let seen = sums.len().min(columns - reach);
                for (pixel, &sum) in pixels.zip(&sums[beside.min(seen)..seen]) {
                    *pixel = sum;
                }
            }
        }
    }
}

/// A factor and the values it belongs to.
#[derive(Clone, Copy)]
struct Tap<'a> {
    weight: f32,
    values: &'a [f32],
}

/// `start` plus the products of all taps, place by place. With the number of taps known when
/// compiling, sums stay in registers; these are the numbers that kernels of 3 and 5 give, at
/// strides of 1 and 2.
fn sum_products(taps: &[Tap<'_>], start: f32, sums: &mut [f32]) {
    match taps.len() {
        1 => sum_of::<1>(taps, start, sums),
        2 => sum_of::<2>(taps, start, sums),
        4 => sum_of::<4>(taps, start, sums),
        6 => sum_of::<6>(taps, start, sums),
        9 => sum_of::<9>(taps, start, sums),
        25 => sum_of::<25>(taps, start, sums),
        _ => {
            sums.fill(start);
            for tap in taps {
                let products = tap.values.iter().map(|value| tap.weight * value);
                sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
            }
        }
    }
}

fn sum_of<const TAPS: usize>(taps: &[Tap<'_>], start: f32, sums: &mut [f32]) {
    let taps: &[Tap<'_>; TAPS] = match taps.try_into() {
        Ok(taps) => taps,
        Err(_) => return,
    };
    let (blocks, rest) = sums.as_chunks_mut::<LANES>();
    let n_blocks = blocks.len();
    for (index, block) in blocks.iter_mut().enumerate() {
        let mut sum = [start; LANES];
        for tap in taps {
            let values = &tap.values[index * LANES..][..LANES];
            for (sum, value) in sum.iter_mut().zip(values) {
                *sum += tap.weight * value;
            }
        }
        *block = sum;
    }
    for (place, sum) in rest.iter_mut().enumerate() {
        let products = taps.iter().map(|tap| tap.weight * tap.values[n_blocks * LANES + place]);
        *sum = start + products.sum::<f32>();
    }
}

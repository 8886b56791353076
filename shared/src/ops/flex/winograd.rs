//! Convolutions with 3x3 kernels in fewer multiplications: Winograd's F(2x2, 3x3), as in Lavin and
//! Gray 2015, arXiv:1509.09308, section 4.1.
//!
//! Four neighbouring outputs need 16 products a channel instead of 36, once kernel and picture are
//! transformed. Transforms are sums over rows of tiles, so that vectors run along the row.

use std::ops::Range;

use super::parallel;
use super::product::{Matrix, Onto, multiply};

/// Products for a tile of 2x2 outputs.
const PRODUCTS: usize = 16;

/// Tiles worked on at once: enough to keep matrix products busy, few enough for the caches.
const TILES: usize = 1024;

/// Outputs from which on the transforms pay for themselves.
const WORTH_TRANSFORMING: usize = 196;

/// What is computed: a correlation with 3x3 kernels, one step apart.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Channels that come in.
    pub inputs: usize,
    /// Channels that go out.
    pub outputs: usize,
    /// Rows and columns that come in.
    pub size: [usize; 2],
    /// Rows and columns of zeros before them.
    pub before: [usize; 2],
    /// Rows and columns that go out.
    pub output: [usize; 2],
}

impl Plan {
    /// Whether there are enough places for the transforms to pay.
    pub fn is_worth_it(&self) -> bool {
        WORTH_TRANSFORMING <= self.output[0] * self.output[1]
    }

    /// Tiles down and across.
    fn tiles(&self) -> [usize; 2] {
        self.output.map(|length| length.div_ceil(2))
    }

    /// Rows of tiles, as many at a time as are worked on at once.
    fn bands(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let [rows, columns] = self.tiles();
        let height = (TILES / columns.max(1)).max(1);
        (0..rows).step_by(height).map(move |row| row..(row + height).min(rows))
    }
}

/// Kernels transformed, `[outputs, PRODUCTS, inputs]`.
///
/// `kernel(output, input)` gives the kernel's nine values, row by row.
pub fn transform_kernels(
    plan: &Plan,
    kernel: impl Fn(usize, usize) -> [f32; 9] + Sync,
) -> Vec<f32> {
    let inputs = plan.inputs;
    let mut transformed = vec![0.0; plan.outputs * PRODUCTS * inputs];
    let halves = |[a, b, c]: [f32; 3]| [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c];
    parallel::each_piece(
        &mut transformed,
        PRODUCTS * inputs,
        || (),
        |output, transformed, ()| {
            for input in 0..inputs {
                let k = kernel(output, input);
                let rows = [0, 3, 6].map(|row| halves([k[row], k[row + 1], k[row + 2]]));
                for column in 0..4 {
                    let values = halves([rows[0][column], rows[1][column], rows[2][column]]);
                    for (row, value) in values.into_iter().enumerate() {
                        transformed[(row * 4 + column) * inputs + input] = value;
                    }
                }
            }
        },
    );
    transformed
}

/// One picture.
///
/// # Shapes
/// - `input`: `[inputs, height, width]`
/// - `kernels`: as [`transform_kernels`] gives them
/// - `output`: `[outputs, rows, columns]`; what it holds is added to
pub fn correlate(input: &[f32], kernels: &[f32], output: &mut [f32], plan: &Plan) {
    let across = plan.tiles()[1];
    let mut seen = Vec::new();
    let mut products = Vec::new();
    for band in plan.bands() {
        let tiles = band.len() * across;
        seen.resize(plan.inputs * PRODUCTS * tiles, 0.0);
        products.resize(plan.outputs * PRODUCTS * tiles, 0.0);
        transform_input(input, &mut seen, &band, plan);
        for product in 0..PRODUCTS {
            let kernels = Matrix {
                values: &kernels[product * plan.inputs..],
                rows: plan.outputs,
                columns: plan.inputs,
                strides: [PRODUCTS * plan.inputs, 1],
            };
            let seen = Matrix {
                values: &seen[product * tiles..],
                rows: plan.inputs,
                columns: tiles,
                strides: [PRODUCTS * tiles, 1],
            };
            let products = &mut products[product * tiles..];
            multiply(Onto::Nothing, products, PRODUCTS * tiles, kernels, seen);
        }
        add_output(&products, output, &band, plan);
    }
}

/// `[inputs, PRODUCTS, tiles]` from `[inputs, height, width]`.
fn transform_input(input: &[f32], seen: &mut [f32], band: &Range<usize>, plan: &Plan) {
    let [height, width] = plan.size;
    let [top, left] = plan.before;
    let across = plan.tiles()[1];
    let tiles = band.len() * across;
    let rows = 2 * band.len() + 2;
    // Each row that the band sees, with its margins; its values at even and at odd places; then
    // four sums of them for each tile.
    let length = 2 * (across + 1);
    let room = || (vec![0.0; length], vec![0.0; length], vec![0.0; rows * 4 * across]);
    parallel::each_piece(seen, PRODUCTS * tiles, room, |channel, seen, (padded, dealt, sums)| {
        for (row, sums) in sums.chunks_exact_mut(4 * across).enumerate() {
            padded.fill(0.0);
            let source = (2 * band.start + row).checked_sub(top).filter(|&source| source < height);
            if let Some(source) = source {
                let values = &input[(channel * height + source) * width..];
                let reach = width.min(length - left);
                padded[left..left + reach].copy_from_slice(&values[..reach]);
            }
            let (even, odd) = dealt.split_at_mut(across + 1);
            for ((even, odd), pair) in even.iter_mut().zip(odd).zip(padded.chunks_exact(2)) {
                (*even, *odd) = (pair[0], pair[1]);
            }
            let (even, odd) = dealt.split_at(across + 1);
            let (next_even, next_odd) = (&even[1..], &odd[1..]);
            let (zero, rest) = sums.split_at_mut(across);
            let (one, rest) = rest.split_at_mut(across);
            let (two, three) = rest.split_at_mut(across);
            combine(zero, even, next_even, |d0, d2| d0 - d2);
            combine(one, odd, next_even, |d1, d2| d1 + d2);
            combine(two, odd, next_even, |d1, d2| d2 - d1);
            combine(three, odd, next_odd, |d1, d3| d1 - d3);
        }
        for tile_row in 0..band.len() {
            let of = |row: usize, column: usize| {
                &sums[((2 * tile_row + row) * 4 + column) * across..][..across]
            };
            for column in 0..4 {
                let [d0, d1, d2, d3] = [0, 1, 2, 3].map(|row| of(row, column));
                let at = |row: usize| {
                    let start = (row * 4 + column) * tiles + tile_row * across;
                    start..start + across
                };
                combine(&mut seen[at(0)], d0, d2, |d0, d2| d0 - d2);
                combine(&mut seen[at(1)], d1, d2, |d1, d2| d1 + d2);
                combine(&mut seen[at(2)], d1, d2, |d1, d2| d2 - d1);
                combine(&mut seen[at(3)], d1, d3, |d1, d3| d1 - d3);
            }
        }
    });
}

fn combine(output: &mut [f32], left: &[f32], right: &[f32], with: impl Fn(f32, f32) -> f32) {
    for ((output, &left), &right) in output.iter_mut().zip(left).zip(right) {
        *output = with(left, right);
    }
}

/// Adds `[outputs, PRODUCTS, tiles]`, transformed back, to `[outputs, rows, columns]`.
fn add_output(products: &[f32], output: &mut [f32], band: &Range<usize>, plan: &Plan) {
    let [rows, columns] = plan.output;
    let across = plan.tiles()[1];
    let tiles = band.len() * across;
    let room = || vec![0.0; 4 * across];
    parallel::each_piece(output, rows * columns, room, |channel, output, sums| {
        let products = &products[channel * PRODUCTS * tiles..][..PRODUCTS * tiles];
        for tile_row in 0..band.len() {
            let of = |row: usize, column: usize| {
                &products[(row * 4 + column) * tiles + tile_row * across..][..across]
            };
            for half in 0..2 {
                let row = 2 * (band.start + tile_row) + half;
                if rows <= row {
                    break;
                }
                // The upper row is m0 + m1 + m2, the lower m1 - m2 - m3.
                let sign = if half == 0 { 1.0 } else { -1.0 };
                for (column, sums) in sums.chunks_exact_mut(across).enumerate() {
                    let [first, second, third] = [0, 1, 2].map(|row| of(row + half, column));
                    let others = second.iter().zip(third);
                    for ((sum, first), (second, third)) in sums.iter_mut().zip(first).zip(others) {
                        *sum = first + sign * (second + third);
                    }
                }
                let of = |column: usize| &sums[column * across..][..across];
                let [s0, s1, s2, s3] = [0, 1, 2, 3].map(of);
                let pairs = output[row * columns..][..columns].chunks_mut(2);
                for (place, pair) in pairs.enumerate() {
                    pair[0] += s0[place] + s1[place] + s2[place];
                    if let Some(second) = pair.get_mut(1) {
                        *second += s1[place] - s2[place] - s3[place];
                    }
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::super::Window;
    use super::super::convolution::{self, Sizes};
    use super::*;

    fn noise(length: usize, seed: f32) -> Vec<f32> {
        (0..length).map(|index| (index as f32 * 12.9898 + seed).sin() * 1.7).collect()
    }

    #[test]
    fn fewer_multiplications_give_the_same() {
        // Odd and even, one band and several, with every margin.
        for (size, margin) in [([5, 4], 1), ([17, 19], 0), ([18, 17], 2), ([90, 61], 1)] {
            let (inputs, outputs) = (3, 4);
            let output = size.map(|length| length + 2 * margin - 2);
            let before = [margin; 2];
            let plan = Plan { inputs, outputs, size, before, output };
            let input = noise(inputs * size[0] * size[1], 0.3);
            let weight = noise(outputs * inputs * 9, 0.7);
            let bias = noise(outputs, 0.9);

            let window = Window { kernel: 3, stride: 1, before, output };
            let sizes = Sizes { batch: 1, inputs, outputs, size, window };
            let expected = convolution::forward(&input, &weight, &bias, sizes);

            let kernels = transform_kernels(&plan, |output, input| {
                std::array::from_fn(|place| weight[(output * inputs + input) * 9 + place])
            });
            let area = output[0] * output[1];
            let mut found: Vec<f32> =
                bias.iter().flat_map(|&bias| std::iter::repeat_n(bias, area)).collect();
            correlate(&input, &kernels, &mut found, &plan);
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-4, "{size:?}: {found}, {expected}");
            }
        }
    }
}

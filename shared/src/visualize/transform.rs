//! Jitter, scale, rotate: the random movements a picture makes before each look.
//!
//! Lucid moves a picture in five stages (pad, jitter, scale, rotate, jitter), interpolating at
//! each. Here the stages are composed first and the picture is sampled once, bilinearly: the same
//! movements, less blur. A movement is linear in the picture, so its gradient is the transposed
//! movement; both are gathers, which every device does quickly and exactly alike.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::visualize::settings::{Settings, Transforms};
use crate::{Error, Result};

/// Lucid's constants: border, then how far each jitter may go, in pixels.
const PAD: usize = 12;
const FIRST_JITTER: usize = 8;
const SECOND_JITTER: usize = 4;

/// What lies beyond the picture: the middle of 0..=1.
const GREY: f32 = 0.5;

/// One movement, chosen but not yet laid out over pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Movement {
    /// Pixels right and down, before turning.
    first_shift: [f64; 2],
    /// Pixels right and down, after turning.
    second_shift: [f64; 2],
    /// Factor of the size.
    scale: f64,
    /// Radians.
    angle: f64,
}

impl Movement {
    fn sample(transforms: Transforms, random: &mut ChaCha8Rng) -> Self {
        // Every number is drawn whether it is used or not, so that switching one transform off
        // leaves the others as they were.
        let mut shift = |reach: usize| {
            let mut draw = || random.random_range(0..=reach) as f64 - reach as f64 / 2.0;
            [draw(), draw()]
        };
        let (first, second) = (shift(FIRST_JITTER), shift(SECOND_JITTER));
        // Lucid: 1 + (i - 5) / 50 for i in 0..11.
        let scale = 1.0 + (f64::from(random.random_range(0..11u8)) - 5.0) / 50.0;
        // Lucid: -10..=10 degrees, and upright five times more.
        let turn = random.random_range(0..26i32);
        let degrees = if turn < 21 { turn - 10 } else { 0 };
        let still = [0.0; 2];
        Self {
            first_shift: if transforms.jitter { first } else { still },
            second_shift: if transforms.jitter { second } else { still },
            scale: if transforms.scale { scale } else { 1.0 },
            angle: if transforms.rotate { f64::from(degrees).to_radians() } else { 0.0 },
        }
    }

    /// Where in the picture a place of the moved picture comes from; both from their centres,
    /// `[x, y]`.
    fn origin(&self) -> impl Fn([f64; 2]) -> [f64; 2] {
        let Self { first_shift, second_shift, scale, angle } = *self;
        let (sine, cosine) = angle.sin_cos();
        move |[x, y]| {
            let [x, y] = [x + second_shift[0], y + second_shift[1]];
            let [x, y] = [cosine * x - sine * y, sine * x + cosine * y];
            [x / scale + first_shift[0], y / scale + first_shift[1]]
        }
    }
}

/// A movement laid out over the pixels of one size of picture, ready to be applied.
#[derive(Debug)]
pub struct Sampling {
    /// Rows, then columns; both at once where the picture turns.
    forward: Vec<Gather>,
    /// The transposed ones, in the opposite order.
    adjoint: Vec<Gather>,
    /// Grey that shows where the picture does not reach, `[1, 1, height, width]` of the result.
    border: Tensor<4>,
}

/// Each output is a weighted sum of a fixed number of inputs.
#[derive(Debug)]
struct Gather {
    /// `[inputs an output * outputs]`, which inputs.
    indices: Tensor<1, Int>,
    /// `[1, inputs an output, outputs, 1]`.
    weights: Tensor<4>,
    inputs: usize,
    /// Neighbouring values that share input and weight: a row's where rows are gathered.
    together: usize,
    /// Rows and columns of the result.
    size: [usize; 2],
}

impl Gather {
    fn apply(&self, input: Tensor<4>) -> Tensor<4> {
        let Self { inputs, together, size, .. } = *self;
        let [batch, channels, height, width] = input.dims();
        let [_, taps, outputs, _] = self.weights.dims();
        let apart = batch * channels * height * width / (inputs * together);
        input
            .reshape([apart, inputs, together])
            .select(1, self.indices.clone())
            .reshape([apart, taps, outputs, together])
            .mul(self.weights.clone())
            .sum_dim(1)
            .reshape([batch, channels, size[0], size[1]])
    }
}

/// For each output, which inputs it sees and how much of each. Laid out as [`Gather`] wants it; a
/// tap that an output does not need has no weight.
struct Links {
    inputs: usize,
    outputs: usize,
    indices: Vec<i32>,
    weights: Vec<f32>,
}

impl Links {
    /// From the inputs of each output.
    fn new<const TAPS: usize>(inputs: usize, outputs: &[[(usize, f32); TAPS]]) -> Self {
        let count = outputs.len();
        let mut links = Self {
            inputs,
            outputs: count,
            indices: vec![0; TAPS * count],
            weights: vec![0.0; TAPS * count],
        };
        let mut taps = 1;
        for (output, seen) in outputs.iter().enumerate() {
            for (tap, &(input, weight)) in seen.iter().enumerate() {
                if weight != 0.0 {
                    links.indices[tap * count + output] = input as i32;
                    links.weights[tap * count + output] = weight;
                    taps = taps.max(tap + 1);
                }
            }
        }
        links.indices.truncate(taps * count);
        links.weights.truncate(taps * count);
        links
    }

    /// How much of each output lies on the picture.
    fn shown(&self) -> Vec<f32> {
        let taps = |output| self.weights.iter().skip(output).step_by(self.outputs);
        (0..self.outputs).map(|output| taps(output).sum()).collect()
    }

    /// What each input is seen by.
    fn transposed(&self) -> Self {
        let Self { inputs, outputs, .. } = *self;
        let links = || {
            (0..outputs).flat_map(move |output| {
                let taps = (output..self.weights.len()).step_by(outputs);
                taps.map(move |tap| (output, self.indices[tap] as usize, self.weights[tap]))
                    .filter(|(_, _, weight)| *weight != 0.0)
            })
        };
        let mut seen_by = vec![0_usize; inputs];
        for (_, input, _) in links() {
            seen_by[input] += 1;
        }
        let taps = seen_by.iter().copied().max().unwrap_or(0).max(1);
        seen_by.fill(0);
        let mut indices = vec![0; taps * inputs];
        let mut weights = vec![0.0; taps * inputs];
        for (output, input, weight) in links() {
            let place = seen_by[input] * inputs + input;
            indices[place] = output as i32;
            weights[place] = weight;
            seen_by[input] += 1;
        }
        Self { inputs: outputs, outputs: inputs, indices, weights }
    }

    /// Ready for a device, for results of this size.
    fn gather(self, together: usize, size: [usize; 2], device: &Device) -> Gather {
        let Self { inputs, outputs, indices, weights } = self;
        let taps = weights.len() / outputs;
        Gather {
            indices: Tensor::from_data(TensorData::new(indices, [taps * outputs]), device),
            weights: Tensor::from_data(TensorData::new(weights, [1, taps, outputs, 1]), device),
            inputs,
            together,
            size,
        }
    }
}

impl Sampling {
    /// Draws a movement of the settings' canvas, laid out in the nearest size of whole patches, of
    /// so many pixels a side; `None` if the network sees just the canvas.
    ///
    /// # Errors
    /// A picture so small that jitter leaves nothing of it.
    pub fn draw(
        settings: &Settings,
        patch: usize,
        random: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Option<Self>> {
        let Settings { transforms, height, width, margin, zoom, .. } = *settings;
        let mut movement = Movement::sample(transforms, random);
        // With room to move, jitter is no longer Lucid's few pixels but a window anywhere.
        let window = margin != 0 || zoom != 1.0;
        let canvas = settings.canvas();
        if transforms == Transforms::NONE
            && !window
            && canvas.map(|side| whole(side, patch)) == canvas
        {
            return Ok(None);
        }
        if zoom != 1.0 {
            let factor = movement.scale * zoom.powf(random.random_range(-1.0..=1.0));
            let all_of = |canvas: usize, side: usize| (side - 1) as f64 / (canvas - 1) as f64;
            movement.scale = factor.max(all_of(canvas[0], height)).max(all_of(canvas[1], width));
        }
        let grown = if transforms.pad { 2 * PAD } else { 0 };
        let mut cut = 0;
        if transforms.jitter && !window {
            cut = FIRST_JITTER + SECOND_JITTER;
        } else if transforms.jitter {
            movement.second_shift = [0.0; 2];
            movement.first_shift =
                [(canvas[1], width), (canvas[0], height)].map(|(canvas, side)| {
                    // As far as the window still lies on the canvas.
                    let window = (side + grown - 1) as f64 / movement.scale;
                    let reach = ((canvas - 1) as f64 - window).max(0.0) / 2.0;
                    random.random_range(-1.0..=1.0) * reach
                });
        }
        let length = |side: usize| {
            (side + grown).checked_sub(cut).filter(|&side| 0 < side).ok_or_else(|| Error::Setting {
                name: "size",
                found: format!("{width}x{height}"),
                expected: format!("above {cut} pixels when jitter is on and pad is off"),
            })
        };
        let seen = [length(height)?, length(width)?].map(|side| whole(side, patch));
        Ok(Some(Self::lay_out(movement, canvas, seen, device)))
    }

    fn lay_out(movement: Movement, from: [usize; 2], to: [usize; 2], device: &Device) -> Self {
        let origin = movement.origin();
        let places = |length: usize| (0..length).map(move |place| place as f64 - centre(length));
        let border = |shown: Vec<f32>| {
            let values: Vec<f32> = shown.into_iter().map(|shown| GREY * (1.0 - shown)).collect();
            Tensor::from_data(TensorData::new(values, [1, 1, to[0], to[1]]), device)
        };
        if movement.angle != 0.0 {
            let all: Vec<_> = places(to[0])
                .flat_map(|y| places(to[1]).map(move |x| [x, y]))
                .map(|place| {
                    let [x, y] = origin(place);
                    let rows = linear(y + centre(from[0]), from[0]);
                    let columns = linear(x + centre(from[1]), from[1]);
                    bilinear(rows, columns, from[1])
                })
                .collect();
            let links = Links::new(from[0] * from[1], &all);
            return Self {
                border: border(links.shown()),
                adjoint: vec![links.transposed().gather(1, from, device)],
                forward: vec![links.gather(1, to, device)],
            };
        }
        // What does not turn moves rows and columns apart from each other.
        let along = |axis: usize| {
            let sources = places(to[axis]).map(|place| {
                // `x` for columns, `y` for rows.
                origin([place; 2])[1 - axis] + centre(from[axis])
            });
            let all: Vec<_> = sources.map(|source| linear(source, from[axis])).collect();
            Links::new(from[axis], &all)
        };
        let (rows, columns) = (along(0), along(1));
        let across = columns.shown();
        let shown =
            rows.shown().into_iter().flat_map(|row| across.iter().map(move |column| row * column));
        Self {
            border: border(shown.collect()),
            adjoint: vec![
                columns.transposed().gather(1, [to[0], from[1]], device),
                rows.transposed().gather(from[1], from, device),
            ],
            forward: vec![
                rows.gather(from[1], [to[0], from[1]], device),
                columns.gather(1, to, device),
            ],
        }
    }

    /// Moves a batch.
    ///
    /// # Shapes
    /// - `pictures`: `[batch, 3, height, width]`
    /// - returns: `[batch, 3, height', width']`: as the picture without margin; 24 more with pad,
    ///   12 fewer with jitter where there is neither margin nor zoom; then the nearest that patches
    ///   divide
    pub fn apply(&self, pictures: Tensor<4>) -> Tensor<4> {
        let moved = self.forward.iter().fold(pictures, |moved, gather| gather.apply(moved));
        moved + self.border.clone()
    }

    /// The gradient of what was moved, from the gradient of the result: the transposed movement.
    pub fn pull_back(&self, gradient: Tensor<4>) -> Tensor<4> {
        self.adjoint.iter().fold(gradient, |gradient, gather| gather.apply(gradient))
    }
}

/// The nearest length of whole patches.
fn whole(length: usize, patch: usize) -> usize {
    ((length + patch / 2) / patch).max(1) * patch
}

/// The middle of a row of pixels.
fn centre(length: usize) -> f64 {
    (length as f64 - 1.0) / 2.0
}

/// The two pixels of a row around a point and their weights, zero for those beyond its ends.
fn linear(point: f64, length: usize) -> [(usize, f32); 2] {
    let first = point.floor();
    let share = point - first;
    [(first, 1.0 - share), (first + 1.0, share)].map(|(pixel, weight)| {
        let inside = 0.0 <= pixel && pixel < length as f64;
        if inside { (pixel as usize, weight as f32) } else { (0, 0.0) }
    })
}

/// The four pixels around a point and their weights, in rows of this width.
fn bilinear(
    rows: [(usize, f32); 2],
    columns: [(usize, f32); 2],
    width: usize,
) -> [(usize, f32); 4] {
    let tap = |row: usize, column: usize| {
        let ((row, row_share), (column, column_share)) = (rows[row], columns[column]);
        (row * width + column, row_share * column_share)
    };
    [tap(0, 0), tap(0, 1), tap(1, 0), tap(1, 1)]
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;
    use rand::SeedableRng;

    use super::*;

    fn random() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(3)
    }

    fn noise(shape: [usize; 4]) -> Tensor<4> {
        Tensor::random(shape, Distribution::Uniform(0.0, 1.0), &crate::device::cpu())
    }

    fn draw(transforms: Transforms, size: [usize; 2], random: &mut ChaCha8Rng) -> Sampling {
        Sampling::draw(&settings(transforms, size), 1, random, &crate::device::cpu())
            .unwrap()
            .unwrap()
    }

    fn settings(transforms: Transforms, [height, width]: [usize; 2]) -> Settings {
        Settings { transforms, height, width, ..Settings::default() }
    }

    const EACH: [Transforms; 5] = [
        Transforms { pad: true, ..Transforms::NONE },
        Transforms { jitter: true, ..Transforms::NONE },
        Transforms { scale: true, ..Transforms::NONE },
        Transforms { rotate: true, ..Transforms::NONE },
        Transforms::STANDARD,
    ];

    #[test]
    fn the_gradient_is_the_transposed_movement() {
        let mut random = random();
        for (transforms, zoom) in EACH.map(|each| (each, 1.0)).into_iter().chain([(EACH[4], 2.0)]) {
            for _ in 0..5 {
                let settings = Settings { zoom, ..settings(transforms, [33, 40]) };
                let device = crate::device::cpu();
                let sampling = Sampling::draw(&settings, 1, &mut random, &device).unwrap().unwrap();
                let picture = noise([2, 3, 33, 40]);
                let black = sampling.apply(picture.zeros_like());
                let moved = sampling.apply(picture.clone()) - black;
                let weight = noise(moved.dims());
                let there = (moved * weight.clone()).sum().into_scalar::<f32>();
                let back = (picture * sampling.pull_back(weight)).sum().into_scalar::<f32>();
                assert!((there - back).abs() < 1e-4 * there.abs(), "{transforms}: {there}, {back}");
            }
        }
    }

    #[test]
    fn rows_and_columns_apart_are_both_at_once() {
        let movement =
            Movement { first_shift: [2.3, -1.6], second_shift: [0.4, 3.0], scale: 1.2, angle: 0.0 };
        // A turn that moves no place by a billionth of a pixel.
        let turned = Movement { angle: 1e-12, ..movement };
        let picture = noise([2, 3, 20, 31]);
        let [apart, at_once] = [movement, turned]
            .map(|movement| Sampling::lay_out(movement, [20, 31], [26, 17], &crate::device::cpu()));
        let near = |one: Tensor<4>, other: Tensor<4>| {
            let apart: f32 = (one - other).abs().max().into_scalar();
            assert!(apart < 1e-5, "{apart}");
        };
        near(apart.apply(picture.clone()), at_once.apply(picture));
        let gradient = noise([2, 3, 26, 17]);
        near(apart.pull_back(gradient.clone()), at_once.pull_back(gradient));
    }

    #[test]
    fn a_grey_picture_stays_grey() {
        let sampling = draw(Transforms::STANDARD, [32, 32], &mut random());
        let grey = Tensor::full([1, 3, 32, 32], GREY, &crate::device::cpu());
        let moved: Vec<f32> = sampling.apply(grey).into_data().try_to_vec().unwrap();
        assert!(moved.iter().all(|value| (value - GREY).abs() < 1e-6));
    }

    #[test]
    fn padding_alone_frames_the_picture() {
        let sampling = draw(EACH[0], [20, 17], &mut random());
        let picture = noise([1, 3, 20, 17]);
        let moved = sampling.apply(picture.clone());
        assert_eq!(moved.dims(), [1, 3, 44, 41]);
        let inside = moved.slice([0..1, 0..3, PAD..PAD + 20, PAD..PAD + 17]);
        inside.into_data().assert_eq(&picture.into_data(), true);
    }

    #[test]
    fn jitter_moves_whole_pixels() {
        let mut random = random();
        for _ in 0..10 {
            let sampling = draw(EACH[1], [30, 30], &mut random);
            let taps = sampling.forward.iter().map(|gather| gather.weights.dims()[1]);
            assert_eq!(taps.collect::<Vec<_>>(), [1, 1]);
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_movement() {
        let draw =
            |seed| Movement::sample(Transforms::STANDARD, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }

    #[test]
    fn a_picture_that_jitter_eats_up_is_refused() {
        let error =
            Sampling::draw(&settings(EACH[1], [12, 40]), 1, &mut random(), &crate::device::cpu());
        assert!(error.unwrap_err().to_string().contains("40x12"));
    }

    #[test]
    fn a_window_never_leaves_the_canvas() {
        let jitter = Transforms { jitter: true, ..Transforms::NONE };
        let scaled = Transforms { scale: true, ..jitter };
        for (margin, zoom, transforms) in [(6, 1.0, scaled), (0, 2.0, jitter), (6, 3.0, scaled)] {
            let settings = Settings { margin, zoom, ..settings(transforms, [40, 33]) };
            let mut random = random();
            let mut seen = Vec::new();
            for _ in 0..50 {
                let device = crate::device::cpu();
                let sampling = Sampling::draw(&settings, 1, &mut random, &device).unwrap().unwrap();
                let canvas = [40 + 2 * margin, 33 + 2 * margin];
                let white = sampling.apply(Tensor::ones([1, 1, canvas[0], canvas[1]], &device));
                assert_eq!(white.dims(), [1, 1, 40, 33]);
                let least: f32 = white.min().into_scalar();
                assert!(least > 1.0 - 1e-5, "{least}");
                let places = |gather: &Gather| gather.indices.clone().sum().into_scalar::<i32>();
                seen.push(sampling.forward.iter().map(places).collect::<Vec<_>>());
            }
            seen.dedup();
            assert!(seen.len() > 10, "windows move");
        }
    }

    #[test]
    fn without_movement_a_margin_is_cut() {
        let settings = Settings { margin: 6, ..settings(Transforms::NONE, [40, 33]) };
        let device = crate::device::cpu();
        let sampling = Sampling::draw(&settings, 1, &mut random(), &device).unwrap().unwrap();
        let canvas = noise([1, 3, 52, 45]);
        let inside = canvas.clone().slice([0..1, 0..3, 6..46, 6..39]);
        sampling.apply(canvas).into_data().assert_eq(&inside.into_data(), true);
    }

    #[test]
    fn what_a_transformer_sees_is_laid_out_in_whole_patches() {
        let device = crate::device::cpu();
        let seen = |transforms, size, patch| {
            let settings = settings(transforms, size);
            let sampling = Sampling::draw(&settings, patch, &mut random(), &device).unwrap()?;
            let moved = sampling.apply(noise([1, 3, size[0], size[1]]));
            Some((moved.dims()[2], moved.dims()[3]))
        };
        // 224 px grow by 12 under Lucid's transforms.
        assert_eq!(seen(Transforms::STANDARD, [224, 100], 16), Some((240, 112)));
        assert_eq!(seen(Transforms::STANDARD, [224, 100], 14), Some((238, 112)));
        assert_eq!(seen(Transforms::NONE, [32, 40], 16), Some((32, 48)));
        assert_eq!(seen(Transforms::NONE, [5, 32], 16), Some((16, 32)));
        assert_eq!(seen(Transforms::NONE, [32, 48], 16), None);
    }
}

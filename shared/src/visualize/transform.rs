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
    forward: Gather,
    adjoint: Gather,
    /// Grey that shows where the picture does not reach, `[1, 1, height, width]` of the result.
    border: Tensor<4>,
}

/// Each output is a weighted sum of a fixed number of inputs.
#[derive(Debug)]
struct Gather {
    /// `[inputs an output * outputs]`, which inputs.
    indices: Tensor<1, Int>,
    /// `[1, inputs an output, outputs]`.
    weights: Tensor<3>,
    /// Rows and columns of the result.
    size: [usize; 2],
}

impl Gather {
    fn apply(&self, input: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = input.dims();
        let [_, taps, outputs] = self.weights.dims();
        input
            .reshape([batch * channels, height * width])
            .select(1, self.indices.clone())
            .reshape([batch * channels, taps, outputs])
            .mul(self.weights.clone())
            .sum_dim(1)
            .reshape([batch, channels, self.size[0], self.size[1]])
    }
}

/// For each place, which places of the other picture it sees and how much of each. Laid out as
/// [`Gather`] wants it; a tap that a place does not need has no weight.
struct Links {
    size: [usize; 2],
    indices: Vec<i32>,
    weights: Vec<f32>,
}

impl Links {
    fn gather(self, device: &Device) -> Gather {
        let outputs = self.size[0] * self.size[1];
        let taps = self.weights.len() / outputs;
        Gather {
            indices: Tensor::from_data(TensorData::new(self.indices, [taps * outputs]), device),
            weights: Tensor::from_data(TensorData::new(self.weights, [1, taps, outputs]), device),
            size: self.size,
        }
    }

    /// What each place of the other picture, of this size, is seen by.
    fn transposed(&self, size: [usize; 2]) -> Self {
        let [inputs, outputs] = [size[0] * size[1], self.size[0] * self.size[1]];
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
        Self { size, indices, weights }
    }
}

impl Sampling {
    /// Draws a movement of the settings' canvas; `None` if there is no transform and no margin.
    ///
    /// # Errors
    /// A picture so small that jitter leaves nothing of it.
    pub fn draw(
        settings: &Settings,
        random: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Option<Self>> {
        let Settings { transforms, height, width, margin, .. } = *settings;
        let mut movement = Movement::sample(transforms, random);
        if transforms == Transforms::NONE && margin == 0 {
            return Ok(None);
        }
        let grown = if transforms.pad { 2 * PAD } else { 0 };
        let mut cut = 0;
        if transforms.jitter && margin == 0 {
            cut = FIRST_JITTER + SECOND_JITTER;
        } else if transforms.jitter {
            movement.second_shift = [0.0; 2];
            movement.first_shift = [width, height].map(|side| {
                // As far as the window still lies on the canvas.
                let window = (side + grown) as f64 / movement.scale;
                let reach = ((side + 2 * margin) as f64 - window).max(0.0) / 2.0;
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
        let seen = [length(height)?, length(width)?];
        Ok(Some(Self::lay_out(movement, settings.canvas(), seen, device)))
    }

    fn lay_out(movement: Movement, from: [usize; 2], to: [usize; 2], device: &Device) -> Self {
        let centre = |length: usize| (length as f64 - 1.0) / 2.0;
        let origin = movement.origin();
        let outputs = to[0] * to[1];
        let mut indices = vec![0; TAPS * outputs];
        let mut weights = vec![0.0; TAPS * outputs];
        let mut border = vec![0.0; outputs];
        let mut taps = 1;
        for row in 0..to[0] {
            for column in 0..to[1] {
                let place = [column as f64 - centre(to[1]), row as f64 - centre(to[0])];
                let [x, y] = origin(place);
                let output = row * to[1] + column;
                let mut shown = 0.0;
                let links = bilinear([x + centre(from[1]), y + centre(from[0])], from);
                for (tap, (input, weight)) in links.into_iter().enumerate() {
                    if weight != 0.0 {
                        indices[tap * outputs + output] = input as i32;
                        weights[tap * outputs + output] = weight;
                        shown += weight;
                        taps = taps.max(tap + 1);
                    }
                }
                border[output] = GREY * (1.0 - shown);
            }
        }
        indices.truncate(taps * outputs);
        weights.truncate(taps * outputs);
        let links = Links { size: to, indices, weights };
        Self {
            adjoint: links.transposed(from).gather(device),
            forward: links.gather(device),
            border: Tensor::from_data(TensorData::new(border, [1, 1, to[0], to[1]]), device),
        }
    }

    /// Moves a batch.
    ///
    /// # Shapes
    /// - `pictures`: `[batch, 3, height, width]`
    /// - returns: `[batch, 3, height', width']`: as the picture without margin; 24 more with pad,
    ///   12 fewer with jitter without margin
    pub fn apply(&self, pictures: Tensor<4>) -> Tensor<4> {
        self.forward.apply(pictures) + self.border.clone()
    }

    /// The gradient of what was moved, from the gradient of the result: the transposed movement.
    pub fn pull_back(&self, gradient: Tensor<4>) -> Tensor<4> {
        self.adjoint.apply(gradient)
    }
}

/// Pixels around a point.
const TAPS: usize = 4;

/// The pixels around a point and their weights, zero for those beyond the edge.
fn bilinear([x, y]: [f64; 2], [height, width]: [usize; 2]) -> [(usize, f32); TAPS] {
    let (left, top) = (x.floor(), y.floor());
    let (right_share, bottom_share) = (x - left, y - top);
    let tap = |row: f64, row_share: f64, column: f64, column_share: f64| {
        let inside = 0.0 <= row && row < height as f64 && 0.0 <= column && column < width as f64;
        if inside {
            (row as usize * width + column as usize, (row_share * column_share) as f32)
        } else {
            (0, 0.0)
        }
    };
    [
        tap(top, 1.0 - bottom_share, left, 1.0 - right_share),
        tap(top, 1.0 - bottom_share, left + 1.0, right_share),
        tap(top + 1.0, bottom_share, left, 1.0 - right_share),
        tap(top + 1.0, bottom_share, left + 1.0, right_share),
    ]
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
        Sampling::draw(&settings(transforms, size), random, &crate::device::cpu()).unwrap().unwrap()
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
        for transforms in EACH {
            for _ in 0..5 {
                let sampling = draw(transforms, [33, 40], &mut random);
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
            let [_, taps, _] = sampling.forward.weights.dims();
            assert_eq!(taps, 1);
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
            Sampling::draw(&settings(EACH[1], [12, 40]), &mut random(), &crate::device::cpu());
        assert!(error.unwrap_err().to_string().contains("40x12"));
    }

    #[test]
    fn a_window_never_leaves_a_canvas_with_a_margin() {
        let transforms = Transforms { jitter: true, scale: true, ..Transforms::NONE };
        let settings = Settings { margin: 6, ..settings(transforms, [40, 33]) };
        let mut random = random();
        let mut seen = Vec::new();
        for _ in 0..50 {
            let device = crate::device::cpu();
            let sampling = Sampling::draw(&settings, &mut random, &device).unwrap().unwrap();
            let white = sampling.apply(Tensor::ones([1, 1, 52, 45], &device));
            assert_eq!(white.dims(), [1, 1, 40, 33]);
            let least: f32 = white.min().into_scalar();
            assert!(least > 1.0 - 1e-5, "{least}");
            seen.push(sampling.adjoint.weights.clone().sum().into_scalar::<f32>());
        }
        seen.dedup();
        assert!(seen.len() > 10, "windows move");
    }

    #[test]
    fn without_movement_a_margin_is_cut() {
        let settings = Settings { margin: 6, ..settings(Transforms::NONE, [40, 33]) };
        let device = crate::device::cpu();
        let sampling = Sampling::draw(&settings, &mut random(), &device).unwrap().unwrap();
        let canvas = noise([1, 3, 52, 45]);
        let inside = canvas.clone().slice([0..1, 0..3, 6..46, 6..39]);
        sampling.apply(canvas).into_data().assert_eq(&inside.into_data(), true);
    }
}

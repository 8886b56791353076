//! Every formula against a slow twin in double precision, every gradient against finite differences.

use burn::tensor::TensorData;

use super::*;
use crate::device;
use crate::readout::Derived;
use crate::readout::directions;
use crate::tap::{Grid, LayerId, LayerInfo, Role, Sees};

/// A batch in double precision, for the slow twins of the formulas above.
#[derive(Clone)]
struct Batch {
    dims: [usize; 4],
    values: Vec<f64>,
}

impl Batch {
    /// Values in -1..=1 that look random and are the same everywhere.
    fn random(dims: [usize; 4], seed: u64) -> Self {
        let mut state = seed;
        let next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // Of single precision, so that both twins see the same numbers.
            f64::from((state >> 40) as f32 / 8_388_608.0 - 1.0)
        };
        Self { dims, values: std::iter::repeat_with(next).take(dims.iter().product()).collect() }
    }

    fn at(&self, [picture, channel, row, column]: [usize; 4]) -> f64 {
        let [_, channels, height, width] = self.dims;
        self.values[((picture * channels + channel) * height + row) * width + column]
    }

    /// Every row and column.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let [_, _, height, width] = self.dims;
        (0..height).flat_map(move |row| (0..width).map(move |column| (row, column)))
    }

    /// The channels at a place.
    fn column(&self, picture: usize, (row, column): (usize, usize)) -> Vec<f64> {
        (0..self.dims[1]).map(|channel| self.at([picture, channel, row, column])).collect()
    }

    /// One value a picture.
    fn each(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..self.dims[0]).map(value).collect()
    }

    fn tensor(&self) -> Tensor<4> {
        let values: Vec<f32> = self.values.iter().map(|&value| value as f32).collect();
        Tensor::from_data(TensorData::new(values, self.dims), &device::cpu())
    }
}

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    pollster::block_on(device::read(tensor)).unwrap()
}

fn assert_close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-3, |largest: f64, value| largest.max(value.abs()));
    for (position, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(found) - expected).abs();
        assert!(off <= tolerance * scale, "at {position}: {found}, expected {expected}");
    }
}

/// Values against the slow twin, gradients against finite differences of the twin's sum.
fn check(
    batch: &Batch,
    formula: impl Fn(Tensor<4>) -> Tensor<1>,
    twin: impl Fn(&Batch) -> Vec<f64>,
) {
    let input = batch.tensor().autodiff().require_grad();
    let values = formula(input.clone());
    assert_close(&read(values.clone().inner()), &twin(batch), 1e-5);

    let mut gradients = values.sum().backward();
    let gradient = read(input.grad_remove(&mut gradients).unwrap());
    let difference = 1e-5;
    let sum_with = |position: usize, change: f64| {
        let mut changed = batch.clone();
        changed.values[position] += change;
        twin(&changed).into_iter().sum::<f64>()
    };
    let slope = |position| {
        (sum_with(position, difference) - sum_with(position, -difference)) / (2.0 * difference)
    };
    let expected: Vec<_> = (0..batch.values.len()).map(slope).collect();
    assert_close(&gradient, &expected, 1e-4);
}

fn check_activation(measure: &OfActivation, twin: impl Fn(&Batch) -> Vec<f64>) {
    for (seed, dims) in [[1, 4, 1, 1], [2, 4, 3, 4], [3, 5, 4, 3]].into_iter().enumerate() {
        let batch = Batch::random(dims, seed as u64);
        check(&batch, |input| measure.per_picture(input.into(), "layer").unwrap(), &twin);
    }
}

#[test]
fn a_channel_is_its_mean_over_space() {
    check_activation(&OfActivation::Channel(2), |batch| {
        let places = batch.places().count() as f64;
        batch.each(|picture| {
            batch.places().map(|(row, column)| batch.at([picture, 2, row, column])).sum::<f64>()
                / places
        })
    });
}

#[test]
fn the_centre_is_half_way_rounded_down() {
    let measure = OfActivation::Place { channel: 1, at: None };
    check_activation(&measure, |batch| {
        let [_, _, height, width] = batch.dims;
        batch.each(|picture| batch.at([picture, 1, height / 2, width / 2]))
    });
}

#[test]
fn a_place_is_the_value_there() {
    let measure = OfActivation::Place { channel: 3, at: Some([2, 1]) };
    check(
        &Batch::random([2, 4, 3, 2], 7),
        |input| measure.per_picture(input.into(), "layer").unwrap(),
        |batch| batch.each(|picture| batch.at([picture, 3, 2, 1])),
    );
}

#[test]
fn a_place_beyond_the_edge_is_named() {
    let activation = Batch::random([1, 2, 3, 4], 1).tensor();
    let outside = |row, column| {
        let measure = OfActivation::Place { channel: 0, at: Some([row, column]) };
        measure.per_picture(activation.clone().into(), "mixed4a").map(read).unwrap_err()
    };
    let layer = || "mixed4a".to_owned();
    assert_eq!(outside(3, 0), Outside { layer: layer(), what: "rows", index: 3, count: 3 });
    assert_eq!(outside(2, 4), Outside { layer: layer(), what: "columns", index: 4, count: 4 });
}

#[test]
fn a_layer_is_its_mean_of_squares() {
    check_activation(&OfActivation::Squares, |batch| {
        let [_, channels, height, width] = batch.dims;
        batch.each(|picture| {
            let columns = batch.places().flat_map(|place| batch.column(picture, place));
            columns.map(|value| value * value).sum::<f64>() / (channels * height * width) as f64
        })
    });
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

#[test]
fn only_a_unit_is_its_value_times_its_part_of_what_is_there() {
    let part = |column: Vec<f64>, channel: usize| {
        let value = column[channel];
        let cosine = value / (dot(&column, &column).sqrt() + 1e-4) / (1.0 + 1e-4);
        value * cosine.max(0.1).powi(2)
    };
    let everywhere = OfActivation::Only { channel: 2, of: Box::new(OfActivation::Channel(0)) };
    check_activation(&everywhere, |batch| {
        let places = batch.places().count() as f64;
        let sum = |picture| {
            batch.places().map(|place| part(batch.column(picture, place), 2)).sum::<f64>()
        };
        batch.each(|picture| sum(picture) / places)
    });
    let middle = OfActivation::Place { channel: 0, at: None };
    let middle = OfActivation::Only { channel: 1, of: Box::new(middle) };
    check_activation(&middle, |batch| {
        let [_, _, height, width] = batch.dims;
        batch.each(|picture| part(batch.column(picture, (height / 2, width / 2)), 1))
    });
}

#[test]
fn only_presses_the_other_channels_to_zero() {
    let measure = OfActivation::Only { channel: 1, of: Box::new(OfActivation::Channel(0)) };
    let input = TensorData::new(vec![-0.5_f32, 2.0, 1.0, 0.0], [1, 4, 1, 1]);
    let input = Tensor::<4>::from_data(input, &device::cpu()).autodiff().require_grad();
    let value = measure.per_picture(input.clone().into(), "layer").unwrap();
    let mut gradients = value.sum().backward();
    let gradient = read(input.grad_remove(&mut gradients).unwrap());
    assert!(0.0 < gradient[0] && 0.0 < gradient[1] && gradient[2] < 0.0, "{gradient:?}");
    assert!(gradient[3].abs() < 1e-6, "{gradient:?}");
}

#[test]
fn only_a_token_is_among_what_is_at_that_token() {
    let extra = TensorData::new(vec![3.0_f32, 5.0, 4.0, 0.0], [1, 2, 2]);
    let extra = Tensor::<3>::from_data(extra, &device::cpu());
    let grid = Batch::random([1, 2, 3, 3], 9).tensor();
    let of = Box::new(OfActivation::Token { channel: 0, token: 0 });
    let measure = OfActivation::Only { channel: 0, of };
    let caught = Caught { grid, extra: Some(extra) };
    // Of (3, 4) the first.
    let value = read(measure.per_picture(caught, "layer").unwrap());
    assert_close(&value, &[3.0 * 0.6_f64.powi(2)], 1e-3);
}

/// A direction in a layer of as many channels as it has values.
fn direction(values: &[f32]) -> Derived {
    let layer = LayerInfo {
        name: "layer".to_owned(),
        aliases: Vec::new(),
        channels: values.len(),
        grid: Grid::Convolutional { stride: 16 },
        sees: Sees::Pixels(100),
        role: Role::Features,
    };
    directions::direction((LayerId(0), &layer), "stripes", values.to_vec(), "").unwrap()
}

/// The mean over space of what is read at each place.
fn along(activation: Tensor<4>, readout: &Derived) -> Tensor<1> {
    OfActivation::Channel(0).per_picture(readout.of(activation.into()), "layer").unwrap()
}

#[test]
fn a_direction_is_dot_times_floored_cosine_squared() {
    let values = [0.5_f32, -1.5, 0.25, 2.0, -0.75];
    let activations = |dims, seed| Batch::random(dims, seed);
    for batch in [activations([1, 5, 1, 1], 4), activations([3, 5, 3, 2], 5)] {
        check(
            &batch,
            |input| along(input, &direction(&values)),
            |batch| {
                let direction = values.map(f64::from);
                let at = |column: Vec<f64>| {
                    let product = dot(&column, &direction);
                    let length = |vector: &[f64]| dot(vector, vector).sqrt() + 1e-4;
                    let cosine = product / length(&column) / length(&direction);
                    product * cosine.max(0.1).powi(2)
                };
                let places = batch.places().count() as f64;
                batch.each(|picture| {
                    batch.places().map(|place| at(batch.column(picture, place))).sum::<f64>()
                        / places
                })
            },
        );
    }
}

#[test]
fn a_silent_place_has_a_slope_towards_a_direction() {
    let silent = Tensor::<4>::zeros([1, 3, 2, 2], &device::cpu()).autodiff().require_grad();
    let value = along(silent.clone(), &direction(&[1.0, -2.0, 0.5]));
    let mut gradients = value.sum().backward();
    let gradient = read(silent.grad_remove(&mut gradients).unwrap());
    // Along the direction, by the floor squared, shared among four places.
    let expected = [1.0, -2.0, 0.5].map(|value| [value * 0.01 / 4.0; 4]).concat();
    assert_close(&gradient, &expected, 1e-5);
}

#[test]
fn similarity_is_the_cosine_of_gram_matrices_summed_over_the_others() {
    check_activation(&OfActivation::Similar, |batch| {
        let channels = batch.dims[1];
        let style = |picture: usize| {
            let mut gram = vec![0.0; channels * channels];
            for place in batch.places() {
                let column = batch.column(picture, place);
                for (entry, value) in gram.iter_mut().enumerate() {
                    *value += column[entry / channels] * column[entry % channels];
                }
            }
            let length = dot(&gram, &gram).max(1e-10).sqrt();
            gram.into_iter().map(|value| value / length).collect::<Vec<_>>()
        };
        batch.each(|picture| {
            let others = (0..batch.dims[0]).filter(|&other| other != picture);
            others.map(|other| dot(&style(picture), &style(other))).sum()
        })
    });
}

#[test]
fn one_picture_is_like_no_other_and_twins_are_alike() {
    let one = Batch::random([1, 3, 2, 2], 1).tensor();
    let value =
        |batch: Tensor<4>| read(OfActivation::Similar.per_picture(batch.into(), "layer").unwrap());
    assert_eq!(value(one.clone()), [0.0]);
    assert_close(&value(Tensor::cat(vec![one; 3], 0)), &[2.0; 3], 1e-5);
    let dark = Tensor::zeros([2, 3, 2, 2], &device::cpu());
    assert_eq!(value(dark), [0.0, 0.0]);
}

#[test]
fn total_variation_sums_absolute_differences_of_neighbours() {
    for (seed, dims) in
        [[1, 3, 4, 5], [2, 3, 5, 3], [1, 3, 1, 3], [1, 3, 1, 1]].into_iter().enumerate()
    {
        let twin = |batch: &Batch| {
            let [_, channels, height, width] = batch.dims;
            batch.each(|picture| {
                let mut total = 0.0;
                for channel in 0..channels {
                    for (row, column) in batch.places() {
                        let here = batch.at([picture, channel, row, column]);
                        if row + 1 < height {
                            total += (batch.at([picture, channel, row + 1, column]) - here).abs();
                        }
                        if column + 1 < width {
                            total += (batch.at([picture, channel, row, column + 1]) - here).abs();
                        }
                    }
                }
                total
            })
        };
        let batch = Batch::random(dims, 20 + seed as u64);
        if 1 < dims[2] * dims[3] {
            check(&batch, |input| OfPicture::TotalVariation.per_picture(input), twin);
        } else {
            assert_eq!(read(OfPicture::TotalVariation.per_picture(batch.tensor())), [0.0]);
        }
    }
}

#[test]
fn l2_is_the_length_of_what_is_not_grey() {
    check(
        &Batch::random([2, 3, 4, 3], 30),
        |input| OfPicture::L2.per_picture(input),
        |batch| {
            batch.each(|picture| {
                let columns = batch.places().flat_map(|place| batch.column(picture, place));
                (columns.map(|value| (value - 0.5).powi(2)).sum::<f64>() + 1e-6).sqrt()
            })
        },
    );
}

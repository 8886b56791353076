//! Every kind against golden data and the twin in tensors.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use burn::tensor::{Bool, Tensor, TensorData};

use super::codes::Codes;
use super::explain::Losses;
use super::gradient::gradient_by;
use super::loss::{Tensors, loss};
use super::precision::Precision;
use super::*;
use crate::device;
use crate::readout::{Derived, Explained, Readout};
use crate::tap::Caught;

fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let norm = |values: &mut dyn Iterator<Item = f64>| {
        values.map(|value| value * value).sum::<f64>().sqrt()
    };
    let differences = found.iter().zip(expected).map(|(one, other)| f64::from(one - other));
    let difference = norm(&mut differences.into_iter());
    let size = norm(&mut expected.iter().map(|value| f64::from(*value)));
    assert!(difference <= tolerance * size.max(1e-6), "{what}: off by {difference} of {size}");
}

/// The gradient by way of tensors.
fn twin(
    config: &Config,
    parameters: &Parameters,
    examples: &[f32],
    dead: &[u32],
) -> (Losses, Parameters) {
    let device = device::cpu();
    let (channels, latents) = (config.channels, config.latents);
    let tensors = Tensors::new(parameters, channels, &device).tracked();
    let count = examples.len() / channels;
    let examples = TensorData::new::<f32, _>(examples.to_vec(), [count, channels]);
    let mask: Vec<bool> = (0..latents as u32).map(|latent| dead.contains(&latent)).collect();
    let mask =
        Tensor::<2, Bool>::from_data(TensorData::new::<bool, _>(mask, [1, latents]), &device);
    let examples = Tensor::from_data(examples, &device);
    let found = loss(config, Precision::Single, &tensors, examples, mask);
    let number = |tensor: &Tensor<1>| f64::from(tensor.clone().inner().into_scalar::<f32>());
    let losses = Losses {
        total: number(&found.total),
        squared_errors: found.squared_errors.iter().map(number).collect(),
        auxiliary: found.auxiliary.as_ref().map_or(0.0, number),
        l1: number(&found.l1),
        ..Losses::default()
    };
    let gradients = found.total.backward();
    let mut gradient = Parameters::zeros(config);
    for (values, tensor) in gradient.all_mut().into_iter().zip(tensors.all()) {
        if let Some(found) = tensor.grad(&gradients).filter(|_| !values.is_empty()) {
            values.copy_from_slice(&pollster::block_on(device::read(found)).unwrap());
        }
    }
    (losses, gradient)
}

fn random(config: &Config, seed: u64) -> Parameters {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut parameters = Parameters::zeros(config);
    let spread = 1.5 / (config.channels as f32).sqrt();
    for values in parameters.all_mut() {
        values.iter_mut().for_each(|value| *value = random.random_range(-spread..spread));
    }
    parameters
}

fn kinds() -> Vec<Activation> {
    vec![
        Activation::Relu { l1: 0.05, by_norm: false },
        Activation::Relu { l1: 0.05, by_norm: true },
        Activation::TopK { k: 5 },
        Activation::BatchTopK { k: 5 },
        Activation::JumpRelu { l0: 0.02, bandwidth: 0.2, logarithmic: true },
        Activation::JumpRelu { l0: 0.02, bandwidth: 0.2, logarithmic: false },
        Activation::Gated { l1: 0.05 },
    ]
}

#[test]
fn the_processors_gradient_is_that_of_the_tensors_for_every_kind() {
    let (channels, latents, count) = (20, 70, 33);
    let mut source = ChaCha8Rng::seed_from_u64(3);
    let examples: Vec<f32> =
        (0..count * channels).map(|_| source.random_range(-1.0..1.5)).collect();
    let dead: Vec<u32> = (0..latents as u32).filter(|latent| latent % 3 == 1).collect();
    for activation in kinds() {
        for (centred, prefixes) in [(true, vec![latents]), (false, vec![8, 31, latents])] {
            for revival in [
                None,
                Some(Revival::AuxK { k: 6, coefficient: 0.3, normalized: false }),
                Some(Revival::AuxK { k: 6, coefficient: 0.3, normalized: true }),
                Some(Revival::Ghost),
            ] {
                // A gated dictionary has an auxiliary loss of its own.
                if revival.is_some() && matches!(activation, Activation::Gated { .. }) {
                    continue;
                }
                let prefixes = prefixes.clone();
                let config = Config { channels, latents, activation, centred, prefixes, revival };
                config.check().unwrap();
                let parameters = random(&config, 7);
                let (losses, expected) = twin(&config, &parameters, &examples, &dead);
                let near = |one: f64, other: f64| (one - other).abs() <= 1e-5 * other.abs();
                for is_dense in [false, true] {
                    let what = format!("{config:?}, dense: {is_dense}");
                    let found = gradient_by(Some(is_dense), &config, &parameters, &examples, &dead);
                    let [total, auxiliary] = [found.losses.total, found.losses.auxiliary];
                    assert!(near(total, losses.total), "{what}: {:?}, {losses:?}", found.losses);
                    assert!(
                        near(auxiliary, losses.auxiliary),
                        "{what}: {:?}, {losses:?}",
                        found.losses
                    );
                    let pairs = found.gradient.all().into_iter().zip(expected.all());
                    for ((found, expected), name) in pairs.zip(Parameters::NAMES) {
                        assert_close(&format!("{name} of {what}"), found, expected, 1e-5);
                    }
                }
            }
        }
    }
}

/// A dictionary in use, of every kind that there is.
fn in_use(activation: Activation, centred: bool) -> Dictionary {
    let (channels, latents) = (20, 70);
    let prefixes = vec![latents];
    let config = Config { channels, latents, activation, centred, prefixes, revival: None };
    let mut parameters = random(&config, 5);
    // In use thresholds stand for themselves, and none is negative.
    parameters.threshold.iter_mut().for_each(|threshold| *threshold = threshold.abs());
    Dictionary::new(config, parameters).unwrap()
}

fn used() -> [Activation; 4] {
    [
        Activation::Relu { l1: 0.0, by_norm: false },
        Activation::TopK { k: 5 },
        Activation::jump(),
        Activation::Gated { l1: 0.0 },
    ]
}

fn examples(count: usize) -> Vec<f32> {
    let mut source = ChaCha8Rng::seed_from_u64(9);
    (0..count * 20).map(|_| source.random_range(-1.0..1.5)).collect()
}

#[test]
fn a_layer_of_latents_has_what_the_processor_finds_and_a_slope_where_none_fires() {
    let device = device::cpu();
    let examples = examples(33);
    for dictionary in every_use() {
        let codes = dictionary.codes(&examples);
        let mut expected = vec![0.0; 33 * 70];
        for place in 0..33 {
            for used in codes.of(place..place + 1) {
                expected[place * 70 + used.latent as usize] = used.pre;
            }
        }
        let data = TensorData::new::<f32, _>(examples.clone(), [33, 20]);
        let input = Tensor::<2>::from_data(data, &device);
        let readout = dictionary.on(&device);
        let read = |tensor: Tensor<2>| pollster::block_on(device::read(tensor)).unwrap();
        assert_close("latents", &read(readout.read(input.clone())), &expected, 1e-5);
        let tracked = input.autodiff().require_grad();
        let latents = readout.read(tracked.clone());
        assert_close("tracked", &read(latents.clone().inner()), &expected, 1e-5);
        let silent = expected.iter().position(|value| *value == 0.0).unwrap();
        let [place, latent] = [silent / 70, silent % 70];
        let one = latents.narrow(0, place, 1).narrow(1, latent, 1).sum();
        let slope = read(tracked.grad(&one.backward()).unwrap());
        assert!(slope.iter().any(|slope| *slope != 0.0), "{:?}", dictionary.config());
    }
}

/// Every kind, with and without centring, normalized and greedy.
fn every_use() -> Vec<Dictionary> {
    let both = |used| [in_use(used, true), in_use(used, false)];
    let mut all: Vec<Dictionary> = used().into_iter().flat_map(both).collect();
    for normalization in [Normalization::Layer, Normalization::Length] {
        let more = used().map(|used| in_use(used, true).with_normalization(normalization));
        all.extend(more);
    }
    let pursuit = Pursuit { rounds: 6, residual: 0.3, until_repeated: true };
    let greedy = in_use(Activation::TopK { k: 5 }, true).with_unit_rows().with_pursuit(pursuit);
    all.extend([greedy.clone(), greedy.with_normalization(Normalization::Layer)]);
    all
}

#[test]
fn what_a_layer_of_latents_leaves_is_what_the_processor_leaves() {
    let device = device::cpu();
    let raw = examples(12);
    // Three rows of four places, `[channels, places]`.
    let planes: Vec<f32> =
        (0..20).flat_map(|channel| raw.iter().skip(channel).step_by(20).copied()).collect();
    let info = crate::models::info("efficientnet-lite0").unwrap();
    let parent = info.layer_id("block8").unwrap();
    for dictionary in every_use() {
        let of = Derived::new((parent, info.at(parent)), "sae", dictionary.on(&device), "");
        let grid = TensorData::new::<f32, _>(planes.clone(), [1, 20, 3, 4]);
        let grid = Tensor::<4>::from_data(grid, &device);
        let latents = of.of(Caught { grid: grid.clone(), extra: None }).grid;
        let Explained { left, whole } = of.explains(grid, latents).unwrap();
        assert_eq!(left.dims(), [1, 1, 3, 4]);
        let [left, whole] = [left, whole].map(|it| pollster::block_on(device::read(it)).unwrap());
        let codes = dictionary.codes(&raw);
        let silent = Codes { uses: Vec::new(), ends: vec![0; 12], ..codes.clone() };
        for (found, codes) in [(left, codes), (whole, silent)] {
            let made = dictionary.decode(&codes);
            let squares = made.iter().zip(&raw).map(|(made, raw)| (made - raw).powi(2));
            let squares: Vec<f32> = squares.collect();
            let expected: Vec<f32> = squares.chunks(20).map(|all| all.iter().sum()).collect();
            assert_close(&format!("{:?}", dictionary.config()), &found, &expected, 1e-4);
        }
    }
}

#[test]
fn the_slope_of_a_latent_that_fires_is_that_of_its_value() {
    let device = device::cpu();
    let example = examples(1);
    for normalization in Normalization::ALL {
        let relu = Activation::Relu { l1: 0.0, by_norm: false };
        let dictionary = in_use(relu, true).with_normalization(normalization);
        let most = |codes: &codes::Codes| {
            let most = codes.uses.iter().max_by(|one, other| one.pre.total_cmp(&other.pre));
            most.copied().unwrap()
        };
        let latent = most(&dictionary.codes(&example)).latent;
        let input = TensorData::new::<f32, _>(example.clone(), [1, 20]);
        let tracked = Tensor::<2>::from_data(input, &device).autodiff().require_grad();
        let value = dictionary.on(&device).read(tracked.clone()).narrow(1, latent as usize, 1);
        let slope = tracked.grad(&value.sum().backward()).unwrap();
        let slope = pollster::block_on(device::read(slope)).unwrap();
        let beside = |channel: usize, by: f32| {
            let mut example = example.clone();
            example[channel] += by;
            let found = most(&dictionary.codes(&example));
            assert_eq!(found.latent, latent);
            found.pre
        };
        let expected: Vec<f32> =
            (0..20).map(|place| (beside(place, 1e-2) - beside(place, -1e-2)) / 2e-2).collect();
        assert_close(&format!("{normalization:?}"), &slope, &expected, 1e-3);
    }
}

#[test]
fn a_normalized_example_is_brought_back_as_it_was() {
    let raw = examples(33);
    // Moved and stretched, an example has the same latents, and its reconstruction moves along.
    let moved: Vec<f32> = raw.iter().map(|value| value * 30.0 + 7.0).collect();
    let dictionary = in_use(Activation::TopK { k: 5 }, true);
    let dictionary = dictionary.with_normalization(Normalization::Layer);
    let [one, other] = [&raw, &moved].map(|examples| dictionary.codes(examples));
    let places =
        |codes: &codes::Codes| codes.uses.iter().map(|used| used.latent).collect::<Vec<_>>();
    assert_eq!(places(&one), places(&other));
    let expected: Vec<f32> =
        dictionary.decode(&one).iter().map(|value| value * 30.0 + 7.0).collect();
    assert_close("moved", &dictionary.decode(&other), &expected, 1e-4);
    // By the formula.
    let plain = in_use(Activation::TopK { k: 5 }, true);
    for (place, example) in raw.chunks_exact(20).enumerate() {
        let mean = example.iter().sum::<f32>() / 20.0;
        let squares: f32 = example.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (squares / 19.0).sqrt();
        let normal: Vec<f32> =
            example.iter().map(|value| (value - mean) / (deviation + 1e-5)).collect();
        let made = plain.decode(&plain.codes(&normal));
        let expected: Vec<f32> = made.iter().map(|value| value * deviation + mean).collect();
        let found = &dictionary.decode(&one)[place * 20..][..20];
        assert_close("by the formula", found, &expected, 1e-5);
    }
    // What has no length stays finite.
    for normalization in [Normalization::Layer, Normalization::Length] {
        let dictionary = plain.clone().with_normalization(normalization);
        let made = dictionary.decode(&dictionary.codes(&[0.0; 20]));
        assert!(made.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn a_dictionary_trained_on_scaled_activations_takes_them_as_they_are() {
    let scale = 7.5;
    for activation in kinds() {
        let prefixes = vec![70];
        let (channels, latents, centred) = (20, 70, true);
        let config = Config { channels, latents, activation, centred, prefixes, revival: None };
        let parameters = random(&config, 5);
        let options = training::Options::default();
        let mut training = training::Training::new(config, options, 10, 1, &examples(64)).unwrap();
        training.parameters = parameters;
        training.threshold = 0.4;
        let raw = examples(33);
        let scaled: Vec<f32> = raw.iter().map(|value| value * scale).collect();
        let [of_raw, of_scaled] =
            [scale, 1.0].map(|scale| Dictionary::of(&training, scale).unwrap());
        let reconstructed = |dictionary: &Dictionary, examples: &[f32]| {
            dictionary.decode(&dictionary.codes(examples))
        };
        let expected: Vec<f32> =
            reconstructed(&of_scaled, &scaled).iter().map(|value| value / scale).collect();
        assert_close(&format!("{activation:?}"), &reconstructed(&of_raw, &raw), &expected, 1e-4);
    }
}

#[test]
fn what_cannot_be_a_dictionary_is_named() {
    let dictionary = in_use(Activation::TopK { k: 5 }, true);
    let (config, numbers) = (dictionary.config(), dictionary.parameters());
    let said = |config: Config, parameters: Parameters| {
        Dictionary::new(config, parameters).unwrap_err().to_string()
    };
    let mut short = numbers.clone();
    short.decoder.pop();
    assert!(said(config.clone(), short).starts_with("decoder is 1399 numbers"));
    let mut broken = numbers.clone();
    broken.encoder_bias[3] = f32::NAN;
    assert!(said(config.clone(), broken).starts_with("encoder bias is not finite at number 3"));
    let batch = Config { activation: Activation::BatchTopK { k: 5 }, ..config.clone() };
    assert!(said(batch, numbers.clone()).starts_with("activation is BatchTopK 5"));
}

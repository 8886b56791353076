//! Every kind against golden data and the twin in tensors.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use burn::tensor::{Bool, Tensor, TensorData};

use super::gradient::{Losses, gradient};
use super::loss::{Tensors, loss};
use super::*;
use crate::device;

/// In the order of [`Parameters::all`].
const NAMES: [&str; 7] = [
    "encoder",
    "encoder bias",
    "decoder",
    "decoder bias",
    "threshold",
    "magnitude scale",
    "magnitude bias",
];

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
    let tensors = Tensors::tracked(parameters, channels, &device);
    let count = examples.len() / channels;
    let examples = TensorData::new::<f32, _>(examples.to_vec(), [count, channels]);
    let mask: Vec<bool> = (0..latents as u32).map(|latent| dead.contains(&latent)).collect();
    let mask =
        Tensor::<2, Bool>::from_data(TensorData::new::<bool, _>(mask, [1, latents]), &device);
    let found = loss(config, &tensors, Tensor::from_data(examples, &device), mask);
    let number = |tensor: &Tensor<1>| f64::from(tensor.clone().inner().into_scalar::<f32>());
    let losses = Losses {
        total: number(&found.total),
        squared_errors: found.squared_errors.iter().map(number).collect(),
        auxiliary: found.auxiliary.as_ref().map_or(0.0, number),
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
                Some(AuxK { k: 6, coefficient: 0.3, normalized: false }),
                Some(AuxK { k: 6, coefficient: 0.3, normalized: true }),
            ] {
                // A gated dictionary has an auxiliary loss of its own.
                if revival.is_some() && matches!(activation, Activation::Gated { .. }) {
                    continue;
                }
                let prefixes = prefixes.clone();
                let config = Config { channels, latents, activation, centred, prefixes, revival };
                config.check().unwrap();
                let parameters = random(&config, 7);
                let found = gradient(&config, &parameters, &examples, &dead);
                let (losses, expected) = twin(&config, &parameters, &examples, &dead);
                let near = |one: f64, other: f64| (one - other).abs() <= 1e-5 * other.abs();
                let what = format!("{config:?}");
                assert!(
                    near(found.losses.total, losses.total),
                    "{what}: {:?}, {losses:?}",
                    found.losses
                );
                assert!(
                    near(found.losses.auxiliary, losses.auxiliary),
                    "{what}: {:?}, {losses:?}",
                    found.losses
                );
                let pairs = found.gradient.all().into_iter().zip(expected.all());
                for ((found, expected), name) in pairs.zip(NAMES) {
                    assert_close(&format!("{name} of {what}"), found, expected, 1e-5);
                }
            }
        }
    }
}

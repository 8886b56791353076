//! Dictionaries in training, and in use.

use shared::burn::tensor::Device;
use shared::device::read;
use shared::models;
use shared::readout::Derived;
use shared::readout::dictionary::on_devices::OnDevices;
use shared::readout::dictionary::optimizer::Optimizer;
use shared::readout::dictionary::training::{Options, Training};
use shared::readout::dictionary::{Activation, Config, Dictionary, Parameters, Pursuit, Revival};
use shared::tap::Caught;

use super::{assert_agrees, tensor};

const CHANNELS: usize = 12;
const LATENTS: usize = 40;
const EXAMPLES: usize = 64;
const STEPS: u64 = 6;

fn batch(number: u64) -> Vec<f32> {
    let places = (EXAMPLES * CHANNELS) as u64;
    (0..places).map(|place| ((number * places + place) as f64 * 1.7).sin() as f32 + 0.3).collect()
}

/// Steps of every kind are on a device what they are on the processor.
pub async fn dictionaries_agree(device: &Device) {
    let revival = Some(Revival::AuxK { k: 6, coefficient: 0.3, normalized: true });
    let adam = Options { warm_up: 3, sparsity_warm_up: 3, dead_after: 128, ..Options::default() };
    let muon = Options { optimizer: Optimizer::Muon, ..adam.clone() };
    for (activation, revival, options) in [
        (Activation::Relu { l1: 0.05, by_norm: true }, Some(Revival::Ghost), &adam),
        (Activation::TopK { k: 5 }, revival, &adam),
        (Activation::TopK { k: 5 }, None, &muon),
        (Activation::BatchTopK { k: 5 }, revival, &adam),
        (Activation::JumpRelu { l0: 0.02, bandwidth: 0.2, logarithmic: false }, None, &adam),
        (Activation::Gated { l1: 0.05 }, None, &adam),
    ] {
        let (channels, latents, prefixes) = (CHANNELS, LATENTS, vec![LATENTS / 4, LATENTS]);
        let config = Config { channels, latents, activation, centred: true, prefixes, revival };
        let begun = Training::new(config, options.clone(), STEPS, 4, &batch(0)).unwrap();
        let [mut expected, mut found] = [begun.clone(), begun];
        let mut away = OnDevices::new(&found, vec![device.clone()]).unwrap();
        for step in 1..=STEPS {
            expected.step(&batch(step)).unwrap();
            away.step(&mut found, &batch(step)).await.unwrap();
        }
        away.fetch(&mut found).await.unwrap();
        assert_eq!(found.silent, expected.silent, "{activation:?}");
        let arrays = found.parameters.all().into_iter().zip(expected.parameters.all());
        for (name, (found, expected)) in Parameters::NAMES.iter().zip(arrays) {
            if !expected.is_empty() {
                assert_agrees(&format!("{name} of {activation:?}"), found, expected);
            }
        }
    }
}

/// What latents are at each place of a layer, and what they leave of it, is on a device what the
/// dictionary's own code finds on the processor.
pub async fn latents_agree(device: &Device) {
    let (side, pictures) = (4, 2);
    let places = side * side;
    let info = models::info("googlenet").unwrap();
    let layer = info.layer_id("mixed4a").unwrap();
    let examples = &batch(2)[..pictures * places * CHANNELS];
    // Examples lie one after the other; a layer's channels do.
    let laid = |values: &[f32], channels: usize| -> Vec<f32> {
        let at = |picture, channel, place| (picture * places + place) * channels + channel;
        let of = |picture| {
            (0..channels)
                .flat_map(move |channel| (0..places).map(move |place| at(picture, channel, place)))
        };
        (0..pictures).flat_map(of).map(|index| values[index]).collect()
    };
    let squares = |values: &[f32]| -> Vec<f32> {
        let distance = |(made, example): (&[f32], &[f32])| {
            made.iter().zip(example).map(|(one, other)| (one - other).powi(2)).sum()
        };
        values.chunks(CHANNELS).zip(examples.chunks(CHANNELS)).map(distance).collect()
    };
    let pursuit = Pursuit { rounds: 5, residual: 1e-3, until_repeated: false };
    for (activation, pursuit) in [
        (Activation::Relu { l1: 0.05, by_norm: false }, None),
        (Activation::TopK { k: 5 }, None),
        (Activation::TopK { k: 5 }, Some(pursuit)),
        (Activation::JumpRelu { l0: 0.02, bandwidth: 0.2, logarithmic: true }, None),
        (Activation::Gated { l1: 0.05 }, None),
    ] {
        let (channels, latents, prefixes) = (CHANNELS, LATENTS, vec![LATENTS]);
        let config =
            Config { channels, latents, activation, centred: true, prefixes, revival: None };
        let mut training = Training::new(config, Options::default(), STEPS, 4, &batch(0)).unwrap();
        for step in 1..=STEPS {
            training.step(&batch(step)).unwrap();
        }
        let mut dictionary = Dictionary::of(&training, 0.5).unwrap();
        if let Some(pursuit) = pursuit {
            dictionary = dictionary.with_unit_rows().with_pursuit(pursuit);
        }
        let codes = dictionary.codes(examples);
        let mut values = vec![0.0; pictures * places * LATENTS];
        for (example, values) in values.chunks_mut(LATENTS).enumerate() {
            for used in codes.of(example..example + 1) {
                values[used.latent as usize] = used.pre;
            }
        }
        let silent = dictionary.parameters().decoder_bias.repeat(pictures * places);

        let on_device = dictionary.on(device);
        let derived = Derived::new((layer, info.at(layer)), "here", on_device, "");
        let grid = tensor(laid(examples, CHANNELS), [pictures, CHANNELS, side, side], device);
        let found = derived.of(Caught { grid: grid.clone(), extra: None }).grid;
        let explained = derived.explains(grid, found.clone()).unwrap();
        let name = format!("{activation:?}, {pursuit:?}");
        let found = read(found).await.unwrap();
        assert_agrees(&format!("latents of {name}"), &found, &laid(&values, LATENTS));
        for (what, found, expected) in [
            ("left", explained.left, squares(&dictionary.decode(&codes))),
            ("whole", explained.whole, squares(&silent)),
        ] {
            let found = read(found).await.unwrap();
            assert_agrees(&format!("{what} of {name}"), &found, &expected);
        }
    }
}

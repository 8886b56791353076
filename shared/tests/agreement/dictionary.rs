//! Dictionaries in training.

use shared::burn::tensor::Device;
use shared::readout::dictionary::on_devices::OnDevices;
use shared::readout::dictionary::optimizer::Optimizer;
use shared::readout::dictionary::training::{Options, Training};
use shared::readout::dictionary::{Activation, Config, Parameters, Revival};

use super::assert_agrees;

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

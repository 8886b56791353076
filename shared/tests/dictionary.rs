//! Dictionaries against golden data of an independent implementation in double precision.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;

use safetensors::SafeTensors;
use shared::burn::tensor::{Tensor, TensorData};
use shared::format::dictionary::foreign;
use shared::format::dictionary::saev::{self, Saev};
use shared::readout::Readout;
use shared::readout::dictionary::gradient::{Outcome, gradient};
use shared::readout::dictionary::training::{normalize, project};
use shared::readout::dictionary::{Activation, Config, Parameters, Revival};

#[path = "reference/mod.rs"]
mod place;

const CHANNELS: usize = 16;
const LATENTS: usize = 64;

/// Every tensor, by name; bytes become numbers.
type Golden = BTreeMap<String, Vec<f32>>;

fn golden() -> Option<Golden> {
    let bytes = fs::read(place::path("golden/sae.safetensors")?).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let numbers = |name: &str| {
        let tensor = tensors.tensor(name).unwrap();
        match tensor.dtype() {
            safetensors::Dtype::U8 => tensor.data().iter().map(|byte| f32::from(*byte)).collect(),
            _ => {
                let numbers = tensor.data().chunks_exact(4);
                numbers.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
            }
        }
    };
    Some(tensors.names().into_iter().map(|name| (name.to_owned(), numbers(name))).collect())
}

/// `[rows, columns]` as `[columns, rows]`.
fn turned(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

fn assert_close(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let differences = found.iter().zip(expected).map(|(one, other)| f64::from(one - other));
    let difference = differences.map(|difference| difference * difference).sum::<f64>().sqrt();
    let size = expected.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    assert!(difference <= 1e-5 * size, "{name}: off by {difference} of {size}");
}

fn parameters(golden: &Golden, config: &Config) -> Parameters {
    let of = |name: &str| golden[name].clone();
    let mut parameters = Parameters {
        encoder: turned(&golden["W_enc"], LATENTS),
        encoder_bias: of("b_enc"),
        decoder: of("W_dec"),
        decoder_bias: of("b_dec"),
        ..Parameters::default()
    };
    match config.activation {
        Activation::JumpRelu { .. } => parameters.threshold = of("log_threshold"),
        Activation::Gated { .. } => {
            parameters.encoder_bias = of("b_gate");
            parameters.magnitude_scale = of("r_mag");
            parameters.magnitude_bias = of("b_mag");
        }
        _ => {}
    }
    parameters
}

/// The loss of a variant and its gradient, by the names that the file has for them.
fn check(golden: &Golden, variant: &str, config: &Config) -> Outcome {
    config.check().unwrap();
    let parameters = parameters(golden, config);
    let mask = golden["dead_mask"].iter();
    let dead: Vec<u32> =
        (0..).zip(mask).filter(|(_, dead)| **dead != 0.0).map(|(latent, _)| latent).collect();
    let found = gradient(config, &parameters, &golden["x"], &dead);
    let gated = matches!(config.activation, Activation::Gated { .. });
    let gradient = &found.gradient;
    for (name, values) in [
        ("W_enc", turned(&gradient.encoder, CHANNELS)),
        (if gated { "b_gate" } else { "b_enc" }, gradient.encoder_bias.clone()),
        ("W_dec", gradient.decoder.clone()),
        ("b_dec", gradient.decoder_bias.clone()),
        ("log_threshold", gradient.threshold.clone()),
        ("r_mag", gradient.magnitude_scale.clone()),
        ("b_mag", gradient.magnitude_bias.clone()),
    ] {
        let name = format!("{variant}.grad_{name}");
        if !values.is_empty() {
            assert_close(&name, &values, &golden[&name]);
        }
    }
    let losses = &found.losses;
    for (name, value) in [
        ("loss", losses.total),
        ("mse", *losses.squared_errors.last().unwrap()),
        ("l0", losses.l0),
        ("l1", losses.l1),
        ("aux", losses.auxiliary),
    ] {
        let name = format!("{variant}.{name}");
        if let Some(expected) = golden.get(&name) {
            assert_close(&name, &[value as f32], expected);
        }
    }
    found
}

fn plain(activation: Activation) -> Config {
    Config {
        channels: CHANNELS,
        latents: LATENTS,
        activation,
        centred: true,
        prefixes: vec![LATENTS],
        revival: None,
    }
}

#[test]
fn every_kind_has_the_loss_and_gradient_of_the_reference() {
    let Some(golden) = golden() else { return };
    let golden = &golden;
    let relu = Activation::Relu { l1: 0.05, by_norm: false };
    check(golden, "relu_prebias", &plain(relu));
    check(golden, "relu_noprebias", &Config { centred: false, ..plain(relu) });
    let by_norm = Activation::Relu { l1: 0.05, by_norm: true };
    check(golden, "relu_prebias_normweighted", &plain(by_norm));
    let topk = plain(Activation::TopK { k: 8 });
    check(golden, "topk", &topk);
    let batch = plain(Activation::BatchTopK { k: 8 });
    let found = check(golden, "batchtopk", &batch);
    assert_close("batchtopk.min_active", &[found.least.unwrap()], &golden["batchtopk.min_active"]);
    let jump = Activation::JumpRelu { l0: 0.02, bandwidth: 0.2, logarithmic: true };
    check(golden, "jumprelu", &plain(jump));
    check(golden, "gated", &plain(Activation::Gated { l1: 0.05 }));
    let nested = Config { prefixes: vec![16, 32, 64], ..batch };
    let found = check(golden, "matryoshka", &nested);
    let errors: Vec<f32> = found.losses.squared_errors.iter().map(|error| *error as f32).collect();
    assert_close("matryoshka.mse_per_prefix", &errors, &golden["matryoshka.mse_per_prefix"]);
    for (name, normalized) in [("auxk", false), ("auxk_normalized", true)] {
        let revival = Some(Revival::AuxK { k: 12, coefficient: 1.0 / 32.0, normalized });
        check(golden, name, &Config { revival, ..topk.clone() });
    }
}

#[test]
fn a_step_along_the_sphere_is_that_of_the_reference() {
    let Some(golden) = golden() else { return };
    let mut rows = golden["W_dec"].clone();
    normalize(&mut rows, CHANNELS);
    assert_close("W_dec_unit", &rows, &golden["projection.W_dec_unit"]);
    let mut gradient = golden["projection.grad"].clone();
    project(&mut gradient, &rows, CHANNELS);
    assert_close("grad_projected", &gradient, &golden["projection.grad_projected"]);
    rows.iter_mut().zip(&gradient).for_each(|(value, slope)| *value -= 0.1 * slope);
    normalize(&mut rows, CHANNELS);
    assert_close("W_dec_after_step", &rows, &golden["projection.W_dec_after_step"]);
}

#[test]
fn a_dictionary_of_saevs_gives_what_saev_gives() {
    let Some(folder) = place::path("golden/saev") else { return };
    let expected = fs::read(folder.join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&expected).unwrap();
    let numbers = |name: &str| -> Vec<f32> {
        let bytes = expected.tensor(name).unwrap().data().to_vec();
        bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    };
    for name in ["relu", "topk", "batchtopk"] {
        let bytes = fs::read(folder.join(name).with_extension("pt")).unwrap();
        let Saev { dictionary, is_doubtful } = saev::read(&bytes).unwrap();
        assert!(!is_doubtful);
        let codes = dictionary.codes(&numbers("x"));
        let mut latents = vec![0.0; 32 * LATENTS];
        for place in 0..32 {
            for used in codes.of(place..place + 1) {
                latents[place * LATENTS + used.latent as usize] = used.pre;
            }
        }
        assert_close(name, &latents, &numbers(&format!("{name}.latents")));
        assert_close(name, &dictionary.decode(&codes), &numbers(&format!("{name}.recon")));
        // A file that was cut off is refused, wherever.
        for end in [0, 3, 300, bytes.len() / 2, bytes.len() - 1] {
            assert!(saev::read(&bytes[..end]).is_err());
        }
    }
}

/// `scripts/dictionary_peers.py golden` made the file, and PyTorch the numbers.
#[test]
fn a_topk_dictionary_of_openais_gives_what_pytorch_gives() {
    let dictionary = foreign::openai(include_bytes!("data/dictionary/openai-topk.pt")).unwrap();
    let examples: Vec<f32> =
        (400..412).map(|place| (0.7 * f64::from(place)).sin() as f32 * 5.0 + 2.0).collect();
    let codes = dictionary.codes(&examples);
    let found: Vec<_> = codes.uses.iter().map(|used| used.latent).collect();
    assert_eq!(found, [1, 3, 2, 4, 1, 3]);
    let values: Vec<f32> = codes.uses.iter().map(|used| used.pre).collect();
    assert_close(
        "latents",
        &values,
        &[0.966_036_1, 0.543_244, 1.974_518_4, 1.777_728_2, 1.704_094_2, 1.917_113_9],
    );
    let expected = [
        -0.016_191_72,
        -1.529_369_7,
        -2.939_323,
        -0.263_919_6,
        6.588_333_6,
        9.795_761,
        -0.337_483_4,
        6.056,
        5.573_992_3,
        1.680_980_4,
        -8.226_074,
        4.909_795,
    ];
    assert_close("reconstruction", &dictionary.decode(&codes), &expected);

    let device = shared::device::cpu();
    let input = TensorData::new::<f32, _>(examples[..4].to_vec(), [1, 4]);
    let tracked = Tensor::<2>::from_data(input, &device).autodiff().require_grad();
    let latent = dictionary.on(&device).read(tracked.clone()).narrow(1, 1, 1).sum();
    let slope = tracked.grad(&latent.backward()).unwrap();
    let slope = pollster::block_on(shared::device::read(slope)).unwrap();
    assert_close("slope", &slope, &[0.277_244_57, 0.259_729_6, -0.044_532_24, -0.492_441_95]);
}

//! Inception V1 against independent implementations: the reference network's outputs on trained
//! weights where they lie beside the checkout, and small committed outputs of
//! `scripts/inception_reference.py` everywhere.

mod reference;

use std::fs;

use shared::burn::tensor::{Tensor, TensorData, s};
use shared::device::{cpu, read};
use shared::models::VisionModel;
use shared::models::inception::{Inception, Variant};
use shared::ops::ReluGradient;
use shared::weights::{NamedTensor, NamedTensors, from_safetensors};

/// What the reference data calls a layer, and its canonical name.
const REFERENCE_NAMES: [(&str, &str); 18] = [
    ("conv1", "conv2d0"),
    ("pool1", "maxpool0"),
    ("norm1", "localresponsenorm0"),
    ("conv2_reduce", "conv2d1"),
    ("conv2", "conv2d2"),
    ("norm2", "localresponsenorm1"),
    ("pool2", "maxpool1"),
    ("mixed3a", "mixed3a"),
    ("mixed3b", "mixed3b"),
    ("pool3", "maxpool4"),
    ("mixed4a", "mixed4a"),
    ("mixed4b", "mixed4b"),
    ("mixed4c", "mixed4c"),
    ("mixed4d", "mixed4d"),
    ("mixed4e", "mixed4e"),
    ("pool4", "maxpool10"),
    ("mixed5a", "mixed5a"),
    ("mixed5b", "mixed5b"),
];

/// The library promises 1e-3; in practice rounding leaves much less.
const TOLERANCE: f64 = 1e-5;

struct Reference {
    tensors: NamedTensors,
    network: Inception,
}

fn trained_googlenet() -> Option<Reference> {
    let weights = reference::path("weights/bvlc_googlenet.safetensors")?;
    let golden = reference::path("golden/googlenet.safetensors")?;
    let read = |path| from_safetensors(&fs::read(path).unwrap()).unwrap();
    let network = Inception::load(Variant::GoogLeNet, read(weights), &cpu()).unwrap();
    Some(Reference { tensors: read(golden), network })
}

impl Reference {
    fn get(&self, name: &str) -> &NamedTensor {
        &self.tensors[name]
    }

    fn input(&self, name: &str) -> Tensor<4> {
        picture(self.get(name))
    }
}

fn picture(tensor: &NamedTensor) -> Tensor<4> {
    Tensor::from_data(TensorData::new(tensor.values.clone(), tensor.shape.clone()), &cpu())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    pollster::block_on(read(tensor)).unwrap()
}

/// Norm of the difference over norm of the reference.
#[track_caller]
fn assert_agrees(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let norm = |values: &mut dyn Iterator<Item = f64>| {
        values.map(|value| value * value).sum::<f64>().sqrt()
    };
    let difference = found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b));
    let error = norm(&mut { difference }) / norm(&mut expected.iter().map(|b| f64::from(*b)));
    eprintln!("{what}: relative error {error:.1e}");
    assert!(error < TOLERANCE, "{what}: relative error {error:e}, expected below {TOLERANCE:e}");
}

#[test]
fn googlenet_reproduces_every_layer_of_the_reference_at_two_sizes() {
    let Some(reference) = trained_googlenet() else { return };
    let taps: Vec<_> =
        REFERENCE_NAMES.iter().map(|(_, name)| *name).chain(["avgpool0", "logits"]).collect();
    for size in ["128", "224"] {
        let input = reference.input(&format!("input{size}"));
        let caught = reference.network.forward(input, &taps, ReluGradient::Exact).unwrap();
        for (theirs, ours) in REFERENCE_NAMES {
            let means = values(caught.get(ours).unwrap().mean_dims(&[2, 3]));
            let name = format!("{size}.{theirs}.mean");
            assert_agrees(&name, &means, &reference.get(&name).values);
        }
        for (theirs, ours) in [("avgpool", "avgpool0"), ("logits", "logits")] {
            let name = format!("{size}.{theirs}");
            let found = values(caught.get(ours).unwrap());
            assert_agrees(&name, &found, &reference.get(&name).values);
        }
        let whole = if size == "128" { "mixed4a" } else { "mixed5b" };
        let name = format!("{size}.{whole}");
        assert_agrees(&name, &values(caught.get(whole).unwrap()), &reference.get(&name).values);
    }
}

#[test]
fn googlenet_reproduces_both_input_gradients_of_the_reference() {
    let Some(reference) = trained_googlenet() else { return };
    let cases = [
        ("input128", "mixed4a", 11, "128.value_mixed4a_11", "128.grad_mixed4a_11"),
        ("input224", "logits", 543, "224.value_logit543", "224.grad_logit543"),
    ];
    for (input, layer, channel, value_name, gradient_name) in cases {
        let input = reference.input(input).autodiff().require_grad();
        let caught =
            reference.network.forward(input.clone(), &[layer], ReluGradient::Exact).unwrap();
        let score = caught.get(layer).unwrap().narrow(1, channel, 1).mean();
        assert_agrees(value_name, &values(score.clone()), &reference.get(value_name).values);
        let mut gradients = score.backward();
        let gradient = input.grad_remove(&mut gradients).unwrap();
        assert_agrees(gradient_name, &values(gradient), &reference.get(gradient_name).values);
    }
}

/// One number in -1..1 for each place of the tensor of this name, as
/// `scripts/inception_reference.py` computes it: SplitMix64 seeded with FNV-1a of the name.
fn uniform(name: &str) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    (1_u64..).map(move |place| {
        let mut z = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

fn formula(name: &str, shape: &[usize], bias_amplitude: f64) -> NamedTensor {
    let count = shape.iter().product();
    let (centre, amplitude) = if name.ends_with("running_var") {
        (1.0, 0.5)
    } else if name.ends_with("bn.weight") {
        (1.0, 0.2)
    } else if name.ends_with("bias") || name.ends_with("running_mean") {
        (0.0, bias_amplitude)
    } else {
        (0.0, (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt())
    };
    let values = uniform(name).take(count).map(|u| (centre + amplitude * u) as f32).collect();
    NamedTensor { shape: shape.to_vec(), values }
}

fn formula_weights(variant: Variant, bias_amplitude: f64) -> NamedTensors {
    let published = variant.published_tensors().into_iter();
    published
        .map(|(name, shape)| {
            let tensor = formula(&name, &shape, bias_amplitude);
            (name, tensor)
        })
        .collect()
}

/// RGB in 0..1, as the script makes it.
fn formula_picture() -> Tensor<4> {
    let (height, width) = (77, 90);
    let mut planes = Vec::new();
    for c in 0..3 {
        for y in 0..height {
            for x in 0..width {
                let (c, y, x) = (f64::from(c), f64::from(y), f64::from(x));
                let phase = 2.0 * (0.05 * x * (1.0 + c)).sin() + (0.2 * y).cos() + 0.3 * c;
                planes.push((0.5 + 0.5 * phase.sin()) as f32);
            }
        }
    }
    Tensor::from_data(TensorData::new(planes, [1, 3, height as usize, width as usize]), &cpu())
}

fn check_against_script(variant: Variant, bias_amplitude: f64, golden: &[u8]) {
    let expected = from_safetensors(golden).unwrap();
    let weights = formula_weights(variant, bias_amplitude);
    let network = Inception::load(variant, weights, &cpu()).unwrap();
    let rgb = formula_picture().autodiff().require_grad();
    let input = network.info().preprocessing.apply(rgb.clone());

    let means: Vec<_> = expected.keys().filter_map(|name| name.strip_suffix(".mean")).collect();
    assert!(15 < means.len());
    let taps: Vec<_> = means.iter().copied().chain(["logits"]).collect();
    let caught = network.forward(input, &taps, ReluGradient::Exact).unwrap();
    for layer in means {
        let name = format!("{layer}.mean");
        let found = values(caught.get(layer).unwrap().mean_dims(&[2, 3]));
        assert_agrees(&name, &found, &expected[&name].values);
    }
    let logits = caught.get("logits").unwrap();
    assert_agrees("logits", &values(logits.clone()), &expected["logits"].values);

    let mut gradients = logits.narrow(1, 5, 1).sum().backward();
    let gradient = rgb.grad_remove(&mut gradients).unwrap();
    let rows = values(gradient.clone().sum_dim(3));
    assert_agrees("row sums", &rows, &expected["gradient.row_sums"].values);
    let columns = values(gradient.clone().sum_dim(2));
    assert_agrees("column sums", &columns, &expected["gradient.column_sums"].values);
    let every_second = values(gradient.slice(s![.., .., ..;2, ..;2]));
    assert_agrees("gradient", &every_second, &expected["gradient.every_second"].values);
}

#[test]
fn inception_v1_agrees_with_an_independent_definition() {
    let golden = include_bytes!("golden/inception-v1.safetensors");
    check_against_script(Variant::InceptionV1, 20.0, golden);
}

#[test]
fn googlenet_torchvision_agrees_with_torchvision() {
    let golden = include_bytes!("golden/googlenet-torchvision.safetensors");
    check_against_script(Variant::GoogLeNetTorchvision, 0.2, golden);
}

//! What must agree between devices, and with the reference: the same checks on each of them.

#[path = "../closed_form/mod.rs"]
#[allow(dead_code, reason = "its picture is for other tests")]
pub mod closed_form;
pub mod dictionary;
#[path = "../inception/formula.rs"]
#[allow(dead_code, reason = "its picture and network are for other tests")]
mod formula;
pub mod transformer;

use std::sync::Arc;

use shared::burn::tensor::{Device, Tensor, TensorData};
use shared::device::read;
use shared::models;
use shared::models::inception::Variant;
use shared::network::{Network, Pass, Start};
use shared::ops::{self, Beta, Gelu, Lrn, Padding, Pool, ReluGradient};
use shared::visualize::score::Context;
use shared::visualize::settings::Transforms;
use shared::visualize::{Dream, Preset, Settings};
use shared::weights::{NamedTensor, NamedTensors};

/// What the library promises between devices and to the reference, relative.
const TOLERANCE: f64 = 1e-3;

/// Trained weights of a network, and what an independent implementation makes of them.
pub struct Reference {
    /// Under the names of their publication.
    pub weights: NamedTensors,
    /// Inputs, means, logits, gradients.
    pub golden: NamedTensors,
}

fn network(weights: NamedTensors, device: &Device) -> Arc<Network> {
    Arc::new(models::load("googlenet", weights, device).unwrap())
}

#[cfg(not(target_family = "wasm"))]
use std::println as say;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::console_log as say;

fn tensor(values: Vec<f32>, shape: impl Into<Vec<usize>>, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values, shape.into()), device)
}

/// Norm of the difference over norm of what was expected.
fn relative(found: &[f32], expected: &[f32]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let pairs = found.iter().zip(expected);
    let difference = norm(&mut pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)));
    difference / norm(&mut expected.iter().map(|b| f64::from(*b)))
}

#[track_caller]
fn assert_agrees(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let error = relative(found, expected);
    say!("{what}: relative error {error:.1e}");
    assert!(error < TOLERANCE, "{what}: relative error {error:e}, expected below {TOLERANCE:e}");
}

/// As [`assert_agrees`], without the `left_out` values that differ most.
#[track_caller]
fn assert_agrees_but_for(left_out: usize, what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let mut pairs: Vec<(f32, f32)> = found.iter().copied().zip(expected.iter().copied()).collect();
    pairs.sort_by(|a, b| (a.0 - a.1).abs().total_cmp(&(b.0 - b.1).abs()));
    pairs.truncate(pairs.len() - left_out);
    let (found, expected): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
    assert_agrees(what, &found, &expected);
}

/// In the smooth picture of 128 pixels, computed in double precision, two windows of the first
/// max-pooling are decided by less than 1e-6 of the layer's standard deviation, the closer one by
/// 2e-8: single precision may send the gradient of either to the neighbour. Each then changes what
/// both neighbours see, 7x9 pixels of three colours. No other window of
/// either picture is as close.
const TIED_AT_128: usize = 2 * 3 * 7 * 9;

/// Logits, the means of the inner layers, and both input gradients.
pub async fn reproduces_the_reference(reference: &Reference, device: &Device) {
    let (network, golden) = (network(reference.weights.clone(), device), &reference.golden);
    let cases = [
        ("128", "mixed4a", 11, "value_mixed4a_11", "grad_mixed4a_11"),
        ("224", "logits", 543, "value_logit543", "grad_logit543"),
    ];
    for (size, layer, channel, value_name, gradient_name) in cases {
        let held = &golden[&format!("input{size}")];
        let input = tensor(held.values.clone(), held.shape.clone(), device);
        let input = input.autodiff().require_grad();
        let taps = ["mixed3a", layer].map(|name| network.info().layer_id(name).unwrap());
        let start = Start::Picture(input.clone());
        let caught = network.forward(start, &Pass::to(&taps)).unwrap();
        let [inner, outer] = taps.map(|layer| caught.grid(layer).unwrap());
        let means = inner.mean_dims(&[2, 3]);
        let means = read(means.inner()).await.unwrap();
        let name = format!("{size}.mixed3a.mean");
        assert_agrees(&name, &means, &golden[&name].values);
        if layer == "logits" {
            let logits = read(outer.clone().inner()).await.unwrap();
            let name = format!("{size}.logits");
            assert_agrees(&name, &logits, &golden[&name].values);
        }
        let score = outer.narrow(1, channel, 1).mean();
        let name = format!("{size}.{value_name}");
        let value = read(score.clone().inner()).await.unwrap();
        assert_agrees(&name, &value, &golden[&name].values);
        let gradient = input.grad_remove(&mut score.backward()).unwrap();
        let name = format!("{size}.{gradient_name}");
        let gradient = read(gradient).await.unwrap();
        let left_out = if size == "128" { TIED_AT_128 } else { 0 };
        assert_agrees_but_for(left_out, &name, &gradient, &golden[&name].values);
    }
}

/// The dreams that devices are compared by: one with Lucid's transforms, and one with all that the
/// presets of today add (pyramid, zoom, noise, views, erosion).
fn compared() -> [(&'static str, Settings); 2] {
    let standard = Settings { transforms: Transforms::STANDARD, ..Settings::square(48) };
    let texture = Settings { width: 48, height: 48, ..Preset::Texture.making().settings };
    [("Lucid's", standard), ("texture", texture)]
}

/// Losses and the picture after three steps of a dream.
async fn three_steps(
    settings: Settings,
    weights: NamedTensors,
    device: &Device,
) -> (Vec<f32>, Vec<f32>) {
    let network = network(weights, device);
    // The whole layer: what rounding does to a single unit at a kink can be a hundred times as much.
    let objective = "mixed3b".parse().unwrap();
    let mut dream =
        Dream::new(network, objective, Context::default(), settings, 7, device).unwrap();
    let mut losses = Vec::new();
    for _ in 0..3 {
        losses.push(dream.step().await.unwrap().loss);
    }
    let pictures = dream.images().await.unwrap();
    (losses, pictures[0].planes().to_vec())
}

/// The weights that devices are compared by, each changed by up to `by` of itself.
pub fn weights_within(by: f32, seed: &str) -> NamedTensors {
    let weights = formula::weights(Variant::GoogLeNet).into_iter();
    let changed = weights.map(|(name, NamedTensor { shape, mut values })| {
        let seed = format!("{seed} {name}");
        for (value, u) in values.iter_mut().zip(closed_form::uniform(&seed)) {
            *value *= 1.0 + by * u as f32;
        }
        (name, NamedTensor { shape, values })
    });
    changed.collect()
}

/// How often weights are rounded otherwise before a dream is called another.
const ROUNDINGS: usize = 40;

/// Whether first steps on a device, with these weights, are the first steps on the processor; else
/// which dream differs, and by how much at least.
///
/// A gradient goes to the largest place of a window, and where two are nearly as large rounding
/// decides to which: three steps later such a picture is 5e-3 from the other. So a picture must be one
/// of those that the processor makes of weights that differ by less than a millionth, which is what
/// orders of adding up do.
pub async fn dreams_are_the_processors(
    weights: NamedTensors,
    device: &Device,
) -> Result<(), String> {
    let cpu = shared::device::cpu();
    for (name, settings) in compared() {
        let (losses, picture) = three_steps(settings.clone(), weights.clone(), device).await;
        let mut least = f64::INFINITY;
        for rounding in 0..=ROUNDINGS {
            let by = if rounding == 0 { 0.0 } else { 1e-6 };
            let weights = weights_within(by, &rounding.to_string());
            let (expected_losses, expected) = three_steps(settings.clone(), weights, &cpu).await;
            let error = relative(&picture, &expected).max(relative(&losses, &expected_losses));
            say!("{name}, rounding {rounding}: relative error {error:.1e}");
            least = least.min(error);
            if least < TOLERANCE {
                break;
            }
        }
        if least >= TOLERANCE {
            return Err(format!("{name}: relative error at least {least:e}"));
        }
    }
    Ok(())
}

/// Values and input gradients of what we wrote ourselves, on a small uneven picture.
async fn own_operations(device: &Device) -> Vec<(&'static str, Vec<f32>)> {
    let pool = Pool { kernel: 3, stride: 2, padding: Padding::Ceil(0) };
    let norm = Lrn { radius: 2, alpha: 0.1, bias: 1.0, beta: Beta::ThreeQuarters };
    let filled = |shape: [usize; 4]| {
        let values = (0..shape.iter().product()).map(|i: usize| (i as f32 * 0.9).sin()).collect();
        tensor(values, shape, device)
    };
    let (weight, bias) = (filled([4, 7, 3, 3]), filled([4, 1, 1, 1]).reshape([4]));
    let (kernels, biases) = (filled([7, 1, 5, 5]), filled([7, 1, 1, 1]).reshape([7]));
    let same = Pool { kernel: 5, stride: 2, padding: Padding::Same };
    type Operation = Box<dyn Fn(Tensor<4>) -> Tensor<4>>;
    let (scale, shift) = (filled([21, 1, 1, 1]), filled([21, 1, 1, 1]) * 0.5);
    let (scale, shift) = (scale.reshape([21]), shift.reshape([21]));
    // The picture's values as tokens.
    let tokens = |x: Tensor<4>| x.reshape([2, 21, 1, 33]);
    let operations: [(&str, Operation); 11] = [
        (
            "convolution",
            Box::new(move |x| ops::convolution(x, weight.clone(), bias.clone(), pool, 1)),
        ),
        (
            "depthwise convolution",
            Box::new(move |x| ops::convolution(x, kernels.clone(), biases.clone(), same, 7)),
        ),
        ("relu6", Box::new(|x| ops::relu6(x * 4.0, ReluGradient::Exact))),
        ("relu6, redirected", Box::new(|x| ops::relu6(x.abs() + 6.5, ReluGradient::Redirected))),
        ("max_pool", Box::new(move |x| ops::max_pool(x, pool))),
        ("local_response_norm", Box::new(move |x| ops::local_response_norm(x, norm))),
        ("relu, redirected", Box::new(|x| ops::relu(x, ReluGradient::Redirected))),
        (
            "layer_norm",
            Box::new(move |x| ops::layer_norm(tokens(x), scale.clone(), shift.clone(), 1e-6)),
        ),
        ("gelu", Box::new(|x| ops::gelu(x, Gelu::Exact))),
        ("gelu, quick", Box::new(|x| ops::gelu(x, Gelu::Quick))),
        ("attention", Box::new(move |x| ops::attention(tokens(x), 7))),
    ];
    let mut results = Vec::new();
    for (name, operation) in operations {
        let values = (0..2 * 7 * 11 * 9).map(|i| (i as f32 * 0.7).sin() * 3.0).collect();
        let input = tensor(values, [2, 7, 11, 9], device).autodiff().require_grad();
        let output = operation(input.clone());
        // Unequal weights, so that a gradient sent to the wrong place shows.
        let weights = (0..output.shape().num_elements()).map(|i| (i as f32 * 0.3).cos()).collect();
        let weights = tensor(weights, output.dims(), device).autodiff();
        let mut gradients = (output.clone() * weights).sum().backward();
        let gradient = input.grad_remove(&mut gradients).unwrap();
        results.push((name, read(output.inner()).await.unwrap()));
        results.push((name, read(gradient).await.unwrap()));
    }
    results
}

/// Our own operations, forwards and backwards, are the same on both devices.
pub async fn operations_agree(one: &Device, other: &Device) {
    let expected = own_operations(one).await;
    let found = own_operations(other).await;
    for ((name, expected), (_, found)) in expected.iter().zip(&found) {
        assert_agrees(name, found, expected);
    }
}

//! EfficientNet-Lite against `scripts/efficientnet_lite_reference.py`: small committed outputs for
//! weights from a closed formula.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod caught;
mod closed_form;
mod closeness;

use caught::{eroded, forward};
use closed_form::{picture, uniform};
use closeness::{assert_agrees, values};
use shared::burn::tensor::{Tensor, s};
use shared::device::cpu;
use shared::models::efficientnet_lite::Variant;
use shared::network::{Erosion, Network};
use shared::weights::{NamedTensor, NamedTensors, Precision, StoredTensors, from_safetensors};

fn golden() -> NamedTensors {
    let golden = from_safetensors(include_bytes!("golden/efficientnet-lite0.safetensors"));
    golden.unwrap().into_iter().collect()
}

fn formula(name: &str, shape: &[usize]) -> NamedTensor {
    let (centre, amplitude) = if name.ends_with("running_var") {
        (1.0, 0.5)
    } else if name.ends_with("running_mean") {
        (0.0, 1.0)
    } else if name.ends_with("_bn2.weight") {
        (0.25, 0.05)
    } else if name.contains("_bn") && name.ends_with("weight") {
        (2.0, 0.4)
    } else if name.ends_with("bias") {
        (0.0, 1.0)
    } else {
        (0.0, (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt())
    };
    let count = shape.iter().product();
    let values = uniform(name).take(count).map(|u| (centre + amplitude * u) as f32).collect();
    NamedTensor { shape: shape.to_vec(), values }
}

fn weights(variant: Variant) -> NamedTensors {
    let tensors = variant.published_tensors().into_iter();
    tensors.map(|(name, shape)| (name.clone(), formula(&name, &shape))).collect()
}

/// A file of the network's weights, batch normalisation folded in.
fn folded(precision: Precision) -> Vec<u8> {
    Variant::Lite0.folded(weights(Variant::Lite0), precision, &Default::default()).unwrap()
}

fn logits<'a>(weights: impl Into<StoredTensors<'a>>) -> Vec<f32> {
    values(seen(&network(weights), &["logits"]).1[0].clone())
}

fn network<'a>(weights: impl Into<StoredTensors<'a>>) -> Network {
    Variant::Lite0.blueprint().load(weights, &cpu()).unwrap()
}

/// The picture of the script, tracked, and what the network makes of it.
fn seen(network: &Network, taps: &[&str]) -> (Tensor<4>, Vec<Tensor<4>>) {
    let rgb = picture(45, 52, 1.12).autodiff().require_grad();
    let input = network.info().preprocessing.apply(rgb.clone());
    let caught = forward(network, input, taps).unwrap();
    (rgb, taps.iter().map(|tap| caught.get(tap).unwrap()).collect())
}

#[test]
fn every_layer_agrees_with_an_independent_definition() {
    let expected = golden();
    let network = network(weights(Variant::Lite0));
    let mut compared = 0;
    for (name, tensor) in &expected {
        // `block3.expanded.mean.every_fourth` is the mean of every fourth channel of
        // `block3_expanded`.
        let Some((layer, step)) = name
            .strip_suffix(".mean")
            .map(|layer| (layer, 1))
            .or_else(|| Some((name.strip_suffix(".mean.every_fourth")?, 4)))
        else {
            continue;
        };
        let (_, caught) = seen(&network, &[layer.replace('.', "_").as_str()]);
        let means = values(caught[0].clone().mean_dims(&[2, 3]));
        let means: Vec<f32> = means.into_iter().step_by(step).collect();
        assert_agrees(name, &means, &tensor.values);
        compared += 1;
    }
    assert!(40 < compared, "{compared}");
    let (_, caught) = seen(&network, &["logits"]);
    assert_agrees("logits", &values(caught[0].clone()), &expected["logits"].values);
}

#[test]
fn input_gradients_agree_with_an_independent_definition() {
    let expected = golden();
    let network = network(weights(Variant::Lite0));
    for (score, layer, channel) in [("block8.channel11", "block8", 11), ("logit5", "logits", 5)] {
        let (rgb, caught) = seen(&network, &[layer]);
        let mut gradients = caught[0].clone().narrow(1, channel, 1).mean().backward();
        let gradient = rgb.grad_remove(&mut gradients).unwrap();
        let agrees = |part: &str, found: Tensor<4>| {
            let name = format!("{score}.gradient.{part}");
            assert_agrees(&name, &values(found), &expected[&name].values);
        };
        agrees("row_sums", gradient.clone().sum_dim(3));
        agrees("column_sums", gradient.clone().sum_dim(2));
        agrees("every_second", gradient.slice(s![.., .., ..;2, ..;2]));
    }
}

/// What goes past a residual block counts by one factor in each picture.
#[test]
fn erosion_weighs_what_goes_past_a_block() {
    let network = network(weights(Variant::Lite0));
    let input = network.info().preprocessing.apply(picture(45, 52, 1.12));
    let input = Tensor::cat(vec![input.clone(), input], 0);
    let taps = ["block1", "block2_projected", "block2"];
    let caught = eroded(&network, input, &taps, Erosion::new(0.3, 1)).unwrap();
    let [past, through, sum] = taps.map(|tap| values(caught.get(tap).unwrap()));
    let half = sum.len() / 2;
    let factors = [0..half, half..sum.len()].map(|places| {
        let dot = |left: &dyn Fn(usize) -> f32| places.clone().map(|at| left(at) * past[at]).sum();
        let (along, whole): (f32, f32) = (dot(&|at| sum[at] - through[at]), dot(&|at| past[at]));
        let factor = along / whole;
        for at in places {
            let expected = through[at] + factor * past[at];
            assert!((sum[at] - expected).abs() < 1e-4, "{} {expected}", sum[at]);
        }
        factor
    });
    assert!(factors.iter().all(|factor| (0.7..=1.3).contains(factor)), "{factors:?}");
    assert!((factors[0] - factors[1]).abs() > 1e-3, "{factors:?}");
}

#[test]
fn folded_weights_are_the_same_network() {
    let published = weights(Variant::Lite0);
    let folded = folded(Precision::F32);
    let folded = from_safetensors(&folded).unwrap();
    assert!(folded.shape("block3_depthwise.weight").is_some() && folded.len() < published.len());
    assert_eq!(logits(folded), logits(published));
}

#[test]
fn eight_bits_give_nearly_the_same_network() {
    let bytes = folded(Precision::Q8);
    assert!(bytes.len() < 4_900_000, "{}", bytes.len());
    let small = logits(from_safetensors(&bytes).unwrap());
    let exact = logits(weights(Variant::Lite0));
    let square = |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum();
    let difference: f32 = square(&mut exact.iter().zip(&small).map(|(a, b)| a - b));
    let whole: f32 = square(&mut exact.iter().copied());
    assert!(difference < 0.01 * whole, "{difference} of {whole}");
}

#[test]
fn every_published_name_finds_its_layer() {
    let info = Variant::Lite0.blueprint().info;
    for (alias, canonical) in [
        ("_conv_stem", "stem_pre_relu"),
        ("bn1", "stem"),
        ("_blocks.3._depthwise_conv", "block3_depthwise_pre_relu"),
        ("blocks.2.0.conv_dw", "block3_depthwise_pre_relu"),
        ("blocks.2.0.bn2", "block3_depthwise"),
        ("blocks.0.0.conv_pw", "block0_projected"),
        ("blocks.2.0.conv_pw", "block3_expanded_pre_relu"),
        ("blocks.2.0.conv_pwl", "block3_projected"),
        ("_blocks.15", "block15"),
        ("blocks.6.0", "block15"),
        ("conv_head", "head_pre_relu"),
        ("classifier", "logits"),
    ] {
        assert_eq!(info.layer(alias).unwrap().name, canonical, "{alias}");
    }
    // No name means two layers.
    let mut names: Vec<_> =
        info.layers.iter().flat_map(|layer| layer.aliases.iter().chain([&layer.name])).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn what_does_not_fit_is_named_all_at_once() {
    let mut wrong = weights(Variant::Lite0);
    wrong.remove("_fc.bias");
    wrong.insert("_fc.extra".to_owned(), formula("_fc.extra", &[1]));
    if let Some(tensor) = wrong.get_mut("_blocks.3._bn1.running_var") {
        tensor.values[7] = -1.0;
    }
    let Err(error) = Variant::Lite0.blueprint().load(wrong, &cpu()) else {
        panic!("wrong weights were taken");
    };
    let error = error.to_string();
    for part in ["_fc.bias is missing", "_fc.extra is unexpected", "-1 at 7"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn weights_of_another_model_are_refused_in_one_sentence() {
    let others = NamedTensors::from([
        ("conv1/7x7_s2.bias".to_owned(), formula("bias", &[64])),
        ("conv1/7x7_s2.weight".to_owned(), formula("weight", &[64, 3, 7, 7])),
    ]);
    let Err(error) = Variant::Lite0.blueprint().load(others, &cpu()) else {
        panic!("wrong weights were taken");
    };
    let error = error.to_string();
    assert!(error.contains("expected _conv_stem.weight"), "{error}");
    assert!(error.contains("found conv1/7x7_s2.bias") && !error.contains(';'), "{error}");
}

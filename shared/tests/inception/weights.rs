//! Which tensors the network takes, and what it says of those it does not.

use std::collections::BTreeMap;

use shared::device::cpu;
use shared::models::inception::Variant;
use shared::weights::{
    NamedTensor, NamedTensors, Precision, StoredTensors, from_caffemodel, from_safetensors,
    to_safetensors,
};

use crate::caught::forward;
use crate::protobuf::{field, number_field};
use crate::{formula, values};

fn logits<'a>(variant: Variant, weights: impl Into<StoredTensors<'a>>) -> Vec<f32> {
    let network = variant.blueprint().load(weights, &cpu()).unwrap();
    let input = network.info().preprocessing.apply(formula::picture());
    let caught = forward(&network, input, &["logits"]).unwrap();
    values(caught.get("logits").unwrap())
}

fn refusal(variant: Variant, weights: NamedTensors) -> String {
    variant.blueprint().load(weights, &cpu()).err().unwrap().to_string()
}

/// Caffe's layer as Lucent calls it.
fn lucent_name(caffe: &str) -> String {
    let info = Variant::GoogLeNet.blueprint().info;
    let (layer, part) = caffe.rsplit_once('.').unwrap();
    match info.layer(layer).unwrap().name.as_str() {
        "logits" => format!("softmax2_pre_activation_matmul.{part}"),
        canonical => format!("{canonical}_pre_relu_conv.{part}"),
    }
}

#[test]
fn the_naming_of_the_file_makes_no_difference() {
    let caffe = formula::weights(Variant::GoogLeNet);
    let lucent: NamedTensors =
        caffe.iter().map(|(name, tensor)| (lucent_name(name), tensor.clone())).collect();
    assert_eq!(logits(Variant::GoogLeNet, lucent), logits(Variant::GoogLeNet, caffe));
}

/// The tensors as Caffe wrote them in 2014: `V1LayerParameter`, blobs of four axes.
fn caffemodel(tensors: &NamedTensors) -> Vec<u8> {
    let blob = |tensor: &NamedTensor| {
        let axes = [vec![1; 4 - tensor.shape.len()], tensor.shape.clone()].concat();
        let axes = axes.iter().zip(1..).map(|(axis, number)| number_field(number, *axis));
        let data: Vec<u8> = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        [axes.collect::<Vec<_>>().concat(), field(5, &data)].concat()
    };
    let layers = tensors.keys().filter_map(|name| name.strip_suffix(".weight"));
    let layers = layers.map(|layer| {
        let [weight, bias] =
            ["weight", "bias"].map(|part| field(6, &blob(&tensors[&format!("{layer}.{part}")])));
        field(2, &[field(4, layer.as_bytes()), weight, bias].concat())
    });
    [field(1, b"GoogleNet"), layers.collect::<Vec<_>>().concat()].concat()
}

#[test]
fn a_caffemodel_gives_the_same_tensors_as_safetensors() {
    let weights = formula::weights(Variant::GoogLeNet);
    let file = caffemodel(&weights);
    let read: NamedTensors = from_caffemodel(&file).unwrap().into_iter().collect();
    assert!(read == weights);
}

#[test]
fn every_variant_has_as_many_tensors_as_its_publication() {
    let counts = Variant::ALL.map(|variant| variant.published_tensors().len());
    // 58 layers with weight and bias; or 57 with weight and normalisation, one with bias.
    assert_eq!(counts, [116, 116, 57 * 5 + 2]);
    let parameters: usize = Variant::GoogLeNet
        .published_tensors()
        .values()
        .map(|shape| shape.iter().product::<usize>())
        .sum();
    assert_eq!(parameters, 6_998_552);
}

#[test]
fn folded_batch_norm_is_the_same_function_in_another_naming() {
    // With scale 1, shift 0, mean 0 and variance 1 - epsilon, batch normalisation does nothing.
    let mut normalised = formula::weights(Variant::GoogLeNetTorchvision);
    let mut plain = NamedTensors::new();
    let info = Variant::GoogLeNetTorchvision.blueprint().info;
    for (name, tensor) in &mut normalised {
        let fill = |value| vec![value; tensor.values.len()];
        let (layer, part) = name.rsplit_once('.').unwrap();
        match (layer.rsplit_once('.').map(|(_, last)| last), part) {
            (Some("bn"), "weight") => tensor.values = fill(1.0),
            (Some("bn"), "running_var") => tensor.values = fill(1.0 - 1e-3),
            (Some("bn"), _) => tensor.values = fill(0.0),
            _ => {
                let canonical = &info.layer(layer).unwrap().name;
                let prefix = match canonical.as_str() {
                    "logits" => "softmax2_pre_activation_matmul".to_owned(),
                    canonical => format!("{canonical}_conv"),
                };
                if part == "weight" && canonical != "logits" {
                    let zeros = vec![0.0; tensor.shape[0]];
                    let bias = NamedTensor { shape: vec![tensor.shape[0]], values: zeros };
                    plain.insert(format!("{prefix}.bias"), bias);
                }
                plain.insert(format!("{prefix}.{part}"), tensor.clone());
            }
        }
    }
    let variant = Variant::GoogLeNetTorchvision;
    let (folded, plain) = (logits(variant, normalised), logits(variant, plain));
    for (found, expected) in folded.iter().zip(&plain) {
        assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{found} {expected}");
    }
}

#[test]
fn half_precision_moves_the_logits_by_less_than_a_hundredth() {
    let weights = formula::weights(Variant::InceptionV1);
    let bytes = to_safetensors(&weights, Precision::F16, &BTreeMap::new()).unwrap();
    let exact = logits(Variant::InceptionV1, weights);
    let half = logits(Variant::InceptionV1, from_safetensors(&bytes).unwrap());
    let size = exact.iter().fold(0.0_f32, |size, value| size.max(value.abs()));
    for (found, expected) in half.iter().zip(&exact) {
        assert!((found - expected).abs() < 0.01 * size, "{found} {expected}");
    }
}

#[test]
fn whatever_does_not_fit_is_named_in_one_error() {
    let mut weights = formula::weights(Variant::GoogLeNet);
    weights.remove("inception_4a/5x5.weight");
    weights.remove("loss3/classifier.bias");
    weights.insert("conv9.weight".to_owned(), NamedTensor { shape: vec![1], values: vec![0.0] });
    weights.get_mut("conv1/7x7_s2.weight").unwrap().shape = vec![3, 64, 7, 7];
    weights.get_mut("conv2/3x3.bias").unwrap().values[7] = f32::NAN;
    weights.get_mut("inception_5b/1x1.bias").unwrap().values[0] = f32::INFINITY;
    let error = refusal(Variant::GoogLeNet, weights);
    for part in [
        "do not fit googlenet",
        "inception_4a/5x5.weight is missing, expected with shape [48, 16, 5, 5]",
        "loss3/classifier.bias is missing",
        "conv9.weight is unexpected",
        "conv1/7x7_s2.weight has shape [3, 64, 7, 7], expected [64, 3, 7, 7]",
        "conv2/3x3.bias holds NaN at 7",
        "inception_5b/1x1.bias holds inf at 0",
    ] {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
    assert_eq!(error.matches(';').count(), 5, "{error}");
}

#[test]
fn weights_of_another_variant_are_refused_by_shape() {
    let error = refusal(Variant::InceptionV1, formula::weights(Variant::GoogLeNet));
    assert!(
        error.contains(
            "inception_4a/3x3.weight has shape [208, 96, 3, 3], expected [204, 96, 3, 3]"
        ),
        "{error}"
    );
    assert!(error.contains("loss3/classifier.bias has shape [1000], expected [1008]"), "{error}");
}

#[test]
fn a_negative_variance_is_refused() {
    let mut weights = formula::weights(Variant::GoogLeNetTorchvision);
    weights.get_mut("inception3b.branch3.1.bn.running_var").unwrap().values[2] = -0.5;
    let error = refusal(Variant::GoogLeNetTorchvision, weights);
    assert!(error.contains("inception3b.branch3.1.bn.running_var holds -0.5 at 2"), "{error}");
}

#[test]
fn what_only_training_needed_is_ignored() {
    let plain = formula::weights(Variant::GoogLeNet);
    let mut with_heads = plain.clone();
    for name in
        ["loss1/conv.weight", "loss2/fc.bias", "conv1.bn.num_batches_tracked", "aux1.fc1.weight"]
    {
        with_heads.insert(name.to_owned(), NamedTensor { shape: vec![1], values: vec![1.0] });
    }
    assert_eq!(logits(Variant::GoogLeNet, with_heads), logits(Variant::GoogLeNet, plain));
}

#[test]
fn an_empty_file_names_everything_that_is_missing() {
    let error = refusal(Variant::GoogLeNet, NamedTensors::new());
    assert_eq!(error.matches("is missing").count(), 116, "{error}");
}

//! Outputs of the network against those of independent implementations.

use std::fs;

use shared::burn::tensor::{Tensor, TensorData, s};
use shared::device::cpu;
use shared::models::inception::Variant;
use shared::network::Network;
use shared::weights::{NamedTensor, NamedTensors, from_safetensors};

use crate::caught::forward;
use crate::closeness::assert_agrees;
use crate::{formula, reference, values};

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

struct Reference {
    tensors: NamedTensors,
    network: Network,
}

fn trained_googlenet() -> Option<Reference> {
    let weights = reference::path("weights/bvlc_googlenet.safetensors")?;
    let golden = reference::path("golden/googlenet.safetensors")?;
    let read = |path| -> NamedTensors {
        from_safetensors(&fs::read(path).unwrap()).unwrap().into_iter().collect()
    };
    let network = Variant::GoogLeNet.blueprint().load(read(weights), &cpu()).unwrap();
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

#[test]
fn googlenet_reproduces_every_layer_of_the_reference_at_two_sizes() {
    let Some(reference) = trained_googlenet() else { return };
    let taps: Vec<_> =
        REFERENCE_NAMES.iter().map(|(_, name)| *name).chain(["avgpool0", "logits"]).collect();
    for size in ["128", "224"] {
        let input = reference.input(&format!("input{size}"));
        let caught = forward(&reference.network, input, &taps).unwrap();
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
        let caught = forward(&reference.network, input.clone(), &[layer]).unwrap();
        let score = caught.get(layer).unwrap().narrow(1, channel, 1).mean();
        assert_agrees(value_name, &values(score.clone()), &reference.get(value_name).values);
        let mut gradients = score.backward();
        let gradient = input.grad_remove(&mut gradients).unwrap();
        assert_agrees(gradient_name, &values(gradient), &reference.get(gradient_name).values);
    }
}

fn check_against_script(variant: Variant, golden: &[u8]) {
    let expected: NamedTensors = from_safetensors(golden).unwrap().into_iter().collect();
    let network = formula::network(variant);
    let rgb = formula::picture().autodiff().require_grad();
    let input = network.info().preprocessing.apply(rgb.clone());

    let means: Vec<_> = expected.keys().filter_map(|name| name.strip_suffix(".mean")).collect();
    assert!(15 < means.len());
    let taps: Vec<_> = means.iter().copied().chain(["logits"]).collect();
    let caught = forward(&network, input, &taps).unwrap();
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
    let golden = include_bytes!("../golden/inception-v1.safetensors");
    check_against_script(Variant::InceptionV1, golden);
}

#[test]
fn googlenet_torchvision_agrees_with_torchvision() {
    let golden = include_bytes!("../golden/googlenet-torchvision.safetensors");
    check_against_script(Variant::GoogLeNetTorchvision, golden);
}

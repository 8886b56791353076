//! Taps: which there are, what they are called, what they give.

use std::collections::BTreeSet;

use shared::burn::tensor::{Tensor, s};
use shared::device::cpu;
use shared::models::inception::Variant;
use shared::network::{Erosion, Network};
use shared::tap::{Grid, LayerInfo, Role, Sees};

use crate::caught::{Caught, eroded, forward};
use crate::{formula, values};

/// The network's input for a square part of the formula's picture.
fn input(network: &Network, side: usize) -> Tensor<4> {
    network.info().preprocessing.apply(formula::picture().slice(s![.., .., ..side, ..side]))
}

fn run(network: &Network, side: usize, taps: &[&str]) -> Caught {
    forward(network, input(network, side), taps).unwrap()
}

fn layer_names(network: &Network) -> Vec<&str> {
    network.info().layers.iter().map(|layer| layer.name.as_str()).collect()
}

#[test]
fn every_tap_gives_the_channels_and_positions_its_description_promises() {
    for variant in Variant::ALL {
        let network = formula::network(variant);
        let caught = run(&network, 64, &layer_names(&network));
        for layer in &network.info().layers {
            let side = layer.grid.stride().map_or(1, |stride| 64 / stride);
            let dims = caught.get(&layer.name).unwrap().dims();
            assert_eq!(dims, [1, layer.channels, side, side], "{}", layer.name);
        }
    }
}

#[test]
fn relu_of_the_tap_before_is_the_tap_after() {
    let network = formula::network(Variant::GoogLeNet);
    let caught = run(&network, 64, &layer_names(&network));
    let mut pairs = 0;
    for layer in &network.info().layers {
        let Some(after) = layer.name.strip_suffix("_pre_relu") else { continue };
        assert_eq!(layer.role, Role::BeforeNonlinearity);
        let before = values(caught.get(&layer.name).unwrap());
        assert!(before.iter().any(|value| *value < 0.0), "{}", layer.name);
        let rectified: Vec<_> = before.iter().map(|value| value.max(0.0)).collect();
        assert_eq!(rectified, values(caught.get(after).unwrap()), "{after}");
        pairs += 1;
    }
    assert_eq!(pairs, 3 + 9 * 7);
}

#[test]
fn a_tap_alone_gives_what_it_gives_among_all_others() {
    let network = formula::network(Variant::GoogLeNet);
    let all = run(&network, 64, &layer_names(&network));
    for name in layer_names(&network) {
        let alone = run(&network, 64, &[name]);
        assert_eq!(alone.0.keys().collect::<Vec<_>>(), [name]);
        assert_eq!(values(alone.get(name).unwrap()), values(all.get(name).unwrap()), "{name}");
    }
}

/// What a module gives on is its branches, each by a factor; what is caught of it is untouched.
#[test]
fn erosion_weighs_a_modules_branches() {
    let network = formula::network(Variant::GoogLeNet);
    let taps = ["mixed3a", "mixed3b_pool"];
    let caught = eroded(&network, input(&network, 64), &taps, Erosion::new(0.3, 1)).unwrap();
    let exact = run(&network, 64, &taps);
    assert_eq!(values(caught.get("mixed3a").unwrap()), values(exact.get("mixed3a").unwrap()));
    let [eroded, exact] = [&caught, &exact].map(|caught| caught.get("mixed3b_pool").unwrap());
    // The branches' widths (Szegedy et al. 2014, table 1).
    let mut from = 0;
    let factors = [64, 128, 32, 32].map(|width| {
        let part = |tensor: &Tensor<4>| values(tensor.clone().narrow(1, from, width));
        let (eroded, exact) = (part(&eroded), part(&exact));
        from += width;
        let factor = eroded.iter().sum::<f32>() / exact.iter().sum::<f32>();
        for (found, value) in eroded.iter().zip(&exact) {
            let expected = factor * value;
            assert!((found - expected).abs() < 1e-4 * value.max(1.0), "{found} {expected}");
        }
        factor
    });
    assert!(factors.iter().all(|factor| (0.7..=1.3).contains(factor)), "{factors:?}");
    assert!(factors.windows(2).all(|pair| (pair[0] - pair[1]).abs() > 1e-3), "{factors:?}");
}

#[test]
fn a_batch_gives_what_its_pictures_give_one_by_one() {
    let network = formula::network(Variant::InceptionV1);
    let picture = input(&network, 48);
    let mirrored = picture.clone().flip([3]);
    let logits = |input| {
        let caught = forward(&network, input, &["logits"]).unwrap();
        values(caught.get("logits").unwrap())
    };
    let together = logits(Tensor::cat(vec![picture.clone(), mirrored.clone()], 0));
    let apart = [logits(picture), logits(mirrored)].concat();
    for (found, expected) in together.iter().zip(&apart) {
        assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{found} {expected}");
    }
}

#[test]
fn published_names_resolve_to_the_canonical_layer() {
    let cases = [
        ("conv1/7x7_s2", "conv2d0"),
        ("conv1/relu_7x7", "conv2d0"),
        ("pool1/3x3_s2", "maxpool0"),
        ("pool1/norm1", "localresponsenorm0"),
        ("conv2/3x3_reduce", "conv2d1"),
        ("conv2/3x3", "conv2d2"),
        ("conv2/norm2", "localresponsenorm1"),
        ("inception_4a/output", "mixed4a"),
        ("inception_4a/1x1", "mixed4a_1x1"),
        ("inception_4a/relu_1x1", "mixed4a_1x1"),
        ("inception_4a/3x3_reduce", "mixed4a_3x3_bottleneck"),
        ("inception_4a/5x5", "mixed4a_5x5"),
        ("inception_4a/pool", "mixed4a_pool"),
        ("inception_4a/pool_proj", "mixed4a_pool_reduce"),
        ("pool3/3x3_s2", "maxpool4"),
        ("pool5/7x7_s1", "avgpool0"),
        ("loss3/classifier", "logits"),
        ("conv1", "conv2d0"),
        ("conv1.conv", "conv2d0_pre_relu"),
        ("conv3", "conv2d2"),
        ("inception4a", "mixed4a"),
        ("inception4a.branch1", "mixed4a_1x1"),
        ("inception4a.branch1.conv", "mixed4a_1x1_pre_relu"),
        ("inception4a.branch1.bn", "mixed4a_1x1_pre_relu"),
        ("inception4a.branch2.0", "mixed4a_3x3_bottleneck"),
        ("inception4a.branch2.0.conv", "mixed4a_3x3_bottleneck_pre_relu"),
        ("inception4a.branch2.1.conv", "mixed4a_3x3_pre_relu"),
        ("inception4a.branch2", "mixed4a_3x3"),
        ("inception4a.branch4.0", "mixed4a_pool"),
        ("inception4a.branch4", "mixed4a_pool_reduce"),
        ("fc", "logits"),
        ("mixed4a", "mixed4a"),
        ("mixed4a_1x1_pre_relu_conv", "mixed4a_1x1_pre_relu"),
        ("softmax2_pre_activation_matmul", "logits"),
    ];
    for variant in Variant::ALL {
        let info = variant.blueprint().info;
        for (alias, canonical) in cases {
            let has_it = info.layers.iter().any(|layer| layer.name == canonical);
            let found = info.layer(alias).map(|layer| layer.name.as_str());
            match has_it {
                true => assert_eq!(found.unwrap(), canonical, "{} {alias}", info.name),
                // torchvision's network has no normalisation.
                false => assert!(canonical.starts_with("localresponsenorm") && found.is_err()),
            }
        }
    }
}

#[test]
fn no_name_means_two_layers() {
    for variant in Variant::ALL {
        let mut seen = BTreeSet::new();
        for layer in variant.blueprint().info.layers {
            for name in layer.aliases.into_iter().chain([layer.name]) {
                assert!(!name.is_empty() && seen.insert(name.clone()), "{name}");
            }
        }
    }
}

#[test]
fn an_unknown_tap_is_answered_with_the_nearest_name() {
    let network = formula::network(Variant::GoogLeNet);
    let input = Tensor::zeros([1, 3, 32, 32], &cpu());
    let error = forward(&network, input, &["mixd4a"]).unwrap_err().to_string();
    assert!(error.contains("mixd4a") && error.contains("mixed4a"), "{error}");
}

#[test]
fn strides_and_receptive_fields_are_those_counted_by_hand() {
    // (layer, stride, receptive field in BVLC's network, in torchvision's)
    let by_hand = [
        ("conv2d0", 2, 7, 7),
        ("maxpool0", 4, 11, 11),
        ("conv2d1", 4, 11, 11),
        ("conv2d2", 4, 19, 19),
        ("maxpool1", 8, 27, 27),
        // Its widest branch is 5x5 (torchvision: 3x3): 27 + 4 * 8, or 27 + 2 * 8.
        ("mixed3a", 8, 59, 43),
        ("mixed3a_1x1", 8, 27, 27),
        ("mixed3a_3x3", 8, 43, 43),
        ("mixed3a_pool_reduce", 8, 43, 43),
        ("mixed3b", 8, 91, 59),
        ("maxpool4", 16, 107, 75),
        ("mixed4a", 16, 171, 107),
        ("mixed4e", 16, 427, 235),
        // torchvision's last pooling is 2x2.
        ("maxpool10", 32, 459, 251),
        ("mixed5b", 32, 715, 379),
    ];
    let [caffe, torchvision] =
        [Variant::GoogLeNet, Variant::GoogLeNetTorchvision].map(|variant| variant.blueprint().info);
    let sight = |layer: &LayerInfo| (layer.grid.stride(), layer.sees.pixels());
    for (name, stride, receptive_field, in_torchvision) in by_hand {
        let layer = caffe.layer(name).unwrap();
        assert_eq!(sight(layer), (Some(stride), Some(receptive_field)), "{name}");
        let layer = torchvision.layer(name).unwrap();
        assert_eq!(sight(layer), (Some(stride), Some(in_torchvision)), "{name}");
    }
    for name in ["avgpool0", "logits"] {
        let layer = caffe.layer(name).unwrap();
        assert_eq!((layer.grid, layer.sees), (Grid::None, Sees::Everything), "{name}");
    }
}

#[test]
fn one_position_depends_on_no_more_than_its_receptive_field() {
    let network = formula::network(Variant::GoogLeNetTorchvision);
    for (layer, place) in [("conv2d0", 16), ("conv2d2", 8), ("mixed3a", 4), ("mixed3b", 4)] {
        let input = input(&network, 77).autodiff().require_grad();
        let caught = forward(&network, input.clone(), &[layer]).unwrap();
        let score = caught.get(layer).unwrap().slice(s![.., .., place, place]).sum();
        let gradient = input.grad_remove(&mut score.backward()).unwrap();
        let columns = values(gradient.abs().sum_dim(2).sum_dim(1));
        let touched: Vec<_> = (0..columns.len()).filter(|x| columns[*x] != 0.0).collect();
        let width = touched[touched.len() - 1] - touched[0] + 1;
        let promised = network.info().layer(layer).unwrap().sees.pixels().unwrap();
        assert!(width <= promised && promised <= 2 * width, "{layer}: {width} of {promised}");
    }
}

#[test]
fn an_input_too_small_for_a_layer_is_refused_with_the_smallest_that_works() {
    for variant in [Variant::GoogLeNet, Variant::GoogLeNetTorchvision] {
        let network = formula::network(variant);
        let forward = |height, width, tap| {
            let input = Tensor::zeros([1, 3, height, width], &cpu());
            forward(&network, input, &[tap])
        };
        // 1, after the first convolution still 1, is too short for a 3x3 pooling.
        let error = forward(1, 40, "logits").unwrap_err().to_string();
        assert!(error.contains("40x1 pixels"), "{error}");
        let words: Vec<_> = error.split_whitespace().collect();
        let smallest = words.iter().rev().find_map(|word| word.split_once('x')).unwrap();
        let smallest: usize = smallest.0.parse().unwrap();
        assert!(forward(smallest, smallest, "logits").is_ok());
        assert!(forward(smallest - 1, smallest, "logits").is_err());
        // No layer behind the one asked for counts.
        assert!(forward(1, 1, "conv2d0").is_ok());
    }
    let network = formula::network(Variant::InceptionV1);
    let caught = forward(&network, Tensor::zeros([1, 3, 1, 1], &cpu()), &["logits"]);
    assert_eq!(caught.unwrap().get("logits").unwrap().dims(), [1, 1008, 1, 1]);
}

#[test]
fn gradients_flow_to_the_picture_and_nothing_else_is_tracked() {
    let weights = formula::weights(Variant::GoogLeNet);
    // Even a device that tracks gradients must not make the weights tracked.
    let network = Variant::GoogLeNet.blueprint().load(weights, &cpu().autodiff()).unwrap();
    let caught = run(&network, 32, &["mixed3a"]);
    let output = caught.get("mixed3a").unwrap();
    assert_eq!(output.device(), cpu());
    let tracked = input(&network, 32).autodiff().require_grad();
    let caught = forward(&network, tracked.clone(), &["mixed3a"]).unwrap();
    let mut gradients = caught.get("mixed3a").unwrap().sum().backward();
    assert!(tracked.grad_remove(&mut gradients).is_some());
}

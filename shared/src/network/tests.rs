//! A small network of every kind of join, with weights from a formula.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::device::{cpu, read};
use crate::image::Resampling;
use crate::models::inception;
use crate::ops::{Padding, Pool};
use crate::preprocess::{ChannelOrder, Preprocessing, Resize};
use crate::tap::{Activations, Grid, LayerInfo, Role, Sees};
use crate::weights::{NamedTensor, NamedTensors};

fn window(kernel: usize, stride: usize) -> Pool {
    Pool { kernel, stride, padding: Padding::Symmetric(kernel / 2) }
}

/// stem -> { left, right } joined -> block (residual, depthwise) -> logits
fn blueprint() -> Blueprint {
    let mut graph = Graph::default();
    let convolution = |graph: &mut Graph, name: &str, input, outputs, window, groups| {
        let node = graph
            .convolution(input, outputs, window, groups, |shape| vec![Source::biased(name, shape)]);
        graph.layer(node, format!("{name}_pre_relu"), Vec::new(), Role::BeforeNonlinearity);
        let node = graph.relu(node);
        graph.layer(node, name, Vec::new(), Role::Features)
    };
    let stem = convolution(&mut graph, "stem", Graph::PICTURE, 6, window(3, 2), 1);
    let left = convolution(&mut graph, "left", stem, 4, window(1, 1), 1);
    let right = convolution(&mut graph, "right", stem, 4, window(3, 1), 2);
    let joined = graph.concatenate(vec![left, right]);
    let joined = graph.layer(joined, "joined", Vec::new(), Role::Features);
    let paths = graph.paths(joined, &[left, right]);
    let block = convolution(&mut graph, "deep", paths, 8, window(3, 1), 8);
    let block = graph.residual(block, paths);
    let block = graph.layer(block, "block", Vec::new(), Role::Features);
    let mean = graph.mean(block);
    let logits = graph.linear(mean, 5, |shape| vec![Source::biased("logits", shape)]);
    graph.layer(logits, "logits", Vec::new(), Role::Classes);
    let info = ModelInfo {
        name: "small",
        title: "Small",
        origin: "a formula",
        preprocessing: Preprocessing {
            order: ChannelOrder::Rgb,
            scale: [2.0; 3],
            offset: [-1.0; 3],
            resize: Resize::ShorterSide(8),
            resampling: Resampling::Bilinear,
            crop: 8,
        },
        layers: Vec::new(),
    };
    Blueprint::new(info, graph, |_| false)
}

fn ramp(shape: &[usize], phase: f32) -> Vec<f32> {
    let count = shape.iter().product::<usize>();
    (0..count).map(|place| (place as f32 * 0.73 + phase).sin()).collect()
}

fn network() -> Network {
    let blueprint = blueprint();
    let tensors = blueprint.tensors(0).into_iter().zip(1_u8..);
    let weights = tensors.map(|((name, shape), phase)| {
        let values = ramp(&shape, f32::from(phase)).iter().map(|value| 0.5 * value).collect();
        (name, NamedTensor { shape, values })
    });
    let weights: NamedTensors = weights.collect();
    blueprint.load(weights, &cpu()).unwrap()
}

fn picture() -> Tensor<4> {
    let shape = [2, 3, 9, 7];
    Tensor::from_data(TensorData::new(ramp(&shape, 0.2), shape), &cpu())
}

fn id(network: &Network, name: &str) -> LayerId {
    network.info().layer_id(name).unwrap()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    pollster::block_on(read(tensor.inner())).unwrap()
}

fn caught(network: &Network, start: Start, layer: &str, edits: &[Edit]) -> Result<Tensor<4>> {
    let layer = id(network, layer);
    let taps = [layer];
    let pass = Pass { edits, ..Pass::to(&taps) };
    Ok(network.forward(start, &pass)?.grid(layer).unwrap())
}

fn seen(network: &Network, layer: &str) -> Tensor<4> {
    caught(network, Start::Picture(picture()), layer, &[]).unwrap()
}

#[test]
fn layers_know_their_grid_and_what_they_see() {
    let info = blueprint().info;
    let of = |name: &str| {
        let LayerInfo { channels, grid, sees, .. } = info.layer(name).unwrap();
        (*channels, *grid, *sees)
    };
    let grid = Grid::Convolutional { stride: 2 };
    assert_eq!(of("stem"), (6, grid, Sees::Pixels(3)));
    assert_eq!(of("left"), (4, grid, Sees::Pixels(3)));
    // The widest branch counts: 3 + 2 * 2.
    assert_eq!(of("joined"), (8, grid, Sees::Pixels(7)));
    assert_eq!(of("block"), (8, grid, Sees::Pixels(11)));
    assert_eq!(of("logits"), (5, Grid::None, Sees::Everything));
    assert_eq!(info.classes().unwrap(), info.layer_id("logits").unwrap());
}

#[test]
fn a_pass_that_starts_behind_a_layer_goes_on_as_the_whole_does() {
    let network = network();
    for from in ["stem_pre_relu", "stem", "joined", "block", "logits"] {
        let start = Start::After(id(&network, from), seen(&network, from).into());
        let found = values(caught(&network, start, "logits", &[]).unwrap());
        assert_eq!(found, values(seen(&network, "logits")), "{from}");
    }
}

#[test]
fn a_start_that_does_not_carry_what_is_tapped_is_refused() {
    let network = network();
    for (from, to) in [("left", "joined"), ("deep", "block"), ("block", "stem")] {
        let start = Start::After(id(&network, from), seen(&network, from).into());
        let error = caught(&network, start, to, &[]).unwrap_err().to_string();
        let expected = format!("{from}; it must be a layer that alone carries {to}");
        assert!(error.contains(&expected), "{error}");
    }
    let start = Start::After(id(&network, "stem"), seen(&network, "joined").into());
    let error = caught(&network, start, "joined", &[]).unwrap_err().to_string();
    assert_eq!(error, "the input is 8 channels; it must be 6 channels");
}

#[test]
fn the_way_back_gives_what_the_whole_gradients_graph_gives() {
    let network = network();
    let layers = ["stem", "joined", "logits"].map(|name| id(&network, name));
    let score = |caught: &Activations| {
        let of = |layer: &LayerId| caught.grid(*layer).unwrap().square().sum();
        layers.iter().map(of).reduce(|one, other| one + other).unwrap()
    };
    let tracked = picture().autodiff().require_grad();
    let whole = network.forward(Start::Picture(tracked.clone()), &Pass::to(&layers)).unwrap();
    let expected = tracked.grad_remove(&mut score(&whole).backward()).unwrap();

    let (found, pullback) = network.look(Start::Picture(picture()), &Pass::to(&layers)).unwrap();
    assert!(found.0.values().all(|value| !value.grid.is_autodiff()));
    let found = found.tracked();
    let gradient = pullback.pull(found.gradients(score(&found))).unwrap().grid;
    for (found, expected) in values(gradient).iter().zip(values(expected)) {
        assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{found} {expected}");
    }
}

fn edit(network: &Network, layer: &str, change: Change, places: Places) -> Edit {
    Edit { layer: id(network, layer), change, places }
}

#[test]
fn an_edit_changes_the_places_it_names_and_what_comes_behind() {
    let network = network();
    let plain = seen(&network, "joined");
    let [_, channels, rows, columns] = plain.dims();
    let direction: Vec<f32> = (0..channels).map(|channel| channel as f32 - 2.0).collect();
    let square: f32 = direction.iter().map(|value| value * value).sum();
    let plain = values(plain);
    let at = |picture: usize, channel: usize, place: usize| {
        plain[(picture * channels + channel) * rows * columns + place]
    };
    let expected = |change: &Change, picture: usize, channel: usize, place: usize| {
        let value = at(picture, channel, place);
        match change {
            Change::Add(added) => value + added[channel],
            Change::Remove(direction) => {
                let along: f32 =
                    (0..channels).map(|other| at(picture, other, place) * direction[other]).sum();
                value - along / square * direction[channel]
            }
            Change::Set { channel: set, value: to } if *set == channel => *to,
            Change::Set { .. } => value,
        }
    };
    let mut mask = vec![0.0; rows * columns];
    (mask[3], mask[5]) = (1.0, 0.25);
    let places = [
        (Places::All, vec![1.0; rows * columns]),
        (Places::At(vec![[0, 3], [1, 1]]), {
            let mut shares = vec![0.0; rows * columns];
            (shares[3], shares[columns + 1]) = (1.0, 1.0);
            shares
        }),
        (Places::Mask(mask.clone()), mask),
    ];
    let changes = [
        Change::Add(direction.clone()),
        Change::Remove(direction),
        Change::Set { channel: 5, value: 9.0 },
    ];
    for change in changes {
        for (places, shares) in &places {
            let edits = [edit(&network, "joined", change.clone(), places.clone())];
            let start = || Start::Picture(picture());
            let edited = caught(&network, start(), "joined", &edits).unwrap();
            let edited_values = values(edited.clone());
            for (index, found) in edited_values.iter().enumerate() {
                let (place, channel) =
                    (index % (rows * columns), index / (rows * columns) % channels);
                let picture = index / (rows * columns) / channels;
                let plain = at(picture, channel, place);
                let wanted = expected(&change, picture, channel, place);
                let wanted = plain + shares[place] * (wanted - plain);
                assert!((found - wanted).abs() < 1e-5, "{change:?} {places:?}: {found} {wanted}");
            }
            // What comes behind goes on from there, and what was before stays.
            let behind = caught(&network, start(), "logits", &edits).unwrap();
            let from = Start::After(id(&network, "joined"), edited.into());
            assert_eq!(values(behind), values(caught(&network, from, "logits", &[]).unwrap()));
        }
    }
}

#[test]
fn an_edit_that_does_not_fit_is_refused() {
    let network = network();
    let add = |count| Change::Add(vec![1.0; count]);
    for (layer, change, places, message) in [
        (
            "joined",
            add(7),
            Places::All,
            "an edit's direction is 7 values; it must be 8 finite ones",
        ),
        ("joined", Change::Add(vec![f32::NAN; 8]), Places::All, "8 finite ones for joined"),
        ("joined", Change::Remove(vec![0.0; 8]), Places::All, "0 in every channel"),
        ("joined", Change::Set { channel: 8, value: 0.0 }, Places::All, "joined has 8 channels"),
        ("joined", add(8), Places::At(vec![[5, 0]]), "joined has 5 rows"),
        ("joined", add(8), Places::At(vec![[0, 4]]), "joined has 4 columns"),
        ("joined", add(8), Places::Mask(vec![1.0]), "5 rows of 4 for joined"),
        (
            "logits",
            add(5),
            Places::All,
            "it must be one on the way from the start to what is tapped",
        ),
    ] {
        let edits = [edit(&network, layer, change, places)];
        let error = caught(&network, Start::Picture(picture()), "block", &edits).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
}

/// A GoogLeNet in which every convolution but these has weights that no input fits.
fn runs_with_only(convolutions: &[&str], tap: &str) -> bool {
    let fits = |kernel: &graph::Kernel| {
        let is = |name: &&str| {
            let lucent = format!("{name}_pre_relu_conv.weight");
            kernel.sources.iter().any(|source| source.parts[0].weight == lucent)
        };
        convolutions.iter().any(is)
    };
    let Blueprint { info, graph, .. } = inception::Variant::GoogLeNet.blueprint();
    let zeros = |kernel: &graph::Kernel| {
        let shape = if fits(kernel) { kernel.shape } else { [1; 4] };
        Frozen { weight: Tensor::zeros(shape, &cpu()), bias: Tensor::zeros([shape[0]], &cpu()) }
    };
    let weights = graph.kernels.iter().map(zeros).collect();
    let network = Network { info, graph, weights };
    let start = Start::Picture(Tensor::zeros([1, 3, 32, 32], &cpu()));
    let forward = || caught(&network, start, tap, &[]).is_ok();
    catch_unwind(AssertUnwindSafe(forward)).unwrap_or(false)
}

#[test]
fn only_what_a_tap_depends_on_is_run() {
    let trunk = ["conv2d0", "conv2d1", "conv2d2"];
    let cases: [(&str, &[&str]); 8] = [
        ("maxpool1", &[]),
        ("mixed3a_pool", &[]),
        ("mixed3a_1x1", &["mixed3a_1x1"]),
        ("mixed3a_1x1_pre_relu", &["mixed3a_1x1"]),
        ("mixed3a_5x5_bottleneck", &["mixed3a_5x5_bottleneck"]),
        ("mixed3a_5x5", &["mixed3a_5x5_bottleneck", "mixed3a_5x5"]),
        ("mixed3a_pool_reduce", &["mixed3a_pool_reduce"]),
        (
            "mixed3a_pre_relu",
            &[
                "mixed3a_1x1",
                "mixed3a_3x3_bottleneck",
                "mixed3a_3x3",
                "mixed3a_5x5_bottleneck",
                "mixed3a_5x5",
                "mixed3a_pool_reduce",
            ],
        ),
    ];
    for (tap, branch) in cases {
        let needed = [&trunk, branch].concat();
        assert!(runs_with_only(&needed, tap), "{tap}");
        // Without the last of them it must not run, or this test could not fail.
        assert!(!runs_with_only(&needed[..needed.len() - 1], tap), "{tap}");
    }
}

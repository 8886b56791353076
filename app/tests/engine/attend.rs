//! Where a transformer's tokens look, and what is seen by networks with tokens.

use std::fs;

use app::attention::Attention;
use app::protocol::{
    Attend, Attended, Classified, Classify, Event, FailureKind, PictureSize, RequestId,
};
use shared::burn::tensor::Tensor;
use shared::device::cpu;
use shared::models;
use shared::network::{Pass, Start};
use shared::ops::attention_weights;
use shared::weights::{NamedTensor, NamedTensors, Precision, to_safetensors};

use crate::closed_form::uniform;
use crate::made::{MADE, Made};
use crate::page::Page;
use crate::reference::beside;
use crate::waves::waves;

/// A network's tensors from a formula.
fn weights(name: &str) -> NamedTensors {
    let tensors = models::blueprint(name).unwrap().tensors(0).into_iter();
    let formula = |(name, shape): (String, Vec<usize>)| {
        let inputs: usize = shape.iter().skip(1).product();
        let amplitude = if name.ends_with("weight") { (3.0 / inputs as f64).sqrt() } else { 0.1 };
        let count = shape.iter().product();
        let values = uniform(&name).take(count).map(|u| (amplitude * u) as f32).collect();
        (name, NamedTensor { shape, values })
    };
    tensors.map(formula).collect()
}

fn page(name: &str, weights: Vec<u8>) -> Page {
    let info = models::info(name).unwrap();
    let n_labels = info.layers.last().unwrap().channels;
    let labels: Vec<String> = (0..n_labels).map(|class| format!("class {class}")).collect();
    Made::of(&info, weights, &labels).page()
}

fn file(weights: &NamedTensors) -> Vec<u8> {
    to_safetensors(weights, Precision::F32, &Default::default()).unwrap()
}

const SIDE: PictureSize = PictureSize { width: 60, height: 50 };

fn attend(page: &mut Page, block: usize) -> RequestId {
    let bytes = waves(SIDE.width, SIDE.height, 0).to_rgba8();
    let id = page.ask_with(Attend { picture: SIDE, block }, vec![bytes]);
    page.drive();
    id
}

fn answer(page: &Page, id: RequestId) -> (Attended, Vec<u8>) {
    let reply = page.said(id).into_iter().next().unwrap();
    match reply.message.event {
        Event::Attended(attended) => (attended, reply.buffers.into_iter().next().unwrap()),
        other => panic!("expected attention, found {other:?}"),
    }
}

/// The same by the plain way, `[heads, tokens, tokens]`.
fn expected(name: &str, weights: NamedTensors, layer: &str, heads: usize) -> Vec<f32> {
    let model = models::load(name, weights, &cpu()).unwrap();
    let preprocessing = &model.info().preprocessing;
    let picture = waves(SIDE.width, SIDE.height, 0).to_rgba8();
    let picture = shared::image::Picture::from_rgba8(SIDE.width, SIDE.height, &picture).unwrap();
    let crop = preprocessing.classification_crop(&picture);
    let input = preprocessing.apply(crop.to_tensor(&cpu()));
    let layer = model.info().layer_id(layer).unwrap();
    let caught = model.forward(Start::Picture(input), &Pass::to(&[layer])).unwrap();
    let caught = caught.get(layer).unwrap().clone();
    let [batch, channels, rows, columns] = caught.grid.dims();
    let places = caught.grid.reshape([batch, channels, 1, rows * columns]);
    let extra: Tensor<4> = caught.extra.unwrap().unsqueeze_dim(2);
    let weights = attention_weights(Tensor::cat(vec![extra, places], 3), heads);
    weights.into_data().try_into_vec::<f32>().unwrap()
}

#[test]
fn a_blocks_attention_comes_whole_and_every_token_looks_at_something() {
    // DINOv3 compares tokens after their places have turned them.
    for (name, compared, heads, extra, side) in
        [("vit-tiny-patch16-224", "attn.qkv", 3, 1, 14), ("dinov3-vit-s-16", "attn.rope", 6, 5, 14)]
    {
        let mut page = page(name, file(&weights(name)));
        for block in [0, 11] {
            let id = attend(&mut page, block);
            assert_eq!(page.end(id), Some(Event::Done));
            let (attended, bytes) = answer(&page, id);
            assert_eq!((attended.block, attended.heads, attended.extra), (block, heads, extra));
            assert_eq!(attended.patches, PictureSize { width: side, height: side });
            let number = |four: &[u8]| f32::from_le_bytes(four.try_into().unwrap());
            let found: Vec<f32> = bytes.chunks_exact(4).map(number).collect();
            let layer = format!("blocks.{block}.{compared}");
            let expected = expected(name, weights(name), &layer, heads);
            let tokens = extra + side * side;
            assert_eq!(found.len(), heads * tokens * tokens);
            let apart = found.iter().zip(&expected).map(|(one, other)| (one - other).abs());
            assert!(apart.fold(0.0, f32::max) < 1e-5, "{layer}");
            for row in found.chunks_exact(tokens) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{layer}");
            }
            // The window reads the same.
            let attention = Attention::new(attended, &bytes).unwrap();
            let patch = attention.looks(Some([2, 3]));
            let token = extra + 2 * side + 3;
            let row = &found[(tokens + token) * tokens..][..tokens];
            assert_eq!(patch.maps[2].values, row[extra..]);
            let beside: f32 = found[..extra].iter().sum();
            assert_eq!(attention.looks(None).beside[1], beside);
        }
    }
}

#[test]
fn a_block_that_is_not_there_is_refused_with_those_that_are() {
    const NAME: &str = "vit-tiny-patch16-224";
    let mut page = page(NAME, file(&weights(NAME)));
    let id = attend(&mut page, 12);
    let failure = page.failure(id);
    assert_eq!(failure.kind, FailureKind::Input);
    assert!(failure.why.contains("0 to 11"), "{failure:?}");
}

#[test]
fn a_network_without_attention_says_so() {
    let mut page = MADE.page();
    let id = attend(&mut page, 0);
    let failure = page.failure(id);
    assert_eq!(failure.kind, FailureKind::Input);
    assert!(failure.why.contains("GoogLeNet"), "{failure:?}");
}

fn classify(page: &mut Page, layer: &str) -> (Classified, usize) {
    let bytes = waves(SIDE.width, SIDE.height, 0).to_rgba8();
    let ask = Classify { picture: SIDE, layer: layer.to_owned(), channels: 4, at_each_place: 0 };
    let id = page.ask_with(ask, vec![bytes]);
    page.drive();
    assert_eq!(page.end(id), Some(Event::Done), "{layer}");
    let reply = page.said(id).into_iter().next().unwrap();
    match reply.message.event {
        Event::Classified(seen) => (seen, reply.buffers.len()),
        other => panic!("expected what was seen, found {other:?}"),
    }
}

#[test]
fn tokens_answer_where_they_lie_and_the_class_token_beside_them() {
    const NAME: &str = "vit-tiny-patch16-224";
    let mut page = page(NAME, file(&weights(NAME)));
    for (layer, side, has_token) in [
        ("blocks.5", 14, true),
        ("blocks.5.mlp.act", 14, true),
        ("patch_embed", 14, false),
        ("pooled", 1, false),
    ] {
        let (seen, buffers) = classify(&mut page, layer);
        assert_eq!(seen.map, PictureSize { width: side, height: side }, "{layer}");
        assert_eq!((seen.top.len(), buffers), (5, 6), "{layer}");
        let tokens = seen.channels.iter().map(|channel| channel.class_token);
        assert!(tokens.into_iter().all(|token| token.is_some() == has_token), "{layer}");
    }
}

#[test]
fn a_network_without_classes_sees_without_naming() {
    // The smallest of those that end with an embedding.
    const NAME: &str = "dinov2-vit-s-14";
    let mut page = page(NAME, file(&weights(NAME)));
    let (seen, buffers) = classify(&mut page, "blocks.5");
    assert_eq!((seen.top.len(), buffers), (0, 6));
    assert_eq!(seen.map, PictureSize { width: 16, height: 16 });
}

#[test]
fn the_class_token_of_a_photograph_is_that_of_the_reference() {
    let Some(file) = beside::path("weights/vit_tiny_patch16_224.safetensors") else { return };
    let Some(golden) = beside::path("golden/vit_tiny.safetensors") else { return };
    let Some(images) = beside::path("images/imagenet-sample") else { return };
    let golden = fs::read(golden).unwrap();
    let golden: NamedTensors =
        shared::weights::from_safetensors(&golden).unwrap().into_iter().collect();
    let mut page = page("vit-tiny-patch16-224", fs::read(file).unwrap());
    let picture = image::open(images.join("n02123394/Persian_cat.jpg")).unwrap().to_rgba8();
    let size = PictureSize { width: picture.width() as usize, height: picture.height() as usize };
    let ask =
        Classify { picture: size, layer: "blocks.10".to_owned(), channels: 192, at_each_place: 0 };
    let id = page.ask_with(ask, vec![picture.into_raw()]);
    page.drive();
    let reply = page.said(id).into_iter().next().unwrap();
    let Event::Classified(seen) = reply.message.event else { panic!("nothing was seen") };
    assert_eq!(seen.top[0].class, 283);
    let expected = &golden["blocks.10.cls"].values;
    let means = &golden["blocks.10.token_mean"].values;
    let scale = expected.iter().copied().fold(0.0, |most: f32, value| most.max(value.abs()));
    // Another decoder and resampling of the photograph than the reference's.
    for channel in &seen.channels {
        let apart = (channel.class_token.unwrap() - expected[channel.channel]).abs();
        assert!(apart <= 0.05 * scale, "{channel:?}: {}", expected[channel.channel]);
        assert!((channel.mean - means[channel.channel]).abs() <= 0.05 * scale, "{channel:?}");
    }
}

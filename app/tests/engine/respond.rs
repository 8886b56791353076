//! How a unit answers to pictures.

use app::protocol::{
    DeviceChoice, Event, FailureKind, LoseDevice, OpenDevice, PictureSize, RequestId, Respond,
    Responded, Stop, TakeWeights,
};
use shared::device::cpu;
use shared::image::Picture;
use shared::models;
use shared::network::{Pass, Start};
use shared::weights::{Precision, to_safetensors};

use crate::made::{MADE, Made, TENSORS};
use crate::page::Page;
use crate::waves::waves;

fn respond(page: &mut Page, layer: &str, channel: usize, pictures: &[Picture]) -> RequestId {
    let sizes = pictures
        .iter()
        .map(|picture| PictureSize { width: picture.width(), height: picture.height() })
        .collect();
    let bytes = pictures.iter().map(Picture::to_rgba8).collect();
    let ask = Respond { layer: layer.to_owned(), channel, pictures: sizes };
    let id = page.ask_with(ask, bytes);
    page.drive();
    id
}

/// Answers in order: number of the picture, size of the map, mean, largest, values.
fn answers(page: &Page, id: RequestId) -> Vec<(usize, PictureSize, f32, f32, Vec<f32>)> {
    page.said(id)
        .into_iter()
        .filter_map(|reply| match reply.message.event {
            Event::Responded(Responded { picture, map, mean, max }) => {
                let number = |four: &[u8]| f32::from_le_bytes(four.try_into().unwrap());
                let values = reply.buffers[0].chunks_exact(4).map(number).collect();
                Some((picture, map, mean, max, values))
            }
            _ => None,
        })
        .collect()
}

/// The channel's map by the plain way.
fn expected(crop: &Picture, layer: &str, channel: usize) -> Vec<f32> {
    let model = models::load("googlenet", TENSORS.clone(), &cpu()).unwrap();
    let input = model.info().preprocessing.apply(crop.to_tensor(&cpu()));
    let layer = model.info().layer_id(layer).unwrap();
    let caught = model.forward(Start::Picture(input), &Pass::to(&[layer])).unwrap();
    let map = caught.grid(layer).unwrap().narrow(1, channel, 1);
    map.into_data().try_into_vec::<f32>().unwrap()
}

#[test]
fn a_unit_answers_to_each_picture_with_its_map() {
    let mut page = MADE.page();
    page.world.allow_breaths(usize::MAX);
    let pictures = [waves(224, 224, 0), waves(300, 260, 4)];
    // By one of its other names.
    let id = respond(&mut page, "inception_4a/output", 11, &pictures);
    assert_eq!(page.end(id), Some(Event::Done));
    let answers = answers(&page, id);
    assert_eq!(answers.len(), 2);
    let preprocessing = Made::info().preprocessing;
    let crops = [pictures[0].clone(), preprocessing.classification_crop(&pictures[1])];
    for (number, (answer, crop)) in answers.iter().zip(&crops).enumerate() {
        let (picture, map, mean, max, values) = answer;
        assert_eq!(*picture, number);
        assert_eq!(*map, PictureSize { width: 14, height: 14 });
        let expected = expected(crop, "mixed4a", 11);
        let largest = expected.iter().copied().fold(0.0, f32::max);
        assert!(0.0 < largest);
        for (found, expected) in values.iter().zip(&expected) {
            // Half-precision weights in the bundle, single here.
            assert!((found - expected).abs() <= 1e-2 * largest, "{found}, {expected}");
        }
        let sum: f32 = values.iter().sum();
        assert!((mean - sum / 196.0).abs() <= 1e-5 * largest);
        assert_eq!(*max, values.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    }
}

#[test]
fn logits_answer_with_one_number() {
    let mut page = MADE.page();
    page.world.allow_breaths(usize::MAX);
    let id = respond(&mut page, "logits", 543, &[waves(224, 224, 0)]);
    let answers = answers(&page, id);
    assert_eq!(answers[0].1, PictureSize { width: 1, height: 1 });
    assert_eq!(answers[0].2, answers[0].4[0]);
}

#[test]
fn a_unit_can_be_stopped_between_two_pictures() {
    let mut page = MADE.page();
    let pictures = [0, 1, 2].map(|phase| waves(224, 224, phase));
    let id = respond(&mut page, "conv2d0", 3, &pictures);
    assert_eq!(answers(&page, id).len(), 1);
    page.ask(Stop { target: id });
    page.world.allow_breaths(usize::MAX);
    page.drive();
    assert_eq!(page.end(id), Some(Event::Cancelled));
    assert_eq!(answers(&page, id).len(), 1);
}

#[test]
fn no_pictures_are_answered_with_nothing() {
    let mut page = MADE.page();
    let id = respond(&mut page, "conv2d0", 3, &[]);
    assert_eq!(page.end(id), Some(Event::Done));
    assert!(answers(&page, id).is_empty());
}

#[test]
fn units_and_pictures_that_are_none_are_refused() {
    let mut page = MADE.page();
    let small = [waves(16, 16, 0)];
    for (layer, channel, words) in
        [("mixde4a", 0, "mixed4a"), ("mixed4a", 512, "512"), ("mixed4a", usize::MAX, "channels")]
    {
        let id = respond(&mut page, layer, channel, &small);
        let failure = page.failure(id);
        assert_eq!(failure.kind, FailureKind::Input);
        assert!(failure.why.contains(words), "{failure:?}");
    }
    let size = PictureSize { width: 16, height: 16 };
    for buffers in [vec![], vec![vec![0; 1023]]] {
        let pictures = vec![size];
        let id =
            page.ask_with(Respond { layer: "conv2d0".to_owned(), channel: 0, pictures }, buffers);
        page.drive();
        assert_eq!(page.failure(id).kind, FailureKind::Picture);
    }
}

#[test]
fn without_a_model_no_unit_answers() {
    let mut page = Page::new();
    let id = respond(&mut page, "mixed4a", 0, &[waves(16, 16, 0)]);
    assert_eq!(page.failure(id).kind, FailureKind::NotReady);
}

#[test]
fn an_answer_of_no_numbers_is_a_failure() {
    let mut page = Page::new();
    MADE.serve_without_weights(&page.world);
    // Finite weights whose products are not.
    let mut tensors = TENSORS.clone();
    for tensor in tensors.values_mut() {
        tensor.values.iter_mut().for_each(|value| *value *= 1e30);
    }
    let weights = to_safetensors(&tensors, Precision::F32, &Default::default()).unwrap();
    page.ask(OpenDevice(DeviceChoice::Cpu));
    let take = TakeWeights { bundle_url: Made::BUNDLE.to_owned() };
    let take = page.ask_with(take, vec![weights]);
    page.drive();
    assert_eq!(page.end(take), Some(Event::Done));
    let id = respond(&mut page, "mixed4a", 0, &[waves(224, 224, 0)]);
    assert_eq!(page.failure(id).kind, FailureKind::Internal);
}

#[test]
fn a_lost_device_fails_the_unit_it_was_asked_on() {
    let mut page = Page::new();
    page.world.pretend_gpu.set(true);
    MADE.serve(&page.world);
    page.ask(OpenDevice(DeviceChoice::WebGpu));
    page.load();
    let pictures = [0, 1].map(|phase| waves(224, 224, phase));
    let id = respond(&mut page, "conv2d0", 3, &pictures);
    assert_eq!(answers(&page, id).len(), 1);
    page.ask(LoseDevice);
    page.world.allow_breaths(usize::MAX);
    page.drive();
    assert_eq!(page.failure(id).kind, FailureKind::DeviceLost);
}

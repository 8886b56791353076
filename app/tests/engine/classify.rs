//! Pictures in, classes and heat maps out.

use app::protocol::{Classified, Classify, Envelope, Event, FailureKind, PictureSize, RequestId};

use crate::made::MADE;
use crate::page::Page;
use crate::reference::Reference;
use crate::waves::waves;

fn classify(page: &mut Page, size: PictureSize, bytes: Vec<u8>, layer: &str) -> RequestId {
    let layer = layer.to_owned();
    let id = page
        .ask_with(Classify { picture: size, layer, channels: 4, at_each_place: 0 }, vec![bytes]);
    page.drive();
    id
}

fn answer(page: &Page, id: RequestId) -> (Classified, Vec<Vec<u8>>) {
    match page.said(id).into_iter().next() {
        Some(Envelope { message, buffers }) => match message.event {
            Event::Classified(classified) => (classified, buffers),
            other => panic!("expected an answer, found {other:?}"),
        },
        None => panic!("nothing was said"),
    }
}

#[test]
fn photographs_get_the_classes_of_the_reference() {
    let Some(reference) = Reference::find() else { return };
    let mut page = reference.page();
    for (file, class) in reference.answers().into_iter().step_by(175) {
        let (width, height, bytes) = reference.photograph(&file);
        let id = classify(&mut page, PictureSize { width, height }, bytes, "mixed4a");
        assert_eq!(page.end(id), Some(Event::Done), "{file}");
        let (seen, _) = answer(&page, id);
        assert_eq!(seen.top[0].class, class, "{file}");
    }
}

#[test]
fn the_five_best_classes_come_with_their_labels_best_first() {
    let mut page = MADE.page();
    let picture = PictureSize { width: 60, height: 50 };
    let id = classify(&mut page, picture, waves(60, 50, 0).to_rgba8(), "mixed4a");
    assert_eq!(page.end(id), Some(Event::Done));
    let (seen, _) = answer(&page, id);
    assert_eq!(seen.top.len(), 5);
    assert!(seen.top.windows(2).all(|pair| pair[1].logit <= pair[0].logit));
    assert!(seen.top.iter().all(|score| score.label == format!("class {}", score.class)));
}

#[test]
fn a_layers_most_active_channels_come_with_their_maps() {
    let mut page = MADE.page();
    let picture = PictureSize { width: 300, height: 260 };
    let bytes = waves(300, 260, 0).to_rgba8();
    // By one of its other names.
    let id = classify(&mut page, picture, bytes, "inception_4a/output");
    let (seen, buffers) = answer(&page, id);
    assert_eq!(seen.layer, "mixed4a");
    assert_eq!(seen.map, PictureSize { width: 14, height: 14 });
    assert_eq!(seen.crop, PictureSize { width: 224, height: 224 });
    assert_eq!(buffers[0].len(), 4 * 224 * 224);
    assert!(buffers[1].is_empty(), "nothing was asked of places");
    assert_eq!(seen.channels.len(), 4);
    assert_eq!(buffers.len(), 6);
    for (channel, map) in seen.channels.iter().zip(&buffers[2..]) {
        let values: Vec<f32> =
            map.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        assert_eq!(values.len(), 14 * 14);
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!((mean - channel.mean).abs() <= 1e-4 * channel.mean.abs(), "{channel:?}, {mean}");
        assert!(values.contains(&channel.max));
    }
    assert!(seen.channels.windows(2).all(|pair| pair[1].mean <= pair[0].mean));
}

#[test]
fn logits_are_a_layer_like_any_other() {
    let mut page = MADE.page();
    let size = PictureSize { width: 40, height: 30 };
    let id = classify(&mut page, size, vec![90; 4 * 40 * 30], "logits");
    let (seen, _) = answer(&page, id);
    assert_eq!(seen.channels[0].channel, seen.top[0].class);
    assert_eq!(seen.map, PictureSize { width: 1, height: 1 });
}

#[test]
fn a_picture_that_is_none_is_refused_with_its_size() {
    let mut page = MADE.page();
    for (width, height, n_bytes, word) in [
        (10, 10, 399, "399"),
        (0, 10, 0, "0x10"),
        (8193, 1, 4 * 8193, "8192"),
        (usize::MAX, usize::MAX, 4, "8192"),
    ] {
        let size = PictureSize { width, height };
        let id = classify(&mut page, size, vec![0; n_bytes], "mixed4a");
        let failure = page.failure(id);
        assert_eq!(failure.kind, FailureKind::Picture);
        assert!(failure.why.contains(word), "{failure:?}");
    }
}

#[test]
fn an_unknown_layer_is_answered_with_the_nearest() {
    let mut page = MADE.page();
    let size = PictureSize { width: 16, height: 16 };
    let id = classify(&mut page, size, vec![0; 4 * 256], "mixde4a");
    let failure = page.failure(id);
    assert_eq!(failure.kind, FailureKind::Input);
    assert!(failure.why.contains("mixed4a"), "{failure:?}");
}

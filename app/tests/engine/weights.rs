//! Weights of the visitor's own, and those kept from an earlier visit.

use std::collections::BTreeMap;

use app::protocol::{
    Building, DeviceChoice, Event, Failure, FailureKind, LoadKept, ModelReport, OpenDevice,
    RequestId, TakeWeights,
};
use shared::format::bundle::Part;
use shared::models::inception::Variant;
use shared::weights::{NamedTensors, Precision, to_safetensors};

use crate::formula;
use crate::made::{MADE, Made, TENSORS};
use crate::page::Page;
use crate::protobuf::{field, varint};
use crate::pth;

/// A page with a device, on a bundle that has no weights.
fn page() -> Page {
    let mut page = Page::new();
    MADE.serve_without_weights(&page.world);
    page.ask(OpenDevice(DeviceChoice::Cpu));
    page.drive();
    page
}

fn take(page: &mut Page, weights: Vec<u8>) -> RequestId {
    let id = page.ask_with(TakeWeights { bundle_url: Made::BUNDLE.to_owned() }, vec![weights]);
    page.drive();
    id
}

fn load_kept(page: &mut Page, sha256: &str) -> RequestId {
    let (bundle_url, sha256) = (Made::BUNDLE.to_owned(), sha256.to_owned());
    let id = page.ask(LoadKept { bundle_url, sha256 });
    page.drive();
    id
}

fn model(page: &Page, id: RequestId) -> ModelReport {
    assert_eq!(page.end(id), Some(Event::Done));
    let said = page.said(id);
    match &said[said.len() - 2].message.event {
        Event::Building(Building::Model(report)) => report.clone(),
        other => panic!("expected the model before the end: {other:?}"),
    }
}

fn sha256(bytes: &[u8]) -> String {
    Part::of("weights", bytes).sha256
}

/// The network as Caffe writes it: a `NetParameter` of layers (100) with a name (1) and blobs (7)
/// of a shape (7) and values (5).
fn caffemodel(tensors: &NamedTensors) -> Vec<u8> {
    let mut file = field(1, b"GoogLeNet");
    for (name, weight) in tensors {
        let Some(layer) = name.strip_suffix(".weight") else { continue };
        let mut described = field(1, layer.as_bytes());
        for blob in [weight, &tensors[&format!("{layer}.bias")]] {
            let sides: Vec<u8> = blob.shape.iter().flat_map(|&side| varint(side)).collect();
            let values: Vec<u8> =
                blob.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let blob = [field(7, &field(1, &sides)), field(5, &values)].concat();
            described.extend(field(7, &blob));
        }
        file.extend(field(100, &described));
    }
    file
}

#[test]
fn a_bundle_without_weights_says_that_they_are_missing() {
    let mut page = page();
    let load = page.load();
    page.drive();
    let failure = page.failure(load);
    assert_eq!(failure.kind, FailureKind::NotReady);
    assert!(failure.what.contains("GoogLeNet"), "{failure:?}");
}

#[test]
fn weights_that_were_given_make_the_model_and_are_kept_for_the_next_visit() {
    for weights in [MADE.weights.clone(), caffemodel(&TENSORS)] {
        let mut first = page();
        let taken = take(&mut first, weights.clone());
        let report = model(&first, taken);
        assert_eq!(report.name, "googlenet");
        assert_eq!(report.labels[7], "class 7");
        assert_eq!(report.weights_sha256, sha256(&weights));

        let mut second = page();
        *second.world.cache.borrow_mut() = first.world.cache.take();
        let kept = load_kept(&mut second, &report.weights_sha256);
        assert_eq!(model(&second, kept), report);
        second.world.allow_breaths(usize::MAX);
        let dream = second.dream("mixed3a:5", 32, 1, false);
        second.drive();
        assert_eq!(second.end(dream), Some(Event::Done));
    }
}

#[test]
fn a_training_scripts_checkpoint_is_taken_and_which_of_its_weights_is_said() {
    let weights = || pth::weights(&TENSORS, "module.");
    let one = pth::dict([("state_dict", weights())]);
    let both = pth::dict([("model", weights()), ("model_ema", weights())]);
    let said = "2 sets of weights fit: model_ema.module is taken, not model.module";
    for (saved, note) in [(one, None), (both, Some(said))] {
        for file in [pth::pth("checkpoint_epoch_0100", &saved), pth::legacy(&saved)] {
            let mut page = page();
            let taken = take(&mut page, file);
            let report = model(&page, taken);
            assert_eq!(report.name, "googlenet");
            let found = report.note.as_deref().unwrap_or_default();
            assert!(found.starts_with(note.unwrap_or_default()), "{found}");
            assert_eq!(found.is_empty(), note.is_none(), "{found}");
        }
    }
}

#[test]
fn what_is_no_weights_file_is_called_what_it_is() {
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    for (file, what, next) in [
        (&b""[..], "this is an empty file", "download it again"),
        (lfs, "this is a Git LFS pointer", "git lfs pull"),
        (b"<!DOCTYPE html>", "this is a web page", "download the file itself"),
        (b"\x1f\x8b\x08\0", "this is packed with gzip", "unpack it"),
        (b"(dp0\nVfc\n", "this is a pickle of protocol 0", "torch.save"),
        (&MADE.zip(), "this is a bundle of Pellucid's", "open it in the page as a bundle"),
    ] {
        let mut page = page();
        let id = take(&mut page, file.to_vec());
        let failure = page.failure(id);
        assert_eq!(failure.kind, FailureKind::Corrupted);
        assert!(failure.what.starts_with("These are not weights for GoogLeNet: "), "{failure:?}");
        assert!(failure.what.contains(what) && failure.next.contains(next), "{failure:?}");
    }
}

#[test]
fn weights_of_the_visitors_own_move_to_another_device() {
    let mut page = page();
    take(&mut page, caffemodel(&TENSORS));
    page.world.pretend_gpu.set(true);
    page.world.allow_breaths(usize::MAX);
    let open = page.ask(OpenDevice(DeviceChoice::WebGpu));
    let dream = page.dream("mixed3a:5", 32, 1, false);
    page.drive();
    assert_eq!(page.end(open), Some(Event::Done));
    assert_eq!(page.end(dream), Some(Event::Done));
}

#[test]
fn wrong_weights_are_named_and_the_model_in_use_stays() {
    let mut page = MADE.page();
    let other = formula::weights(Variant::GoogLeNetTorchvision);
    let other = to_safetensors(&other, Precision::F16, &BTreeMap::new()).unwrap();
    let mut cut = TENSORS.clone();
    cut.get_mut("conv1/7x7_s2.bias").unwrap().shape = vec![8, 8];
    let cut = to_safetensors(&cut, Precision::F16, &BTreeMap::new()).unwrap();
    for (weights, words) in [
        (other, "do not fit"),
        (cut, "conv1/7x7_s2.bias"),
        (MADE.weights[..1_000_000].to_vec(), "safetensors"),
        (caffemodel(&TENSORS)[..1_000_000].to_vec(), "caffemodel"),
        (b"<!DOCTYPE html>".to_vec(), ".pth"),
        (Vec::new(), ".pth"),
    ] {
        let n_kept = page.world.cache.borrow().len();
        let id = take(&mut page, weights);
        let Failure { kind, what, why, .. } = page.failure(id);
        assert_eq!(kind, FailureKind::Corrupted);
        assert!(what.contains("GoogLeNet"), "{what}");
        assert!(why.contains(words), "{words}: {why}");
        assert_eq!(page.world.cache.borrow().len(), n_kept);
    }
    page.world.allow_breaths(usize::MAX);
    let dream = page.dream("mixed3a:5", 32, 1, false);
    page.drive();
    assert_eq!(page.end(dream), Some(Event::Done));
}

#[test]
fn weights_that_are_not_kept_any_more_are_asked_for_again() {
    let mut page = page();
    let sha256 = sha256(&MADE.weights);
    let id = load_kept(&mut page, &sha256);
    assert_eq!(page.failure(id).kind, FailureKind::NotReady);

    let mut damaged = MADE.weights.clone();
    damaged[5_000_000] ^= 1;
    page.world.cache.borrow_mut().insert(sha256.clone(), damaged);
    let id = load_kept(&mut page, &sha256);
    let failure = page.failure(id);
    assert_eq!(failure.kind, FailureKind::NotReady);
    assert!(failure.why.contains("damaged"), "{failure:?}");
    assert!(!page.world.cache.borrow().contains_key(&sha256));
}

#[test]
fn without_a_device_given_weights_make_no_model_and_are_not_kept() {
    let mut page = Page::new();
    MADE.serve_without_weights(&page.world);
    let id = take(&mut page, MADE.weights.clone());
    assert_eq!(page.failure(id).kind, FailureKind::NotReady);
    assert!(!page.world.cache.borrow().contains_key(&sha256(&MADE.weights)));
}

#[test]
fn what_is_asked_behind_given_weights_waits_for_them() {
    let mut page = Page::new();
    MADE.serve_without_weights(&page.world);
    page.world.allow_breaths(usize::MAX);
    page.world.stall(true);
    page.ask(OpenDevice(DeviceChoice::Cpu));
    take(&mut page, MADE.weights.clone());
    let dream = page.dream("mixed3a:5", 32, 1, false);
    page.drive();
    assert_eq!(page.end(dream), None);
    page.world.stall(false);
    page.drive();
    assert_eq!(page.end(dream), Some(Event::Done));
}

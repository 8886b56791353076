//! Models come from the cache or the network, and damaged ones not at all.

use app::files::download::FetchError;
use app::protocol::{
    Building, Classify, DeviceChoice, Event, Failure, FailureKind, LoadModel, OpenDevice,
    PictureSize, Progress, RequestId, Stop,
};
use shared::format::bundle::{Bundle, Part};
use shared::models;

use crate::made::{MADE, Made};
use crate::page::Page;

fn open_and_load(page: &mut Page) -> RequestId {
    page.ask(OpenDevice(DeviceChoice::Automatic));
    let load = page.load();
    page.drive();
    load
}

fn cached(page: &Page, load: RequestId) -> Vec<bool> {
    page.said(load)
        .iter()
        .filter_map(|reply| match reply.message.event {
            Event::Building(Building::Progress(Progress { cached, .. })) => Some(cached),
            _ => None,
        })
        .collect()
}

#[test]
fn a_model_is_fetched_with_progress_and_described() {
    let mut page = Page::new();
    MADE.serve(&page.world);
    let load = open_and_load(&mut page);
    assert_eq!(page.end(load), Some(Event::Done));
    assert!(cached(&page, load).iter().all(|cached| !cached));
    let said = page.said(load);
    let Event::Building(Building::Model(model)) = &said[said.len() - 2].message.event else {
        panic!("expected the model before the end: {said:?}");
    };
    assert_eq!(model.name, "googlenet");
    assert_eq!(model.labels.len(), 1000);
    assert_eq!(model.layers.last().unwrap().name, "logits");
    assert_eq!(model.weights_sha256, MADE.weights_part().sha256);
}

#[test]
fn a_second_visit_downloads_no_parts() {
    let mut page = Page::new();
    MADE.serve(&page.world);
    open_and_load(&mut page);
    page.world.fetched.borrow_mut().clear();
    let load = open_and_load(&mut page);
    assert_eq!(page.end(load), Some(Event::Done));
    assert_eq!(*page.world.fetched.borrow(), [Made::BUNDLE]);
    assert!(cached(&page, load).iter().all(|&cached| cached));
}

#[test]
fn a_damaged_cache_entry_is_dropped_and_fetched_again() {
    let mut page = Page::new();
    MADE.serve(&page.world);
    let sha256 = &MADE.weights_part().sha256;
    page.world.cache.borrow_mut().insert(sha256.clone(), b"damaged".to_vec());
    let load = open_and_load(&mut page);
    assert_eq!(page.end(load), Some(Event::Done));
    assert!(page.world.fetched.borrow().iter().any(|address| address == Made::WEIGHTS));
    assert_eq!(page.world.cache.borrow()[sha256].len() as u64, MADE.weights_part().size);
}

#[test]
fn damaged_weights_are_refused_with_both_hashes_and_not_kept() {
    let mut page = Page::new();
    MADE.serve(&page.world);
    let mut found = String::new();
    if let Some(Ok(weights)) = page.world.files.borrow_mut().get_mut(Made::WEIGHTS) {
        weights[5_000_000] ^= 1;
        found = Part::of("weights.safetensors", weights).sha256;
    }
    let load = open_and_load(&mut page);
    let failure = page.failure(load);
    assert_eq!(failure.kind, FailureKind::Corrupted);
    for hash in [&found, &MADE.weights_part().sha256] {
        assert!(failure.why.contains(hash), "{hash}: {failure:?}");
    }
    assert!(!page.world.cache.borrow().contains_key(&MADE.weights_part().sha256));
}

#[test]
fn downloads_that_do_not_come_say_why() {
    let cut = |page: &Page, address: &str, n_bytes| {
        if let Some(Ok(bytes)) = page.world.files.borrow_mut().get_mut(address) {
            bytes.resize(n_bytes, 0);
        }
    };
    let answer = |page: &Page, address: &str, error| {
        page.world.files.borrow_mut().insert(address.to_owned(), Err(error));
    };
    let broken = FetchError::Interrupted { received: 9, reason: "reset".to_owned() };
    type Damage<'a> = Box<dyn Fn(&Page) + 'a>;
    let cases: [(Damage<'_>, FailureKind, &str); 7] = [
        (
            Box::new(|page| answer(page, Made::BUNDLE, FetchError::Status(404))),
            FailureKind::Download,
            "404",
        ),
        (
            Box::new(|page| answer(page, Made::WEIGHTS, FetchError::Status(503))),
            FailureKind::Download,
            "weights.safetensors",
        ),
        (
            Box::new(|page| {
                answer(page, Made::LABELS, FetchError::Unreachable("offline".to_owned()))
            }),
            FailureKind::Download,
            "offline",
        ),
        (
            Box::new(|page| answer(page, Made::WEIGHTS, broken.clone())),
            FailureKind::Download,
            "9 bytes",
        ),
        (Box::new(|page| cut(page, Made::WEIGHTS, 1000)), FailureKind::Download, "1000 bytes"),
        (Box::new(|page| cut(page, Made::LABELS, 1 << 20)), FailureKind::Download, "more than"),
        (Box::new(|page| cut(page, Made::BUNDLE, 10)), FailureKind::Corrupted, "bundle.json"),
    ];
    for (damage, kind, word) in cases {
        let mut page = Page::new();
        MADE.serve(&page.world);
        damage(&page);
        let load = open_and_load(&mut page);
        let failure = page.failure(load);
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(failure.why.contains(word), "{failure:?}");
        // The page goes on: the same request succeeds once the damage is mended.
        MADE.serve(&page.world);
        let load = open_and_load(&mut page);
        assert_eq!(page.end(load), Some(Event::Done));
    }
}

#[test]
fn a_download_can_be_stopped() {
    let mut page = Page::new();
    MADE.serve(&page.world);
    page.world.stall(true);
    let load = open_and_load(&mut page);
    assert_eq!(page.end(load), None);
    page.ask(Stop { target: load });
    page.drive();
    assert_eq!(page.end(load), Some(Event::Cancelled));
}

#[test]
fn everything_may_be_asked_at_once() {
    let mut page = Page::new();
    MADE.serve(&page.world);
    page.world.allow_breaths(usize::MAX);
    page.ask(OpenDevice(DeviceChoice::Cpu));
    page.load();
    let dream = page.dream("mixed3a:5", 32, 2, false);
    page.drive();
    assert_eq!(page.end(dream), Some(Event::Done));
}

#[test]
fn without_a_model_there_is_nothing_to_dream() {
    let mut page = Page::new();
    let dream = page.dream("mixed3a:5", 32, 2, false);
    page.drive();
    assert_eq!(page.failure(dream).kind, FailureKind::NotReady);
}

#[test]
fn without_a_device_there_is_no_model() {
    let mut page = Page::new();
    MADE.serve(&page.world);
    let failure = Failure::new(FailureKind::NoWebGpu, "No GPU.", "Test.", "Use the processor.");
    *page.world.no_device.borrow_mut() = Some(failure.clone());
    let open = page.ask(OpenDevice(DeviceChoice::WebGpu));
    let load = page.load();
    let dream = page.dream("mixed3a:5", 32, 2, false);
    page.drive();
    assert_eq!(page.failure(open), failure);
    assert_eq!(page.failure(load).kind, FailureKind::NotReady);
    assert_eq!(page.failure(dream).kind, FailureKind::NotReady);
}

#[test]
fn another_network_does_not_answer_for_one_that_does_not_come() {
    let bundle_url = "https://page.example/bundles/efficientnet-lite0/bundle.json";
    let info = models::info("efficientnet-lite0").unwrap();
    let weights = Part::of("weights.safetensors", b"weights");
    let bundle = Bundle::new(&info, Some(weights), MADE.bundle.labels.clone());
    let json = bundle.to_json().unwrap().into_bytes();
    for (answer, kind) in [
        (Err(FetchError::Status(404)), FailureKind::Download),
        (Ok(b"damaged".to_vec()), FailureKind::Corrupted),
        (Ok(b"weights".to_vec()), FailureKind::Corrupted),
    ] {
        let mut page = MADE.page();
        let mut files = page.world.files.borrow_mut();
        files.insert(bundle_url.to_owned(), Ok(json.clone()));
        files.insert(bundle_url.replace("bundle.json", "weights.safetensors"), answer);
        drop(files);
        let load = page.ask(LoadModel { bundle_url: bundle_url.to_owned() });
        let picture = PictureSize { width: 16, height: 16 };
        let classify =
            Classify { picture, layer: "logits".to_owned(), channels: 4, at_each_place: 0 };
        let seen = page.ask_with(classify, vec![vec![90; 4 * 16 * 16]]);
        page.drive();
        assert_eq!(page.failure(load).kind, kind);
        assert_eq!(page.failure(seen).kind, FailureKind::NotReady);
    }
}

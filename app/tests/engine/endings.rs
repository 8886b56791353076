//! Whatever is asked in whatever order, every request ends exactly once.

use app::protocol::{
    Classify, DeviceChoice, Event, Failure, FailureKind, FetchPart, LoadKept, LoadModel,
    LoseDevice, OpenDevice, Pace, PictureSize, RequestId, Respond, Steer, Stop, TakeWeights,
    Unpack,
};
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use shared::format::bundle::Part;

use crate::made::{MADE, Made};
use crate::page::Page;

fn anything(page: &mut Page, random: &mut ChaCha8Rng) {
    let asked = page.n_asked();
    let any_id = RequestId(random.random_range(0..asked + 2));
    match random.random_range(0..18) {
        0 => {
            let choice = [DeviceChoice::Cpu, DeviceChoice::Automatic, DeviceChoice::WebGpu];
            page.ask(OpenDevice(choice[random.random_range(0..3)]));
        }
        1 => {
            page.load();
        }
        2 => {
            page.ask(LoadModel { bundle_url: "https://page.example/none".to_owned() });
        }
        3 => {
            let picture = PictureSize { width: 8, height: 8 };
            let bytes = vec![100; if random.random() { 256 } else { 255 }];
            let layer = "mixed3a".to_owned();
            page.ask_with(Classify { picture, layer, channels: 2, at_each_place: 0 }, vec![bytes]);
        }
        4 | 5 => {
            let objective = ["mixed3a:5", "logits:3", "nonsense:1"][random.random_range(0..3)];
            let side = [8, 16, 24][random.random_range(0..3)];
            page.dream(objective, side, random.random_range(0..5), random.random());
        }
        6 | 7 => {
            page.ask(Stop { target: any_id });
        }
        8 | 9 => {
            let pace = [Pace::Run, Pace::Pause, Pace::Once][random.random_range(0..3)];
            page.ask(Steer { dream: any_id, pace });
        }
        10 => page.seen(any_id),
        11 => page.world.allow_breaths(random.random_range(1..4)),
        12 if random.random_bool(0.1) => page.drop_work(),
        13 => {
            let bundle_url = any_address(random);
            let part = Part::of(["labels.txt", "../x"][random.random_range(0..2)], b"labels");
            let what = "labels".to_owned();
            page.ask(FetchPart { bundle_url, part, what });
        }
        14 => {
            let n_bytes = random.random_range(0..64);
            let bytes = (0..n_bytes).map(|_| random.random()).collect();
            let name = "random.zip".to_owned();
            page.ask_with(Unpack { name }, vec![bytes]);
        }
        15 => {
            let bundle_url = any_address(random);
            let sha256 = "0".repeat(64);
            match random.random() {
                true => page.ask_with(TakeWeights { bundle_url }, vec![b"none".to_vec()]),
                false => page.ask(LoadKept { bundle_url, sha256 }),
            };
        }
        16 => {
            let pictures = vec![PictureSize { width: 8, height: 8 }; random.random_range(0..3)];
            let layer = ["conv2d0", "none"][random.random_range(0..2)].to_owned();
            let ask = Respond { layer, channel: random.random_range(0..80), pictures };
            page.ask_with(ask, vec![vec![100; 256]]);
        }
        _ => page.drive(),
    }
}

fn any_address(random: &mut ChaCha8Rng) -> String {
    ["https://page.example/none", Made::BUNDLE, "dropped:1/bundle.json"][random.random_range(0..3)]
        .to_owned()
}

/// Lets everything come to its end: paused dreams would wait for ever.
fn finish(page: &mut Page) {
    page.world.stall(false);
    page.world.allow_breaths(usize::MAX);
    for id in (0..page.n_asked()).map(RequestId) {
        page.ask(Stop { target: id });
    }
    page.drive();
}

fn check(page: &Page, seed: u64) {
    for id in (0..page.n_asked()).map(RequestId) {
        assert!(page.end(id).is_some(), "seed {seed}: {id:?} never ended: {:?}", page.said(id));
    }
}

#[test]
fn every_request_ends_exactly_once_without_a_model() {
    for seed in 0..300 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut page = Page::new();
        page.world.stall(random.random_bool(0.3));
        for _ in 0..40 {
            anything(&mut page, &mut random);
        }
        finish(&mut page);
        check(&page, seed);
    }
}

#[test]
fn every_request_ends_exactly_once_with_a_model_and_a_device_that_may_be_lost() {
    for seed in 0..15 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut page = Page::new();
        page.world.pretend_gpu.set(random.random());
        MADE.serve(&page.world);
        page.ask(OpenDevice(DeviceChoice::Automatic));
        page.load();
        for _ in 0..40 {
            anything(&mut page, &mut random);
            if random.random_bool(0.02) {
                page.ask(LoseDevice);
            }
        }
        finish(&mut page);
        check(&page, seed);
    }
}

#[test]
fn work_that_is_dropped_fails_its_request() {
    let mut page = Page::new();
    page.world.stall(true);
    let load = page.load();
    page.drive();
    page.drop_work();
    assert_eq!(page.failure(load).kind, FailureKind::Internal);
}

#[test]
fn stopping_what_has_ended_or_never_was_changes_nothing() {
    let mut page = Page::new();
    let open = page.ask(OpenDevice(DeviceChoice::Cpu));
    page.drive();
    for target in [open, RequestId(99)] {
        let stop = page.ask(Stop { target });
        assert_eq!(page.end(stop), Some(Event::Done));
    }
    assert_eq!(page.end(open), Some(Event::Done));
}

#[test]
fn steering_a_dream_that_is_over_is_a_mistake() {
    let mut page = Page::new();
    let steer = page.steer(RequestId(99), Pace::Run);
    let Failure { kind, .. } = page.failure(steer);
    assert_eq!(kind, FailureKind::Input);
}

#[test]
fn an_id_that_is_still_in_use_is_not_taken_twice() {
    let mut page = Page::new();
    page.world.stall(true);
    let load = page.load();
    page.ask_as(load, OpenDevice(DeviceChoice::Cpu), Vec::new());
    page.drive();
    page.ask(Stop { target: load });
    page.drive();
    assert_eq!(page.end(load), Some(Event::Cancelled));
}

//! A session over a real engine: one network after another, and what keeps one from coming.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use app::ask::client::Heard;
use app::ask::session::{Network, Session};
use app::ask::slot::Slot;
use app::kept_weights::Kept;
use app::library::{Opened, Source};
use app::protocol::{DeviceChoice, Dream, Event, Failure, FailureKind, RequestId, Stop};
use leptos::prelude::{GetUntracked, Set, WithUntracked};
use shared::format::bundle::Bundle;
use shared::visualize::Settings;

use crate::made::{MADE, Made};
use crate::window::Window;

/// What a browser remembers of weights, by model.
#[derive(Clone, Default)]
struct Memory(Rc<RefCell<BTreeMap<String, String>>>);

impl Kept for Memory {
    fn hash(&self, model: &str) -> Option<String> {
        self.0.borrow().get(model).cloned()
    }

    fn remember(&self, model: &str, sha256: &str) {
        self.0.borrow_mut().insert(model.to_owned(), sha256.to_owned());
    }

    fn forget(&self, model: &str) {
        self.0.borrow_mut().remove(model);
    }
}

/// A window with a session, and a device that was asked for.
fn begin() -> (Window, Session, Memory) {
    let window = Window::new();
    let memory = Memory::default();
    let session = Session::new(window.client, memory.clone());
    session.open_device(DeviceChoice::Automatic, || {});
    (window, session, memory)
}

/// The made bundle is open, with its weights or without.
fn open(window: &Window, session: Session, has_weights: bool) {
    let bundle = match has_weights {
        true => {
            MADE.serve(&window.world);
            MADE.bundle.clone()
        }
        false => {
            MADE.serve_without_weights(&window.world);
            Bundle { weights: None, ..MADE.bundle.clone() }
        }
    };
    let url = Made::BUNDLE.to_owned();
    let source = Source::Address(url.clone());
    session.library.open.set(Some(Arc::new(Opened {
        source,
        url,
        title: "GoogLeNet".to_owned(),
        bundle,
    })));
    session.library.stay();
    session.arrive();
}

fn network(session: Session) -> Network {
    session.network().get_untracked()
}

fn trouble(session: Session) -> Option<FailureKind> {
    session.trouble.with_untracked(|trouble| trouble.as_ref().map(|failure| failure.kind))
}

fn is_here(session: Session) -> bool {
    let here = matches!(network(session), Network::Here(_));
    assert_eq!(here, session.model.with_untracked(Option::is_some));
    here
}

/// Counts how often work that needs a network was done.
fn waiting(session: Session) -> Rc<Cell<u32>> {
    let done = Rc::new(Cell::new(0));
    let count = done.clone();
    session.once_loading(move || count.set(count.get() + 1));
    done
}

#[test]
fn a_network_comes_with_its_progress_and_then_dreams() {
    let (mut window, session, _) = begin();
    assert_eq!(network(session), Network::Unasked);
    let early = waiting(session);
    open(&window, session, true);
    // The engine itself lets it wait from now on.
    assert_eq!(early.get(), 1);
    assert_eq!(network(session), Network::Coming { progress: None, before: None });
    window.drive();
    assert!(is_here(session) && session.device.with_untracked(Option::is_some));
    assert_eq!(waiting(session).get(), 1);

    let ended = Rc::new(Cell::new(false));
    let done = ended.clone();
    let (objective, settings) = ("conv2d0:1".parse().unwrap(), Settings::square(16));
    let dream = Dream { objective, settings, seed: 7, steps: 2, paused: false };
    window.world.allow_breaths(usize::MAX);
    Slot::new().ask(session.client, dream, Vec::new(), move |heard| {
        done.set(heard == Heard::Done);
    });
    window.drive();
    assert!(ended.get());
}

#[test]
fn what_was_asked_while_another_bundle_opens_waits_for_that() {
    let (mut window, session, _) = begin();
    open(&window, session, true);
    window.drive();
    session.library.take("none.zip".to_owned(), b"none".to_vec(), || {});
    let waits = waiting(session);
    assert_eq!(waits.get(), 0);
    window.drive();
    // It did not open, and nobody goes there any more.
    assert!(session.library.failure.with_untracked(Option::is_some));
    assert_eq!((waits.get(), waiting(session).get()), (0, 1));
    assert!(is_here(session));
}

#[test]
fn a_bundle_that_comes_as_a_file_brings_its_network() {
    let (mut window, session, _) = begin();
    session.library.take("made.zip".to_owned(), MADE.zip(), move || session.arrive());
    window.drive();
    assert!(is_here(session));
    let open = session.library.open.get_untracked().unwrap();
    assert_eq!(open.source, Source::File("made.zip".to_owned()));
}

#[test]
fn of_two_bundles_asked_for_only_the_later_opens() {
    let (mut window, session, _) = begin();
    let opened = Rc::new(RefCell::new(Vec::new()));
    for name in ["one.zip", "other.zip"] {
        let opened = opened.clone();
        let note = move || opened.borrow_mut().push(name);
        session.library.take(name.to_owned(), MADE.zip(), note);
    }
    window.drive();
    assert_eq!(*opened.borrow(), ["other.zip"]);
    assert!(!session.library.is_opening());
}

#[test]
fn a_network_that_is_asked_for_again_is_loaded_once() {
    let (mut window, session, _) = begin();
    window.world.stall(true);
    open(&window, session, true);
    window.drive();
    session.load();
    window.world.stall(false);
    window.drive();
    assert!(is_here(session));
    let ends: Vec<_> = window.ends().into_iter().map(|(_, end)| end).collect();
    assert_eq!(ends.iter().filter(|end| **end == Event::Cancelled).count(), 1, "{ends:?}");
}

#[test]
fn without_weights_nothing_waits_until_the_visitor_gives_them() {
    let (mut window, session, memory) = begin();
    let early = waiting(session);
    open(&window, session, false);
    window.drive();
    assert_eq!(network(session), Network::Lacking);
    assert!(session.lacking.get_untracked());
    assert_eq!((early.get(), waiting(session).get()), (0, 0));

    session.take(b"none".to_vec());
    window.drive();
    assert_eq!(network(session), Network::Lacking);
    assert!(session.refused.with_untracked(Option::is_some));
    assert_eq!(trouble(session), None);

    session.take(MADE.weights.clone());
    assert!(!session.lacking.get_untracked());
    window.drive();
    assert!(is_here(session) && session.refused.with_untracked(Option::is_none));
    let sha256 = MADE.weights_part().sha256.clone();
    assert_eq!(memory.hash("googlenet"), Some(sha256));

    // They are refused beside a network that is here: that goes on.
    session.take(b"none".to_vec());
    assert!(session.model.with_untracked(Option::is_some));
    window.drive();
    assert!(is_here(session) && session.refused.with_untracked(Option::is_some));
}

#[test]
fn weights_that_were_given_serve_the_next_visit_as_long_as_they_are_kept() {
    let (mut window, session, memory) = begin();
    let sha256 = MADE.weights_part().sha256.clone();
    memory.remember("googlenet", &sha256);
    window.world.cache.borrow_mut().insert(sha256, MADE.weights.clone());
    open(&window, session, false);
    window.drive();
    assert!(is_here(session));

    let (mut window, session, memory) = begin();
    memory.remember("googlenet", &"0".repeat(64));
    open(&window, session, false);
    window.drive();
    assert_eq!(network(session), Network::Lacking);
    assert_eq!((memory.hash("googlenet"), trouble(session)), (None, None));
}

#[test]
fn without_a_device_that_is_said_and_another_device_mends_it() {
    let (mut window, session, _) = begin();
    let failure = Failure::new(FailureKind::NoWebGpu, "No GPU.", "Test.", "Use the processor.");
    *window.world.no_device.borrow_mut() = Some(failure);
    open(&window, session, true);
    window.drive();
    assert_eq!(trouble(session), Some(FailureKind::NoWebGpu));
    // The engine's own answer says more than waiting.
    assert_eq!(waiting(session).get(), 1);
    // A network that is asked for again does not mend the device.
    session.load();
    assert_eq!(trouble(session), Some(FailureKind::NoWebGpu));
    window.drive();

    *window.world.no_device.borrow_mut() = None;
    let opened = Rc::new(Cell::new(false));
    let told = opened.clone();
    session.switch(DeviceChoice::Cpu, move || told.set(true));
    window.drive();
    assert!(is_here(session) && opened.get());
    assert_eq!(trouble(session), None);
}

#[test]
fn a_download_that_fails_is_said_and_can_be_tried_again() {
    let (mut window, session, _) = begin();
    open(&window, session, true);
    window.world.files.borrow_mut().clear();
    window.drive();
    assert_eq!(trouble(session), Some(FailureKind::Download));
    MADE.serve(&window.world);
    session.load();
    assert_eq!(trouble(session), None);
    window.drive();
    assert!(is_here(session));
}

#[test]
fn of_two_devices_asked_for_the_later_is_used() {
    let (mut window, session, _) = begin();
    window.world.pretend_gpu.set(true);
    let told = Rc::new(Cell::new(0));
    for (choice, worth) in [(DeviceChoice::WebGpu, 1), (DeviceChoice::Cpu, 10)] {
        let told = told.clone();
        session.open_device(choice, move || told.set(told.get() + worth));
    }
    window.drive();
    let used = session.device.get_untracked().map(|report| report.device);
    assert_eq!((used, told.get()), (Some(DeviceChoice::Cpu), 10));
}

#[test]
fn an_engine_that_ends_is_trouble_until_it_is_started_anew() {
    let (mut window, session, _) = begin();
    open(&window, session, true);
    window.drive();
    window.crash("a test");
    session.mourn("a test");
    assert!(session.worker_is_dead());
    assert_eq!(trouble(session), Some(FailureKind::Internal));
    session.switch(DeviceChoice::Cpu, || {});
    assert_eq!(
        (network(session), trouble(session)),
        (Network::Coming { progress: None, before: None }, None,)
    );
    window.drive();
    assert!(is_here(session) && !session.worker_is_dead());
}

#[test]
fn a_device_that_is_lost_concerns_everything() {
    let (mut window, session, _) = begin();
    open(&window, session, true);
    window.drive();
    let input = Failure::new(FailureKind::Input, "No.", "Test.", "Try again.");
    assert!(!session.takes(&input));
    let lost = Failure { kind: FailureKind::DeviceLost, ..input };
    assert!(session.takes(&lost));
    assert_eq!(trouble(session), Some(FailureKind::DeviceLost));
    // It is another engine that goes on.
    session.switch(DeviceChoice::Automatic, || {});
    window.drive();
    assert!(is_here(session));
    assert_eq!(trouble(session), None);
}

#[test]
fn a_build_that_is_stopped_leaves_nothing_coming() {
    let (mut window, session, _) = begin();
    window.world.stall(true);
    open(&window, session, true);
    window.drive();
    // Requests count from 0: the device, then the network.
    session.client.tell(Stop { target: RequestId(1) });
    window.drive();
    assert_eq!(network(session), Network::Unasked);
}

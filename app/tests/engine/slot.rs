//! One open question a slot: a new one ends the old, and late answers vanish.

use std::cell::RefCell;
use std::rc::Rc;

use app::ask::client::{Heard, WorkerState};
use app::ask::slot::Slot;
use app::protocol::{
    DeviceChoice, Dream, Event, FailureKind, LoadModel, OpenDevice, Stepped, Stop,
};
use leptos::prelude::{GetUntracked, Owner};
use shared::format::bundle::Part;
use shared::visualize::Settings;

use crate::made::{MADE, Made};
use crate::window::Window;

/// What was heard, in order.
type Log<A> = Rc<RefCell<Vec<Heard<A>>>>;

/// A log, and what writes into it.
fn log<A: 'static>() -> (Log<A>, impl FnMut(Heard<A>) + Clone + 'static) {
    let log = Log::default();
    let write = log.clone();
    (log, move |heard| write.borrow_mut().push(heard))
}

fn dream(steps: usize) -> Dream {
    let settings = Settings::square(16);
    Dream { objective: "conv2d0:1".parse().unwrap(), settings, seed: 7, steps, paused: false }
}

/// A window whose engine has a model.
fn with_model() -> Window {
    let mut window = Window::new();
    MADE.serve(&window.world);
    window.client.ask(OpenDevice(DeviceChoice::Automatic), Vec::new(), |_| {});
    window.client.ask(LoadModel { bundle_url: Made::BUNDLE.to_owned() }, Vec::new(), |_| {});
    window.drive();
    assert!(window.ends().iter().all(|(_, end)| *end == Event::Done));
    window
}

fn steps(log: &Log<Stepped>) -> Vec<usize> {
    let heard = log.borrow();
    let said = heard.iter().filter_map(|heard| match heard {
        Heard::Said(stepped, _) => Some(stepped.step),
        Heard::Done | Heard::Failed(_) | Heard::Cancelled => None,
    });
    said.collect()
}

#[test]
fn a_question_is_answered_and_then_its_slot_is_free() {
    let mut window = with_model();
    window.world.allow_breaths(usize::MAX);
    let slot = Slot::new();
    let (heard, on) = log();
    slot.ask(window.client, dream(3), Vec::new(), on);
    assert!(slot.open().is_some() && heard.borrow().is_empty());
    window.drive();
    assert_eq!(steps(&heard), [1, 2, 3]);
    assert_eq!(heard.borrow().last(), Some(&Heard::Done));
    assert_eq!(slot.open(), None);
}

#[test]
fn a_new_question_ends_the_old_which_is_not_heard_any_more() {
    let mut window = with_model();
    let slot = Slot::new();
    let (old, on_old) = log();
    let (new, on_new) = log();
    slot.ask(window.client, dream(1000), Vec::new(), on_old);
    let first = slot.open().unwrap();
    window.world.allow_breaths(1);
    window.drive();
    let before = steps(&old).len();
    assert!(0 < before);

    slot.ask(window.client, dream(2), Vec::new(), on_new);
    window.world.allow_breaths(usize::MAX);
    window.drive();
    assert_eq!(old.borrow().len(), before, "{old:?}");
    assert!(window.ends().contains(&(first, Event::Cancelled)));
    assert_eq!(steps(&new), [1, 2]);
    assert_eq!(new.borrow().last(), Some(&Heard::Done));
}

#[test]
fn what_is_on_its_way_when_a_slot_ends_vanishes() {
    let mut window = with_model();
    window.world.allow_breaths(usize::MAX);
    let slot = Slot::new();
    let (heard, on) = log();
    slot.ask(window.client, dream(3), Vec::new(), on);
    // It has answered to the end, and nobody has heard it.
    window.work();
    slot.end();
    window.drive();
    assert!(heard.borrow().is_empty(), "{heard:?}");
}

#[test]
fn a_turn_that_is_over_asks_nothing() {
    let mut window = with_model();
    let asked = window.ends().len();
    let slot = Slot::new();
    let late = slot.turn();
    let on_time = slot.turn();
    assert!(!late.is_on() && on_time.is_on());
    let (heard, on) = log();
    late.ask(window.client, dream(1), Vec::new(), on.clone());
    window.drive();
    assert_eq!(window.ends().len(), asked);
    on_time.ask(window.client, dream(1), Vec::new(), on);
    window.drive();
    assert_eq!(steps(&heard), [1]);
}

#[test]
fn two_slots_know_nothing_of_each_other() {
    let mut window = with_model();
    window.world.allow_breaths(usize::MAX);
    let [one, other] = [Slot::new(), Slot::new()];
    let (heard, on) = log();
    one.ask(window.client, dream(2), Vec::new(), on.clone());
    other.ask(window.client, dream(2), Vec::new(), on);
    window.drive();
    assert_eq!(heard.borrow().iter().filter(|heard| **heard == Heard::Done).count(), 2);
}

#[test]
fn what_was_taken_down_hears_nothing() {
    let mut window = with_model();
    window.world.allow_breaths(usize::MAX);
    let view = Owner::new();
    let (heard, on) = log();
    view.with(|| Slot::new().ask(window.client, dream(2), Vec::new(), on));
    view.cleanup();
    window.drive();
    assert!(heard.borrow().is_empty(), "{heard:?}");
}

#[test]
fn an_engine_that_ends_fails_what_is_open_and_another_answers() {
    let mut window = with_model();
    let slot = Slot::new();
    let (heard, on) = log();
    slot.ask(window.client, dream(1000), Vec::new(), on.clone());
    window.work();
    window.crash("memory allocation of 9 bytes failed");
    assert!(matches!(window.client.state().get_untracked(), WorkerState::Dead(_)));
    let failed = |kind| {
        move |heard: &Heard<Stepped>| match heard {
            Heard::Failed(failure) => failure.kind == kind,
            Heard::Said(..) | Heard::Done | Heard::Cancelled => false,
        }
    };
    assert!(heard.borrow().last().is_some_and(failed(FailureKind::OutOfMemory)), "{heard:?}");
    assert_eq!(slot.open(), None);

    // Whoever asks a dead engine is told so, though not from within the question.
    heard.borrow_mut().clear();
    slot.ask(window.client, dream(1), Vec::new(), on.clone());
    assert!(heard.borrow().is_empty());
    window.drive();
    assert!(heard.borrow().last().is_some_and(failed(FailureKind::OutOfMemory)), "{heard:?}");

    window.client.restart();
    heard.borrow_mut().clear();
    slot.ask(window.client, dream(1), Vec::new(), on);
    window.drive();
    assert!(heard.borrow().last().is_some_and(failed(FailureKind::NotReady)), "{heard:?}");
}

#[test]
fn a_question_that_restarts_the_engine_ends_once() {
    let mut window = with_model();
    let slot = Slot::new();
    let (heard, mut on) = log();
    let client = window.client;
    slot.ask(client, dream(1000), Vec::new(), move |heard: Heard<Stepped>| {
        let restarts = matches!(heard, Heard::Said(..));
        on(heard);
        if restarts {
            client.restart();
        }
    });
    window.drive();
    assert_eq!(steps(&heard), [1]);
    assert_eq!(heard.borrow()[1..], [Heard::Cancelled]);
}

#[test]
fn a_part_is_waited_for() {
    let mut window = Window::new();
    MADE.serve(&window.world);
    let client = window.client;
    let labels = MADE.bundle.labels.clone();
    let came = window.wait(async move { client.part(Made::BUNDLE, &labels, "labels").await });
    assert_eq!(came.map(|bytes| Part::of("labels.txt", &bytes)), Ok(MADE.bundle.labels.clone()));
    let missing = Part::of("none.txt", b"none");
    let came = window.wait(async move { client.part(Made::BUNDLE, &missing, "list").await });
    assert_eq!(came.map_err(|failure| failure.kind), Err(FailureKind::Download));
}

#[test]
fn a_question_that_another_stops_is_heard_to_its_end() {
    let mut window = with_model();
    let slot = Slot::new();
    let (heard, on) = log();
    slot.ask(window.client, dream(1000), Vec::new(), on);
    window.client.tell(Stop { target: slot.open().unwrap() });
    window.drive();
    assert_eq!(heard.borrow().last(), Some(&Heard::Cancelled));
}

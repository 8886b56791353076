//! A growth that was recorded beforehand, played where there is no live one, or not yet.

use std::time::Duration;

use leptos::prelude::*;

use crate::ask::slot::Slot;
use crate::halls::Recorded;

/// How long each picture of the growth is looked at.
const EACH: Duration = Duration::from_millis(520);

/// What is played, and how far.
#[derive(Clone, Copy)]
pub struct Replay {
    /// What is played.
    pub of: RwSignal<Option<Recorded>>,
    /// Which of the pictures is shown, from 0.
    place: RwSignal<usize>,
    /// Whether it moves.
    pub going: RwSignal<bool>,
    // Whether the pictures are here.
    ready: StoredValue<bool>,
    next: Slot,
}

impl Replay {
    /// Nothing is played.
    pub fn new() -> Self {
        Self {
            of: RwSignal::default(),
            place: RwSignal::default(),
            going: RwSignal::default(),
            ready: StoredValue::default(),
            next: Slot::new(),
        }
    }

    /// Which of the pictures is shown, from 0. Reactive.
    pub fn place(self) -> usize {
        self.place.get()
    }

    /// The pictures have come.
    pub fn arrived(self) {
        self.ready.set_value(true);
        self.tick();
    }

    /// The pictures did not come: what was there before stays.
    pub fn fail(self) {
        self.of.set(None);
        self.going.set(false);
    }

    /// Plays a growth from its first picture.
    pub fn begin(self, recorded: Recorded) {
        let again = self.of.with_untracked(|of| of.as_ref() == Some(&recorded));
        self.place.set(0);
        self.going.set(true);
        if again {
            return self.tick();
        }
        self.ready.set_value(false);
        self.of.set(Some(recorded));
    }

    /// Goes on, or stays where it is.
    pub fn rest(self, going: bool) {
        self.going.set(going);
        self.tick();
    }

    /// Goes on to the next picture after a while, and from there.
    fn tick(self) {
        let turn = self.next.turn();
        if !self.going.get_untracked() || !self.ready.get_value() {
            return;
        }
        let next = move || {
            // The page may have been closed, or the growth begun anew.
            if !turn.is_on() {
                return;
            }
            let last = self.of.with_untracked(|of| of.as_ref().map_or(0, |of| of.steps.len() - 1));
            self.place.update(|place| *place = (*place + 1).min(last));
            if self.place.get_untracked() == last {
                self.going.set(false);
            }
            self.tick();
        };
        set_timeout(next, EACH);
    }
}

impl Default for Replay {
    fn default() -> Self {
        Self::new()
    }
}

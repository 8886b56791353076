//! A growth that was recorded beforehand, played where there is no live one, or not yet.

use std::time::Duration;

use leptos::prelude::*;

use crate::halls::Recorded;
use crate::page::Page;

/// How long each picture of the growth is looked at.
const EACH: Duration = Duration::from_millis(520);

/// What is played, and how far.
#[derive(Clone, Copy)]
pub struct Replay {
    of: RwSignal<Option<Recorded>>,
    /// Which of the pictures is shown, from 0.
    place: RwSignal<usize>,
    going: RwSignal<bool>,
    // Whether the pictures are here.
    ready: StoredValue<bool>,
    // Counts beginnings and pauses, so that a late tick is recognised.
    turn: StoredValue<u32>,
}

impl Replay {
    /// Nothing is played.
    pub fn new() -> Self {
        Self {
            of: RwSignal::default(),
            place: RwSignal::default(),
            going: RwSignal::default(),
            ready: StoredValue::default(),
            turn: StoredValue::default(),
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

    fn begin(self, recorded: Recorded) {
        let again = self.of.with_untracked(|of| of.as_ref() == Some(&recorded));
        self.place.set(0);
        self.going.set(true);
        if again {
            return self.tick();
        }
        self.ready.set_value(false);
        self.of.set(Some(recorded));
    }

    fn rest(self, going: bool) {
        self.going.set(going);
        self.tick();
    }

    /// Goes on to the next picture after a while, and from there.
    fn tick(self) {
        self.turn.update_value(|turn| *turn += 1);
        let turn = self.turn.get_value();
        if !self.going.get_untracked() || !self.ready.get_value() {
            return;
        }
        let next = move || {
            // The page may have been closed, or the growth begun anew.
            if self.turn.try_get_value() != Some(turn) {
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

impl Page {
    /// What is played of the unit on view, as long as there is no live picture of it. Reactive.
    pub fn replayed(self) -> Option<Recorded> {
        let recorded = self.replay.of.get()?;
        let is_live = self.panes[0].frame.with(Option::is_some);
        (!is_live && self.recorded().as_ref() == Some(&recorded)).then_some(recorded)
    }

    /// Whether it moves. Reactive.
    pub fn is_replaying(self) -> bool {
        self.replayed().is_some() && self.replay.going.get()
    }

    /// Plays how the unit on view grew, if that was recorded.
    pub fn replay(self) {
        if let Some(recorded) = untrack(|| self.recorded()) {
            self.replay.begin(recorded);
        }
    }

    /// Begins, pauses or goes on, whichever comes next.
    pub fn replay_or_rest(self) {
        let begun = untrack(|| self.replayed());
        let last = begun.map_or(0, |of| of.steps.len() - 1);
        if untrack(|| self.is_replaying()) {
            self.replay.rest(false);
        } else if (1..last).contains(&self.replay.place.get_untracked()) {
            self.replay.rest(true);
        } else {
            self.replay();
        }
    }
}

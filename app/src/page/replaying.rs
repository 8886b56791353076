//! The recorded growth of the unit on view, played in place of a live one.

use leptos::prelude::*;

use super::Page;
use crate::halls::Recorded;
use crate::replay::Replay;

impl Page {
    /// Who plays it.
    pub fn player(self) -> Replay {
        self.replay
    }

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
        } else if (1..last).contains(&untrack(|| self.replay.place())) {
            self.replay.rest(true);
        } else {
            self.replay();
        }
    }
}

//! The dream on view: begun, paused, stepped, ended.

use leptos::prelude::*;

use super::{Asked, Page};
use crate::protocol::DeviceChoice;
use crate::verbs::dream::state::{Pane, Status};

impl Page {
    /// Begins the dream on view, in as many panes as are compared. Until its first picture comes,
    /// and where none can come, what was recorded of it beforehand is played. An engine that has
    /// ended is started again for it.
    pub fn start(self, paused: bool) {
        let address = self.address.get_untracked();
        // Before its bundle is open it is not known what a mistake would be.
        let mistaken = self.is_met() && untrack(|| self.mistake()).is_some();
        let Some(objective) = address.objective.objective().filter(|_| !mistaken) else { return };
        if !paused {
            self.replay();
        }
        if self.lives.get_untracked() == Some(false) {
            return;
        }
        if self.session.worker_is_dead() {
            self.session.restart(address.device);
        }
        let asked = untrack(|| self.asked());
        self.panes[0].start(self.session, objective, &asked.1, paused);
        self.begun.set_value(Some(asked));
        match address.compared(untrack(|| self.suited())) {
            Some(other) => self.panes[1].start(self.session, objective, &other, paused),
            None => self.panes[1].clear(),
        }
    }

    /// Whether the panes were last started with this.
    pub fn has_begun(self, asked: &Asked) -> bool {
        self.begun.with_value(|begun| begun.as_ref() == Some(asked))
    }

    /// Starts, pauses or resumes, whichever comes next.
    pub fn play(self) {
        if self.lives.get_untracked() == Some(false) {
            return self.replay_or_rest();
        }
        match untrack(|| self.status()) {
            Status::Waiting | Status::Running => self.each(|pane| pane.pause(self.session)),
            Status::Paused => self.each(|pane| pane.resume(self.session)),
            Status::Idle | Status::Finished => self.start(false),
        }
    }

    /// One step, from wherever the dream is.
    pub fn step(self) {
        if matches!(untrack(|| self.status()), Status::Idle | Status::Finished) {
            self.start(true);
        }
        self.each(|pane| pane.step(self.session));
    }

    /// Computes on another device. A dream begins anew there once it is open, and goes on where it
    /// is until then, or where it does not open.
    pub fn compute_on(self, choice: DeviceChoice) {
        let used = move || self.session.device.get_untracked().map(|report| report.device);
        let before = used();
        if untrack(|| self.status()).is_going() {
            self.notice.set("The dream goes on here until the other device is ready.".to_owned());
        }
        self.session.switch(choice, move || {
            let status = untrack(|| self.status());
            let Some(now) = used().filter(|now| Some(*now) != before) else { return };
            if !matches!(status, Status::Idle | Status::Finished) {
                self.start(status == Status::Paused);
                self.notice.set(format!("The dream begins anew on {}.", the(now)));
            }
        });
    }

    /// Ends the dream; its picture stays.
    pub fn stop(self) {
        self.each(|pane| pane.stop());
    }

    /// Ends what waits for a network that does not come.
    pub fn stop_waiting(self) {
        let waits = |pane: &Pane| pane.status.get_untracked() == Status::Waiting;
        self.panes.into_iter().filter(waits).for_each(|pane| pane.stop());
    }

    /// What the panes are doing together: going while one of them is.
    pub fn status(self) -> Status {
        let [first, second] = self.panes.map(|pane| pane.status.get());
        if second.is_going() && !first.is_going() { second } else { first }
    }

    fn each(self, act: impl Fn(Pane)) {
        self.panes
            .into_iter()
            .filter(|pane| !matches!(pane.status.get_untracked(), Status::Idle | Status::Finished))
            .for_each(act);
    }
}

/// A device in a sentence.
fn the(device: DeviceChoice) -> &'static str {
    match device {
        DeviceChoice::Automatic => "the other device",
        DeviceChoice::WebGpu => "WebGPU",
        DeviceChoice::Cpu => "the CPU",
    }
}

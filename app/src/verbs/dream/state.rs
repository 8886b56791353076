//! One dream on view: its request, its newest picture, its numbers.

use std::sync::Arc;

use leptos::prelude::*;
use shared::visualize::{Making, Objective};

use crate::ask::client::Heard;
use crate::ask::session::Session;
use crate::ask::slot::Slot;
use crate::protocol::{Dream, Failure, Pace, Steer, Stepped};

/// What a pane is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nothing was asked for, or what was asked for has ended early.
    #[default]
    Idle,
    /// Asked for; the first step has not come.
    Waiting,
    /// Step after step.
    Running,
    /// Stopped between two steps; goes on from there.
    Paused,
    /// All steps are done.
    Finished,
}

impl Status {
    /// Whether steps come, or will without being asked for again.
    pub fn is_going(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// The newest picture of a dream.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The step it belongs to, with its recipe and sizes.
    pub stepped: Stepped,
    /// The batch's pictures, RGBA, one after another.
    pub rgba: Vec<u8>,
}

/// What arrived since the window was last painted.
#[derive(Default)]
struct Arrived {
    scores: Vec<(usize, f32)>,
    stepped: Option<Stepped>,
    frame: Option<Arc<Frame>>,
    scheduled: bool,
}

/// One dream on view.
#[derive(Clone, Copy)]
pub struct Pane {
    /// What it is doing.
    pub status: RwSignal<Status>,
    /// The newest step.
    pub stepped: RwSignal<Option<Stepped>>,
    /// The objective's value at each step, from the first. Larger is better.
    pub scores: RwSignal<Vec<f32>>,
    /// The newest picture.
    pub frame: RwSignal<Option<Arc<Frame>>>,
    /// Why it ended early.
    pub failure: RwSignal<Option<Failure>>,
    dream: Slot,
    arrived: StoredValue<Arrived>,
}

impl Pane {
    /// An empty pane.
    pub fn new() -> Self {
        Self {
            status: RwSignal::default(),
            stepped: RwSignal::default(),
            scores: RwSignal::default(),
            frame: RwSignal::default(),
            failure: RwSignal::default(),
            dream: Slot::new(),
            arrived: StoredValue::default(),
        }
    }

    /// Begins a dream, in place of what was there. The old picture stays until the first new one.
    pub fn start(self, session: Session, objective: &Objective, making: &Making, paused: bool) {
        self.stop();
        let turn = self.dream.turn();
        self.failure.set(None);
        self.stepped.set(None);
        self.scores.set(Vec::new());
        self.status.set(if paused { Status::Paused } else { Status::Waiting });
        let objective = making.penalized(objective.clone());
        let (settings, seed, steps) = (making.settings.clone(), making.seed, making.steps);
        session.once_loading(move || {
            // It may have been paused while it waited for the network.
            let paused = self.status.get_untracked() == Status::Paused;
            let wish = Dream { objective, settings, seed, steps, paused };
            turn.ask(session.client, wish, Vec::new(), move |heard| self.hear(session, heard));
        });
    }

    /// Stays as it is after the step it is in.
    pub fn pause(self, session: Session) {
        self.steer(session, Pace::Pause, Status::Paused);
    }

    /// Goes on.
    pub fn resume(self, session: Session) {
        self.steer(session, Pace::Run, Status::Running);
    }

    /// One step, then stays.
    pub fn step(self, session: Session) {
        self.steer(session, Pace::Once, Status::Paused);
    }

    /// Ends the dream; picture and numbers stay.
    pub fn stop(self) {
        self.dream.end();
        self.arrived.set_value(Arrived::default());
        self.status.set(Status::Idle);
    }

    /// Ends the dream and takes its picture down.
    pub fn clear(self) {
        self.stop();
        self.stepped.set(None);
        self.scores.set(Vec::new());
        self.frame.set(None);
        self.failure.set(None);
    }

    fn steer(self, session: Session, pace: Pace, status: Status) {
        if let Some(dream) = self.dream.open() {
            session.client.tell(Steer { dream, pace });
            self.status.set(status);
        } else if status == Status::Running {
            // It has not been asked for yet; then it will begin at once.
            self.status.set(Status::Waiting);
        } else {
            self.status.set(status);
        }
    }

    fn hear(self, session: Session, heard: Heard<Stepped>) {
        match heard {
            Heard::Said(stepped, buffers) => {
                session.measure(&stepped);
                self.keep(stepped, buffers);
            }
            Heard::Done => self.end(Status::Finished),
            Heard::Cancelled => self.end(Status::Idle),
            Heard::Failed(failure) => {
                self.end(Status::Idle);
                if !session.takes(&failure) {
                    self.failure.set(Some(failure));
                }
            }
        }
    }

    fn end(self, status: Status) {
        // The window may be hidden and never painted again: nothing may be left behind.
        self.show();
        self.status.set(status);
    }

    /// Steps may come faster than the window is painted; only the newest is shown.
    fn keep(self, stepped: Stepped, buffers: Vec<Vec<u8>>) {
        let schedule = self.arrived.try_update_value(|arrived| {
            arrived.scores.push((stepped.step, -stepped.loss));
            if let Some(rgba) = buffers.into_iter().next() {
                arrived.frame = Some(Arc::new(Frame { stepped: stepped.clone(), rgba }));
            }
            arrived.stepped = Some(stepped);
            !std::mem::replace(&mut arrived.scheduled, true)
        });
        if schedule == Some(true) {
            request_animation_frame(move || self.show());
        }
    }

    fn show(self) {
        let Some(arrived) = self.arrived.try_update_value(std::mem::take) else { return };
        if !arrived.scores.is_empty() {
            self.scores.update(|scores| {
                for (step, score) in arrived.scores {
                    // A step that is said again replaces itself.
                    scores.truncate(step.saturating_sub(1));
                    scores.push(score);
                }
            });
        }
        if let Some(frame) = arrived.frame {
            self.frame.set(Some(frame));
        }
        if let Some(stepped) = arrived.stepped {
            if self.status.get_untracked() == Status::Waiting {
                self.status.set(Status::Running);
            }
            self.stepped.set(Some(stepped));
        }
    }
}

impl Default for Pane {
    fn default() -> Self {
        Self::new()
    }
}

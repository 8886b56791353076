//! One open question: a new one ends the old, and late answers vanish.

use leptos::prelude::{GetValue, StoredValue};
use leptos::reactive::traits::UpdateValue;

use super::client::{Client, Heard};
use crate::protocol::{Question, RequestId, Stop};

/// Room for one open question: of the engine, of the browser, or of time.
#[derive(Clone, Copy)]
pub struct Slot {
    /// Counts what was asked here.
    count: StoredValue<u32>,
    open: StoredValue<Option<Open>>,
}

/// A question that the engine has not ended.
#[derive(Clone, Copy)]
struct Open {
    client: Client,
    id: RequestId,
}

/// The right to answer, until another question takes the slot.
#[derive(Clone, Copy)]
pub struct Turn {
    slot: Slot,
    number: u32,
}

impl Slot {
    /// Nothing asked yet.
    pub fn new() -> Self {
        Self { count: StoredValue::default(), open: StoredValue::default() }
    }

    /// Ends what is open here, for another question whose turn it is from now on.
    pub fn turn(self) -> Turn {
        self.end();
        Turn { slot: self, number: self.count.try_get_value().unwrap_or_default() }
    }

    /// Ends what is open here: nobody hears the rest of it.
    pub fn end(self) {
        self.count.try_update_value(|count| *count += 1);
        if let Some(Open { client, id }) = self.open.try_update_value(Option::take).flatten() {
            client.tell(Stop { target: id });
        }
    }

    /// Asks the engine, in place of what was asked here before.
    pub fn ask<Q: Question>(
        self,
        client: Client,
        question: Q,
        buffers: Vec<Vec<u8>>,
        on: impl FnMut(Heard<Q::Answer>) + 'static,
    ) {
        self.turn().ask(client, question, buffers, on);
    }

    /// What the engine is being asked, if it has not ended.
    pub fn open(self) -> Option<RequestId> {
        self.open.try_get_value().flatten().map(|open| open.id)
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self::new()
    }
}

impl Turn {
    /// Whether nothing else has been asked since.
    pub fn is_on(self) -> bool {
        self.slot.count.try_get_value() == Some(self.number)
    }

    /// Asks the engine, unless it is too late for that; `on` hears what comes while the turn lasts.
    pub fn ask<Q: Question>(
        self,
        client: Client,
        question: Q,
        buffers: Vec<Vec<u8>>,
        mut on: impl FnMut(Heard<Q::Answer>) + 'static,
    ) {
        if !self.is_on() {
            return;
        }
        let id = client.ask(question, buffers, move |heard| {
            if self.is_on() {
                if !matches!(heard, Heard::Said(..)) {
                    self.slot.open.try_update_value(Option::take);
                }
                on(heard);
            }
        });
        self.slot.open.try_update_value(|open| *open = Some(Open { client, id }));
    }
}

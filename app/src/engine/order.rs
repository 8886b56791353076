//! Who waits for whom: devices and models in the order they were asked for, and everything else
//! after those that were asked for before it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::watch::Watch;

/// Requests that set something up and have not ended.
#[derive(Default)]
pub struct Queue {
    next: Cell<u64>,
    unfinished: Watch<BTreeSet<u64>>,
}

/// A place in the queue, behind everything that was set up before.
pub struct Ticket {
    queue: Rc<Queue>,
    number: u64,
}

/// The ticket of a request that sets something up; those behind it wait until it is dropped.
pub struct Turn(Ticket);

impl Queue {
    /// A ticket for something that uses what was set up.
    pub fn ticket(self: &Rc<Self>) -> Ticket {
        Ticket { queue: self.clone(), number: self.next.get() }
    }

    /// A ticket for something that sets up.
    pub fn turn(self: &Rc<Self>) -> Turn {
        let ticket = self.ticket();
        self.next.set(ticket.number + 1);
        self.unfinished.change(|unfinished| unfinished.insert(ticket.number));
        Turn(ticket)
    }
}

impl Ticket {
    /// Waits until everything before it has ended.
    pub async fn comes(&self) {
        let first = |unfinished: &BTreeSet<u64>| {
            unfinished.first().is_none_or(|&first| self.number <= first)
        };
        self.queue.unfinished.until(first).await;
    }
}

impl Turn {
    /// Waits until everything before it has ended.
    pub async fn comes(&self) {
        self.0.comes().await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.queue.unfinished.change(|unfinished| unfinished.remove(&self.0.number));
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn everything_waits_for_what_was_set_up_before_it_and_no_longer() {
        let queue = Rc::new(Queue::default());
        let early = queue.ticket();
        let first = queue.turn();
        let second = queue.turn();
        let late = queue.ticket();
        assert!(early.comes().now_or_never().is_some());
        assert!(first.comes().now_or_never().is_some());
        assert!(second.comes().now_or_never().is_none());
        drop(first);
        assert!(second.comes().now_or_never().is_some());
        assert!(late.comes().now_or_never().is_none());
        drop(second);
        assert!(late.comes().now_or_never().is_some());
    }
}

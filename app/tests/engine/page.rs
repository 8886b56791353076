//! The window's part in a test: asks, drives the engine, and remembers what was said.

use std::cell::RefCell;
use std::rc::Rc;

use app::engine::Engine;
use app::protocol::{
    Ask, Dream, Envelope, Event, Failure, LoadModel, Pace, Reply, Request, RequestId, Steer,
    Stepped,
};
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use shared::visualize::Settings;

use crate::host::{TestHost, World};
use crate::made::Made;

/// A page with an engine and a world around it.
pub struct Page {
    /// What the engine's host gives.
    pub world: Rc<World>,
    engine: Engine<TestHost>,
    pool: LocalPool,
    said: Rc<RefCell<Vec<Envelope<Reply>>>>,
    next_id: u32,
}

impl Page {
    /// A page with nothing open yet.
    pub fn new() -> Self {
        let world = Rc::new(World::default());
        let said = Rc::new(RefCell::new(Vec::new()));
        let hear = said.clone();
        let emit = move |reply| hear.borrow_mut().push(reply);
        let engine = Engine::new(emit, TestHost(world.clone()));
        Self { world, engine, pool: LocalPool::new(), said, next_id: 0 }
    }

    /// Asks, without driving.
    pub fn ask(&mut self, ask: impl Into<Ask>) -> RequestId {
        self.ask_with(ask, Vec::new())
    }

    /// Asks with buffers beside it, without driving.
    pub fn ask_with(&mut self, ask: impl Into<Ask>, buffers: Vec<Vec<u8>>) -> RequestId {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.ask_as(id, ask, buffers);
        id
    }

    /// Asks under an id of the test's choice.
    pub fn ask_as(&mut self, id: RequestId, ask: impl Into<Ask>, buffers: Vec<Vec<u8>>) {
        let message = Request { id, ask: ask.into() };
        if let Some(work) = self.engine.receive(Envelope { message, buffers }) {
            self.pool.spawner().spawn_local(work).unwrap();
        }
    }

    /// How many requests were asked; their ids count from 0.
    pub fn n_asked(&self) -> u32 {
        self.next_id
    }

    /// Asks for the model of the bundle that is served.
    pub fn load(&mut self) -> RequestId {
        self.ask(LoadModel { bundle_url: Made::BUNDLE.to_owned() })
    }

    /// Asks for a dream of the usual settings at this size.
    pub fn dream(&mut self, objective: &str, side: usize, steps: usize, paused: bool) -> RequestId {
        let objective = objective.parse().unwrap();
        let settings = Settings::square(side);
        self.ask(Dream { objective, settings, seed: 7, steps, paused })
    }

    /// Sets a dream's pace and drives.
    pub fn steer(&mut self, dream: RequestId, pace: Pace) -> RequestId {
        let id = self.ask(Steer { dream, pace });
        self.drive();
        id
    }

    /// Says that the latest picture was handled.
    pub fn seen(&self, dream: RequestId) {
        self.engine.seen(dream);
    }

    /// Drives everything until nothing can go on.
    pub fn drive(&mut self) {
        self.pool.run_until_stalled();
    }

    /// Drops all work, finished or not.
    pub fn drop_work(&mut self) {
        self.pool = LocalPool::new();
    }

    /// Everything said about a request, in order.
    pub fn said(&self, id: RequestId) -> Vec<Envelope<Reply>> {
        self.said.borrow().iter().filter(|reply| reply.message.id == id).cloned().collect()
    }

    /// How a request ended, if it has.
    ///
    /// # Panics
    /// It ended twice, or something was said after its end.
    pub fn end(&self, id: RequestId) -> Option<Event> {
        let said = self.said(id);
        let first = said.iter().position(|reply| reply.message.event.is_end())?;
        assert_eq!(first + 1, said.len(), "{id:?} goes on after its end: {said:?}");
        Some(said[first].message.event.clone())
    }

    /// How a request failed.
    ///
    /// # Panics
    /// It did not fail.
    pub fn failure(&self, id: RequestId) -> Failure {
        match self.end(id) {
            Some(Event::Failed(failure)) => failure,
            other => panic!("{id:?} should have failed: {other:?}"),
        }
    }

    /// The steps of a dream, and whether each came with its picture.
    pub fn steps(&self, dream: RequestId) -> Vec<(Stepped, bool)> {
        self.said(dream)
            .into_iter()
            .filter_map(|Envelope { message, buffers }| match message.event {
                Event::Stepped(stepped) => Some((stepped, !buffers.is_empty())),
                _ => None,
            })
            .collect()
    }

    /// The numbers of a dream's steps.
    pub fn step_numbers(&self, dream: RequestId) -> Vec<usize> {
        self.steps(dream).iter().map(|(stepped, _)| stepped.step).collect()
    }
}

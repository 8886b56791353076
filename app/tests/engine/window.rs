//! The page's own side of the conversation, with a real engine at the other end of the line.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use app::ask::client::{Client, Line};
use app::engine::Engine;
use app::protocol::{Envelope, Event, FromWindow, FromWorker, Reply, RequestId};
use futures::executor::{LocalPool, LocalSpawner};
use futures::task::LocalSpawnExt;
use leptos::prelude::Owner;

use crate::host::{TestHost, World};

/// A window, and a line to an engine in a world.
pub struct Window {
    /// What the engine's host gives.
    pub world: Rc<World>,
    /// Whom the window asks.
    pub client: Client,
    line: EngineLine,
    pool: LocalPool,
    // What is asked lives as long as who asks.
    _owner: Owner,
}

/// A line to one engine after another.
#[derive(Clone)]
struct EngineLine(Rc<Wires>);

type Hear = Rc<dyn Fn(Envelope<FromWorker>)>;

struct Wires {
    world: Rc<World>,
    spawner: LocalSpawner,
    engine: RefCell<Option<(Engine<TestHost>, Hear)>>,
    later: RefCell<VecDeque<Box<dyn FnOnce()>>>,
    /// What engines have said and nobody has heard yet.
    said: Rc<RefCell<VecDeque<Envelope<Reply>>>>,
    /// All that was heard.
    heard: RefCell<Vec<Reply>>,
}

impl Line for EngineLine {
    fn connect(&self, hear: Hear) -> Result<(), String> {
        let said = self.0.said.clone();
        let emit = move |reply| said.borrow_mut().push_back(reply);
        let engine = Engine::new(emit, TestHost(self.0.world.clone()));
        *self.0.engine.borrow_mut() = Some((engine, hear.clone()));
        self.later(Box::new(move || hear(Envelope::bare(FromWorker::Ready))));
        Ok(())
    }

    fn post(&self, Envelope { message, buffers }: Envelope<FromWindow>) {
        let engine = self.0.engine.borrow();
        let Some((engine, _)) = &*engine else { return };
        match message {
            FromWindow::Request(message) => {
                if let Some(work) = engine.receive(Envelope { message, buffers }) {
                    self.0.spawner.spawn_local(work).unwrap();
                }
            }
            FromWindow::Seen(dream) => engine.seen(dream),
        }
    }

    fn hang_up(&self) {
        self.0.engine.borrow_mut().take();
        self.0.said.borrow_mut().clear();
    }

    fn later(&self, work: Box<dyn FnOnce()>) {
        self.0.later.borrow_mut().push_back(work);
    }
}

impl Window {
    /// A window whose engine has begun and knows nothing.
    pub fn new() -> Self {
        let owner = Owner::new();
        owner.set();
        let world = Rc::new(World::default());
        let pool = LocalPool::new();
        let line = EngineLine(Rc::new(Wires {
            world: world.clone(),
            spawner: pool.spawner(),
            engine: RefCell::default(),
            later: RefCell::default(),
            said: Rc::default(),
            heard: RefCell::default(),
        }));
        let client = Client::new(line.clone());
        client.begin();
        Self { world, client, line, pool, _owner: owner }
    }

    /// Lets the engine work and the window hear, until nothing can go on.
    pub fn drive(&mut self) {
        loop {
            self.work();
            if !self.hear() {
                return;
            }
        }
    }

    /// Lets the engine work as far as it can; what it says is on its way.
    pub fn work(&mut self) {
        self.pool.run_until_stalled();
    }

    /// Lets the window hear what is on its way. Returns whether there was anything.
    pub fn hear(&mut self) -> bool {
        let later = self.line.0.later.take();
        let said = self.line.0.said.take();
        let any = !later.is_empty() || !said.is_empty();
        later.into_iter().for_each(|work| work());
        for Envelope { message, buffers } in said {
            let engine = self.line.0.engine.borrow();
            let hear = engine.as_ref().map(|(_, hear)| hear.clone());
            drop(engine);
            self.line.0.heard.borrow_mut().push(message.clone());
            if let Some(hear) = hear {
                hear(Envelope { message: FromWorker::Reply(message), buffers });
            }
        }
        any
    }

    /// Lets the engine end without having answered.
    pub fn crash(&self, why: &str) {
        let engine = self.line.0.engine.borrow();
        let (_, hear) = engine.as_ref().unwrap();
        let hear = hear.clone();
        drop(engine);
        hear(Envelope::bare(FromWorker::Crashed(why.to_owned())));
    }

    /// Drives a future of the window's beside the engine.
    pub fn wait<T: 'static>(&mut self, work: impl Future<Output = T> + 'static) -> T {
        let handle = self.pool.spawner().spawn_local_with_handle(work).unwrap();
        self.drive();
        self.pool.run_until(handle)
    }

    /// How requests have ended, in the order they did.
    pub fn ends(&self) -> Vec<(RequestId, Event)> {
        let heard = self.line.0.heard.borrow();
        let ends = heard.iter().filter(|reply| reply.event.is_end());
        ends.map(|reply| (reply.id, reply.event.clone())).collect()
    }
}

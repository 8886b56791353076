//! The window's side of the conversation: asks, and hears every answer where it asked.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use leptos::prelude::{GetUntracked, ReadSignal, RwSignal, Set, StoredValue, WithValue};
use leptos::reactive::owner::LocalStorage;
use shared::format::bundle::Part;

use crate::protocol::{
    Ask, Envelope, Event, Failure, FailureKind, FetchPart, Foreign, FromWindow, FromWorker,
    Nothing, Question, Request, RequestId,
};
use crate::watch::Watch;

/// What carries the conversation: a worker of the browser's, or an engine beside a test.
pub trait Line {
    /// Connects to an engine that knows nothing yet, in place of another. Everything it says comes
    /// to `hear`, though never from within one of these calls.
    ///
    /// # Errors
    /// There is none to connect to, and why.
    fn connect(&self, hear: Rc<dyn Fn(Envelope<FromWorker>)>) -> Result<(), String>;

    /// Says something.
    fn post(&self, envelope: Envelope<FromWindow>);

    /// Ends the engine; nothing more is heard of it.
    fn hang_up(&self);

    /// Calls `work` soon, though not from within this call.
    fn later(&self, work: Box<dyn FnOnce()>);
}

/// How the worker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// It has not begun, or is being loaded. Requests wait.
    Starting,
    /// It answers.
    Ready,
    /// It answers no more, for this reason; [`Client::restart`] starts another.
    Dead(String),
}

/// How much of the worker's program has come: bytes here, and those in all, if known.
pub type Loading = (u64, Option<u64>);

/// What is heard of a question, of which this is the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard<A> {
    /// An answer, and the buffers beside it.
    Said(A, Vec<Vec<u8>>),
    /// The end: it went well.
    Done,
    /// The end: it went badly.
    Failed(Failure),
    /// The end: it was stopped.
    Cancelled,
}

impl<A: TryFrom<Event, Error = Foreign>> Heard<A> {
    /// # Errors
    /// It answers another question.
    fn of(event: Event, buffers: Vec<Vec<u8>>) -> Result<Self, Foreign> {
        Ok(match event {
            Event::Done => Self::Done,
            Event::Failed(failure) => Self::Failed(failure),
            Event::Cancelled => Self::Cancelled,
            event => Self::Said(A::try_from(event)?, buffers),
        })
    }
}

/// A handle to the worker, for any component to keep and copy.
#[derive(Clone, Copy)]
pub struct Client {
    link: StoredValue<Rc<Link>, LocalStorage>,
    state: RwSignal<WorkerState>,
    loading: RwSignal<Option<Loading>>,
}

/// Hears an event; one that answers another question is an error.
type Handler = Box<dyn FnMut(Event, Vec<Vec<u8>>) -> Result<(), Foreign>>;

/// One worker after another, and the requests that are open.
struct Link {
    line: Box<dyn Line>,
    state: RwSignal<WorkerState>,
    loading: RwSignal<Option<Loading>>,
    /// Whether a worker was ever started.
    has_begun: Cell<bool>,
    next_id: Cell<u32>,
    handlers: RefCell<BTreeMap<RequestId, Handler>>,
    waiting: RefCell<Vec<Envelope<FromWindow>>>,
    /// How often all open requests were ended at once, and the latest end.
    endings: RefCell<(u32, Event)>,
}

impl Client {
    /// Asks over a line, which waits for [`Self::begin`].
    pub fn new(line: impl Line + 'static) -> Self {
        let state = RwSignal::new(WorkerState::Starting);
        let loading = RwSignal::new(None);
        let link = Rc::new(Link {
            line: Box::new(line),
            state,
            loading,
            has_begun: Cell::new(false),
            next_id: Cell::new(0),
            handlers: RefCell::default(),
            waiting: RefCell::default(),
            endings: RefCell::new((0, Event::Cancelled)),
        });
        Self { link: StoredValue::new_local(link), state, loading }
    }

    /// Starts the worker, if none was started yet.
    pub fn begin(self) {
        let link = self.link.with_value(|link| link.clone());
        if !link.has_begun.get() {
            link.connect();
        }
    }

    /// How the worker is.
    pub fn state(self) -> ReadSignal<WorkerState> {
        self.state.read_only()
    }

    /// How much of its program has come, while that is on its way.
    pub fn loading(self) -> ReadSignal<Option<Loading>> {
        self.loading.read_only()
    }

    /// Asks, and calls `on` with everything that is heard of it. The last is one of the ends;
    /// exactly one comes, whatever happens.
    ///
    /// `on` is never called before this returns.
    pub fn ask<Q: Question>(
        self,
        question: Q,
        buffers: Vec<Vec<u8>>,
        mut on: impl FnMut(Heard<Q::Answer>) + 'static,
    ) -> RequestId {
        let handler = move |event, buffers| Heard::of(event, buffers).map(&mut on);
        let link = self.link.with_value(|link| link.clone());
        link.ask(question.into(), buffers, Box::new(handler))
    }

    /// Asks what is only done, and need not be known to be.
    pub fn tell(self, question: impl Question<Answer = Nothing>) {
        self.ask(question, Vec::new(), |_| {});
    }

    /// A part of a bundle, as the engine has it.
    pub async fn part(self, bundle_url: &str, part: &Part, what: &str) -> Result<Vec<u8>, Failure> {
        let (bundle_url, what) = (bundle_url.to_owned(), what.to_owned());
        let question = FetchPart { bundle_url, part: part.clone(), what };
        let (_, buffers) = self.last_answer(question, Vec::new()).await?;
        Ok(buffers.concat())
    }

    /// What is said last in answer to a question, and the buffers beside it.
    pub async fn last_answer<Q: Question>(
        self,
        question: Q,
        buffers: Vec<Vec<u8>>,
    ) -> Result<(Q::Answer, Vec<Vec<u8>>), Failure> {
        let ended = Rc::new(Watch::<Option<Result<(), Failure>>>::default());
        let said = Rc::new(RefCell::new(None));
        let (end, say) = (ended.clone(), said.clone());
        let end = move |ending| end.change(|ended| *ended = Some(ending));
        self.ask(question, buffers, move |heard| match heard {
            Heard::Said(answer, buffers) => *say.borrow_mut() = Some((answer, buffers)),
            Heard::Done => end(Ok(())),
            Heard::Failed(failure) => end(Err(failure)),
            Heard::Cancelled => end(Err(crashed("it was started anew"))),
        });
        ended.until(Option::is_some).await;
        ended.change(Option::take).unwrap_or(Ok(()))?;
        said.take().ok_or_else(|| crashed("it said nothing"))
    }

    /// Ends the worker and starts another, which has neither device nor model yet.
    /// Open requests end in `Cancelled`.
    pub fn restart(self) {
        let link = self.link.with_value(|link| link.clone());
        link.hang_up();
        link.end_all(&Event::Cancelled);
        self.state.set(WorkerState::Starting);
        link.connect();
    }
}

impl Link {
    fn ask(self: Rc<Self>, ask: Ask, buffers: Vec<Vec<u8>>, on: Handler) -> RequestId {
        let id = RequestId(self.next_id.get());
        self.next_id.set(id.0 + 1);
        self.handlers.borrow_mut().insert(id, on);
        let message = FromWindow::Request(Request { id, ask });
        let envelope = Envelope { message, buffers };
        match self.state.get_untracked() {
            WorkerState::Starting => self.waiting.borrow_mut().push(envelope),
            WorkerState::Ready => self.line.post(envelope),
            WorkerState::Dead(why) => {
                let link = self.clone();
                self.line.later(Box::new(move || {
                    link.deliver(id, Event::Failed(crashed(&why)), Vec::new());
                }));
            }
        }
        id
    }

    fn connect(self: &Rc<Self>) {
        self.has_begun.set(true);
        let link = Rc::downgrade(self);
        let hear = move |envelope| {
            if let Some(link) = link.upgrade() {
                link.hear(envelope);
            }
        };
        if let Err(why) = self.line.connect(Rc::new(hear)) {
            self.bury(&why);
        }
    }

    fn hear(&self, Envelope { message, buffers }: Envelope<FromWorker>) {
        match message {
            FromWorker::Loading { done, total } => self.loading.set(Some((done, total))),
            FromWorker::Ready => {
                self.loading.set(None);
                self.state.set(WorkerState::Ready);
                for envelope in self.waiting.take() {
                    self.line.post(envelope);
                }
            }
            // The line itself waits for its lock.
            FromWorker::Guarded => {}
            FromWorker::Reply(reply) => {
                let had_picture = matches!(reply.event, Event::Stepped(_)) && !buffers.is_empty();
                self.deliver(reply.id, reply.event, buffers);
                if had_picture && self.state.get_untracked() == WorkerState::Ready {
                    self.line.post(Envelope::bare(FromWindow::Seen(reply.id)));
                }
            }
            FromWorker::Crashed(why) => self.bury(&why),
        }
    }

    /// Calls the handler with nothing borrowed, so that it may ask again.
    fn deliver(&self, id: RequestId, event: Event, buffers: Vec<Vec<u8>>) {
        let Some(mut handler) = self.handlers.borrow_mut().remove(&id) else { return };
        let ended = event.is_end();
        let endings = self.endings.borrow().0;
        if let Err(foreign) = handler(event, buffers) {
            self.handlers.borrow_mut().insert(id, handler);
            return self.bury(&foreign.to_string());
        }
        if ended {
            return;
        }
        // The handler may have restarted the worker, and then its own request has ended too.
        let (endings_now, end) = self.endings.borrow().clone();
        if endings_now == endings {
            self.handlers.borrow_mut().insert(id, handler);
        } else {
            end_with(handler, end);
        }
    }

    /// The worker is dead: every open request fails.
    fn bury(&self, why: &str) {
        self.hang_up();
        self.state.set(WorkerState::Dead(why.to_owned()));
        self.end_all(&Event::Failed(crashed(why)));
    }

    fn hang_up(&self) {
        self.loading.set(None);
        self.waiting.borrow_mut().clear();
        self.line.hang_up();
    }

    fn end_all(&self, event: &Event) {
        self.endings.replace_with(|(count, _)| (*count + 1, event.clone()));
        for (_, handler) in self.handlers.take() {
            end_with(handler, event.clone());
        }
    }
}

fn end_with(mut handler: Handler, end: Event) {
    // An end is an end of any question.
    let _ = handler(end, Vec::new());
}

/// Why a worker is dead that has not said it.
pub const SILENT: &str = "It ended without a word: the browser may have had no memory left for it.";

/// A dead worker in the page's three sentences.
pub fn crashed(why: &str) -> Failure {
    // Memory that runs out ends a program without a panic: the browser reports a bare trap.
    let traces =
        ["memory allocation", "out of memory", "capacity overflow", "RuntimeError: unreachable"];
    let memory =
        [SILENT, "unreachable"].contains(&why) || traces.iter().any(|trace| why.contains(trace));
    let (kind, next) = if memory {
        (FailureKind::OutOfMemory, "Start the engine again and choose a smaller size.")
    } else {
        let next = "Start the engine again; if it happens once more, report the details.";
        (FailureKind::Internal, next)
    };
    Failure::new(kind, "The engine has stopped.", why, next)
}

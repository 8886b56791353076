//! The window's side of the conversation: asks, and hears every answer where it asked.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::{Function, Promise};
use leptos::prelude::{GetUntracked, ReadSignal, RwSignal, Set, StoredValue, WithValue};
use leptos::reactive::owner::LocalStorage;
use shared::format::bundle::Part;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::browser;
use crate::lock;
use crate::protocol::{
    Ask, Envelope, Event, Failure, FailureKind, FromWindow, FromWorker, Pace, Request, RequestId,
};
use crate::query;
use crate::transport::{Packed, pack, reason, unpack};

/// Where the build puts the worker's script, relative to the page's base address.
pub const WORKER_SCRIPT: &str = "worker_loader.js";

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

/// A handle to the worker, for any component to keep and copy.
#[derive(Clone, Copy)]
pub struct Client {
    link: StoredValue<Rc<Link>, LocalStorage>,
    state: RwSignal<WorkerState>,
    loading: RwSignal<Option<Loading>>,
}

type Handler = Box<dyn FnMut(Event, Vec<Vec<u8>>)>;

/// One worker after another, and the requests that are open.
struct Link {
    script: String,
    state: RwSignal<WorkerState>,
    loading: RwSignal<Option<Loading>>,
    /// Whether a worker was ever started.
    has_begun: Cell<bool>,
    next_id: Cell<u32>,
    handlers: RefCell<BTreeMap<RequestId, Handler>>,
    waiting: RefCell<Vec<Packed>>,
    worker: RefCell<Option<Connection>>,
    /// How often all open requests were ended at once, and the latest end.
    endings: RefCell<(u32, Event)>,
}

/// A running worker; its closures live as long.
struct Connection {
    worker: Worker,
    /// Its own name, and that of the lock it holds.
    name: String,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(web_sys::Event)>,
}

impl Client {
    /// A worker of a module script, usually [`WORKER_SCRIPT`], that waits for [`Self::begin`].
    pub fn new(script: &str) -> Self {
        let state = RwSignal::new(WorkerState::Starting);
        let loading = RwSignal::new(None);
        let link = Rc::new(Link {
            script: script.to_owned(),
            state,
            loading,
            has_begun: Cell::new(false),
            next_id: Cell::new(0),
            handlers: RefCell::default(),
            waiting: RefCell::default(),
            worker: RefCell::default(),
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

    /// Asks, and calls `on` with every event that answers and its buffers. The last is one for
    /// which [`Event::is_end`] holds; exactly one such event comes, whatever happens.
    ///
    /// `on` is never called before this returns.
    pub fn ask(
        self,
        ask: Ask,
        buffers: Vec<Vec<u8>>,
        on: impl FnMut(Event, Vec<Vec<u8>>) + 'static,
    ) -> RequestId {
        self.link.with_value(|link| link.clone()).ask(ask, buffers, Box::new(on))
    }

    /// Ends a dream or a load; it will say `Cancelled`.
    pub fn stop(self, target: RequestId) {
        self.ask(Ask::Stop { target }, Vec::new(), |_, _| {});
    }

    /// Runs, pauses or single-steps a dream.
    pub fn steer(self, dream: RequestId, pace: Pace) {
        self.ask(Ask::Steer { dream, pace }, Vec::new(), |_, _| {});
    }

    /// A part of a bundle, as the engine has it.
    pub async fn part(self, bundle_url: &str, part: &Part, what: &str) -> Result<Vec<u8>, Failure> {
        let (bundle_url, what) = (bundle_url.to_owned(), what.to_owned());
        let mut ask = Some(Ask::FetchPart { bundle_url, part: part.clone(), what });
        let found = Rc::new(RefCell::new(None));
        let promise = Promise::new(&mut |resolve: Function, _reject: Function| {
            let Some(ask) = ask.take() else { return };
            let found = found.clone();
            self.ask(ask, Vec::new(), move |event, buffers| {
                let ended = event.is_end();
                match event {
                    Event::Part => *found.borrow_mut() = Some(Ok(buffers.concat())),
                    Event::Failed(failure) => *found.borrow_mut() = Some(Err(failure)),
                    _ => {}
                }
                if ended {
                    let _ = resolve.call0(&JsValue::NULL);
                }
            });
        });
        // It is never rejected.
        let _ = JsFuture::from(promise).await;
        found.take().unwrap_or_else(|| Err(crashed("it was started anew")))
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
        if let WorkerState::Dead(why) = self.state.get_untracked() {
            self.fail_later(id, crashed(&why));
            return id;
        }
        let message = FromWindow::Request(Request { id, ask });
        match pack(&Envelope { message, buffers }) {
            Ok(packed) => self.post(packed),
            Err(why) => self.fail_later(id, crashed(&why)),
        }
        id
    }

    /// Posts, or keeps it until the worker listens.
    fn post(&self, packed: Packed) {
        if self.state.get_untracked() == WorkerState::Starting {
            self.waiting.borrow_mut().push(packed);
        } else if let Some(connection) = &*self.worker.borrow() {
            // A transfer fails only for buffers that are already gone, and these are new.
            let _ = connection.worker.post_message_with_transfer(&packed.message, &packed.transfer);
        }
    }

    fn connect(self: &Rc<Self>) {
        self.has_begun.set(true);
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        // Locks are shared by all pages of a host.
        let name = format!("pellucid engine {}", js_sys::Math::random());
        options.set_name(&name);
        let worker = match start(&self.script, &options) {
            Ok(worker) => worker,
            Err(thrown) => return self.bury(&reason(&thrown)),
        };
        let link = Rc::downgrade(self);
        let on_message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
            if let Some(link) = link.upgrade() {
                link.hear(event.data());
            }
        });
        let link = Rc::downgrade(self);
        let on_error = Closure::<dyn FnMut(_)>::new(move |event: web_sys::Event| {
            if let Some(link) = link.upgrade() {
                let message = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
                let message = message.filter(|message| !message.is_empty());
                link.bury(&message.unwrap_or_else(|| "its script could not be loaded".to_owned()));
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let connection = Connection { worker, name, _on_message: on_message, _on_error: on_error };
        *self.worker.borrow_mut() = Some(connection);
    }

    fn hear(self: &Rc<Self>, data: JsValue) {
        let envelope: Envelope<FromWorker> = match unpack(data) {
            Ok(envelope) => envelope,
            Err(why) => return self.bury(&format!("it said something unreadable: {why}")),
        };
        match envelope.message {
            FromWorker::Loading { done, total } => self.loading.set(Some((done, total))),
            FromWorker::Ready => {
                self.loading.set(None);
                self.state.set(WorkerState::Ready);
                for packed in self.waiting.take() {
                    self.post(packed);
                }
            }
            FromWorker::Guarded => self.clone().watch(),
            FromWorker::Reply(reply) => {
                let had_picture =
                    matches!(reply.event, Event::Stepped(_)) && !envelope.buffers.is_empty();
                self.deliver(reply.id, reply.event, envelope.buffers);
                if had_picture && let Ok(seen) = pack(&Envelope::bare(FromWindow::Seen(reply.id))) {
                    self.post(seen);
                }
            }
            FromWorker::Crashed(why) => self.bury(&why),
        }
    }

    /// The worker's lock is free once it has ended.
    fn watch(self: Rc<Self>) {
        let name_now = move |link: &Self| {
            link.worker.borrow().as_ref().map(|connection| connection.name.clone())
        };
        let Some(name) = name_now(&self) else { return };
        wasm_bindgen_futures::spawn_local(async move {
            // One that was ended here has another in its place, or none.
            if lock::freed(&name).await && name_now(&self) == Some(name) {
                self.bury(SILENT);
            }
        });
    }

    /// Calls the handler with nothing borrowed, so that it may ask again.
    fn deliver(&self, id: RequestId, event: Event, buffers: Vec<Vec<u8>>) {
        let Some(mut handler) = self.handlers.borrow_mut().remove(&id) else { return };
        let ended = event.is_end();
        let endings = self.endings.borrow().0;
        handler(event, buffers);
        if ended {
            return;
        }
        // The handler may have restarted the worker, and then its own request has ended too.
        let (endings_now, end) = self.endings.borrow().clone();
        if endings_now == endings {
            self.handlers.borrow_mut().insert(id, handler);
        } else {
            handler(end, Vec::new());
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
        if let Some(connection) = self.worker.borrow_mut().take() {
            connection.worker.set_onmessage(None);
            connection.worker.set_onerror(None);
            connection.worker.terminate();
            // One of its closures may be the caller; it must outlive this call.
            let keep = move || drop(connection);
            wasm_bindgen_futures::spawn_local(async move { keep() });
        }
    }

    fn end_all(&self, event: &Event) {
        self.endings.replace_with(|(count, _)| (*count + 1, event.clone()));
        for (_, mut handler) in self.handlers.take() {
            handler(event.clone(), Vec::new());
        }
    }

    fn fail_later(self: Rc<Self>, id: RequestId, failure: Failure) {
        wasm_bindgen_futures::spawn_local(async move {
            self.deliver(id, Event::Failed(failure), Vec::new());
        });
    }
}

/// Starts a worker from a script of the host. A sandboxed frame without an origin of its own may
/// start none, but one of its own making, which imports the host's if the host lets everybody have it.
fn start(script: &str, options: &WorkerOptions) -> Result<Worker, JsValue> {
    Worker::new_with_options(script, options).or_else(|_| {
        let source = format!("import {:?};", browser::absolute(script));
        let address = format!("data:text/javascript,{}", query::encode(&source));
        Worker::new_with_options(&address, options)
    })
}
/// Why a worker is dead that has not said it.
const SILENT: &str = "It ended without a word: the browser may have had no memory left for it.";

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

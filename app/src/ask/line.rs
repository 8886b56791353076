//! The line to the engine in a worker of the browser's.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::client::{Line, SILENT};
use crate::browser;
use crate::lock;
use crate::protocol::{Envelope, FromWindow, FromWorker};
use crate::query;
use crate::transport::{pack, reason, unpack};

/// Where the build puts the worker's script, relative to the page's base address.
const WORKER_SCRIPT: &str = "worker_loader.js";

/// One worker after another.
#[derive(Default)]
pub struct WorkerLine(RefCell<Option<Connection>>);

/// Hears what the engine says.
type Hear = Rc<dyn Fn(Envelope<FromWorker>)>;

/// A running worker; its closures live as long.
struct Connection {
    worker: Worker,
    hear: Hear,
    /// Until it is hung up.
    is_on: Rc<Cell<bool>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(web_sys::Event)>,
}

impl Line for WorkerLine {
    fn connect(&self, hear: Hear) -> Result<(), String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        // Locks are shared by all pages of a host.
        let name = format!("pellucid engine {}", js_sys::Math::random());
        options.set_name(&name);
        let worker = start(WORKER_SCRIPT, &options).map_err(|thrown| reason(&thrown))?;
        let is_on = Rc::new(Cell::new(true));
        let on_message = {
            let (hear, is_on) = (hear.clone(), is_on.clone());
            Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| match unpack(event.data()) {
                Ok(Envelope { message: FromWorker::Guarded, .. }) => {
                    watch(name.clone(), hear.clone(), is_on.clone());
                }
                Ok(envelope) => hear(envelope),
                Err(why) => {
                    let why = format!("it said something unreadable: {why}");
                    hear(Envelope::bare(FromWorker::Crashed(why)));
                }
            })
        };
        let on_error = {
            let hear = hear.clone();
            Closure::<dyn FnMut(_)>::new(move |event: web_sys::Event| {
                let message = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
                let message = message.filter(|message| !message.is_empty());
                let why = message.unwrap_or_else(|| "its script could not be loaded".to_owned());
                hear(Envelope::bare(FromWorker::Crashed(why)));
            })
        };
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let connection =
            Connection { worker, hear, is_on, _on_message: on_message, _on_error: on_error };
        *self.0.borrow_mut() = Some(connection);
        Ok(())
    }

    fn post(&self, envelope: Envelope<FromWindow>) {
        let Some(Connection { worker, hear, .. }) = &*self.0.borrow() else { return };
        match pack(&envelope) {
            Ok(packed) => {
                // A transfer fails only for buffers that are already gone, and these are new.
                let _ = worker.post_message_with_transfer(&packed.message, &packed.transfer);
            }
            Err(why) => {
                let hear = hear.clone();
                self.later(Box::new(move || hear(Envelope::bare(FromWorker::Crashed(why)))));
            }
        }
    }

    fn hang_up(&self) {
        if let Some(connection) = self.0.borrow_mut().take() {
            connection.is_on.set(false);
            connection.worker.set_onmessage(None);
            connection.worker.set_onerror(None);
            connection.worker.terminate();
            // One of its closures may be the caller; it must outlive this call.
            self.later(Box::new(move || drop(connection)));
        }
    }

    fn later(&self, work: Box<dyn FnOnce()>) {
        spawn_local(async move { work() });
    }
}

/// The worker's lock is free once it has ended.
fn watch(name: String, hear: Hear, is_on: Rc<Cell<bool>>) {
    spawn_local(async move {
        if lock::freed(&name).await && is_on.get() {
            hear(Envelope::bare(FromWorker::Crashed(SILENT.to_owned())));
        }
    });
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

//! The engine in a web worker: messages in, messages out, and the browser as its host.

mod breath;
mod gpu;

use std::rc::Rc;

use js_sys::global;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, ErrorEvent, MessageEvent, PromiseRejectionEvent};

use self::breath::Breath;
use self::gpu::Gpu;
use crate::engine::Engine;
use crate::engine::host::Host;
use crate::files::Files;
use crate::files::web::Web;
use crate::lock;
use crate::protocol::{
    DeviceChoice, DeviceReport, Envelope, Failure, FromWindow, FromWorker, Reply,
};
use crate::transport::{pack, reason, unpack};
use shared::burn::tensor::Device;

/// Starts the engine and listens.
pub fn start() {
    // A panic ends the program at once, so its reason must be out before.
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        post(Envelope::bare(FromWorker::Crashed(panic.to_string())));
    }));
    report_uncaught();

    let emit = |Envelope { message, buffers }: Envelope<Reply>| {
        post(Envelope { message: FromWorker::Reply(message), buffers });
    };
    let engine = Engine::new(emit, Browser::new());
    let listen = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        match unpack::<FromWindow>(event.data()) {
            Ok(Envelope { message: FromWindow::Request(message), buffers }) => {
                if let Some(work) = engine.receive(Envelope { message, buffers }) {
                    spawn_local(work);
                }
            }
            Ok(Envelope { message: FromWindow::Seen(dream), .. }) => engine.seen(dream),
            Err(why) => post(Envelope::bare(FromWorker::Crashed(format!("unreadable: {why}")))),
        }
    });
    scope().set_onmessage(Some(listen.as_ref().unchecked_ref()));
    // It listens as long as the worker lives.
    listen.forget();
    post(Envelope::bare(FromWorker::Ready));
    guard();
}

/// A worker that the browser ends, to save memory for one, has no chance to say so.
fn guard() {
    let name = scope().name();
    if !name.is_empty() {
        spawn_local(async move {
            lock::hold(&name, || post(Envelope::bare(FromWorker::Guarded))).await;
        });
    }
}

fn scope() -> DedicatedWorkerGlobalScope {
    global().unchecked_into()
}

fn post(envelope: Envelope<FromWorker>) {
    // A message that cannot be posted has nobody left to hear it.
    if let Ok(packed) = pack(&envelope) {
        let _ = scope().post_message_with_transfer(&packed.message, &packed.transfer);
    }
}

/// Traps (memory that ran out, for one) end the program without a panic; they surface as uncaught
/// errors of the worker.
fn report_uncaught() {
    let report = Closure::<dyn FnMut(JsValue)>::new(|event: JsValue| {
        let why = if let Some(error) = event.dyn_ref::<ErrorEvent>() {
            error.message()
        } else if let Some(rejection) = event.dyn_ref::<PromiseRejectionEvent>() {
            reason(&rejection.reason())
        } else {
            reason(&event)
        };
        post(Envelope::bare(FromWorker::Crashed(why)));
    });
    for kind in ["error", "unhandledrejection"] {
        // The listener is a function and the names are known, so this cannot fail.
        let _ = scope().add_event_listener_with_callback(kind, report.as_ref().unchecked_ref());
    }
    report.forget();
}

/// The browser, as the engine sees it.
struct Browser {
    gpu: Gpu,
    breath: Option<Rc<Breath>>,
}

impl Browser {
    fn new() -> Self {
        Self { gpu: Gpu::default(), breath: Breath::new() }
    }
}

impl Host for Browser {
    async fn open_device(&self, choice: DeviceChoice) -> Result<(Device, DeviceReport), Failure> {
        self.gpu.open(choice).await
    }

    fn device_trouble(&self) -> Option<Failure> {
        self.gpu.trouble()
    }

    fn lose_device(&self) -> Result<(), Failure> {
        self.gpu.lose()
    }

    fn files(&self) -> &impl Files {
        &Web
    }

    fn now(&self) -> f64 {
        scope().performance().map_or_else(js_sys::Date::now, |performance| performance.now())
    }

    async fn breathe(&self) {
        if let Some(breath) = &self.breath {
            breath.take().await;
        }
    }
}

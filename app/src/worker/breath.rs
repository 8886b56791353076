//! A turn of the event loop, so that messages are heard between two steps.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessageEvent, MessagePort};

/// A channel to oneself: unlike a timer of zero length, browsers do not slow it down to 4 ms.
pub struct Breath {
    port: MessagePort,
    waiting: Rc<RefCell<VecDeque<Function>>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Breath {
    /// A channel, where there are channels.
    pub fn new() -> Option<Rc<Self>> {
        let channel = MessageChannel::new().ok()?;
        let waiting = Rc::new(RefCell::new(VecDeque::<Function>::new()));
        let woken = waiting.clone();
        let on_message = Closure::<dyn FnMut(_)>::new(move |_: MessageEvent| {
            let next = woken.borrow_mut().pop_front();
            if let Some(resolve) = next {
                let _ = resolve.call0(&JsValue::NULL);
            }
        });
        channel.port2().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Rc::new(Self { port: channel.port1(), waiting, _on_message: on_message }))
    }

    /// Goes to the end of the event loop's line.
    pub async fn take(&self) {
        let promise = Promise::new(&mut |resolve: Function, _reject: Function| {
            self.waiting.borrow_mut().push_back(resolve);
        });
        if self.port.post_message(&JsValue::NULL).is_ok() {
            let _ = JsFuture::from(promise).await;
        }
    }
}

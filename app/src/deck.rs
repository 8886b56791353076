//! In a slide the keys are the deck's. After a click here they go back to it, and those that are
//! pressed here and that nothing here has a use for are passed on to it.

use leptos::prelude::*;
use serde_json::json;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlElement, Window};

use crate::follow::focus;

/// Keys that mean nothing by themselves, and the one that goes on to the next control.
const KEPT: [&str; 9] =
    ["Tab", "Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "Dead", "Process"];

/// Lets the page that this one is embedded in, if there is one, have its keys.
pub fn give_keys_back() {
    let Some(deck) = deck() else { return };
    let focused = deck.clone();
    let clicked = window_event_listener(leptos::ev::click, move |event| {
        let (writes, _) = focus("");
        // Enter and Space click without a pointer: whoever came with the keyboard stays.
        if 0 < event.detail() && !writes {
            let active = document().active_element();
            if let Some(active) = active.and_then(|active| active.dyn_into::<HtmlElement>().ok()) {
                let _ = active.blur();
            }
            // A browser that refuses leaves the keys here, to be passed on.
            let _ = focused.focus();
        }
    });
    let pressed = window_event_listener(leptos::ev::keydown, move |event| {
        let key = event.key();
        let chord = event.ctrl_key() || event.meta_key() || event.alt_key();
        let (writes, activates) = focus(&key);
        let used = writes || (activates && matches!(key.as_str(), " " | "Enter"));
        if event.default_prevented() || chord || used || KEPT.contains(&key.as_str()) {
            return;
        }
        event.prevent_default();
        // The first two are how reveal.js is told of a key; other decks read the third.
        let message =
            json!({ "method": "triggerKey", "args": [event.key_code()], "key": key }).to_string();
        let _ = deck.post_message(&JsValue::from_str(&message), "*");
    });
    on_cleanup(move || {
        clicked.remove();
        pressed.remove();
    });
}

/// The window that shows this one in a frame.
fn deck() -> Option<Window> {
    let parent = window().parent().ok()??;
    (!js_sys::Object::is(&parent, &window())).then_some(parent)
}

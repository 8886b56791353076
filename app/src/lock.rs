//! A lock of the browser's (W3C Web Locks) that a worker holds as long as it lives: whoever waits
//! for it learns that the worker has ended, however it did.

use js_sys::{Function, Promise, Reflect, global};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Holds the lock of this name for ever; calls `held` once it does. Where a page may have no locks
/// (plain http, a file, a sandbox) nothing happens.
pub async fn hold(name: &str, held: impl FnOnce() + 'static) {
    let granted = Closure::once(move |_: JsValue| {
        held();
        Promise::new(&mut |_, _| {})
    });
    wait(request(name, granted.as_ref().unchecked_ref())).await;
}

/// Waits until the lock of this name is free. Returns whether it is: locks may not be had here.
pub async fn freed(name: &str) -> bool {
    let granted = Closure::once(move |_: JsValue| {});
    wait(request(name, granted.as_ref().unchecked_ref())).await
}

async fn wait(request: Option<Promise>) -> bool {
    match request {
        Some(promise) => JsFuture::from(promise).await.is_ok(),
        None => false,
    }
}

fn request(name: &str, granted: &Function) -> Option<Promise> {
    let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).ok();
    let locks = get(&get(&global(), "navigator")?, "locks")?;
    let request: Function = get(&locks, "request")?.dyn_into().ok()?;
    request.call2(&locks, &name.into(), granted).ok()?.dyn_into().ok()
}

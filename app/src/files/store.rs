//! The browser's store of parts, for windows and workers.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, CacheStorage};

/// Where parts are kept. Another name makes all earlier ones be forgotten.
const STORE: &str = "pellucid-v1";

/// Opens the store; `global` is a window or a worker.
///
/// # Errors
/// Private windows, insecure addresses and sandboxed frames have none.
pub async fn open_store(global: &JsValue) -> Result<Cache, JsValue> {
    let caches = Reflect::get(global, &"caches".into())?;
    if !caches.is_object() {
        return Err("there is no store here".into());
    }
    JsFuture::from(caches.unchecked_into::<CacheStorage>().open(STORE)).await?.dyn_into()
}

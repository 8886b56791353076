//! Files that a browser keeps between visits, by their hash.

use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, Response, WorkerGlobalScope};

use super::store::open_store;

/// What is kept under a hash, unchecked.
pub async fn get(scope: &WorkerGlobalScope, sha256: &str) -> Result<Option<Vec<u8>>, JsValue> {
    let found = JsFuture::from(open(scope).await?.match_with_str(&key(sha256))).await?;
    let Ok(response) = found.dyn_into::<Response>() else { return Ok(None) };
    let buffer: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.dyn_into()?;
    Ok(Some(Uint8Array::new(&buffer).to_vec()))
}

/// Keeps bytes under their hash.
pub async fn put(scope: &WorkerGlobalScope, sha256: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let body = Uint8Array::from(bytes);
    let response = Response::new_with_opt_js_u8_array(Some(&body))?;
    JsFuture::from(open(scope).await?.put_with_str(&key(sha256), &response)).await?;
    Ok(())
}

/// Drops what is kept under a hash.
pub async fn delete(scope: &WorkerGlobalScope, sha256: &str) -> Result<(), JsValue> {
    JsFuture::from(open(scope).await?.delete_with_str(&key(sha256))).await?;
    Ok(())
}

async fn open(scope: &WorkerGlobalScope) -> Result<Cache, JsValue> {
    open_store(scope).await
}

/// Caches are asked by address, so a hash is made to look like one; nothing is ever fetched there.
fn key(sha256: &str) -> String {
    format!("/pellucid-parts/{sha256}")
}

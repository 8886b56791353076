//! Messages and their buffers, over `postMessage`.
//!
//! A message is an array: its JSON, then each buffer. Buffers are transferred, not copied, between
//! the two threads.

use js_sys::{Array, ArrayBuffer, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};

use crate::protocol::Envelope;

/// A message ready for `postMessage`, and what to transfer with it.
pub struct Packed {
    /// The message.
    pub message: JsValue,
    /// The buffers in it.
    pub transfer: Array,
}

/// Makes a message ready to be posted.
pub fn pack<T: Serialize>(envelope: &Envelope<T>) -> Result<Packed, String> {
    let text = serde_json::to_string(&envelope.message).map_err(|error| error.to_string())?;
    let transfer: Array = envelope
        .buffers
        .iter()
        .map(|bytes| JsValue::from(Uint8Array::from(bytes.as_slice()).buffer()))
        .collect();
    let message = Array::of1(&JsValue::from_str(&text)).concat(&transfer).into();
    Ok(Packed { message, transfer })
}

/// Reads what [`pack`] made.
pub fn unpack<T: DeserializeOwned>(data: JsValue) -> Result<Envelope<T>, String> {
    let parts: Array = data.dyn_into().map_err(|_| "expected an array".to_owned())?;
    let text = parts.get(0).as_string().ok_or("expected text first")?;
    let message = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let buffers = parts
        .iter()
        .skip(1)
        .map(|part| match part.dyn_into::<ArrayBuffer>() {
            Ok(buffer) => Ok(Uint8Array::new(&buffer).to_vec()),
            Err(_) => Err("expected buffers after the text".to_owned()),
        })
        .collect::<Result<_, _>>()?;
    Ok(Envelope { message, buffers })
}

/// What a thrown value says for itself.
pub fn reason(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.as_string().unwrap_or_else(|| format!("{thrown:?}")),
    }
}

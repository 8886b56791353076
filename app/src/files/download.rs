//! A download that says how far it is, and that can be dropped.

use js_sys::{Map, Promise, Reflect, Uint8Array, global};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, RequestCache, RequestInit, Response,
    WorkerGlobalScope,
};

use crate::transport::reason;

/// Why nothing came of a download.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No answer at all.
    #[error("{0}")]
    Unreachable(String),
    /// An answer other than success.
    #[error("the server answered {0}")]
    Status(u16),
    /// It broke off.
    #[error("it broke off after {received} bytes: {reason}")]
    Interrupted {
        /// Bytes that had come.
        received: u64,
        /// As the browser put it.
        reason: String,
    },
    /// It ended too early.
    #[error("it ended after {received} bytes of {expected}")]
    TooShort {
        /// Bytes that came.
        received: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// More than there should be.
    #[error("more than the expected {0} bytes came")]
    TooLong(u64),
}

/// Interrupts its download when dropped; after the end that changes nothing.
struct Interrupt(Option<AbortController>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// What is at an address, at most `limit` bytes of it.
pub async fn fetch(
    scope: &WorkerGlobalScope,
    address: &str,
    limit: u64,
    progress: &dyn Fn(u64, Option<u64>),
) -> Result<Vec<u8>, FetchError> {
    let interrupt = Interrupt(AbortController::new().ok());
    let options = RequestInit::new();
    // Parts are kept by hash in a cache of our own. The browser's would keep each a second time,
    // and could hand a damaged copy out again and again.
    options.set_cache(RequestCache::NoStore);
    if let Some(controller) = &interrupt.0 {
        options.set_signal(Some(&controller.signal()));
    }
    let answer =
        coming(address).unwrap_or_else(|| scope.fetch_with_str_and_init(address, &options));
    let response: Response = JsFuture::from(answer)
        .await
        .and_then(JsCast::dyn_into)
        .map_err(|thrown| FetchError::Unreachable(reason(&thrown)))?;
    if !response.ok() {
        return Err(FetchError::Status(response.status()));
    }
    let total = length(&response);
    let Some(body) = response.body() else { return Ok(Vec::new()) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    // A length that a server only claims is no reason to take that much memory.
    let mut bytes = Vec::with_capacity(total.unwrap_or(0).min(limit).min(64 << 20) as usize);
    progress(0, total);
    loop {
        let broken = |thrown: JsValue| FetchError::Interrupted {
            received: bytes.len() as u64,
            reason: reason(&thrown),
        };
        let read = JsFuture::from(reader.read()).await.map_err(broken)?;
        let done = Reflect::get(&read, &"done".into()).map_err(broken)?;
        if done.is_truthy() {
            return Ok(bytes);
        }
        let chunk = Reflect::get(&read, &"value".into()).map_err(broken)?;
        let chunk: Uint8Array = chunk.unchecked_into();
        if limit < bytes.len() as u64 + u64::from(chunk.length()) {
            return Err(FetchError::TooLong(limit));
        }
        let start = bytes.len();
        bytes.resize(start + chunk.length() as usize, 0);
        chunk.copy_to(&mut bytes[start..]);
        progress(bytes.len() as u64, total);
    }
}

/// What the page's first paint has asked for already (`public/first_picture.js`): an answer is
/// taken once, so that whoever asks again asks the host.
pub fn coming(address: &str) -> Option<Promise> {
    let asked = Reflect::get(&global(), &"pellucidComing".into()).ok()?;
    let asked: Map = asked.dyn_into().ok()?;
    let answer = asked.get(&address.into());
    asked.delete(&address.into());
    answer.dyn_into().ok()
}

/// Bytes to come. The header counts compressed bytes, so it says nothing of a compressed answer.
fn length(response: &Response) -> Option<u64> {
    let headers = response.headers();
    let header = |name| headers.get(name).ok().flatten();
    if header("content-encoding").is_some() {
        return None;
    }
    header("content-length")?.parse().ok()
}

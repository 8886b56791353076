//! The browser as it fetches and keeps files, in the window as in a worker.

use js_sys::global;
use wasm_bindgen::JsCast;
use web_sys::WorkerGlobalScope;

use super::download::FetchError;
use super::{Files, cache, download};

/// The browser.
pub struct Web;

/// What is around this program. A window is none, but has `fetch` and `caches` just the same.
fn scope() -> WorkerGlobalScope {
    global().unchecked_into()
}

impl Files for Web {
    async fn fetch(
        &self,
        address: &str,
        limit: u64,
        progress: &dyn Fn(u64, Option<u64>),
    ) -> Result<Vec<u8>, FetchError> {
        download::fetch(&scope(), address, limit, progress).await
    }

    async fn cached(&self, sha256: &str) -> Option<Vec<u8>> {
        cache::get(&scope(), sha256).await.ok().flatten()
    }

    async fn keep(&self, sha256: &str, bytes: &[u8]) {
        // Private windows, full disks and file:// have no cache; the next visit downloads again.
        let _ = cache::put(&scope(), sha256, bytes).await;
    }

    async fn forget(&self, sha256: &str) {
        let _ = cache::delete(&scope(), sha256).await;
    }
}

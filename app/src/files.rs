//! Files from a host: a bundle's description and its parts, never other than they should be.
//!
//! The window fetches what is looked at, so that pictures wait for no engine; the engine fetches
//! what it computes with. Both through these functions, and both keep parts in the same place.

pub mod cache;
pub mod download;
pub mod store;
pub mod web;

use std::future::Future;

use shared::format::bundle::{Bundle, MANIFEST_LIMIT, Part};

use self::download::FetchError;
use crate::failure;
use crate::protocol::Failure;

/// A host, and what is kept of it between visits.
pub trait Files {
    /// Downloads what is at an address, at most `limit` bytes of it. `progress` hears the bytes
    /// so far and those in all, if known. Dropping the future interrupts the download.
    fn fetch(
        &self,
        address: &str,
        limit: u64,
        progress: &dyn Fn(u64, Option<u64>),
    ) -> impl Future<Output = Result<Vec<u8>, FetchError>>;

    /// What was kept under this hash, unchecked. No cache is an empty cache.
    fn cached(&self, sha256: &str) -> impl Future<Output = Option<Vec<u8>>>;

    /// Keeps bytes for the next visit, if it can.
    fn keep(&self, sha256: &str, bytes: &[u8]) -> impl Future<Output = ()>;

    /// Drops what was kept under this hash.
    fn forget(&self, sha256: &str) -> impl Future<Output = ()>;
}

/// The bundle whose `bundle.json` is at an address.
pub async fn description(files: &impl Files, url: &str) -> Result<Bundle, Failure> {
    let bytes = files.fetch(url, MANIFEST_LIMIT as u64, &|_, _| {}).await;
    let bytes = bytes.map_err(|error| failure::of_download("bundle's description", url, &error))?;
    Bundle::parse(&bytes).map_err(|error| failure::of_bundle(url, error))
}

/// A part of the bundle at an address, from the cache or its host. `what` is what it is called in
/// errors; `progress` hears the bytes so far, and whether they come from the cache.
pub async fn part(
    files: &impl Files,
    what: &str,
    bundle_url: &str,
    part: &Part,
    progress: &dyn Fn(u64, bool),
) -> Result<Vec<u8>, Failure> {
    if let Some(bytes) = files.cached(&part.sha256).await {
        if part.check(&bytes).is_ok() {
            progress(part.size, true);
            return Ok(bytes);
        }
        files.forget(&part.sha256).await;
    }
    let address = beside(bundle_url, &part.path);
    let bytes = files.fetch(&address, part.size, &|done, _| progress(done, false)).await;
    let whole = |bytes: Vec<u8>| match bytes.len() as u64 {
        received if received < part.size => {
            Err(FetchError::TooShort { received, expected: part.size })
        }
        _ => Ok(bytes),
    };
    let bytes = bytes.and_then(whole);
    let bytes = bytes.map_err(|error| failure::of_download(what, &address, &error))?;
    part.check(&bytes).map_err(|error| failure::of_corruption(what, &address, &error))?;
    files.keep(&part.sha256, &bytes).await;
    Ok(bytes)
}

/// The address of a file in the folder of another.
fn beside(address: &str, path: &str) -> String {
    let plain = address.split(['?', '#']).next().unwrap_or_default();
    let folder = plain.rfind('/').map_or("", |slash| &plain[..=slash]);
    format!("{folder}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_beside_their_bundle() {
        let part = "weights.safetensors";
        for (bundle, wanted) in [
            ("https://a.example/b/bundle.json", "https://a.example/b/weights.safetensors"),
            ("https://a.example/b/bundle.json?v=2/3#x", "https://a.example/b/weights.safetensors"),
            ("bundle.json", "weights.safetensors"),
        ] {
            assert_eq!(beside(bundle, part), wanted);
        }
    }
}

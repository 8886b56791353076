//! Bundles and their parts: from the visitor's files, the cache or a server, and never other than
//! they should be.

use shared::format::bundle::{Bundle, MANIFEST_LIMIT, Part};

use super::answer::{Answer, Ending};
use super::host::{FetchError, Host};
use super::{Core, failure};

/// Fetches and checks `bundle.json`.
pub async fn open<H: Host>(
    core: &Core<H>,
    answer: &Answer,
    bundle_url: &str,
) -> Result<(), Ending> {
    let (_, json) = read(core, answer, bundle_url).await?;
    answer.bundle(bundle_url.to_owned(), json);
    Ok(())
}

/// Fetches a part that the window describes.
pub async fn fetch_part<H: Host>(
    core: &Core<H>,
    answer: &Answer,
    bundle_url: &str,
    described: &Part,
    what: &str,
) -> Result<(), Ending> {
    described.validate().map_err(|error| failure::of_corruption(what, bundle_url, &error))?;
    let bytes = part(core, answer, what, bundle_url, described).await?;
    answer.part(bytes);
    Ok(())
}

/// A bundle and the text of its `bundle.json`.
pub async fn read<H: Host>(
    core: &Core<H>,
    answer: &Answer,
    bundle_url: &str,
) -> Result<(Bundle, String), Ending> {
    if let Some(archive) = core.dropped.find(bundle_url) {
        let archive = archive?;
        return Ok((archive.bundle().clone(), archive.json().to_owned()));
    }
    let silent = |_, _| {};
    let fetched = core.host.fetch(bundle_url, MANIFEST_LIMIT as u64, &silent);
    let bytes = answer.unless_stopped(fetched).await?;
    let bytes =
        bytes.map_err(|error| failure::of_download("bundle's description", bundle_url, &error))?;
    let bundle = Bundle::parse(&bytes).map_err(|error| failure::of_bundle(bundle_url, error))?;
    let json = String::from_utf8(bytes).map_err(|error| {
        let (what, reason) = ("bundle.json".to_owned(), error.to_string());
        failure::of_bundle(bundle_url, shared::Error::Format { what, reason })
    })?;
    Ok((bundle, json))
}

/// A part from the visitor's file, the cache or its server; never one that is not what the bundle
/// says.
pub async fn part<H: Host>(
    core: &Core<H>,
    answer: &Answer,
    what: &str,
    bundle_url: &str,
    part: &Part,
) -> Result<Vec<u8>, Ending> {
    if let Some(archive) = core.dropped.find(bundle_url) {
        let unusable = |error| failure::of_bundle(&format!("The bundle's {what}"), error);
        let bytes = archive?.unpack(part).map_err(unusable)?;
        answer.progress(what, part.size, Some(part.size), true);
        return Ok(bytes);
    }
    let host = &core.host;
    if let Some(bytes) = answer.unless_stopped(host.cached(&part.sha256)).await? {
        if part.check(&bytes).is_ok() {
            answer.progress(what, part.size, Some(part.size), true);
            return Ok(bytes);
        }
        host.forget(&part.sha256).await;
    }
    let address = beside(bundle_url, &part.path);
    let progress = |done, _| answer.progress(what, done, Some(part.size), false);
    let bytes = answer.unless_stopped(host.fetch(&address, part.size, &progress)).await?;
    let whole = |bytes: Vec<u8>| match bytes.len() as u64 {
        received if received < part.size => {
            Err(FetchError::TooShort { received, expected: part.size })
        }
        _ => Ok(bytes),
    };
    let bytes = bytes.and_then(whole);
    let bytes = bytes.map_err(|error| failure::of_download(what, &address, &error))?;
    part.check(&bytes).map_err(|error| failure::of_corruption(what, &address, &error))?;
    host.keep(&part.sha256, &bytes).await;
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

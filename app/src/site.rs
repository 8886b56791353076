//! The page's own files: where they are, also when all of them are inside one.

use js_sys::{Array, Function, Reflect, Uint8Array, global};
use shared::format::bundle::Part;
use shared::format::site::{SITE_LIMIT, Site};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Response, Url};

use crate::browser;
use crate::transport::reason;

/// Where the browser finds a file of the site: `dreams/mixed4a_11.jpg`. In a page that is a single
/// file this is an address that means something to this window only.
pub fn address(path: &str) -> String {
    inside()
        .and_then(|files| Reflect::get(&files, &browser::absolute(path).into()).ok()?.as_string())
        .unwrap_or_else(|| path.to_owned())
}

/// Where the host has a picture of a bundle, in a page that may show none from memory because the
/// host's policy forbids it (`public/start.js` reads the policy).
pub fn picture_at_host(bundle_url: &str, part: &Part) -> Option<String> {
    let root = leptos::prelude::document().document_element()?;
    if root.get_attribute("data-pictures").as_deref() != Some("host") {
        return None;
    }
    let address = Url::new_with_base(&part.path, bundle_url).ok()?.href();
    // With its hash, under which the service worker keeps it for visits without a network.
    Some(format!("{address}?sha256={}", part.sha256))
}

/// Whether this page is a single file.
pub fn is_single_file() -> bool {
    inside().is_some()
}

/// The addresses that a single file's loader gave to what is inside.
fn inside() -> Option<JsValue> {
    let files = Reflect::get(&global(), &"pellucidFiles".into()).ok()?;
    files.is_object().then_some(files)
}

/// The views a single file was made for, as they follow its address, in order.
pub fn views() -> Vec<String> {
    let views = Reflect::get(&global(), &"pellucidViews".into()).unwrap_or_default();
    let views = views.dyn_into::<Array>().unwrap_or_default();
    views.iter().filter_map(|view| view.as_string()).collect()
}

/// What `site.json` says.
pub async fn description() -> Result<Site, String> {
    let bytes = browser::fetch("site.json", SITE_LIMIT as u64).await?;
    Site::parse(&bytes).map_err(|error| error.to_string())
}

/// A file of the site, as its description has it.
pub async fn file(part: &Part) -> Result<Vec<u8>, String> {
    let bytes = browser::fetch(&part.path, part.size).await?;
    part.check(&bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// The bytes as a gzip stream, made by the browser: it does so beside the page, in native code.
pub async fn gzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let said = |thrown: JsValue| format!("the browser could not compress: {}", reason(&thrown));
    let answer = compressed(bytes).map_err(said)?;
    let buffer = JsFuture::from(answer.array_buffer().map_err(said)?).await.map_err(said)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// A stream of the compressed bytes. By names, because the bindings for it would have every other
/// binding compiled anew.
fn compressed(bytes: &[u8]) -> Result<Response, JsValue> {
    let kind: Function = Reflect::get(&global(), &"CompressionStream".into())?.dyn_into()?;
    let compressor = Reflect::construct(&kind, &Array::of1(&"gzip".into()))?;
    let plain = Response::new_with_opt_js_u8_array(Some(&Uint8Array::from(bytes)))?;
    let plain = plain.body().ok_or_else(|| JsValue::from("it has no streams"))?;
    let pipe: Function = Reflect::get(&plain, &"pipeThrough".into())?.dyn_into()?;
    let stream = pipe.call1(&plain, &compressor)?.dyn_into()?;
    Response::new_with_opt_readable_stream(Some(&stream))
}

//! The page's own files: where they are, also when all of them are inside one.

use js_sys::{Function, Promise, Reflect, Uint8Array, global};
use shared::format::bundle::Part;
use shared::format::site::{SITE_LIMIT, Site};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::browser;
use crate::transport::reason;

/// Where the browser finds a file of the site: `dreams/mixed4a_11.jpg`. In a page that is a single
/// file this is an address that means something to this window only.
pub fn address(path: &str) -> String {
    inside()
        .and_then(|files| Reflect::get(&files, &browser::absolute(path).into()).ok()?.as_string())
        .unwrap_or_else(|| path.to_owned())
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
    let views = views.dyn_into::<js_sys::Array>().unwrap_or_default();
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
    // In JavaScript because the bindings for it would have every other binding compiled anew.
    let compress = Function::new_with_args(
        "bytes",
        "return new Response(new Blob([bytes]).stream()\
         .pipeThrough(new CompressionStream('gzip'))).arrayBuffer();",
    );
    let said = |thrown: JsValue| format!("the browser could not compress: {}", reason(&thrown));
    let promise = compress.call1(&JsValue::NULL, &Uint8Array::from(bytes)).map_err(said)?;
    let buffer = JsFuture::from(promise.unchecked_into::<Promise>()).await.map_err(said)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

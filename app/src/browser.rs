//! The little the page asks of the browser: address bar, storage, clipboard, downloads, canvases.

use js_sys::{Array, Uint8Array};
use leptos::prelude::{document, window};
use leptos::task::spawn_local;
use wasm_bindgen::{Clamped, JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement,
    HtmlElement, ImageData, Url,
};

/// The query of the address bar.
pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// The address of the page without its query.
pub fn base() -> String {
    let href = window().location().href().unwrap_or_default();
    href.split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// An address relative to the page, made absolute.
pub fn absolute(relative: &str) -> String {
    let base = document().base_uri().ok().flatten().unwrap_or_default();
    Url::new_with_base(relative, &base).map_or_else(|_| relative.to_owned(), |url| url.href())
}

/// Puts a query into the address bar, as a new entry of the history or in place of the newest.
pub fn show_query(query: &str, new_entry: bool) {
    let Ok(history) = window().history() else { return };
    let url = format!("{}{query}", base());
    // A page opened from a disk may not change its address; it works without.
    let _ = if new_entry {
        history.push_state_with_url(&JsValue::NULL, "", Some(&url))
    } else {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&url))
    };
}

/// What the visitor's browser remembers under a key.
pub fn remembered(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(&format!("pellucid.{key}")).ok()?
}

/// Lets the visitor's browser remember something. Private windows may refuse; nothing depends on it.
pub fn remember(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(&format!("pellucid.{key}"), value);
    }
}

/// Copies text; `done` hears whether it worked.
pub fn copy(text: String, done: impl FnOnce(bool) + 'static) {
    // An insecure address (http, not localhost) has no clipboard.
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into());
    if !clipboard.is_ok_and(|clipboard| clipboard.is_object()) {
        return done(false);
    }
    let promise = window().navigator().clipboard().write_text(&text);
    spawn_local(async move { done(JsFuture::from(promise).await.is_ok()) });
}

/// Hands bytes to the visitor as a file.
pub fn download(name: &str, bytes: &[u8], mime: &str) -> Option<()> {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    options.set_type(mime);
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options).ok()?;
    let url = Url::create_object_url_with_blob(&blob).ok()?;
    let anchor: HtmlAnchorElement = document().create_element("a").ok()?.dyn_into().ok()?;
    anchor.set_href(&url);
    anchor.set_download(name);
    anchor.click();
    let _ = Url::revoke_object_url(&url);
    Some(())
}

/// Sets `data-key` of the whole page.
pub fn mark(key: &str, value: Option<&str>) {
    let root = document().document_element().and_then(|root| root.dyn_into::<HtmlElement>().ok());
    if let Some(root) = root {
        match value {
            Some(value) => {
                let _ = root.dataset().set(key, value);
            }
            None => root.dataset().delete(key),
        }
    }
}

/// A canvas's way to be drawn on.
pub fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

/// Draws pictures of one size, RGBA one after another, as the squarest grid; resizes the canvas.
pub fn draw(canvas: &HtmlCanvasElement, rgba: &[u8], width: usize, height: usize) -> Option<()> {
    let pixels = 4 * width * height;
    let count = rgba.len().checked_div(pixels)?;
    let columns = (1..).find(|columns| columns * columns >= count)?.max(1);
    let rows = count.div_ceil(columns);
    // A hairline of wall between two pictures.
    let gap = if count > 1 { (width / 48).max(1) } else { 0 };
    let across = (columns * (width + gap)).saturating_sub(gap) as u32;
    let down = (rows * (height + gap)).saturating_sub(gap) as u32;
    // Setting a size clears the canvas, so only a new one is set.
    if canvas.width() != across || canvas.height() != down {
        canvas.set_width(across);
        canvas.set_height(down);
    }
    let context = context(canvas)?;
    for (index, picture) in rgba.chunks_exact(pixels).enumerate() {
        let image = ImageData::new_with_u8_clamped_array_and_sh(
            Clamped(picture),
            width as u32,
            height as u32,
        );
        let left = (index % columns * (width + gap)) as f64;
        let top = (index / columns * (height + gap)) as f64;
        context.put_image_data(&image.ok()?, left, top).ok()?;
    }
    Some(())
}

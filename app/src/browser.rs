//! The little the page asks of the browser: address bar, files, storage, clipboard, canvases.

use std::time::Duration;

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use leptos::prelude::{document, set_timeout, window};
use leptos::task::spawn_local;
use wasm_bindgen::{Clamped, JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, DataTransfer, HtmlAnchorElement,
    HtmlCanvasElement, HtmlElement, HtmlImageElement, ImageData, RequestCache, RequestInit,
    Response, Url,
};

use crate::files::download;
use crate::transport::reason;

/// Query and route of the address bar.
pub fn query() -> String {
    let location = window().location();
    location.search().unwrap_or_default() + &location.hash().unwrap_or_default()
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

/// Puts a query and a route into the address bar, as a new entry of the history or in place of the newest.
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

/// Marks the newest entry of the history and lays another with the same address over it. Returns
/// whether the browser did so.
pub fn lay_entry(mark: &str) -> bool {
    let Ok(history) = window().history() else { return false };
    history.replace_state_with_url(&JsValue::from_str(mark), "", None).is_ok()
        && history.push_state_with_url(&JsValue::NULL, "", None).is_ok()
}

/// The Back button.
pub fn go_back() {
    // A page without a history has nothing to go back to.
    let _ = window().history().and_then(|history| history.back());
}

/// The bytes at an address, absolute or relative to the page; more than `limit` are an error.
pub async fn fetch(address: &str, limit: u64) -> Result<Vec<u8>, String> {
    let options = RequestInit::new();
    // A list that has changed on the host has changed here.
    options.set_cache(RequestCache::NoCache);
    let answer = download::coming(&absolute(address))
        .unwrap_or_else(|| window().fetch_with_str_and_init(address, &options));
    let answer = JsFuture::from(answer).await.map_err(|thrown| reason(&thrown))?;
    let answer: Response = answer.dyn_into().map_err(|_| "no answer came".to_owned())?;
    if !answer.ok() {
        return Err(format!("{address} answered {}", answer.status()));
    }
    let buffer = answer.array_buffer().map_err(|thrown| reason(&thrown))?;
    let buffer = JsFuture::from(buffer).await.map_err(|thrown| reason(&thrown))?;
    let bytes = Uint8Array::new(&buffer);
    if limit < u64::from(bytes.length()) {
        return Err(format!("{address} is longer than the expected {limit} bytes"));
    }
    Ok(bytes.to_vec())
}

/// The bytes of a file that the visitor gave.
pub async fn read(file: &Blob) -> Result<Vec<u8>, String> {
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(|thrown| reason(&thrown))?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// Whether what is dropped is a folder, as far as the browser tells.
pub fn is_folder(dropped: &DataTransfer) -> bool {
    let tell = || -> Result<bool, JsValue> {
        let item = Reflect::get_u32(&dropped.items(), 0)?;
        let ask = Reflect::get(&item, &"webkitGetAsEntry".into())?.dyn_into::<Function>()?;
        let entry = ask.call0(&item)?;
        Ok(Reflect::get(&entry, &"isDirectory".into())?.is_truthy())
    };
    tell().unwrap_or(false)
}

/// An address under which this page finds bytes again, as long as it is open.
pub fn object_url(bytes: &[u8]) -> Option<String> {
    let blob = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes))).ok()?;
    Url::create_object_url_with_blob(&blob).ok()
}

/// The pixels of a square part of a picture, `[side, side, 4]`: `left` and `top` are its corner,
/// `length` its side in the picture.
pub async fn pixels(
    address: &str,
    [left, top, length]: [usize; 3],
    side: usize,
) -> Option<Vec<u8>> {
    let picture = HtmlImageElement::new().ok()?;
    picture.set_src(address);
    JsFuture::from(picture.decode()).await.ok()?;
    let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(side as u32);
    canvas.set_height(side as u32);
    let context = context(&canvas)?;
    let [left, top, length, side] = [left, top, length, side].map(|pixels| pixels as f64);
    context
        .draw_image_with_html_image_element_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
            &picture, left, top, length, length, 0.0, 0.0, side, side,
        )
        .ok()?;
    Some(context.get_image_data(0.0, 0.0, side, side).ok()?.data().0)
}

/// Has the browser fetch a picture that may be wanted soon.
pub fn fetch_picture(address: &str) {
    if let Ok(picture) = HtmlImageElement::new() {
        picture.set_src(address);
    }
}

/// What the visitor's browser remembers under a key.
pub fn remembered(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(&format!("pellucid.{key}")).ok()?
}

/// Lets the visitor's browser remember something, and says whether it does: private windows may
/// refuse.
pub fn remember(key: &str, value: &str) -> bool {
    let storage = window().local_storage().ok().flatten();
    storage.is_some_and(|storage| storage.set_item(&format!("pellucid.{key}"), value).is_ok())
}

/// Lets the visitor's browser forget something.
pub fn forget(key: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.remove_item(&format!("pellucid.{key}"));
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

/// Selects the text of what a selector finds.
pub fn select(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let (Some(element), Ok(Some(selection))) = (found, window().get_selection()) {
        // An element of the page can always be selected.
        let _ = selection.select_all_children(&element);
    }
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
    // Some browsers read it a while after the click.
    set_timeout(move || drop(Url::revoke_object_url(&url)), Duration::from_secs(40));
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

/// What is drawn on a canvas, RGBA row by row.
pub fn drawn(canvas: &HtmlCanvasElement) -> Option<Vec<u8>> {
    let [width, height] = [canvas.width(), canvas.height()].map(f64::from);
    Some(context(canvas)?.get_image_data(0.0, 0.0, width, height).ok()?.data().0)
}

/// Waits for a turn of the event loop, in which the page shows and hears what there is.
pub async fn breathe() {
    let promise = Promise::new(&mut |resolve: Function, _| {
        let _ = window().set_timeout_with_callback(&resolve);
    });
    let _ = JsFuture::from(promise).await;
}

//! Pictures of what units look for, made beforehand: the bundle's, or the page's own few.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::page::Page;
use crate::site;
use crate::sprite::Square;
use crate::unit::{Unit, find_layer};

/// A picture made beforehand.
#[derive(Clone, Debug, PartialEq)]
pub enum Baked {
    /// A file of its own.
    File(String),
    /// A place on a sheet, as a CSS background.
    Sheet(String),
}

/// Units whose picture is a file of the page's own, in the order they hang.
///
/// The page as served already shows them, before any of this code runs: `index.html` is the list.
pub fn hung() -> Vec<String> {
    let Ok(links) = document().query_selector_all("#first [data-unit]") else { return Vec::new() };
    (0..links.length())
        .filter_map(|index| links.get(index))
        .filter_map(|node| node.dyn_into::<web_sys::Element>().ok()?.get_attribute("data-unit"))
        .collect()
}

/// The address of a picture of the page's own: `dreams/mixed4a_11.jpg`.
pub fn hung_file(unit: &str) -> String {
    site::address(&format!("dreams/{}.jpg", unit.replace(':', "_")))
}

/// A unit's picture, the bundle's before the page's own. Reactive; asks for the sheet.
pub fn baked(page: Page, unit: &Unit) -> Option<Baked> {
    let layer = page.layers.with(|layers| {
        find_layer(layers, &unit.layer).map_or(unit.layer.clone(), |layer| layer.name.clone())
    });
    let parts = page.session.parts;
    let on_sheet = || {
        let dreams = parts.layer(&layer)?.dreams?;
        parts.style(&dreams.sprites, dreams.picture(unit.channel)?, Square::WHOLE)
    };
    if let Some(style) = on_sheet() {
        return Some(Baked::Sheet(style));
    }
    let name = Unit { layer, channel: unit.channel }.objective();
    let ours = page.model_name() == crate::address::USUAL_MODEL
        && page.hung.with_value(|hung| hung.contains(&name));
    ours.then(|| Baked::File(hung_file(&name)))
}

/// Whether the bundle has the picture of the unit on view, on a sheet. Reactive.
pub fn is_made(page: Page) -> bool {
    let has = || {
        let unit = page.unit()?;
        page.session.parts.layer(&unit.layer)?.dreams?.picture(unit.channel)
    };
    has().is_some()
}

/// Whether that sheet is still on its way. Reactive.
pub fn is_coming(page: Page) -> bool {
    is_made(page) && page.session.parts.failure.with(Option::is_none)
}

/// The picture of the unit on view, reactive.
pub fn baked_here(page: Page) -> Option<Baked> {
    baked(page, &page.unit()?)
}

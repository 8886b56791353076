//! Clicks on a wall or a list of units: each unit is a link with `data-unit`.

use leptos::ev;
use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget};

use crate::page::Page;
use crate::unit::Unit;

/// A unit's place in a list is found by this.
const LINKS: &str = "[data-unit]";

/// The address of a unit's page, relative to this one.
pub fn unit_href(model: &str, layer: &str, channel: usize) -> String {
    format!("#/{model}/{layer}/{channel}")
}

/// Whether a click is meant for the page; with a modifier it is for the browser, which opens a tab
/// or a window.
pub fn is_plain(event: &ev::MouseEvent) -> bool {
    !(event.ctrl_key() || event.meta_key() || event.shift_key()) && event.button() == 0
}

/// Opens the unit that was clicked on this page; a click with a modifier stays the browser's.
pub fn open_clicked(page: Page, event: &ev::MouseEvent) {
    if !is_plain(event) {
        return;
    }
    if let Some(unit) = unit_at(event.target()) {
        event.prevent_default();
        page.show_unit(&unit);
    }
}

fn unit_at(target: Option<EventTarget>) -> Option<Unit> {
    let element: Element = target?.dyn_into().ok()?;
    Unit::read(&element.closest(LINKS).ok()??.get_attribute("data-unit")?)
}

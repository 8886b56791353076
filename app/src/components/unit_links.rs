//! Clicks and arrow keys on a wall or a list of units: each unit is a link with `data-unit`.

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget, HtmlElement};

use crate::page::Page;
use crate::unit::Unit;

/// A unit's place in a list is found by this.
const LINKS: &str = "[data-unit]";

/// What units are listed in.
const LISTS: &str = ".dreams, .unit-rows";

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

/// Moves the focus from unit to unit with the arrow keys; up and down by as many as fill a row.
pub fn walk_focus(event: &ev::KeyboardEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let container = target.and_then(|target| target.closest(LISTS).ok().flatten());
    let Some(container) = container else { return };
    let links = links(&container);
    let active = document().active_element();
    let Some(place) = links.iter().position(|link| active.as_ref() == Some(link.as_ref())) else {
        return;
    };
    let row = in_a_row(&links);
    let next = match event.key().as_str() {
        "ArrowLeft" => place.checked_sub(1),
        "ArrowRight" => Some(place + 1),
        "ArrowUp" => place.checked_sub(row),
        "ArrowDown" => Some(place + row),
        "Home" => Some(0),
        "End" => links.len().checked_sub(1),
        _ => return,
    };
    event.prevent_default();
    if let Some(link) = next.and_then(|next| links.get(next)) {
        // A link can always be focused.
        let _ = link.focus();
    }
}

/// The units in a container, in their order.
pub fn links(container: &Element) -> Vec<HtmlElement> {
    let Ok(found) = container.query_selector_all(LINKS) else { return Vec::new() };
    (0..found.length())
        .filter_map(|index| found.get(index)?.dyn_into::<HtmlElement>().ok())
        .collect()
}

fn in_a_row(links: &[HtmlElement]) -> usize {
    let Some(first) = links.first() else { return 1 };
    let top = first.offset_top();
    links.iter().take_while(|link| link.offset_top() == top).count().max(1)
}

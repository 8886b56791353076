//! Long lists of which only what is near the window is in the document; the others leave their room.

use std::ops::Range;

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, HtmlElement, ResizeObserver};

use crate::over::active;

/// What scrolls on this page.
pub const SCROLLERS: &str = "#stage, dialog .inside";

/// How far outside of it counts as near, in pixels.
pub const MARGIN: f64 = 700.0;

/// Items made before it is known how large one is.
const FIRST: usize = 48;

/// Where an item is in its list.
const PLACE: &str = "data-place";

/// Items in rows of one height, and how the list lies in what scrolls.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Layout {
    /// Items in a row.
    columns: usize,
    /// From the top of a row to that of the next, in pixels.
    pitch: f64,
    /// Pixels of the list above what is seen; negative where it begins below the upper edge.
    above: f64,
    /// Pixels that are seen.
    height: f64,
}

/// The items in the document, and the room of those before and behind, in pixels.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shown {
    items: Range<usize>,
    before: f64,
    behind: f64,
}

impl Layout {
    /// What of `count` items is near.
    fn shown(&self, count: usize) -> Shown {
        let rows = count.div_ceil(self.columns);
        let row = |pixels: f64| ((pixels / self.pitch).max(0.0) as usize).min(rows);
        // At least one row stays, so that its size is known when the list comes near again.
        let first = row(self.above - MARGIN).min(rows.saturating_sub(1));
        let end = row(self.above + self.height + MARGIN + self.pitch).max(first + 1).min(rows);
        Shown {
            items: first * self.columns..(end * self.columns).min(count),
            before: first as f64 * self.pitch,
            behind: (rows - end) as f64 * self.pitch,
        }
    }
}

/// A list of many items.
#[derive(Clone, Copy)]
pub struct Near {
    list: NodeRef<html::Div>,
    count: usize,
    shown: RwSignal<Shown>,
}

impl Near {
    /// A list of `count` items, a grid or a column of rows that are all of one height.
    pub fn new(count: usize) -> Self {
        let items = 0..count.min(FIRST);
        let near = Self {
            list: NodeRef::new(),
            count,
            shown: RwSignal::new(Shown { items, ..Shown::default() }),
        };
        Effect::new(move |_| {
            if let Some(list) = near.list.get() {
                near.watch(&list);
            }
        });
        near
    }

    /// What the list's element must be given.
    pub fn list(self) -> NodeRef<html::Div> {
        self.list
    }

    /// The places of the items that are in the document. Each has its own as `data-place`.
    pub fn items(self) -> Vec<usize> {
        self.shown.with(|shown| shown.items.clone().collect())
    }

    /// The room of the others, as the list's style.
    pub fn room(self) -> String {
        self.shown.with(|Shown { before, behind, .. }| {
            format!("padding-top:{before:.2}px;padding-bottom:{behind:.2}px")
        })
    }

    /// Moves the focus from item to item with the arrow keys, up and down by a row; Home and End
    /// go to the ends of the whole list.
    pub fn walk(self, event: &ev::KeyboardEvent) {
        let focused = active().and_then(|element| element.get_attribute(PLACE)?.parse().ok());
        let (Some(place), Some(list)) = (focused, self.list.get_untracked()) else { return };
        let row = columns(&list);
        let next = match event.key().as_str() {
            "ArrowLeft" => usize::checked_sub(place, 1),
            "ArrowRight" => Some(place + 1),
            "ArrowUp" => place.checked_sub(row),
            "ArrowDown" => Some(place + row),
            "Home" => Some(0),
            "End" => self.count.checked_sub(1),
            _ => return,
        };
        event.prevent_default();
        if let Some(next) = next.filter(|next| *next < self.count) {
            self.reveal(&list, next);
        }
    }

    /// Gives the focus to an item, wherever it is.
    fn reveal(self, list: &HtmlElement, place: usize) {
        if let Some(item) = item(list, place) {
            // A link can always be focused.
            let _ = item.focus();
            return;
        }
        let (Some(layout), Some(scroller)) = (self.layout(list), scroller(list)) else { return };
        let row = (place / layout.columns) as f64 * layout.pitch;
        let top = f64::from(scroller.scroll_top()) - layout.above + row;
        scroller.set_scroll_top(top as i32);
        // Scrolling is noticed, and the item made, in the next frame.
        let list = list.clone();
        request_animation_frame(move || {
            request_animation_frame(move || {
                if let Some(item) = item(&list, place) {
                    let _ = item.focus();
                }
            });
        });
    }

    /// Follows how the list lies, for as long as the owner lives.
    fn watch(self, list: &HtmlElement) {
        self.follow(list);
        let followed = list.clone();
        let moved = Closure::<dyn Fn()>::new(move || self.follow(&followed));
        let moved_function = moved.as_ref().unchecked_ref::<js_sys::Function>();
        let scroller = scroller(list);
        if let Some(scroller) = &scroller {
            // Fails only for options that are not given.
            let _ = scroller.add_event_listener_with_callback("scroll", moved_function);
        }
        let observer = ResizeObserver::new(moved_function);
        if let Ok(observer) = &observer {
            observer.observe(list);
            scroller.iter().for_each(|scroller| observer.observe(scroller));
        }
        let kept = StoredValue::new_local((observer, scroller, moved));
        on_cleanup(move || {
            kept.try_update_value(|(observer, scroller, moved)| {
                observer.iter().for_each(ResizeObserver::disconnect);
                if let Some(scroller) = scroller {
                    let function = moved.as_ref().unchecked_ref();
                    let _ = scroller.remove_event_listener_with_callback("scroll", function);
                }
            });
        });
    }

    fn follow(self, list: &HtmlElement) {
        // A list that is not laid out, or that is empty, stays as it is.
        let Some(layout) = self.layout(list) else { return };
        let shown = layout.shown(self.count);
        if self.shown.with_untracked(|known| *known == shown) {
            return;
        }
        // What has the focus must not take it along when it goes: Tab would begin at the top.
        let focused = active().filter(|element| list.contains(Some(element)));
        let place = focused.and_then(|element| element.get_attribute(PLACE)?.parse().ok());
        if place.is_some_and(|place: usize| !shown.items.contains(&place)) {
            let top = scroller(list).map(|scroller| (scroller.scroll_top(), scroller));
            // A list with a tabindex can always be focused; it is scrolled to, which nobody asked.
            let _ = list.focus();
            if let Some((top, scroller)) = top {
                scroller.set_scroll_top(top);
            }
        }
        self.shown.set(shown);
    }

    fn layout(self, list: &HtmlElement) -> Option<Layout> {
        let item = list.first_element_child()?.get_bounding_client_rect();
        let style = window().get_computed_style(list).ok()??;
        // "normal" is none.
        let gap = style.get_property_value("row-gap").unwrap_or_default();
        let gap: f64 = gap.strip_suffix("px").and_then(|gap| gap.parse().ok()).unwrap_or(0.0);
        let scroller = scroller(list)?.get_bounding_client_rect();
        let layout = Layout {
            columns: columns(list),
            pitch: item.height() + gap,
            above: scroller.top() - list.get_bounding_client_rect().top(),
            height: scroller.height(),
        };
        (0.0 < item.height()).then_some(layout)
    }
}

/// How many items are in a row of a list.
fn columns(list: &HtmlElement) -> usize {
    let style = window().get_computed_style(list).ok().flatten();
    let columns = style.and_then(|style| style.get_property_value("grid-template-columns").ok());
    // A length for each, or "none".
    columns.map_or(1, |columns| columns.split_whitespace().count()).max(1)
}

fn scroller(list: &HtmlElement) -> Option<Element> {
    list.closest(SCROLLERS).ok()?
}

fn item(list: &HtmlElement, place: usize) -> Option<HtmlElement> {
    list.query_selector(&format!("[{PLACE}=\"{place}\"]")).ok()??.dyn_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_document_is_what_is_near_and_the_rest_leaves_its_room() {
        let layout = Layout { columns: 4, pitch: 100.0, above: 5000.0, height: 740.0 };
        let shown = layout.shown(16_384);
        assert_eq!(shown.items, 43 * 4..65 * 4);
        assert_eq!((shown.before, shown.behind), (4300.0, (4096.0 - 65.0) * 100.0));
        let top = Layout { above: -300.0, ..layout }.shown(16_384);
        assert_eq!((top.items, top.before), (0..12 * 4, 0.0));
    }

    #[test]
    fn the_last_row_may_be_short_and_one_row_always_stays() {
        let layout = Layout { columns: 4, pitch: 100.0, above: 0.0, height: 740.0 };
        assert_eq!(layout.shown(10), Shown { items: 0..10, before: 0.0, behind: 0.0 });
        assert_eq!(layout.shown(0), Shown::default());
        let past = Layout { above: 9000.0, ..layout }.shown(10);
        assert_eq!(past, Shown { items: 8..10, before: 200.0, behind: 0.0 });
        let below = Layout { above: -9000.0, ..layout }.shown(10);
        assert_eq!(below, Shown { items: 0..4, before: 0.0, behind: 200.0 });
    }
}

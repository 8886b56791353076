//! How far walls were scrolled: one who returns to a wall finds it where it was.

use leptos::prelude::*;

use crate::address::Address;
use crate::view::View;

/// A wall: which view, and of which layer.
type Wall = (View, String);

/// Where walls were when they were left.
#[derive(Clone, Copy)]
pub struct Scrolled {
    tops: StoredValue<Vec<(Wall, i32)>>,
}

impl Scrolled {
    /// Nothing scrolled yet.
    pub fn new() -> Self {
        Self { tops: StoredValue::default() }
    }

    /// Notes where the stage is, before what was on view gives way.
    pub fn note(self, leaving: &Address) {
        let (Some(wall), Some(stage)) = (wall(leaving), stage()) else { return };
        let top = stage.scroll_top();
        self.tops.update_value(|tops| {
            tops.retain(|(other, _)| *other != wall);
            tops.push((wall, top));
        });
    }

    /// Scrolls the stage to where a wall was; everything else begins at its top.
    pub fn follow(self, address: RwSignal<Address>) {
        let place = Memo::new(move |_| {
            address.with(|address| (address.view, address.objective.is_empty(), wall(address)))
        });
        Effect::watch(
            move || place.get(),
            move |(_, _, wall), _, _| {
                let top = self.tops.with_value(|tops| {
                    let known = tops.iter().find(|(known, _)| Some(known) == wall.as_ref());
                    known.map_or(0, |(_, top)| *top)
                });
                // After what is on view now is laid out.
                request_animation_frame(move || {
                    if let Some(stage) = stage() {
                        stage.set_scroll_top(top);
                    }
                });
            },
            false,
        );
    }
}

impl Default for Scrolled {
    fn default() -> Self {
        Self::new()
    }
}

fn wall(address: &Address) -> Option<Wall> {
    address.view.is_wall(address.objective.text()).then(|| (address.view, address.layer.clone()))
}

fn stage() -> Option<web_sys::Element> {
    document().get_element_by_id("stage")
}

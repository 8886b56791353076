//! Where the focus was: one who returns to a view finds it on what led away from it.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::address::Address;
use crate::over::active;
use crate::view::View;

/// What tells an element apart from those around it.
const NAMES: [&str; 4] = ["data-unit", "data-picture", "data-layer", "data-testid"];

/// Takes the focus where nothing else has it.
const STAGE: &str = "stage";

/// How often, and how long apart, what had the focus is looked for: lists are made as they come
/// near the window.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// What had the focus when views were left.
#[derive(Clone, Copy)]
pub struct Focused {
    // The view's query, and a selector.
    places: StoredValue<Vec<(String, String)>>,
}

impl Focused {
    /// Nothing left yet.
    pub fn new() -> Self {
        Self { places: StoredValue::default() }
    }

    /// Notes what has the focus, before what is on view gives way.
    pub fn note(self, leaving: &Address) {
        let view = leaving.query();
        let selector = active().and_then(|element| selector(&element));
        self.places.update_value(|places| {
            places.retain(|(other, _)| *other != view);
            places.extend(selector.map(|selector| (view, selector)));
        });
    }

    /// When another view has taken the focus away, gives it to what had it there before, else to
    /// the stage, so that the next Tab goes on in what is on view.
    pub fn follow(self, address: RwSignal<Address>) {
        let place = Memo::new(move |_| address.with(place));
        Effect::watch(
            move || place.get(),
            move |_, _, _| {
                let view = address.with_untracked(Address::query);
                let known = self.places.with_value(|places| {
                    let known = places.iter().find(|(known, _)| *known == view);
                    known.map(|(_, selector)| selector.clone())
                });
                request_animation_frame(move || restore(known, TRIES));
            },
            false,
        );
    }
}

impl Default for Focused {
    fn default() -> Self {
        Self::new()
    }
}

/// What decides which elements there are.
fn place(address: &Address) -> (View, bool, String) {
    let layer = if address.view.of_units { address.layer.clone() } else { String::new() };
    (address.view, address.objective.is_empty(), layer)
}

fn restore(selector: Option<String>, tries: u32) {
    // The stage has it for want of anything better.
    if active().is_some_and(|element| element.id() != STAGE) {
        return;
    }
    let find = |selector: &str| {
        let found = document().query_selector(selector).ok().flatten()?;
        found.dyn_into::<HtmlElement>().ok()
    };
    let known = selector.as_deref().and_then(find);
    match (known, selector) {
        (None, Some(selector)) if tries != 0 => {
            set_timeout(move || restore(Some(selector), tries - 1), PAUSE);
        }
        (known, _) => {
            if let Some(element) = known.or_else(|| find(&format!("#{STAGE}"))) {
                // What cannot take it leaves it where it is.
                let _ = element.focus();
            }
        }
    }
}

/// A selector that finds an element again when its view is made anew.
fn selector(element: &Element) -> Option<String> {
    // A dialog has its own opener to return to.
    if element.closest("dialog") != Ok(None) {
        return None;
    }
    // A picture's button has its name around it.
    let has_name = NAMES.into_iter().any(|name| element.has_attribute(name));
    let named = element.closest(if has_name { "*" } else { "figure[data-picture]" });
    let named = named.ok().flatten()?;
    let name = NAMES.into_iter().find(|name| named.has_attribute(name))?;
    let value = named.get_attribute(name)?;
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    let own = format!("{}[{name}=\"{value}\"]", kind(&named));
    Some(if named == *element { own } else { format!("{own} {}", kind(element)) })
}

/// An element's tag and first class.
fn kind(element: &Element) -> String {
    let tag = element.tag_name().to_lowercase();
    match element.class_list().get(0) {
        Some(class) => format!("{tag}.{class}"),
        None => tag,
    }
}

//! Over a picture that is looked at: a place is chosen, and what is strongest there is on view.

use leptos::prelude::*;

use crate::components::place_picker::PlacePicker;
use crate::page::Page;
use crate::verbs::look::state::{Sight, place_words};

/// Chooses a place; the whole picture where there is none.
#[component]
pub fn PlacedPicture() -> impl IntoView {
    let page = Page::here();
    let sight = Sight::here();
    let grid = Signal::derive(move || sight.seen.with(|seen| Some(seen.as_ref()?.classified.map)));
    let keep = move |place| page.slide(|address| address.place = place);
    let kept = Signal::derive(move || page.address.with(|address| address.place));
    let label = Signal::derive(move || {
        let layer = page.layer();
        let what = page.channels_word(&layer);
        format!("The {what} of {layer} at a place: arrow keys choose it, Escape the whole picture")
    });
    let marked = Signal::derive(move || sight.place(page));
    let said = Signal::derive(move || match marked.get() {
        Some(place) => place_words(place),
        None => "the whole picture".to_owned(),
    });
    view! {
        <PlacePicker grid pointed=sight.pointed kept keep marked label said id="placed"/>
    }
}

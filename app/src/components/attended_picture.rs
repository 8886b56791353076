//! Over a picture with attention: the patch that looks is chosen.

use leptos::prelude::*;

use crate::attending::Attending;
use crate::components::place_picker::PlacePicker;
use crate::heatmap::Place;
use crate::page::Page;
use crate::verbs::look::gaze::{Gaze, block, head_words, heads, token_words};

/// Chooses the patch that looks; the class token where there is none.
#[component]
pub fn AttendedPicture() -> impl IntoView {
    let page = Page::here();
    let gaze = Gaze::here();
    let grid =
        Signal::derive(move || gaze.attention.with(|it| it.as_ref().map(|it| it.attended.patches)));
    let keep = move |from: Option<Place>| {
        page.slide(|address| {
            address.attention = address.attention.map(|it| Attending { from, ..it });
        });
    };
    let kept = Signal::derive(move || page.address.with(|address| address.attention?.from));
    let label = Signal::derive(move || {
        let attending = page.address.with(|address| address.attention);
        let head = head_words(attending.and_then(|it| it.head));
        let block = heads(page).map(|heads| block(page, heads)).unwrap_or_default();
        format!(
            "Attention of block {block}, {head}: arrow keys choose the patch that looks, Escape the class token"
        )
    });
    let marked = Signal::derive(move || gaze.from(page));
    let said = Signal::derive(move || token_words(marked.get()));
    view! {
        <PlacePicker grid pointed=gaze.pointed kept keep marked label said id="attended"/>
    }
}

//! The wall of a layer in a slide.

use leptos::prelude::*;

use crate::components::dream_wall::DreamWall;
use crate::components::embed_label::{EmbedLabel, ground, is_over_anything};
use crate::components::layer_chips::dream_count;
use crate::components::slide_trouble::trouble;
use crate::page::Page;
use crate::unit::find_layer;

/// As many whole pictures as the box holds; the others come by scrolling. A click opens the unit
/// here.
#[component]
pub fn EmbedWall() -> impl IntoView {
    let page = Page::here();
    let layer = Memo::new(move |_| page.layer());
    let title = Signal::derive(move || page.layer_words(&layer.get()));
    let said = Signal::derive(move || match trouble(page).or_else(|| misspelt(page)) {
        Some(what) => what,
        None => {
            let layer = layer.get();
            let units = page.units_word(&layer);
            let count = dream_count(page, &layer);
            format!("{} · {count} {units}, what each looks for", page.model_title())
        }
    });
    let missing = move || {
        let open = page.session.library.open.with(Option::is_some);
        let nothing = open && dream_count(page, &layer.get()) == 0;
        let words = || {
            let (layer, model) = (layer.get(), page.model_title());
            format!("No dreams of {layer}'s units were made beforehand in {model}.")
        };
        trouble(page).filter(|_| !open).or_else(|| nothing.then(words))
    };
    view! {
        <div
            class="embed whole-wall"
            class:plated=is_over_anything(page)
            prop:style=ground(page)
            data-testid="embed-wall"
        >
            <div class="wall-of">
                <div id="stage" class="scrolls"><DreamWall layer/></div>
                {move || {
                    missing()
                        .map(|words| view! { <p class="missing" data-testid="embed-empty">{words}</p> })
                }}
            </div>
            <EmbedLabel title said/>
        </div>
    }
}

/// What is wrong with the layer that the address names: another hangs in its place.
fn misspelt(page: Page) -> Option<String> {
    let asked = page.address.with(|address| address.layer.clone());
    page.session.library.open.with(Option::is_some).then_some(())?;
    let unknown =
        !asked.is_empty() && page.layers.with(|layers| find_layer(layers, &asked).is_none());
    unknown.then(|| format!("{} has no layer {asked}; this is another.", page.model_title()))
}

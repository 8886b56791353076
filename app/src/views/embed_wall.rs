//! The wall of a layer in a slide.

use leptos::prelude::*;

use crate::components::dream_wall::DreamWall;
use crate::components::embed_label::FullPageLink;
use crate::components::layer_chips::{dream_count, layer_words};
use crate::page::Page;

/// The wall fills the box and scrolls; a click opens the unit here.
#[component]
pub fn EmbedWall() -> impl IntoView {
    let page = Page::here();
    let layer = Memo::new(move |_| page.layer());
    let background = page.address.with_untracked(|address| address.background.clone());
    let style = background.map(|colour| format!("background:{colour}"));
    let count = move || {
        let layer = layer.get();
        format!("{} · {} units, what each looks for", page.model_title(), dream_count(page, &layer))
    };
    view! {
        <div class="embed whole-wall" prop:style=style data-testid="embed-wall">
            <div id="stage" class="scrolls"><DreamWall layer/></div>
            <div class="label">
                <p>
                    <b>{move || layer_words(&layer.get())}</b>
                    <span>{count}</span>
                </p>
                <FullPageLink/>
            </div>
        </div>
    }
}

//! What all units of a layer look for, side by side.

use std::sync::Arc;

use leptos::prelude::*;
use shared::classes::short_label;
use shared::format::bundle::Dreams;

use crate::components::unit_links::{open_clicked, unit_href};
use crate::near::Near;
use crate::page::Page;
use crate::sprite::Square;

/// The wall of a layer. Sheets are fetched as they come near the window.
#[component]
pub fn DreamWall(
    /// The layer's canonical name.
    #[prop(into)]
    layer: Signal<String>,
) -> impl IntoView {
    let page = Page::here();
    let dreams = Memo::new(move |_| page.session.parts.layer(&layer.get())?.dreams);
    move || {
        let dreams = dreams.get()?;
        let layer = layer.get_untracked();
        let labels = page.labels_of(&layer).unwrap_or_default();
        Some(view! { <Tiles layer dreams labels/> })
    }
}

#[component]
fn Tiles(
    /// The layer's canonical name.
    layer: String,
    /// Its dreams.
    dreams: Dreams,
    /// What its units are called, if they have names.
    labels: Arc<Vec<String>>,
) -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let model = page.model_path();
    let units: Vec<usize> = dreams.all_units().collect();
    let near = Near::new(units.len());
    let sprites = StoredValue::new(dreams.sprites);
    let named = format!("What the units of {layer} look for");
    let shown = layer.clone();
    let tile = move |place: usize| {
        let channel = units.get(place).copied().unwrap_or_default();
        let name = match labels.get(channel) {
            Some(label) => short_label(label).to_owned(),
            None => format!("{layer} : {channel}"),
        };
        let caption = if labels.is_empty() { channel.to_string() } else { name.clone() };
        let style =
            move || sprites.with_value(|sprites| parts.style(sprites, place, Square::WHOLE));
        view! {
            <a
                class="dream"
                href=unit_href(&model, &layer, channel)
                data-unit=format!("{layer}:{channel}")
                data-place=place
                aria-label=name.clone()
                title=name
                prop:style=move || style().unwrap_or_default()
            >
                <i aria-hidden="true">{caption}</i>
            </a>
        }
    };
    view! {
        <div
            node_ref=near.list()
            class="dreams"
            data-testid="dream-wall"
            data-layer=shown
            role="group"
            tabindex="-1"
            aria-label=named
            prop:style=move || near.room()
            on:click=move |event| open_clicked(page, &event)
            on:keydown=move |event| near.walk(&event)
        >
            <For each=move || near.items() key=|place| *place children=tile/>
        </div>
    }
}

//! What all units of a layer look for, side by side.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use shared::classes::short_label;
use shared::format::bundle::Dreams;

use crate::components::lazy::watch;
use crate::components::unit_links::{links, open_clicked, unit_href, walk_focus};
use crate::page::Page;
use crate::sprite::{Square, window};

/// Of so many pictures one is watched: a sheet is asked for when one of its comes near.
const WATCHED: usize = 8;

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
    let node = NodeRef::<html::Div>::new();
    let wanted = RwSignal::new(BTreeSet::<usize>::new());
    Effect::new(move |_| {
        let Some(node) = node.get() else { return };
        let all = links(&node);
        let last = all.len().saturating_sub(1);
        let watched = all.into_iter().enumerate();
        let watched = watched.filter(|(place, _)| place % WATCHED == 0 || *place == last);
        let watched: Vec<_> = watched.map(|(_, tile)| tile.into()).collect();
        watch(&watched, move |tile| {
            let sheet = tile.dataset().get("sheet").and_then(|sheet| sheet.parse().ok());
            if let Some(sheet) = sheet
                && !wanted.with_untracked(|wanted| wanted.contains(&sheet))
            {
                wanted.update(|wanted| {
                    wanted.insert(sheet);
                });
            }
        });
    });
    let sprites = StoredValue::new(dreams.sprites.clone());
    let mut groups: Vec<Vec<AnyView>> = dreams.sprites.sheets.iter().map(|_| Vec::new()).collect();
    for (index, channel) in dreams.all_units().enumerate() {
        let Some(place) = window(&dreams.sprites, index, Square::WHOLE) else { continue };
        let name = match labels.get(channel) {
            Some(label) => short_label(label).to_owned(),
            None => format!("{layer} : {channel}"),
        };
        let caption = if labels.is_empty() { channel.to_string() } else { name.clone() };
        groups[place.sheet].push(
            view! {
                <a
                    class="dream"
                    href=unit_href(&model, &layer, channel)
                    data-unit=format!("{layer}:{channel}")
                    data-sheet=place.sheet
                    aria-label=name.clone()
                    title=name
                    prop:style=place.style
                >
                    <i aria-hidden="true">{caption}</i>
                </a>
            }
            .into_any(),
        );
    }
    let group = move |(sheet, tiles): (usize, Vec<AnyView>)| {
        // One property a sheet, not one a picture: hundreds of pictures cost one change.
        let address = move || {
            if !wanted.with(|wanted| wanted.contains(&sheet)) {
                return None;
            }
            sprites.with_value(|sprites| parts.sheet(sprites, sheet)).here()
        };
        let style = move || address().map(|address| format!("--sheet:url({address})"));
        view! { <div class="sheet" prop:style=style>{tiles}</div> }
    };
    view! {
        <div
            node_ref=node
            class="dreams"
            data-testid="dream-wall"
            data-layer=layer.clone()
            role="group"
            aria-label=format!("What the units of {layer} look for")
            on:click=move |event| open_clicked(page, &event)
            on:keydown=move |event| walk_focus(&event)
        >
            {groups.into_iter().enumerate().map(group).collect_view()}
        </div>
    }
}

//! The layers that the open bundle offers, as a row of chips.

use leptos::prelude::*;

use crate::layer_words::explained;
use crate::page::Page;

/// A chip a layer, in the bundle's order; the one on view stands out.
#[component]
pub fn LayerChips(
    /// Names of the layers.
    #[prop(into)]
    layers: Signal<Vec<String>>,
    /// The one on view; empty for none.
    #[prop(into)]
    selected: Signal<String>,
    /// How many units of a layer there are to see.
    count: Callback<String, usize>,
    /// Hears which one is chosen.
    choose: Callback<String>,
) -> impl IntoView {
    let page = Page::here();
    let chip = move |name: String| {
        let holds = explained(&name);
        let name = StoredValue::new(name);
        let on = move || name.with_value(|name| selected.with(|selected| selected == name));
        view! {
            <li>
                <button
                    class="layer-chip"
                    class:on=on
                    title=holds
                    data-layer=name.get_value()
                    aria-pressed=move || on().to_string()
                    on:click=move |_| choose.run(name.get_value())
                >
                    {move || page.layer_words(&name.get_value())}
                    <span>{move || count.run(name.get_value())}</span>
                </button>
            </li>
        }
    };
    view! {
        <ul class="layer-chips" aria-label="Layers" data-testid="layer-chips">
            {move || layers.get().into_iter().map(chip).collect_view()}
        </ul>
    }
}

/// How many units of a layer have a dream in the open bundle, reactive.
pub fn dream_count(page: Page, layer: &str) -> usize {
    page.session
        .parts
        .layer(layer)
        .and_then(|layer| layer.dreams)
        .map_or(0, |dreams| dreams.sprites.count)
}

//! Exemplars: the units of a layer with the pictures that excite them, to flip through and search.

use std::sync::Arc;

use leptos::prelude::*;
use shared::format::bundle::Sprites;
use shared::format::credits::Credit;
use shared::format::exemplars::Exemplars;

use crate::components::exemplar_rows::ExemplarRows;
use crate::components::layer_chips::{LayerChips, layer_words};
use crate::components::parts_trouble::PartsTrouble;
use crate::exemplars::{Found, search};
use crate::page::Page;
use crate::parts::Loaded;

/// Units found at most: beyond that nobody scrolls.
const LIMIT: usize = 60;

/// A layer's units, or those that a search finds.
#[component]
pub fn ExemplarsView() -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let offered = Memo::new(move |_| page.offered_layers(|layer| layer.exemplars.is_some()));
    // A layer without exemplars gives way to the first that has some.
    let layer = Memo::new(move |_| {
        let asked = page.layer();
        offered.with(|offered| match offered.contains(&asked) {
            true => asked.clone(),
            false => offered.first().cloned().unwrap_or(asked.clone()),
        })
    });
    let typed = Memo::new(move |_| page.address.with(|address| address.find.clone()));
    let find = move |event| page.slide(|address| address.find = event_target_value(&event));
    let count = Callback::new(move |layer: String| page.channels(&layer));
    let choose = Callback::new(move |layer: String| page.go(|address| address.layer = layer));
    let here = Memo::new(move |_| {
        let exemplars = parts.exemplars(&layer.get()).and_then(Loaded::here)?;
        Some((exemplars, parts.gallery()?))
    });
    let credits = Memo::new(move |_| parts.credits().and_then(Loaded::here).unwrap_or_default());
    let open = move || page.session.library.open.with(Option::is_some);
    view! {
        <div class="hall">
            <div class="head">
                <h1>{move || layer_words(&layer.get())}</h1>
                <p>{move || about(page, &layer.get())}</p>
                <input
                    class="filter find-units"
                    type="search"
                    aria-label="Search units by number or by what excites them"
                    placeholder="Which units like dogs? Or a number"
                    data-testid="unit-search"
                    prop:value=typed
                    on:input=find
                />
            </div>
            <div class="shelf">
                <LayerChips layers=offered selected=layer count choose/>
            </div>
            <PartsTrouble/>
            {move || {
                let (exemplars, sprites) = here.get()?;
                Some(view! { <Rows typed exemplars sprites=Arc::new(sprites) credits=credits.get()/> })
            }}
            <Show when=move || open() && offered.with(Vec::is_empty)>
                <p class="nothing" data-testid="no-exemplars">
                    "This bundle has no exemplars: which pictures excite a unit was not asked when it was made. Dream shows what its units look for."
                </p>
            </Show>
        </div>
    }
}

fn about(page: Page, layer: &str) -> String {
    let units = if layer == "logits" { "classes" } else { "units" };
    format!("{} {units} · the pictures that excite each most", page.channels(layer))
}

/// All units, or those that were searched for.
#[component]
fn Rows(
    /// What is searched for.
    typed: Memo<String>,
    /// The layer's.
    exemplars: Arc<Exemplars>,
    /// The gallery.
    sprites: Arc<Sprites>,
    /// What its pictures show.
    credits: Arc<Vec<Credit>>,
) -> impl IntoView {
    let searched = exemplars.clone();
    let found = Memo::new(move |_| {
        let typed = typed.get();
        (!typed.trim().is_empty()).then(|| search(&typed, &searched, &credits))
    });
    let said = move || {
        found.get().map(|found| match found.len() {
            0 => "No unit is called that, and no exemplar shows it. Try dog, boat, flower, or a number.".to_owned(),
            1 => "1 unit".to_owned(),
            many if LIMIT < many => format!("{many} units, the first {LIMIT} of them"),
            many => format!("{many} units, those first with the most such pictures"),
        })
    };
    let everything: Vec<Found> =
        (0..exemplars.units.len()).map(|unit| Found { unit, matches: None }).collect();
    view! {
        <p class="said" role="status" data-testid="search-result">{said}</p>
        {move || {
            let units = match found.get() {
                Some(found) => found.into_iter().take(LIMIT).collect(),
                None => everything.clone(),
            };
            view! { <ExemplarRows units exemplars=exemplars.clone() sprites=sprites.clone()/> }
        }}
    }
}

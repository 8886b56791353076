//! Exemplars: the units of a layer with the pictures that excite them, to flip through and search.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::prelude::*;
use shared::format::bundle::Sprites;
use shared::format::credits::Credit;

use crate::components::depth_scale::DepthScale;
use crate::components::exemplar_rows::ExemplarRows;
use crate::components::latent_scatter::LatentScatter;
use crate::components::layer_chips::LayerChips;
use crate::components::parts_trouble::PartsTrouble;
use crate::latents::{self, Arrangement};
use crate::page::Page;
use crate::palette::{Jump, Sights, Suggestion, units};
use crate::parts::Loaded;
use crate::unit::{Unit, split_number};
use crate::unit_search::{Found, Searched, search};

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
    // What a search finds stands first, unless a rectangle of the drawing keeps some out.
    let draws = Memo::new(move |_| {
        page.address.with(|address| address.find.is_empty() || address.brush.is_some())
    });
    let find = move |event| page.slide(|address| address.find = event_target_value(&event));
    let count = Callback::new(move |layer: String| page.channels(&layer));
    let choose = Callback::new(move |layer: String| {
        page.go(|address| {
            address.layer = layer;
            // A rectangle of one layer's map says nothing of another's.
            address.brush = address.brush.filter(|_| address.arranged != Arrangement::Likeness);
        });
    });
    let here = Memo::new(move |_| {
        let layer = layer.get();
        let units = parts.exemplars(&layer)?.units;
        Some((layer, units, parts.gallery()?))
    });
    let credits = Memo::new(move |_| parts.credits().and_then(Loaded::here).unwrap_or_default());
    let open = move || page.session.library.open.with(Option::is_some);
    view! {
        <div class="hall">
            <div class="head">
                <h1>{move || page.layer_words(&layer.get())}</h1>
                <p>{move || about(page, &layer.get())}</p>
                <DepthScale layer/>
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
                let layer = layer.get();
                let worth = parts.layer(&layer)?.worth.filter(|_| draws.get())?;
                match parts.latents(&layer)? {
                    Loaded::Here(latents) => Some(view! { <LatentScatter layer worth latents/> }.into_any()),
                    // Nothing below moves when they come.
                    Loaded::Coming => {
                        let mapped = worth.mapped;
                        let is_map = move || page.address.with(|address| address.arranged.of(&worth) == Arrangement::Likeness);
                        Some(view! { <section class="latents" class:mapped=mapped class:map=is_map aria-busy="true"></section> }.into_any())
                    }
                    Loaded::Failed => None,
                }
            }}
            <OtherUnits typed layer/>
            {move || {
                let (layer, units, sprites) = here.get()?;
                Some(view! { <Rows typed layer units sprites=Arc::new(sprites) credits/> })
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
    let (units, holds) = (page.units_word(layer), page.holds(layer));
    format!("{holds}{} {units} · the pictures that excite each most", page.channels(layer))
}

/// A unit of another layer, or of another network, whose name and number were typed.
#[component]
fn OtherUnits(
    /// What is searched for.
    typed: Memo<String>,
    /// The layer that is searched.
    layer: Memo<String>,
) -> impl IntoView {
    let page = Page::here();
    let found = Memo::new(move |_| {
        let typed = typed.get();
        // A name alone may be what a picture shows.
        split_number(&typed).1?;
        let (layers, elsewhere) = (page.layers.get(), page.elsewhere());
        let sights = Sights {
            layers: &layers,
            labels: &[],
            pictures: &[],
            bundles: &[],
            elsewhere: &elsewhere,
            views: &[],
        };
        let entries = units(&typed, sights);
        let here = format!("{}:", layer.get());
        let is_here = |entry: &Suggestion| matches!(&entry.jump, Jump::Objective(unit) if unit.starts_with(&here));
        if entries.iter().any(is_here) {
            return None;
        }
        Some(entries)
    });
    let button = move |Suggestion { title, jump, .. }: Suggestion| {
        let go = move |_| match &jump {
            Jump::Objective(unit) => {
                if let Some(unit) = Unit::read(unit) {
                    page.show_unit(&unit);
                }
            }
            other => page.jump(other.clone()),
        };
        view! { <button class="button" data-testid="other-unit" on:click=go>{title}</button> }
    };
    view! {
        <div class="ways">{move || found.get().into_iter().flatten().map(button).collect_view()}</div>
    }
}

/// All units, or those that were searched for.
#[component]
fn Rows(
    /// What is searched for.
    typed: Memo<String>,
    /// The layer's canonical name.
    layer: String,
    /// How many units it has.
    units: usize,
    /// The gallery.
    sprites: Arc<Sprites>,
    /// What its pictures show.
    credits: Memo<Arc<Vec<Credit>>>,
) -> impl IntoView {
    let page = Page::here();
    let name = layer.clone();
    let searched = layer.clone();
    // The units found, and whether all were looked at.
    let found = Memo::new(move |_| {
        let typed = typed.get();
        if typed.trim().is_empty() {
            return None;
        }
        let labels = page.labels_of(&searched).unwrap_or_default();
        let records = page.session.parts.all_units(&searched);
        let whole = records != Some(Loaded::Coming);
        let records = records.and_then(Loaded::here).unwrap_or_default();
        let layer = Searched { layer: &searched, units };
        Some((search(&typed, layer, &records, &labels, &credits.get()), whole))
    });
    // Of a dictionary's latents those that are chosen, in their order.
    let measured = layer.clone();
    let kept = Memo::new(move |_| {
        let (arranged, brush, by) =
            page.address.with(|address| (address.arranged, address.brush, address.by));
        if brush.is_none() && by.is_none() {
            return None;
        }
        let parts = page.session.parts;
        let arranged = arranged.of(&parts.layer(&measured)?.worth?);
        let latents = parts.latents(&measured)?.here()?;
        Some(latents::chosen(&latents, arranged, brush, by))
    });
    let said = move || {
        if let (None, Some(kept)) = (found.get(), kept.get()) {
            return (kept.len() < units).then(|| format!("{} of {units} latents", kept.len()));
        }
        found.get().map(|(found, whole)| match found.len() {
            0 if !whole => "Searching …".to_owned(),
            // What was typed is the name of a unit that is offered above.
            0 if split_number(&typed.get()).1.is_some() => {
                format!("No unit of {} has that number.", page.layer_words(&name))
            }
            0 => "No unit is called that, and no exemplar shows it. Try dog, boat, flower, or a number.".to_owned(),
            1 => "1 unit".to_owned(),
            many => format!("{many} units, those first that are called so or have the most such pictures"),
        })
    };
    view! {
        <p class="said" role="status" data-testid="search-result">{said}</p>
        {move || {
            let kept = kept.get();
            let units = match (found.get(), kept) {
                (Some((mut found, _)), Some(kept)) => {
                    let kept = BTreeSet::from_iter(kept);
                    found.retain(|found| kept.contains(&found.unit));
                    found
                }
                (Some((found, _)), None) => found,
                (None, Some(kept)) => kept.into_iter().map(Found::unasked).collect(),
                (None, None) => (0..units).map(Found::unasked).collect(),
            };
            view! { <ExemplarRows layer=layer.clone() units sprites=sprites.clone()/> }
        }}
    }
}

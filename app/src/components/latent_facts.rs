//! What a latent is worth, on its own page: in numbers, and who its neighbours are.

use leptos::prelude::*;
use shared::format::worth::{Latent, Measure, Worth};

use crate::components::unit_links::{open_clicked, unit_href};
use crate::measures::{name, of, shown, words};
use crate::page::Page;
use crate::unit::Unit;

/// A number for each measure, and links to the latents whose directions are most alike.
#[component]
pub fn LatentFacts(
    /// The layer, by its canonical name.
    layer: String,
    /// What all latents have in common.
    worth: Worth,
    /// The latent.
    latent: Latent,
) -> impl IntoView {
    let page = Page::here();
    let fires = 0.0 < of(&latent, Measure::Frequency);
    let fact = |measure: Measure| {
        view! {
            <div>
                <dt title=words(measure)>{name(measure)}</dt>
                <dd>{shown(&latent, measure)}</dd>
            </div>
        }
    };
    let facts = worth.measured.iter().copied().map(fact).collect_view();
    let neighbour = |channel: usize| {
        let href = unit_href(&page.model_path(), &layer, channel);
        let unit = Unit { layer: layer.clone(), channel }.objective();
        view! { <a class="button" href=href data-unit=unit>{channel}</a> }
    };
    let nearest = latent.nearest.iter().copied().map(neighbour).collect_view();
    let has_neighbours = !latent.nearest.is_empty();
    let partner = latent.partner.map(|partner| {
        format!("Stability is the cosine to its partner in the dictionary of another seed, latent {partner} there.")
    });
    view! {
        <section class="histogram latent-facts" data-testid="latent-facts">
            <h2><span>"What it is worth"</span></h2>
            <Show when=move || !fires>
                <p class="lack" role="note">"It fired on nothing that it was measured on."</p>
            </Show>
            <dl>{facts}</dl>
            {partner.map(|said| view! { <p class="aside">{said}</p> })}
            {has_neighbours.then(|| view! {
                <h2><span>"Latents that mean nearly the same"</span></h2>
                <div class="ways" data-testid="neighbours" on:click=move |event| open_clicked(page, &event)>{nearest}</div>
            })}
        </section>
    }
}

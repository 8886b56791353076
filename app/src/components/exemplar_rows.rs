//! Units one below the other, each with its dream and its first exemplars.

use std::sync::Arc;

use leptos::prelude::*;
use shared::classes::short_label;
use shared::format::bundle::Sprites;

use crate::baked::{Baked, baked};
use crate::components::sprite_picture::SpritePicture;
use crate::components::unit_links::{open_clicked, unit_href};
use crate::near::Near;
use crate::page::Page;
use crate::parts::Loaded;
use crate::sprite::Square;
use crate::unit::Unit;
use crate::unit_search::Found;

/// Exemplars in a row; narrow windows show fewer of them.
const SHOWN: usize = 10;

/// A row a unit.
#[component]
pub fn ExemplarRows(
    /// The layer, by its canonical name.
    layer: String,
    /// Which of its units, in order.
    units: Vec<Found>,
    /// The gallery.
    sprites: Arc<Sprites>,
) -> impl IntoView {
    let page = Page::here();
    let near = Near::new(units.len());
    let units = StoredValue::new(units);
    let row = move |place: usize| {
        let found = units.with_value(|units| units.get(place).cloned());
        let (layer, sprites) = (layer.clone(), sprites.clone());
        found.map(|found| view! { <Row place layer found sprites/> })
    };
    view! {
        <div
            node_ref=near.list()
            class="unit-rows"
            data-testid="exemplar-rows"
            tabindex="-1"
            prop:style=move || near.room()
            on:click=move |event| open_clicked(page, &event)
            on:keydown=move |event| near.walk(&event)
        >
            <For each=move || near.items() key=|place| *place children=row/>
        </div>
    }
}

/// A unit: its dream, its number, its exemplars.
#[component]
fn Row(
    /// Where it is in the list.
    place: usize,
    /// The layer, by its canonical name.
    layer: String,
    /// Which, and why.
    found: Found,
    /// The gallery.
    sprites: Arc<Sprites>,
) -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let unit = Unit { layer, channel: found.unit };
    let href = unit_href(&page.model_path(), &unit.layer, unit.channel);
    let objective = unit.objective();
    let layer = unit.layer.clone();
    let name =
        move || match page.labels_of(&layer).and_then(|labels| labels.get(found.unit).cloned()) {
            Some(label) => short_label(&label).to_owned(),
            None => found.unit.to_string(),
        };
    let matches = found.matches.map(|count| match count {
        1 => "1 such picture".to_owned(),
        many => format!("{many} such pictures"),
    });
    let layer = unit.layer.clone();
    let dream = Signal::derive(move || match baked(page, &unit)? {
        Baked::Sheet(style) => Some(style),
        Baked::File(address) => {
            Some(format!("background-image:url({address});background-size:100%"))
        }
    });
    let pictures = Memo::new(move |_| {
        let of_unit = parts.unit(&layer, found.unit).and_then(Loaded::here);
        let top = of_unit.into_iter().flat_map(|unit| unit.top).take(SHOWN);
        top.map(|exemplar| exemplar.picture).collect::<Vec<_>>()
    });
    let tile = move |picture: usize| {
        let sprites = sprites.clone();
        let style = Signal::derive(move || parts.style(&sprites, picture, Square::WHOLE));
        view! { <SpritePicture style label=""/> }
    };
    view! {
        <a class="unit-row" href=href data-unit=objective data-place=place>
            <SpritePicture style=dream label=""/>
            <span class="name">
                <b>{name}</b>
                {matches.map(|matches| view! { <span>{matches}</span> })}
            </span>
            <span class="strip">{move || pictures.get().into_iter().map(&tile).collect_view()}</span>
        </a>
    }
}

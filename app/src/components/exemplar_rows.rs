//! Units one below the other, each with its dream and its first exemplars.

use std::sync::Arc;

use leptos::prelude::*;
use shared::classes::short_label;
use shared::format::bundle::Sprites;
use shared::format::exemplars::Exemplars;

use crate::baked::{Baked, baked};
use crate::components::lazy::Lazy;
use crate::components::sprite_picture::SpritePicture;
use crate::components::unit_links::{open_clicked, unit_href, walk_focus};
use crate::page::Page;
use crate::sprite::Square;

use crate::unit::Unit;
use crate::unit_search::Found;

/// Units made at once when they come near the window.
const GROUP: usize = 16;
/// Exemplars in a row; narrow windows show fewer of them.
const SHOWN: usize = 10;

/// A row a unit; rows are made as they come near the window.
#[component]
pub fn ExemplarRows(
    /// Which units, in order.
    units: Vec<Found>,
    /// The layer's exemplars.
    exemplars: Arc<Exemplars>,
    /// The gallery.
    sprites: Arc<Sprites>,
) -> impl IntoView {
    let page = Page::here();
    let groups: Vec<Vec<Found>> = units.chunks(GROUP).map(<[Found]>::to_vec).collect();
    let group = move |group: Vec<Found>| {
        let (exemplars, sprites) = (exemplars.clone(), sprites.clone());
        // Its height before its rows are there.
        let style = format!("--rows:{}", group.len());
        view! {
            <Lazy class="rows" style>
                {group
                    .iter()
                    .map(|found| {
                        view! { <Row found=found.clone() exemplars=exemplars.clone() sprites=sprites.clone()/> }
                    })
                    .collect_view()}
            </Lazy>
        }
    };
    view! {
        <div
            class="unit-rows"
            data-testid="exemplar-rows"
            on:click=move |event| open_clicked(page, &event)
            on:keydown=move |event| walk_focus(&event)
        >
            {groups.into_iter().map(group).collect_view()}
        </div>
    }
}

/// A unit: its dream, its number, its exemplars.
#[component]
fn Row(
    /// Which, and why.
    found: Found,
    /// The layer's exemplars.
    exemplars: Arc<Exemplars>,
    /// The gallery.
    sprites: Arc<Sprites>,
) -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let unit = Unit { layer: exemplars.layer.clone(), channel: found.unit };
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
    let dream = Signal::derive(move || match baked(page, &unit)? {
        Baked::Sheet(style) => Some(style),
        Baked::File(address) => {
            Some(format!("background-image:url({address});background-size:100%"))
        }
    });
    let pictures: Vec<usize> = exemplars
        .units
        .get(found.unit)
        .map(|unit| unit.top.iter().map(|exemplar| exemplar.picture).take(SHOWN).collect())
        .unwrap_or_default();
    let tile = |picture: usize| {
        let sprites = sprites.clone();
        let style = Signal::derive(move || parts.style(&sprites, picture, Square::WHOLE));
        view! { <SpritePicture style label=""/> }
    };
    view! {
        <a class="unit-row" href=href data-unit=objective>
            <SpritePicture style=dream label=""/>
            <span class="name">
                <b>{name}</b>
                {matches.map(|matches| view! { <span>{matches}</span> })}
            </span>
            <span class="strip">{pictures.into_iter().map(tile).collect_view()}</span>
        </a>
    }
}

//! A picture that excites a unit: as it is, where it excites, or what the strongest place sees.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::format::bundle::Sprites;
use shared::format::credits::Credit;
use shared::format::exemplars::Exemplar;

use crate::browser;
use crate::components::sprite_picture::SpritePicture;
use crate::heatmap::{Heat, paint};
use crate::numbers::value;
use crate::page::Page;
use crate::sprite::Square;
use crate::verbs::units::state::Mode;

/// Side of a heat map's canvas, in pixels.
const SIDE: usize = 224;

/// An exemplar with its title and value; whose it is shows on focus and under the pointer.
#[component]
pub fn ExemplarTile(
    /// The picture's number, value and strongest place.
    exemplar: Exemplar,
    /// From 1.
    rank: usize,
    /// The gallery.
    sprites: Arc<Sprites>,
    /// What it shows and whose it is, once that is known.
    #[prop(into)]
    credit: Signal<Option<Credit>>,
    /// How it is shown.
    #[prop(into)]
    mode: Signal<Mode>,
    /// Where the unit answers, if that is known.
    #[prop(into)]
    heat: Signal<Option<Heat>>,
    /// What the strongest place sees.
    crop: Square,
) -> impl IntoView {
    let page = Page::here();
    let picture = exemplar.picture;
    let sprites = StoredValue::new(sprites);
    let part = move || if mode.get() == Mode::Crop { crop } else { Square::WHOLE };
    let style = Signal::derive(move || {
        sprites.with_value(|sprites| page.session.parts.style(sprites, picture, part()))
    });
    let title = move || credit.get().map(|credit| credit.title);
    let label = Signal::derive(move || title().unwrap_or_else(|| format!("Picture {picture}")));
    let hot = move || mode.get() == Mode::Heat && heat.with(Option::is_some);
    let look = move |_| {
        if let Some(credit) = credit.get_untracked() {
            page.look_at(Some(credit.file));
        }
    };
    view! {
        <figure class="exemplar" data-picture=picture data-value=exemplar.value data-heat=move || hot().to_string()>
            <button class="shown" title="Look at this picture" on:click=look>
                <SpritePicture style label/>
                <Show when=hot>
                    <HeatCanvas picture sprites heat label/>
                </Show>
            </button>
            <figcaption>
                <span class="name"><span class="rank">{rank}</span>{title}</span>
                <span class="value">{value(exemplar.value)}</span>
            </figcaption>
            {move || credit.get().map(|credit| view! { <CreditLine credit/> })}
        </figure>
    }
}

/// Author and licence, as the licences ask for.
#[component]
fn CreditLine(
    /// Whose the picture is.
    credit: Credit,
) -> impl IntoView {
    view! {
        <p class="credit">
            {credit.author}
            ", "
            <a href=credit.licence_url target="_blank" rel="noopener license">{credit.licence}</a>
        </p>
    }
}

/// The map over a grey copy of the picture.
#[component]
fn HeatCanvas(
    /// The picture's number in the gallery.
    picture: usize,
    /// The gallery.
    sprites: StoredValue<Arc<Sprites>>,
    /// Where the unit answers.
    heat: Signal<Option<Heat>>,
    /// What the picture shows.
    label: Signal<String>,
) -> impl IntoView {
    let page = Page::here();
    let node = NodeRef::<html::Canvas>::new();
    let rgba = RwSignal::new(Vec::<u8>::new());
    Effect::new(move |_| {
        let place = sprites.with_value(|sprites| Some((sprites.place(picture)?, sprites.side)));
        let Some((place, side)) = place else { return };
        let sheet = sprites.with_value(|sprites| page.session.parts.sheet(sprites, place.sheet));
        let Some(sheet) = sheet.here() else { return };
        spawn_local(async move {
            if let Some(pixels) = browser::pixels(&sheet, [place.left, place.top, side], SIDE).await
            {
                // The tile may be gone by now.
                let _ = rgba.try_set(pixels);
            }
        });
    });
    Effect::new(move |_| {
        let (Some(canvas), Some((map, full))) = (node.get(), heat.get()) else { return };
        rgba.with(|rgba| {
            if !rgba.is_empty() {
                let painted = paint(rgba, SIDE, SIDE, &map, full, SIDE);
                // Without a context the picture below stays; its number still holds.
                let _ = browser::draw(&canvas, &painted, SIDE, SIDE);
            }
        });
    });
    let label = move || format!("Where the unit answers in {}", label.get());
    view! { <canvas node_ref=node role="img" aria-label=label width=SIDE height=SIDE></canvas> }
}

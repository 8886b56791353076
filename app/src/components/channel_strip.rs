//! The channels of a layer that are strongest in the picture, or at a place of it, each with its heat
//! map; of latents also what they leave unexplained.

use std::sync::Arc;

use leptos::ev::PointerEvent;
use leptos::prelude::*;

use crate::components::heat_tile::HeatTile;
use crate::heatmap::{Laid, Place};
use crate::numbers::{percent, value};
use crate::page::Page;
use crate::unit::Unit;
use crate::verbs::look::state::{Seen, Shown, Sight, place_words};
use crate::verbs::train::state::Study;
use crate::view::View;

/// Side of a tile's canvas, in pixels.
const SIDE: usize = 112;

/// The strip of channels and the scale of their colours.
#[component]
pub fn ChannelStrip() -> impl IntoView {
    let page = Page::here();
    let sight = Sight::here();
    let place = Memo::new(move |_| sight.place(page));
    // Where the pointer was when a tile came under it: tiles also move under pointers that rest.
    let entered = StoredValue::new(None::<(i32, i32)>);
    let tiles = move || {
        let (seen, place) = (sight.seen.get()?, place.get());
        let rest = seen.rest().map(|_| view! { <RestTile seen=seen.clone() place entered/> });
        let tile = |channel| view! { <ChannelTile channel seen=seen.clone() place entered/> };
        let tiles = seen.on_view(place).into_iter().map(tile).collect_view();
        Some((rest, tiles))
    };
    let layer = move || sight.seen.get().map(|seen| seen.classified.layer.clone());
    let word = move || layer().map_or("channels", |layer| page.channels_word(&layer));
    let full = move || sight.seen.get().map(|seen| value(seen.full(place.get())));
    let title = move || match place.get() {
        Some(place) => format!("Strongest {} in {} of ", word(), place_words(place)),
        None => format!("Most active {} of ", word()),
    };
    let under = move || if place.get().is_some() { "its value there" } else { "its mean" };
    let leads = move || if word() == "latents" { "for its pictures" } else { "to dream it" };
    view! {
        <section class="strip">
            <h2>
                <span data-testid="look-title">{title}<b class="mono">{layer}</b></span>
                <span class="scale" aria-label="Scale of the heat maps">
                    "0" <i></i> {full}
                </span>
            </h2>
            <ul class="tiles" data-testid="look-channels">{tiles}</ul>
            <p class="aside">
                "Brighter: it answers more there. Under each its number and "{under}". Click one "{leads}". A click on the picture keeps a place and shows what is strongest there. "
                <Show when=move || page.address.with(|address| address.place.is_some())>
                    <button
                        class="link"
                        data-testid="whole-picture"
                        on:click=move |_| page.slide(|address| address.place = None)
                    >
                        "Show the whole picture's again"
                    </button>
                </Show>
            </p>
        </section>
    }
}

/// A channel, where it answers and how much.
#[component]
fn ChannelTile(
    /// Its place among those of `seen`.
    channel: usize,
    /// What the network saw.
    seen: Arc<Seen>,
    /// Where; in the whole picture for none.
    place: Option<Place>,
    entered: StoredValue<Option<(i32, i32)>>,
) -> impl IntoView {
    let page = Page::here();
    let sight = Sight::here();
    let layer = seen.classified.layer.clone();
    let active = seen.classified.channels[channel];
    let unit = Unit { layer: layer.clone(), channel: active.channel };
    let is_latent = untrack(|| page.channels_word(&layer)) == "latents";
    let name = unit.objective();
    let class_token = active.class_token.map(|token| format!(", class token {}", value(token)));
    let title = format!(
        "{name}: mean {}, at most {}{}. Click {}.",
        value(active.mean),
        value(active.max),
        class_token.unwrap_or_default(),
        if is_latent { "for its pictures" } else { "to dream it" },
    );
    let label = format!("Where {name} answers");
    let laid = seen.heat(channel, place).map(Laid::Heat);
    let here = seen.value(channel, place).map(value);
    let shown = Shown::Channel(channel);
    let study = Study::here();
    let is_own = untrack(|| page.is_own(&layer));
    let go = move |_| {
        sight.shown.set(None);
        if is_own {
            study.chosen.set(Some(unit.channel));
            page.go(|address| address.view = View::TRAIN);
        } else if is_latent {
            page.show_unit(&unit);
        } else {
            page.dream(unit.objective());
        }
    };
    view! {
        <li>
            <button
                class="tile"
                title=title
                data-unit=name
                on:pointerenter=move |event| entered.set_value(Some(position(&event)))
                on:pointermove=move |event| lay_once_moved(sight, shown, entered, &event)
                on:pointerleave=move |_| sight.shown.set(None)
                on:focus=move |_| sight.shown.set(Some(shown))
                on:blur=move |_| sight.shown.set(None)
                on:click=go
            >
                <HeatTile
                    seen=Signal::derive(move || Some(seen.clone()))
                    laid=Signal::derive(move || laid.clone())
                    side=SIDE
                    label=Signal::derive(move || label.clone())
                />
                <span class="name">{active.channel}</span>
                <span class="value">{here}</span>
            </button>
        </li>
    }
}

/// What latents do not explain of their layer.
#[component]
fn RestTile(
    /// What the network saw.
    seen: Arc<Seen>,
    /// Where; in the whole picture for none.
    place: Option<Place>,
    entered: StoredValue<Option<(i32, i32)>>,
) -> impl IntoView {
    let sight = Sight::here();
    let layer = seen.classified.layer.clone();
    let parent = layer.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
    let share = seen.share(place).map(|share| percent(1.0 - share));
    let title = format!(
        "Hatched: what {layer} does not explain of {parent}, as a share of the squared distance from what it gives with no latent. Click to keep it over the picture."
    );
    let label = format!("What {layer} does not explain of {parent}");
    let laid = seen.rest().map(Laid::Hatched);
    let on = move || sight.rest.get();
    view! {
        <li>
            <button
                class="tile"
                class:on=on
                title=title
                data-testid="look-rest"
                aria-pressed=move || on().to_string()
                on:pointerenter=move |event| entered.set_value(Some(position(&event)))
                on:pointermove=move |event| lay_once_moved(sight, Shown::Rest, entered, &event)
                on:pointerleave=move |_| sight.shown.set(None)
                on:focus=move |_| sight.shown.set(Some(Shown::Rest))
                on:blur=move |_| sight.shown.set(None)
                on:click=move |_| sight.rest.update(|rest| *rest = !*rest)
            >
                <HeatTile
                    seen=Signal::derive(move || Some(seen.clone()))
                    laid=Signal::derive(move || laid.clone())
                    side=SIDE
                    label=Signal::derive(move || label.clone())
                />
                <span class="name">"unexplained"</span>
                <span class="value">{share}</span>
            </button>
        </li>
    }
}

fn position(event: &PointerEvent) -> (i32, i32) {
    (event.screen_x(), event.screen_y())
}

/// Lays a tile's map over the picture, unless the tile has only come under a pointer that rests.
fn lay_once_moved(
    sight: Sight,
    shown: Shown,
    entered: StoredValue<Option<(i32, i32)>>,
    event: &PointerEvent,
) {
    let is_on = sight.shown.get_untracked() == Some(shown);
    if !is_on && entered.get_value() != Some(position(event)) {
        sight.shown.set(Some(shown));
    }
}

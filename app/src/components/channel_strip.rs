//! The most active channels of a layer, each with its heat map; a click dreams one.

use std::sync::Arc;

use leptos::ev::PointerEvent;
use leptos::prelude::*;

use crate::components::heat_tile::HeatTile;
use crate::numbers::value;
use crate::page::Page;
use crate::unit::Unit;
use crate::verbs::look::state::{Seen, Sight};

/// Side of a tile's canvas, in pixels.
const SIDE: usize = 112;

/// The strip of channels and the scale of their colours.
#[component]
pub fn ChannelStrip() -> impl IntoView {
    let page = Page::here();
    let sight = Sight::here();
    // Where the pointer was when a tile came under it: tiles also move under pointers that rest.
    let entered = StoredValue::new(None::<(i32, i32)>);
    let position = |event: &PointerEvent| (event.screen_x(), event.screen_y());
    let tile = move |(place, seen): (usize, Arc<Seen>)| {
        let channel = seen.classified.channels[place];
        let unit =
            Unit { layer: seen.classified.layer.clone(), channel: channel.channel }.objective();
        let label = format!("Where {unit} answers");
        let class_token =
            channel.class_token.map(|token| format!(", class token {}", value(token)));
        let title = format!(
            "{unit}: mean {}, at most {}{}. Click to dream it.",
            value(channel.mean),
            value(channel.max),
            class_token.unwrap_or_default()
        );
        let heat = seen.heat(place);
        let enter = move || {
            if sight.shown.get_untracked() != Some(place) {
                sight.shown.set(Some(place));
            }
        };
        let leave = move || sight.shown.set(None);
        view! {
            <li>
                <button
                    class="tile"
                    title=title
                    data-unit=unit.clone()
                    on:pointerenter=move |event| entered.set_value(Some(position(&event)))
                    on:pointermove=move |event| {
                        if entered.get_value() != Some(position(&event)) {
                            enter();
                        }
                    }
                    on:pointerleave=move |_| leave()
                    on:focus=move |_| enter()
                    on:blur=move |_| leave()
                    on:click=move |_| {
                        leave();
                        page.dream(unit.clone());
                    }
                >
                    <HeatTile
                        seen=Signal::derive(move || Some(seen.clone()))
                        heat=Signal::derive(move || heat.clone())
                        side=SIDE
                        label=Signal::derive(move || label.clone())
                    />
                    <span class="name">{channel.channel}</span>
                    <span class="value">{value(channel.mean)}</span>
                </button>
            </li>
        }
    };
    let tiles = move || {
        let seen = sight.seen.get()?;
        let count = seen.maps.len().min(seen.classified.channels.len());
        Some((0..count).map(|place| tile((place, seen.clone()))).collect_view())
    };
    let layer = move || sight.seen.get().map(|seen| seen.classified.layer.clone());
    let full = move || sight.seen.get().map(|seen| value(seen.full()));
    view! {
        <section class="strip">
            <h2>
                <span>"Most active channels of "<b class="mono">{layer}</b></span>
                <span class="scale" aria-label="Scale of the heat maps">
                    "0" <i></i> {full}
                </span>
            </h2>
            <ul class="tiles" data-testid="look-channels">{tiles}</ul>
            <p class="aside">"Brighter: the channel answers more there. Under each its number and its mean. Click one to dream it."</p>
        </section>
    }
}

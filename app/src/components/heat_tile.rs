//! A channel's heat map over the picture.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::browser;
use crate::heatmap::paint;
use crate::verbs::look::state::Seen;

/// A square canvas with the heat map of one channel, or the picture itself.
#[component]
pub fn HeatTile(
    /// What the network saw, and the place of the channel in it; the picture itself for `None`.
    #[prop(into)]
    shown: Signal<Option<(Arc<Seen>, Option<usize>)>>,
    /// Pixels across and down.
    side: usize,
    /// What it shows, for screen readers.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView {
    let node = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let (Some(canvas), Some((seen, place))) = (node.get(), shown.get()) else { return };
        let crop = seen.classified.crop;
        let map = place.and_then(|place| seen.maps.get(place));
        let drawn = match map {
            Some(map) => {
                let painted = paint(&seen.crop, crop.width, crop.height, map, seen.full(), side);
                browser::draw(&canvas, &painted, side, side)
            }
            None => browser::draw(&canvas, &seen.crop, crop.width, crop.height),
        };
        // Without a context there is nothing to draw on; the numbers beside it still hold.
        let _ = drawn;
    });
    view! { <canvas node_ref=node role="img" aria-label=label width=side height=side></canvas> }
}

//! What lies over the picture that is looked at.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::browser;
use crate::heatmap::{Laid, hatch, paint};
use crate::protocol::PictureSize;
use crate::verbs::look::state::Seen;

/// A square canvas with the picture, and what lies over it.
#[component]
pub fn HeatTile(
    /// What the network saw.
    #[prop(into)]
    seen: Signal<Option<Arc<Seen>>>,
    /// What lies over it; the picture itself for `None`.
    #[prop(into)]
    laid: Signal<Option<Laid>>,
    /// Pixels across and down.
    side: usize,
    /// What it shows, for screen readers.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView {
    let node = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let (Some(canvas), Some(seen)) = (node.get(), seen.get()) else { return };
        let PictureSize { width, height } = seen.classified.crop;
        let painted = laid.get().map(|laid| match laid {
            Laid::Heat((map, full)) => paint(&seen.crop, width, height, &map, full, side),
            Laid::Hatched(map) => hatch(&seen.crop, width, height, &map, side),
        });
        let drawn = match painted {
            Some(painted) => browser::draw(&canvas, &painted, side, side),
            None => browser::draw(&canvas, &seen.crop, width, height),
        };
        // Without a context there is nothing to draw on; the numbers beside it still hold.
        let _ = drawn;
    });
    view! { <canvas node_ref=node role="img" aria-label=label width=side height=side></canvas> }
}

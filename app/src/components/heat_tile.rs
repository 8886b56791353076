//! A heat map over the picture that is looked at.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::browser;
use crate::heatmap::{Heat, paint};
use crate::verbs::look::state::Seen;

/// A square canvas with a heat map over the picture, or the picture itself.
#[component]
pub fn HeatTile(
    /// What the network saw.
    #[prop(into)]
    seen: Signal<Option<Arc<Seen>>>,
    /// What lies over it; the picture itself for `None`.
    #[prop(into)]
    heat: Signal<Option<Heat>>,
    /// Pixels across and down.
    side: usize,
    /// What it shows, for screen readers.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView {
    let node = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let (Some(canvas), Some(seen)) = (node.get(), seen.get()) else { return };
        let crop = seen.classified.crop;
        let drawn = match heat.get() {
            Some((map, full)) => {
                let painted = paint(&seen.crop, crop.width, crop.height, &map, full, side);
                browser::draw(&canvas, &painted, side, side)
            }
            None => browser::draw(&canvas, &seen.crop, crop.width, crop.height),
        };
        // Without a context there is nothing to draw on; the numbers beside it still hold.
        let _ = drawn;
    });
    view! { <canvas node_ref=node role="img" aria-label=label width=side height=side></canvas> }
}

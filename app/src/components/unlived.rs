//! In place of a live dream, where the network's weights are not here: how the picture grew, if
//! that was recorded, and the way to a live one.

use leptos::prelude::*;

use crate::components::dream_live::DreamLive;
use crate::components::icon::{Icon, outline};
use crate::components::weights_note::WeightsNote;
use crate::page::Page;

/// What can be done at once, then what is missing and where to get it.
#[component]
pub fn Unlived(
    /// What needs the weights: "Dreaming it".
    what: &'static str,
) -> impl IntoView {
    let page = Page::here();
    let recorded = Memo::new(move |_| page.recorded().is_some());
    let going = Memo::new(move |_| page.is_replaying());
    let icon = Signal::derive(move || if going.get() { outline::PAUSE } else { outline::LOOP });
    let words = move || if going.get() { "Pause" } else { "Watch it grow" };
    view! {
        <div class="ways unlived">
            <DreamLive named=true/>
            <Show when=move || recorded.get()>
                <button
                    class="button"
                    data-testid="replay"
                    title="As it was recorded beforehand (Space)"
                    on:click=move |_| page.replay_or_rest()
                >
                    <Icon of=icon/>
                    {words}
                </button>
            </Show>
        </div>
        // Weights are taken once the bundle that they are for is open.
        <Show when=move || page.session.lacking.get()>
            <WeightsNote what led_on=true/>
        </Show>
    }
}

//! A dictionary that learns, in a slide.

use leptos::prelude::*;

use super::state::{Phase, Study, layer};
use super::wall::{LatentWall, ToLearnFrom};
use crate::components::embed_label::{EmbedLabel, ground, is_over_anything};
use crate::components::icon::{Icon, outline};
use crate::components::slide_trouble::trouble;
use crate::numbers::percent;
use crate::page::Page;

/// The wall, which begins to learn when it is clicked.
#[component]
pub fn EmbedTrain() -> impl IntoView {
    let page = Page::here();
    let study = Study::here();
    let title = Signal::derive(move || format!("What {} sees, taken apart", layer(page)));
    let said = Signal::derive(move || {
        let failed = || study.failure.get().map(|failure| failure.what);
        if let Some(what) = trouble(page).or_else(failed) {
            return what;
        }
        match study.learned.get() {
            Some(learned) => format!(
                "step {} of {} · {} explained",
                learned.step,
                learned.steps,
                percent((1.0 - learned.normalized_mse).max(0.0) as f32)
            ),
            None => study.phase.get().words(),
        }
    });
    let ready = move || page.session.model.with(Option::is_some);
    view! {
        <div
            class="embed train-in"
            class:plated=is_over_anything(page)
            prop:style=ground(page)
            data-testid="embed-train"
        >
            <div id="stage" class="train scrolls">
                <LatentWall/>
                <ToLearnFrom/>
                <Show when=move || study.phase.get() == Phase::Idle>
                    <button
                        class="button prime"
                        data-testid="train-play"
                        disabled=move || !ready()
                        on:click=move |_| study.play(page)
                    >
                        <Icon of=outline::PLAY/>
                        "Train"
                    </button>
                </Show>
            </div>
            <EmbedLabel title said/>
        </div>
    }
}

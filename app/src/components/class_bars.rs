//! What the network takes a picture for: five classes, each with its probability.

use leptos::prelude::*;
use shared::classes::{ClassScore, short_label};

use crate::numbers::percent;
use crate::page::Page;
use crate::verbs::look::state::Sight;

/// The five best classes with bars; a click dreams the class.
#[component]
pub fn ClassBars() -> impl IntoView {
    let page = Page::here();
    let row = move |score: ClassScore| {
        let class = score.class;
        let name = short_label(&score.label).to_owned();
        let title = format!("{}: logit {:.2}. Click to dream it.", score.label, score.logit);
        let dream = move |_| {
            if let Some(unit) = untrack(|| page.class(class)) {
                page.dream(unit.objective());
            }
        };
        view! {
            <li>
                <button
                    class="bar"
                    title=title
                    data-class=class
                    data-probability=score.probability
                    on:click=dream
                >
                    <span class="name">{name}</span>
                    <span class="value">{percent(score.probability)}</span>
                    <i prop:style=format!("--share:{:.2}%", 100.0 * score.probability)></i>
                </button>
            </li>
        }
    };
    let sight = Sight::here();
    let top = move || sight.seen.get().map(|seen| seen.classified.top.clone());
    view! {
        <section>
            <h2>
                <span>"What it is"</span>
                <span>"probability"</span>
            </h2>
            <ol class="bars" data-testid="look-top">
                {move || top().unwrap_or_default().into_iter().map(row).collect_view()}
            </ol>
            <Show when=move || top().is_none()>
                <p class="aside">"The five best of the network's classes, once there is a picture."</p>
            </Show>
            <Show when=move || top().is_some_and(|top| top.is_empty())>
                <p class="aside" data-testid="no-classes">"This network has no classes: it ends with what it makes of the picture as a whole. Its layers show what it finds there."</p>
            </Show>
        </section>
    }
}

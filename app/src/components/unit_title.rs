//! What is on view, as a title, with the way to its neighbours.

use leptos::prelude::*;

use crate::components::icon::{Icon, outline};
use crate::page::Page;

/// The title, and arrows where it is a unit.
#[component]
pub fn UnitTitle(
    /// What is dreamed.
    title: Signal<String>,
) -> impl IntoView {
    let page = Page::here();
    let unit = Memo::new(move |_| page.unit());
    let class =
        move || unit.get().filter(|unit| page.is_classes(&unit.layer)).map(|unit| unit.objective());
    // The colon is punctuation: it steps back.
    let words = move || {
        let title = title.get();
        match (unit.get(), title.split_once(" : ")) {
            (Some(_), Some((layer, channel))) => {
                let layer = layer.to_owned();
                let channel = channel.to_owned();
                view! { {layer}<span class="colon">" : "</span>{channel} }.into_any()
            }
            _ => title.into_any(),
        }
    };
    let walk = move |by: isize, name: &'static str, icon: &'static str| {
        view! {
            <button class="quiet" aria-label=name title=name on:click=move |_| page.walk(by)>
                <Icon of=icon/>
            </button>
        }
    };
    view! {
        <div class="title">
            <h1 class:long=move || unit.with(Option::is_none)>{words}</h1>
            {move || class().map(|class| view! { <code>{class}</code> })}
            <Show when=move || unit.with(Option::is_some)>
                <span class="walk">
                    {walk(-1, "Previous unit (←)", outline::PREVIOUS)}
                    {walk(1, "Next unit (→)", outline::NEXT)}
                </span>
            </Show>
        </div>
    }
}

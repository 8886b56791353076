//! What is selected and how it is made: beside a wide stage, a sheet over a narrow one.

use leptos::html;
use leptos::prelude::*;

use crate::browser;
use crate::components::icon::{Icon, outline};
use crate::page::Page;
use crate::verbs;

/// Under which the browser remembers whether it is shown.
pub const REMEMBERED: &str = "inspector";

/// The inspector.
#[component]
pub fn Inspector(
    /// Whether it is shown beside a wide stage.
    beside: RwSignal<bool>,
) -> impl IntoView {
    let page = Page::here();
    let view = Memo::new(move |_| page.address.with(|address| address.view));
    let fold = move |_| {
        page.over.sheet.set(false);
        beside.update(|shown| *shown = !*shown);
        let shown = beside.get_untracked();
        browser::remember(REMEMBERED, if shown { "open" } else { "closed" });
    };
    // Whoever opened the sheet goes on in it.
    let node = NodeRef::<html::Aside>::new();
    Effect::new(move |_| {
        if let (true, Some(aside)) = (page.over.sheet.get(), node.get()) {
            // Once it is seen it can be focused.
            request_animation_frame(move || drop(aside.focus()));
        }
    });
    let escape = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "Escape" && page.over.dialog.with_untracked(Option::is_none) {
            page.over.sheet.set(false);
        }
    });
    on_cleanup(move || escape.remove());
    view! {
        <Show when=move || page.over.sheet.get()>
            <button class="scrim" tabindex="-1" aria-label="Close" on:click=move |_| page.over.sheet.set(false)></button>
        </Show>
        <aside
            node_ref=node
            id="inspector"
            tabindex="-1"
            aria-label="Inspector"
            class:folded=move || !beside.get()
            class:sheet=move || page.over.sheet.get()
        >
            <button
                class="quiet fold"
                aria-label="Show or hide the inspector"
                title="Show or hide"
                aria-expanded=move || (beside.get() || page.over.sheet.get()).to_string()
                on:click=fold
            >
                <Icon of=outline::PANEL/>
            </button>
            <div class="sections">
                {move || verbs::of(view.get()).inspector.map(|sections| sections())}
            </div>
        </aside>
    }
}

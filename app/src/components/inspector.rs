//! What is selected and how it is made: beside a wide stage, a sheet over a narrow one.

use leptos::html;
use leptos::prelude::*;

use crate::address::View;
use crate::browser;
use crate::components::class_bars::ClassBars;
use crate::components::exemplar_thumbs::ExemplarThumbs;
use crate::components::icon::{Icon, outline};
use crate::components::layer_list::LayerList;
use crate::components::objective_box::ObjectiveBox;
use crate::components::settings_list::SettingsList;
use crate::components::unit_picker::UnitPicker;
use crate::page::Page;
use crate::unit::Unit;

/// The inspector.
#[component]
pub fn Inspector() -> impl IntoView {
    let page = Page::here();
    let view = Memo::new(move |_| page.address.with(|address| address.view));
    let fold = move |_| {
        page.sheet.set(false);
        page.inspector.update(|shown| *shown = !*shown);
        let shown = page.inspector.get_untracked();
        browser::remember("inspector", if shown { "open" } else { "closed" });
    };
    // Whoever opened the sheet goes on in it.
    let node = NodeRef::<html::Aside>::new();
    Effect::new(move |_| {
        if let (true, Some(aside)) = (page.sheet.get(), node.get()) {
            // Once it is seen it can be focused.
            request_animation_frame(move || drop(aside.focus()));
        }
    });
    let escape = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "Escape" && page.dialog.with_untracked(Option::is_none) {
            page.sheet.set(false);
        }
    });
    on_cleanup(move || escape.remove());
    view! {
        <Show when=move || page.sheet.get()>
            <button class="scrim" tabindex="-1" aria-label="Close" on:click=move |_| page.sheet.set(false)></button>
        </Show>
        <aside
            node_ref=node
            id="inspector"
            tabindex="-1"
            aria-label="Inspector"
            class:folded=move || !page.inspector.get()
            class:sheet=move || page.sheet.get()
        >
            <button
                class="quiet fold"
                aria-label="Show or hide the inspector"
                title="Show or hide"
                aria-expanded=move || (page.inspector.get() || page.sheet.get()).to_string()
                on:click=fold
            >
                <Icon of=outline::PANEL/>
            </button>
            <div class="sections">
                {move || match view.get() {
                    View::Dream => view! { <DreamSections/> }.into_any(),
                    View::Look => view! { <LookSections/> }.into_any(),
                    // A unit's page has no inspector: it is one.
                    View::Exemplars => ().into_any(),
                }}
            </div>
        </aside>
    }
}

#[component]
fn DreamSections() -> impl IntoView {
    let page = Page::here();
    let selected = Signal::derive(move || page.unit().map(|unit| unit.layer).unwrap_or_default());
    let choose = Callback::new(move |(layer, number): (String, Option<usize>)| {
        let before = untrack(|| page.unit()).map_or(0, |unit| unit.channel);
        let channel = number.unwrap_or(before);
        let channels = untrack(|| page.channels(&layer));
        let unit = Unit { layer, channel }.moved(0, channels);
        page.go(|address| address.objective = unit.objective().into());
    });
    view! {
        <ObjectiveBox/>
        <UnitPicker/>
        <ExemplarThumbs/>
        <LayerList selected choose/>
        <SettingsList/>
    }
}

#[component]
fn LookSections() -> impl IntoView {
    let page = Page::here();
    let selected = Signal::derive(move || page.layer());
    let choose = Callback::new(move |(layer, _): (String, Option<usize>)| {
        page.go(|address| address.layer = layer);
    });
    view! {
        <ClassBars/>
        <LayerList selected choose/>
    }
}

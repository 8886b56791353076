//! The model in use and its state; opens the choice of bundles.

use leptos::prelude::*;
use web_sys::HtmlInputElement;

use crate::components::icon::{Icon, outline};
use crate::components::popover::Popover;
use crate::page::Page;

/// A chip that opens the choice of bundles.
#[component]
pub fn ModelChip() -> impl IntoView {
    let page = Page::here();
    let session = page.session;
    let open = RwSignal::new(false);
    let state = move || match session.model.get() {
        Some(_) => "ready".to_owned(),
        None if session.lacking.get() && session.library.weights_coming() => {
            "weights on their way".to_owned()
        }
        None if session.lacking.get() => "pictures only".to_owned(),
        None if session.trouble.with(Option::is_some) => "not loaded".to_owned(),
        None if session.library.failure.with(Option::is_some) => "not opened".to_owned(),
        None => page.session.downloaded().unwrap_or_else(|| "starting".to_owned()),
    };
    view! {
        <div class="device model">
            <button
                class="chip"
                data-testid="model-chip"
                data-model=move || page.model_name()
                class:ready=move || session.model.with(Option::is_some)
                class:lacking=move || session.lacking.get()
                aria-expanded=move || open.get().to_string()
                title="Choose a model"
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <b>{move || page.model_title()}</b>
                <span class="state">{state}</span>
                <Icon of=outline::MORE/>
            </button>
            <Popover open label="Model">
                <Offered open/>
                <Elsewhere open/>
            </Popover>
        </div>
    }
}

/// The bundles beside the page.
#[component]
fn Offered(
    /// Whether the popover is shown.
    open: RwSignal<bool>,
) -> impl IntoView {
    let page = Page::here();
    let library = page.session.library;
    let row = move |entry: shared::format::bundle::Entry| {
        let path = StoredValue::new(entry.path.clone());
        let on = move || {
            let address = page.address.get();
            let wanted = match address.model.is_empty() {
                true => library.first(),
                false => address.model.clone(),
            };
            address.bundle.is_none() && path.with_value(|path| *path == wanted)
        };
        let text =
            if entry.weights_coming { "Its weights are on their way." } else { about(&entry.path) };
        let choose = move |_| {
            open.set(false);
            page.choose(path.get_value());
        };
        view! {
            <button
                class="choice"
                class:on=on
                data-testid="bundle-choice"
                data-bundle=entry.path.clone()
                aria-pressed=move || on().to_string()
                on:click=choose
            >
                <b>{entry.title}</b>
                <span>{text}</span>
            </button>
        }
    };
    view! {
        <div class="choices">
            {move || library.offered.get().unwrap_or_default().into_iter().map(row).collect_view()}
        </div>
    }
}

/// What a model is good for, in a few words.
fn about(model: &str) -> &'static str {
    match model {
        "googlenet" => "Inception v1, 2014: the one with the legible units.",
        "efficientnet-lite0" => "2019, small and accurate; its weights come with the page.",
        "vit-tiny-patch16-224" => "A vision transformer, 2021: patches that look at each other.",
        _ => "A bundle of this site.",
    }
}

/// A bundle from a file or from an address.
#[component]
fn Elsewhere(
    /// Whether the popover is shown.
    open: RwSignal<bool>,
) -> impl IntoView {
    let page = Page::here();
    let (typed, set_typed) = signal(String::new());
    let chosen = move |event: leptos::ev::Event| {
        let input = event_target::<HtmlInputElement>(&event);
        if let Some(file) = input.files().and_then(|files| files.get(0)) {
            open.set(false);
            page.session.unpack(file);
        }
        input.set_value("");
    };
    let enter = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let address = typed.get_untracked().trim().to_owned();
        if !address.is_empty() {
            open.set(false);
            page.choose_elsewhere(address);
        }
    };
    view! {
        <h2 class="apart">"Open a bundle…"</h2>
        <form class="elsewhere" on:submit=enter>
            <input
                type="text"
                inputmode="url"
                aria-label="Address of a bundle"
                placeholder="https://… or a folder beside the page"
                data-testid="bundle-address"
                on:input=move |event| set_typed.set(event_target_value(&event))
            />
            <button class="button" type="submit">"Open"</button>
        </form>
        <label class="button">
            <Icon of=outline::OPEN/>
            "A .zip file…"
            <input type="file" accept=".zip,application/zip" data-testid="bundle-file" on:change=chosen/>
        </label>
        <p class="aside">"Or drop the file anywhere on this page. It stays on this device."</p>
    }
}

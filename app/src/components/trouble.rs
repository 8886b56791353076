//! Trouble with the device or the model, and with the address: above the stage, which stays usable.

use leptos::prelude::*;

use crate::components::failure::FailureNote;
use crate::page::Page;
use crate::protocol::{DeviceChoice, FailureKind};

/// Ways on after a bundle that could not be opened.
#[component]
fn BundleWays() -> impl IntoView {
    let page = Page::here();
    let library = page.session.library;
    let again = move |_| page.session.open(page.wanted_bundle());
    // The site's own, where another was asked for.
    let own = move || {
        let address = page.address.get();
        let elsewhere = address.bundle.is_some() || !address.model.is_empty();
        library.entry("").filter(|entry| elsewhere && entry.path != address.model)
    };
    let stay = move || library.open.with(Option::is_some);
    view! {
        <Show when=stay>
            <button class="button" on:click=move |_| page.stay()>
                {move || format!("Go on with {}", page.model_title())}
            </button>
        </Show>
        <button class="button" on:click=again>"Try again"</button>
        {move || {
            own()
                .map(|entry| {
                    let path = entry.path.clone();
                    view! {
                        <button class="button" on:click=move |_| page.choose(path.clone())>
                            {format!("Open {}", entry.title)}
                        </button>
                    }
                })
        }}
    }
}

/// Why there is no device or no model, with the ways out.
#[component]
pub fn Trouble() -> impl IntoView {
    let page = Page::here();
    let session = page.session;
    let cpu = move |_| page.switch(DeviceChoice::Cpu);
    let again = move |_| match session.device.with_untracked(Option::is_some) {
        true => session.load(),
        false => session.switch(page.address.with_untracked(|address| address.device), || {}),
    };
    let restart = move |_| session.restart(page.address.with_untracked(|address| address.device));
    let ways = move |kind: FailureKind| match kind {
        FailureKind::NoWebGpu => {
            view! { <button class="button" on:click=cpu>"Use the CPU"</button> }.into_any()
        }
        FailureKind::Download | FailureKind::Corrupted => {
            view! { <button class="button" on:click=again>"Try again"</button> }.into_any()
        }
        _ => view! {
            <button class="button" on:click=restart>"Restart the engine"</button>
            <button class="button" on:click=cpu>"Use the CPU"</button>
        }
        .into_any(),
    };
    let dismiss = move |_| page.problems.set(Vec::new());
    view! {
        {move || {
            session
                .library
                .failure
                .get()
                .map(|failure| view! { <FailureNote failure><BundleWays/></FailureNote> })
        }}
        {move || {
            session
                .trouble
                .get()
                .map(|failure| {
                    let kind = failure.kind;
                    view! { <FailureNote failure>{ways(kind)}</FailureNote> }
                })
        }}
        <Show when=move || page.problems.with(|problems| !problems.is_empty())>
            <div class="failure mild" role="status" data-testid="error" data-kind="Address">
                {move || {
                    page.problems
                        .get()
                        .into_iter()
                        .map(|problem| view! { <p class="why">{problem.to_string()}</p> })
                        .collect_view()
                }}
                <div class="ways">
                    <button class="button" on:click=dismiss>"Go on"</button>
                </div>
            </div>
        </Show>
    }
}

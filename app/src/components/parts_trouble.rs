//! Parts of the bundle that did not come: why, and a way to ask again.

use leptos::prelude::*;

use crate::components::failure::FailureNote;
use crate::page::Page;

/// The first reason why something is missing here.
#[component]
pub fn PartsTrouble() -> impl IntoView {
    let parts = Page::here().session.parts;
    move || {
        parts.failure.get().map(|failure| {
            view! {
                <FailureNote failure>
                    <button class="button" on:click=move |_| parts.again()>"Try again"</button>
                </FailureNote>
            }
        })
    }
}

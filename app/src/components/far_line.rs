//! What is dreamed and how far it is, for whoever sits far away.

use leptos::prelude::*;

use crate::page::Page;
use crate::verbs::dream::state::Status;

/// How far the dream is, in a few words, reactive: "step 12 of 512".
pub fn how_far(page: Page) -> String {
    let session = page.session;
    let failure = page.panes[0].failure.get().or(session.trouble.get());
    match (failure, page.panes[0].stepped.get(), page.status()) {
        (Some(failure), ..) => failure.what,
        (None, Some(step), _) => format!("step {} of {}", step.step, step.steps),
        (None, None, Status::Waiting) if session.model.with(Option::is_none) => {
            "waits for the network".to_owned()
        }
        (None, None, Status::Waiting) => "begins".to_owned(),
        (None, None, _) => "an earlier dream".to_owned(),
    }
}

/// Over the foot of the picture while it is full screen; nothing otherwise.
#[component]
pub fn FarLine(
    /// What is dreamed.
    title: Signal<String>,
) -> impl IntoView {
    let page = Page::here();
    view! {
        <p class="far-line">
            <b>{move || title.get()}</b>
            <span>{move || how_far(page)}</span>
        </p>
    }
}

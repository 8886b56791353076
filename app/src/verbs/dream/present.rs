//! A dream before a room: its name, its picture and its step.

use leptos::prelude::*;

use crate::components::far_line::how_far;
use crate::components::icon::{Icon, outline};
use crate::page::Page;
use crate::verbs::dream::stage::{Sides, title_here};

/// Nothing else; the pointer finds the way out in the corner.
#[component]
pub fn PresentView() -> impl IntoView {
    let page = Page::here();
    let title = Memo::new(move |_| title_here(page));
    let two = move || page.address.with(|address| !address.compare.is_empty());
    // A class may be called by many letters, an objective be longer still.
    let long = move || title.with(|title| 14 < title.chars().count());
    view! {
        <div id="pictures" class="present" class:two=two data-testid="presenting">
            <div class="pictures"><Sides title=title.into()/></div>
            <div class="words" class:long=long>
                <h1>{title}</h1>
                <p data-testid="step-count">{move || how_far(page)}</p>
            </div>
            <button
                class="quiet leave"
                aria-label="Leave presenting"
                title="Leave (Esc)"
                on:click=move |_| {
                    page.leave_presenting();
                }
            >
                <Icon of=outline::CLOSE/>
            </button>
        </div>
    }
}

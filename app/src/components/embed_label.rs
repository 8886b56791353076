//! The line at the foot of what stands in a slide: what it is, and a link to the full page.

use leptos::prelude::*;

use crate::components::icon::{Icon, outline};
use crate::page::Page;
use crate::share;

/// The link to the full page of what is on view.
#[component]
pub fn FullPageLink() -> impl IntoView {
    let page = Page::here();
    let full = move || {
        page.address.with(|address| {
            let mut full = address.clone();
            full.embed = false;
            full.background = None;
            share::link(&full)
        })
    };
    view! {
        <a class="full" href=full target="_blank" rel="noopener" title="Open the full page" aria-label="pellucid: open the full page">
            <span>"pellucid"</span>
            <Icon of=outline::OPEN/>
        </a>
    }
}

//! The line at the foot of what stands in a slide: what it is, and a link to the full page.

use leptos::prelude::*;

use crate::components::icon::{Icon, outline};
use crate::page::Page;
use crate::share;

/// What stands here and what is to be said of it, between whatever acts and the link.
#[component]
pub fn EmbedLabel(
    /// What it is.
    #[prop(into)]
    title: Signal<String>,
    /// How it is, or what is missing.
    #[prop(into)]
    said: Signal<String>,
    /// What acts on it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="label">
            {children.map(|children| children())}
            <p>
                <b>{title}</b>
                <span data-testid="step-count" title=said>{said}</span>
            </p>
            <FullPageLink/>
        </div>
    }
}

/// What is behind a view in a slide, as a style: the colour that its address names.
pub fn ground(page: Page) -> Option<String> {
    let background = page.address.with_untracked(|address| address.background.clone());
    background.map(|colour| format!("background:{colour}"))
}

/// Whether nobody knows what is behind: then the words need a ground of their own.
pub fn is_over_anything(page: Page) -> bool {
    page.address.with_untracked(|address| {
        address.background.as_deref() == Some("transparent") && address.theme.is_none()
    })
}

/// The link to the full page of what is on view.
#[component]
fn FullPageLink() -> impl IntoView {
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

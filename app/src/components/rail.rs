//! The verbs: what can be done here.

use leptos::prelude::*;

use crate::components::icon::Icon;
use crate::components::unit_links::is_plain;
use crate::page::Page;
use crate::verb::Verb;
use crate::verbs::VERBS;

/// The rail on the left; a bar at the foot of narrow windows.
#[component]
pub fn Rail() -> impl IntoView {
    let page = Page::here();
    let verb = move |verb: &'static Verb| {
        let Verb { view, name, test_id, icon, href, .. } = *verb;
        let here = move || page.address.with(|address| address.view == view);
        let go = move |event: leptos::ev::MouseEvent| {
            if is_plain(&event) {
                event.prevent_default();
                page.go(|address| address.view = view);
            }
        };
        view! {
            <a
                href=move || href(page)
                data-testid=test_id
                class:on=here
                aria-current=move || here().then_some("page")
                on:click=go
            >
                <Icon of=icon/>
                {name}
            </a>
        }
    };
    view! { <nav class="rail" aria-label="Views">{VERBS.map(verb)}</nav> }
}

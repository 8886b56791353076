//! The verbs: what can be done here.

use leptos::prelude::*;

use crate::address::View;
use crate::components::icon::{Icon, outline};
use crate::components::unit_links::is_plain;
use crate::page::Page;

/// The rail on the left; a bar at the foot of narrow windows.
#[component]
pub fn Rail() -> impl IntoView {
    let page = Page::here();
    let verb = move |view: View, name: &'static str, id: &'static str, icon: &'static str| {
        let href = move || match view {
            View::Dream => "?".to_owned(),
            View::Look => "?view=look".to_owned(),
            View::Exemplars => format!("#/{}", page.session.library.first()),
        };
        let here = move || page.address.with(|address| address.view == view);
        let go = move |event: leptos::ev::MouseEvent| {
            if is_plain(&event) {
                event.prevent_default();
                page.go(|address| address.view = view);
            }
        };
        view! {
            <a href=href data-testid=id class:on=here aria-current=move || here().then_some("page") on:click=go>
                <Icon of=icon/>
                {name}
            </a>
        }
    };
    view! {
        <nav class="rail" aria-label="Views">
            {verb(View::Dream, "Dream", "view-dream", outline::DREAM)}
            {verb(View::Look, "Look", "view-look", outline::LOOK)}
            {verb(View::Exemplars, "Exemplars", "view-exemplars", outline::WALL)}
        </nav>
    }
}

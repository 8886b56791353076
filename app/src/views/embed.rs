//! What stands in a slide: what the address asks for, with the least furniture around it.

use leptos::prelude::*;

use crate::address::View;
use crate::baked::{baked_here, is_coming};
use crate::page::Page;
use crate::views::embed_dream::EmbedDream;
use crate::views::embed_look::EmbedLook;
use crate::views::embed_unit::EmbedUnit;
use crate::views::embed_wall::EmbedWall;

/// One of the views. Where a dream can neither be shown nor made, the unit's exemplars stand for it.
#[component]
pub fn EmbedView() -> impl IntoView {
    let page = Page::here();
    let view = Memo::new(move |_| {
        let (view, on_wall) =
            page.address.with(|address| (address.view, address.objective.is_empty()));
        let dreams = view == View::Dream && !on_wall;
        (view, on_wall, dreams && has_only_exemplars(page))
    });
    move || match view.get() {
        (View::Look, ..) => view! { <EmbedLook/> }.into_any(),
        (View::Dream | View::Exemplars, true, _) => view! { <EmbedWall/> }.into_any(),
        (View::Exemplars, ..) | (View::Dream, _, true) => view! { <EmbedUnit/> }.into_any(),
        (View::Dream, ..) => view! { <EmbedDream/> }.into_any(),
    }
}

/// Whether exemplars are all there is of the unit on view. Reactive.
fn has_only_exemplars(page: Page) -> bool {
    let has_exemplars = || {
        let layer = page.session.parts.layer(&page.unit()?.layer)?;
        layer.exemplars
    };
    page.session.lacking.get()
        && page.mistake().is_none()
        && baked_here(page).is_none()
        && !is_coming(page)
        && has_exemplars().is_some()
}

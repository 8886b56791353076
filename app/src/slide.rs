//! What stands in a slide: what the address asks for, with the least furniture around it.

use leptos::prelude::*;

use crate::page::Page;
use crate::verbs;

/// The stage of the verb that the address names.
#[component]
pub fn EmbedView() -> impl IntoView {
    let page = Page::here();
    let view = Memo::new(move |_| verbs::on_view(page));
    move || {
        let (view, unchosen) = view.get();
        verbs::of(view).slide[usize::from(unchosen)]()
    }
}

//! A picture from a sheet.

use leptos::prelude::*;

/// A square with the picture; a plain one until its sheet has come.
#[component]
pub fn SpritePicture(
    /// The picture as a CSS background, once it is here.
    #[prop(into)]
    style: Signal<Option<String>>,
    /// What it shows, for screen readers; empty where the words beside it say so.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView {
    let named = move || label.with(|label| (!label.is_empty()).then(|| label.clone()));
    let role = move || if label.with(String::is_empty) { "presentation" } else { "img" };
    view! {
        <span class="sprite" role=role aria-label=named prop:style=move || style.get()></span>
    }
}

//! A picture made beforehand, from wherever it is.

use leptos::prelude::*;

use crate::baked::Baked;

/// Fills its place with the picture, if there is one.
#[component]
pub fn BakedPicture(
    /// The picture.
    #[prop(into)]
    of: Signal<Option<Baked>>,
    /// What it shows, for screen readers.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView {
    move || {
        of.get().map(|picture| match picture {
            Baked::File(address) => view! { <img class="baked" src=address alt=label/> }.into_any(),
            Baked::Sheet(style) => {
                view! { <span class="baked sprite" role="img" aria-label=label prop:style=style></span> }
                    .into_any()
            }
        })
    }
}

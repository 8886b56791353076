//! The first pictures that excite the unit on view, small, beside its dream.

use leptos::prelude::*;

use crate::components::sprite_picture::SpritePicture;
use crate::components::unit_links::{is_plain, unit_href};
use crate::page::Page;
use crate::parts::Loaded;
use crate::sprite::Square;

/// How many fit beside each other.
const SHOWN: usize = 5;

/// Five pictures and the way to all of them; nothing where the bundle has none.
#[component]
pub fn ExemplarThumbs() -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let found = Memo::new(move |_| Some((page.unit()?, page.best_pictures(SHOWN)?)));
    let tile = move |picture: usize| {
        let style = Signal::derive(move || parts.style(&parts.gallery()?, picture, Square::WHOLE));
        let label = Signal::derive(move || {
            let credits = parts.credits().and_then(Loaded::here).unwrap_or_default();
            credits.get(picture).map(|credit| credit.title.clone()).unwrap_or_default()
        });
        view! { <SpritePicture style label/> }
    };
    move || {
        found.get().map(|(unit, pictures)| {
            let href = unit_href(&page.model_path(), &unit.layer, unit.channel);
            let open = move |event: leptos::ev::MouseEvent| {
                if is_plain(&event) {
                    event.prevent_default();
                    page.show_unit(&unit);
                }
            };
            view! {
                <section>
                    <h2>
                        <span>"Pictures that excite it"</span>
                        <span>"all"</span>
                    </h2>
                    <a class="thumbs" href=href data-testid="open-exemplars" aria-label="All pictures that excite this unit" on:click=open>
                        {pictures.into_iter().map(tile).collect_view()}
                    </a>
                </section>
            }
        })
    }
}

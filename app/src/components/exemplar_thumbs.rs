//! The first pictures that excite the unit on view, small, beside its dream.

use leptos::prelude::*;

use crate::components::sprite_picture::SpritePicture;
use crate::components::unit_links::unit_href;
use crate::page::Page;
use crate::parts::Loaded;
use crate::sprite::Square;
use crate::unit::find_layer;

/// How many fit beside each other.
const SHOWN: usize = 5;

/// Five pictures and the way to all of them; nothing where the bundle has none.
#[component]
pub fn ExemplarThumbs() -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let found = Memo::new(move |_| {
        let unit = page.unit()?;
        let layer = page
            .layers
            .with(|layers| find_layer(layers, &unit.layer).map(|layer| layer.name.clone()))?;
        let exemplars = parts.exemplars(&layer).and_then(Loaded::here)?;
        let top = &exemplars.units.get(unit.channel)?.top;
        let pictures: Vec<usize> =
            top.iter().take(SHOWN).map(|exemplar| exemplar.picture).collect();
        Some((unit, pictures))
    });
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
                if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
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

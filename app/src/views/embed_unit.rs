//! A unit in a slide: its dream and the pictures that excite it most.

use leptos::prelude::*;

use crate::baked::baked_here;
use crate::components::baked_picture::BakedPicture;
use crate::components::embed_label::FullPageLink;
use crate::components::sprite_picture::SpritePicture;
use crate::page::Page;
use crate::parts::Loaded;
use crate::sprite::Square;
use crate::views::dream::title_here;

/// Exemplars beside the dream.
const SHOWN: usize = 6;

/// Made beforehand, all of it: nothing needs the network.
#[component]
pub fn EmbedUnit() -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let title = Memo::new(move |_| title_here(page));
    let baked = Signal::derive(move || baked_here(page));
    let label = Signal::derive(move || format!("What {} looks for", title.get()));
    let pictures = Memo::new(move |_| page.best_pictures(SHOWN));
    let tile = move |picture: usize| {
        let style = Signal::derive(move || parts.style(&parts.gallery()?, picture, Square::WHOLE));
        let title = Signal::derive(move || {
            let credits = parts.credits().and_then(Loaded::here).unwrap_or_default();
            credits
                .get(picture)
                .map(|credit| format!("{} by {}, {}", credit.title, credit.author, credit.licence))
                .unwrap_or_default()
        });
        view! { <li title=title><SpritePicture style label=title/></li> }
    };
    let said = move || match pictures.get() {
        Some(pictures) if !pictures.is_empty() => "and what excites it most".to_owned(),
        _ => page.model_title(),
    };
    let background = page.address.with_untracked(|address| address.background.clone());
    let style = background.map(|colour| format!("background:{colour}"));
    view! {
        <div class="embed unit" prop:style=style data-testid="embed-unit">
            <div class="sheet-of">
                <div class="dreamed"><BakedPicture of=baked label/></div>
                <ol>{move || pictures.get().unwrap_or_default().into_iter().map(tile).collect_view()}</ol>
            </div>
            <div class="label">
                <p>
                    <b>{move || title.get()}</b>
                    <span>{said}</span>
                </p>
                <FullPageLink/>
            </div>
        </div>
    }
}

//! A unit in a slide: its dream and the pictures that excite it most.

use leptos::prelude::*;

use crate::baked::{baked_here, is_coming};
use crate::components::baked_picture::BakedPicture;
use crate::components::embed_label::{EmbedLabel, ground, is_over_anything};
use crate::components::slide_trouble::{mistake, trouble};
use crate::components::sprite_picture::SpritePicture;
use crate::page::Page;
use crate::parts::Loaded;
use crate::sprite::Square;
use crate::verbs::dream::stage::title_here;

/// Exemplars beside the dream.
const SHOWN: usize = 6;

/// Made beforehand, all of it: nothing needs engine or weights.
#[component]
pub fn EmbedUnit() -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let title = Memo::new(move |_| title_here(page));
    let baked = Signal::derive(move || baked_here(page));
    let label = Signal::derive(move || format!("What {} looks for", title.get()));
    let pictures = Memo::new(move |_| page.best_pictures(SHOWN));
    let tile = move |picture: Option<usize>| {
        let style = Signal::derive(move || parts.style(&parts.gallery()?, picture?, Square::WHOLE));
        let title = Signal::derive(move || {
            let credits = parts.credits().and_then(Loaded::here).unwrap_or_default();
            picture
                .and_then(|picture| credits.get(picture))
                .map(|credit| format!("{} by {}, {}", credit.title, credit.author, credit.licence))
                .unwrap_or_default()
        });
        view! { <li title=title><SpritePicture style label=title/></li> }
    };
    let opening = move || {
        let library = page.session.library;
        library.open.with(Option::is_none) && library.failure.with(Option::is_none)
    };
    let has_dream = Memo::new(move |_| baked.with(Option::is_some) || opening() || is_coming(page));
    // Places for those that are on their way.
    let tiles = Memo::new(move |_| match (pictures.get(), exemplars(page)) {
        (Some(pictures), _) => pictures.into_iter().map(Some).collect(),
        (None, Some(Loaded::Coming)) => vec![None; SHOWN],
        (None, None) if opening() => vec![None; SHOWN],
        (None, _) => Vec::new(),
    });
    let has_tiles = move || tiles.with(|tiles| !tiles.is_empty());
    let said =
        Signal::derive(move || match (trouble(page).or_else(|| mistake(page)), has_tiles()) {
            (Some(what), _) => what,
            (None, true) => "and what excites it most".to_owned(),
            (None, false) => page.model_title(),
        });
    let missing = move || {
        (!has_dream.get() && !has_tiles()).then(|| {
            trouble(page).or_else(|| mistake(page)).unwrap_or_else(|| {
                format!("Nothing was made beforehand of {} in {}.", title.get(), page.model_title())
            })
        })
    };
    view! {
        <div
            class="embed unit"
            class:plated=is_over_anything(page)
            prop:style=ground(page)
            data-testid="embed-unit"
        >
            <div class="sheet-of">
                <div class="together">
                    <Show when=move || has_dream.get()>
                        <div class="dreamed"><BakedPicture of=baked label/></div>
                    </Show>
                    <Show when=has_tiles>
                        <ol class:alone=move || !has_dream.get()>
                            {move || tiles.get().into_iter().map(tile).collect_view()}
                        </ol>
                    </Show>
                    {move || {
                        missing()
                            .map(|words| view! { <p class="missing" data-testid="embed-empty">{words}</p> })
                    }}
                </div>
            </div>
            <EmbedLabel title said/>
        </div>
    }
}

/// Whether the exemplars of the unit on view are here; nothing where the bundle has none. Reactive.
fn exemplars(page: Page) -> Option<Loaded<()>> {
    let unit = page.unit()?;
    Some(match page.session.parts.unit(&unit.layer, unit.channel)? {
        Loaded::Coming => Loaded::Coming,
        Loaded::Here(_) => Loaded::Here(()),
        Loaded::Failed => Loaded::Failed,
    })
}

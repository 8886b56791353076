//! The gallery's pictures, to look at without bringing one.

use std::sync::Arc;

use leptos::prelude::*;
use shared::format::credits::Credit;

use crate::components::lazy::Lazy;
use crate::components::sprite_picture::SpritePicture;
use crate::page::Page;
use crate::parts::Loaded;
use crate::sprite::Square;
use crate::unit_search::pictures;

/// Pictures made at once when they come near the window.
const GROUP: usize = 48;

/// All pictures of the gallery as small buttons, with a search.
#[component]
pub fn GalleryStrip() -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let (typed, set_typed) = signal(String::new());
    let here = Memo::new(move |_| {
        let credits = parts.credits().and_then(Loaded::here)?;
        Some((credits, Arc::new(parts.gallery()?)))
    });
    let shown = Memo::new(move |_| {
        here.with(|here| {
            here.as_ref().map_or_else(Vec::new, |(credits, _)| pictures(&typed.get(), credits))
        })
    });
    let chosen = Memo::new(move |_| page.address.with(|address| address.picture.clone()));
    let button = move |index: usize| {
        let (credits, sprites) = here.get_untracked()?;
        let credit: Credit = credits.get(index)?.clone();
        let style = Signal::derive(move || parts.style(&sprites, index, Square::WHOLE));
        let file = StoredValue::new(credit.file);
        let on =
            move || file.with_value(|file| chosen.with(|chosen| chosen.as_ref() == Some(file)));
        Some(view! {
            <button
                class="small"
                class:on=on
                title=credit.title.clone()
                data-picture=file.get_value()
                aria-label=credit.title
                aria-pressed=move || on().to_string()
                on:click=move |_| page.look_at(Some(file.get_value()))
            >
                <SpritePicture style label=""/>
            </button>
        })
    };
    let groups = move || {
        let shown = shown.get();
        let groups: Vec<Vec<usize>> = shown.chunks(GROUP).map(<[usize]>::to_vec).collect();
        groups
            .into_iter()
            .map(|group| {
                let style = format!("--count:{}", group.len());
                view! {
                    <Lazy class="gallery-group" style>
                        {group.iter().copied().map(button).collect_view()}
                    </Lazy>
                }
            })
            .collect_view()
    };
    view! {
        <Show when=move || here.with(Option::is_some)>
            <section class="gallery" data-testid="gallery">
                <h2>
                    <span>"Or one of these"</span>
                    <input
                        class="filter"
                        type="search"
                        aria-label="Search the pictures"
                        placeholder="dog, boat, flower …"
                        on:input=move |event| set_typed.set(event_target_value(&event))
                    />
                </h2>
                <div class="gallery-strip">{groups}</div>
                <Show when=move || shown.with(Vec::is_empty)>
                    <p class="nothing">"No picture is called that."</p>
                </Show>
            </section>
        </Show>
    }
}

//! The jump box: type a unit, a class, a setting; Enter goes there.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use crate::components::dialog::Modal;
use crate::over::Dialog;
use crate::page::Page;
use crate::palette::{Sights, Suggestion, search};
use crate::verbs::VERBS;

/// The dialog that Ctrl K opens.
#[component]
pub fn PaletteBox() -> impl IntoView {
    view! {
        <Modal which=Dialog::Palette label="Jump to">
            <Finder/>
        </Modal>
    }
}

#[component]
fn Finder() -> impl IntoView {
    let page = Page::here();
    let (typed, set_typed) = signal(String::new());
    let (place, set_place) = signal(0_usize);
    let input = NodeRef::<html::Input>::new();
    let elsewhere = Memo::new(move |_| page.elsewhere());
    let found = Memo::new(move |_| {
        let layers = page.layers.get();
        let labels = page.labels.get();
        let pictures = page.session.parts.credits().and_then(|credits| credits.here());
        let pictures = pictures.unwrap_or_default();
        let bundles = page.session.library.offered.get().unwrap_or_default();
        elsewhere.with(|elsewhere| {
            let sights = Sights {
                layers: &layers,
                labels: &labels,
                pictures: &pictures,
                bundles: &bundles,
                elsewhere,
                views: &VERBS.map(|verb| (verb.view, verb.jump)),
            };
            search(&typed.get(), sights)
        })
    });
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            let _ = input.focus();
        }
    });
    let go = move |entry: Option<Suggestion>| {
        if let Some(entry) = entry {
            page.over.dialog.set(None);
            page.jump(entry.jump);
        }
    };
    let walk = move |event: ev::KeyboardEvent| {
        let count = found.with_untracked(Vec::len).max(1);
        match event.key().as_str() {
            "ArrowDown" => set_place.update(|place| *place = (*place + 1) % count),
            "ArrowUp" => set_place.update(|place| *place = (*place + count - 1) % count),
            "Enter" => go(found.with_untracked(|found| found.get(place.get_untracked()).cloned())),
            _ => return,
        }
        event.prevent_default();
    };
    let row = move |(index, entry): (usize, Suggestion)| {
        let chosen = entry.clone();
        view! {
            <li
                id=format!("found-{index}")
                role="option"
                aria-selected=move || (place.get() == index).to_string()
                on:mousemove=move |_| set_place.set(index)
                on:click=move |_| go(Some(chosen.clone()))
            >
                <span>{entry.title}</span>
                <span class="kind">{entry.kind}</span>
            </li>
        }
    };
    view! {
        <input
            node_ref=input
            class="find"
            type="text"
            role="combobox"
            aria-expanded="true"
            aria-controls="found"
            aria-activedescendant=move || format!("found-{}", place.get())
            aria-label="Unit, class, picture, view or setting"
            placeholder="mixed4a 11, goldfish, size 224 …"
            autocomplete="off"
            spellcheck="false"
            on:keydown=walk
            on:input=move |event| {
                set_typed.set(event_target_value(&event));
                set_place.set(0);
            }
        />
        <ul id="found" role="listbox" aria-label="Found">
            {move || found.get().into_iter().enumerate().map(row).collect_view()}
        </ul>
        <Show when=move || found.with(Vec::is_empty)>
            <p class="nothing">
                "Nothing is called that. Try a layer and a number, or a class such as goldfish."
            </p>
        </Show>
    }
}

//! What the network sees in a picture, in a slide.

use leptos::prelude::*;
use shared::classes::{ClassScore, short_label};

use super::gaze::Gaze;
use super::state::Sight;
use crate::components::embed_label::{EmbedLabel, ground, is_over_anything};
use crate::components::slide_trouble::trouble;
use crate::numbers::percent;
use crate::page::Page;
use crate::parts::Loaded;
use crate::verbs::look::stage::{Picture, follow_picture};

/// The whole picture, and what it is taken for.
#[component]
pub fn EmbedLook() -> impl IntoView {
    let page = Page::here();
    let sight = Sight::here();
    let unknown = follow_picture(page);
    let attends = move || page.address.with(|address| address.attention.is_some());
    Gaze::here().follow(page, attends);
    let best = move || {
        let seen = sight.seen.get()?;
        let best = seen.classified.top.first()?;
        Some((short_label(&best.label).to_owned(), best.probability))
    };
    let title = Signal::derive(move || match (best(), named(page)) {
        (Some((name, _)), _) => name,
        (None, Some(name)) => name,
        (None, None) => "What does it see?".to_owned(),
    });
    let said = Signal::derive(move || {
        let failed = || sight.failure.get().map(|failure| failure.what);
        if let Some(what) = trouble(page).or_else(failed) {
            return what;
        }
        let model = page.model_title();
        match best() {
            Some((_, probability)) => format!("{} sure · {model}", percent(probability)),
            None if page.session.lacking.get() => {
                format!("What it is taken for needs {model}'s weights.")
            }
            None if page.session.model.with(Option::is_none) => {
                page.session.downloaded().unwrap_or_else(|| "waits for the network".to_owned())
            }
            None => model,
        }
    });
    let hangs = move || sight.photo.with(Option::is_some);
    let missing = move || if hangs() { None } else { missing(page, unknown.get()) };
    view! {
        <div
            class="embed look-in"
            class:plated=is_over_anything(page)
            class:seen=move || sight.seen.with(Option::is_some)
            prop:style=ground(page)
            data-testid="embed-look"
        >
            <div class="sight-of">
                <div class="together">
                    <div class="sight" class:busy=move || sight.busy.get()>
                        <Show when=hangs>
                            <Picture/>
                        </Show>
                        {move || {
                            missing()
                                .map(|words| view! { <p class="missing" data-testid="embed-empty">{words}</p> })
                        }}
                    </div>
                    <Classes/>
                </div>
            </div>
            <EmbedLabel title said/>
        </div>
    }
}

/// The five best classes with bars, where the box has room for them.
#[component]
fn Classes() -> impl IntoView {
    let sight = Sight::here();
    let top = move || sight.seen.get().map(|seen| seen.classified.top.clone());
    let row = |score: ClassScore| {
        view! {
            <li class="bar">
                <span class="name">{short_label(&score.label).to_owned()}</span>
                <span class="value">{percent(score.probability)}</span>
                <i prop:style=format!("--share:{:.2}%", 100.0 * score.probability)></i>
            </li>
        }
    };
    view! {
        <ol class="bars" aria-label="The five best classes">
            {move || top().unwrap_or_default().into_iter().map(row).collect_view()}
        </ol>
    }
}

/// What the picture shows, by the gallery's own words. Reactive.
fn named(page: Page) -> Option<String> {
    let asked = page.address.with(|address| address.picture.clone())?;
    let credits = page.session.parts.credits()?.here()?;
    credits.iter().find(|credit| credit.file == asked).map(|credit| credit.title.clone())
}

/// Why no picture hangs here; nothing while it is on its way. `unknown` is the file that the gallery
/// lacks. Reactive.
fn missing(page: Page, unknown: Option<String>) -> Option<String> {
    if let Some(what) = trouble(page) {
        return Some(what);
    }
    page.session.library.open.with(Option::is_some).then_some(())?;
    if page.address.with(|address| address.picture.is_none()) {
        return Some("The address names no picture of the gallery.".to_owned());
    }
    match page.session.parts.credits() {
        Some(Loaded::Failed) => Some("The gallery did not come.".to_owned()),
        _ => unknown.map(|file| format!("The gallery has no picture {file}.")),
    }
}

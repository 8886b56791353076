//! A dream in a slide: the picture, play and pause, its label.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{IntersectionObserver, IntersectionObserverEntry};

use super::stage::title_here;
use crate::baked::{baked_here, is_coming};
use crate::components::dream_canvas::DreamCanvas;
use crate::components::embed_label::{EmbedLabel, ground, is_over_anything};
use crate::components::icon::{Icon, outline};
use crate::components::slide_trouble::{mistake, trouble};
use crate::page::Page;
use crate::verbs::dream::state::Status;
use crate::verbs::units::embed::EmbedUnit;

/// The dream. Where it can neither be shown nor made, the unit's exemplars stand for it.
#[component]
pub fn EmbedDream() -> impl IntoView {
    let page = Page::here();
    let only = Memo::new(move |_| has_only_exemplars(page));
    move || match only.get() {
        true => view! { <EmbedUnit/> }.into_any(),
        false => view! { <Dreamed/> }.into_any(),
    }
}

/// Whether exemplars are all there is of the unit on view. Reactive.
fn has_only_exemplars(page: Page) -> bool {
    let has_exemplars = || {
        let layer = page.session.parts.layer(&page.unit()?.layer)?;
        layer.exemplars
    };
    page.session.lacking.get()
        && page.mistake().is_none()
        && baked_here(page).is_none()
        && !is_coming(page)
        && has_exemplars().is_some()
}

/// The picture that was made beforehand until there is a live one; where there is neither, why.
#[component]
fn Dreamed() -> impl IntoView {
    let page = Page::here();
    let root = NodeRef::<html::Div>::new();
    let title = Memo::new(move |_| title_here(page));
    let baked = Signal::derive(move || baked_here(page));
    let going = Memo::new(move |_| page.status().is_going() || page.is_replaying());
    let icon = Signal::derive(move || if going.get() { outline::PAUSE } else { outline::PLAY });
    let can_play = Memo::new(move |_| {
        let opened = page.session.library.failure.with(Option::is_none);
        let grows = !page.session.lacking.get() || page.recorded().is_some();
        opened && grows && mistake(page).is_none()
    });
    let name = move || match (can_play.get(), going.get()) {
        (false, _) => "It cannot be played here",
        (true, true) => "Pause",
        (true, false) => "Play",
    };
    let missing = Memo::new(move |_| {
        let nothing = page.panes[0].frame.with(Option::is_none) && baked.with(Option::is_none);
        nothing.then(|| missing(page)).flatten()
    });
    // What is said in place of the picture is not said twice.
    let said = Signal::derive(move || match missing.with(Option::is_some) {
        true if page.status() == Status::Idle => page.model_title(),
        _ => said(page),
    });
    let background = ground(page);
    let framed = background.is_some();
    pause_out_of_sight(page, root);
    view! {
        <div
            class="embed dream-in"
            node_ref=root
            class:framed=framed
            class:plated=is_over_anything(page)
            prop:style=background
        >
            <button
                class="canvas"
                aria-label=name
                disabled=move || !can_play.get()
                on:click=move |_| page.play()
            >
                <DreamCanvas pane=page.panes[0] title baked replays=true/>
                {move || {
                    missing.get().map(|words| view! { <span class="missing" data-testid="embed-empty">{words}</span> })
                }}
            </button>
            <EmbedLabel title said>
                <Show when=move || can_play.get()>
                    <button
                        class="play"
                        data-testid=move || if going.get() { "dream-pause" } else { "dream-start" }
                        aria-label=name
                        on:click=move |_| page.play()
                    >
                        <Icon of=icon/>
                    </button>
                </Show>
            </EmbedLabel>
        </div>
    }
}

/// How the dream is, or what it lacks. Reactive.
fn said(page: Page) -> String {
    let failed = || page.panes[0].failure.get().map(|failure| failure.what);
    if let Some(what) = trouble(page).or_else(|| mistake(page)).or_else(failed) {
        return what;
    }
    match (page.status(), page.panes[0].stepped.get()) {
        (Status::Idle, None) if page.session.lacking.get() => {
            format!("Made beforehand. {}", lack(page))
        }
        (Status::Idle, None) => page.model_title(),
        (Status::Waiting, _) if page.session.model.with(Option::is_none) => {
            page.session.downloaded().unwrap_or_else(|| "waits for the network".to_owned())
        }
        (_, Some(step)) => format!("step {} of {}", step.step, step.steps),
        _ => "begins".to_owned(),
    }
}

/// What is said in place of a picture; nothing while one is on its way. Reactive.
fn missing(page: Page) -> Option<String> {
    if let Some(what) = trouble(page).or_else(|| mistake(page)) {
        return Some(what);
    }
    let open = page.session.library.open.with(Option::is_some);
    if !open || is_coming(page) {
        return None;
    }
    Some(match (page.session.lacking.get(), page.status()) {
        (true, _) => format!("No dream of it was made beforehand. {}", lack(page)),
        (false, Status::Idle) => "Not made beforehand: Play dreams it here.".to_owned(),
        (false, _) => "It begins as soon as the network is here.".to_owned(),
    })
}

fn lack(page: Page) -> String {
    let title = page.model_title();
    match page.session.library.weights_coming() {
        true => format!("{title}'s weights are on their way."),
        false => format!("Dreaming live needs {title}'s weights."),
    }
}

/// Pauses while nobody can see it; goes on, or starts by itself if it was asked to, when it shows.
fn pause_out_of_sight(page: Page, root: NodeRef<html::Div>) {
    let on_screen = RwSignal::new(false);
    let tab_shown = RwSignal::new(!document().hidden());
    let interrupted = StoredValue::new(false);
    let begin = StoredValue::new(page.address.with_untracked(|address| address.autostart));
    let handle = window_event_listener_untyped("visibilitychange", move |_| {
        tab_shown.set(!document().hidden());
    });
    on_cleanup(move || handle.remove());
    // It lives as long as the page: a slide shows one dream until it is closed.
    let seen = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
        let newest = entries.pop().dyn_into::<IntersectionObserverEntry>();
        on_screen.set(newest.is_ok_and(|entry| entry.is_intersecting()));
    });
    let observer = IntersectionObserver::new(seen.as_ref().unchecked_ref()).ok();
    seen.forget();
    Effect::new(move |_| {
        if let (Some(observer), Some(root)) = (&observer, root.get()) {
            observer.observe(&root);
        }
    });
    Effect::new(move |_| {
        let visible = on_screen.get() && tab_shown.get();
        let status = untrack(|| page.status());
        if !visible && status.is_going() {
            interrupted.set_value(true);
            page.play();
        } else if visible && begin.get_value() {
            begin.set_value(false);
            page.start(false);
        } else if visible && interrupted.get_value() {
            interrupted.set_value(false);
            if status == Status::Paused {
                page.play();
            }
        }
    });
}

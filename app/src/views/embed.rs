//! A dream in a slide: the picture, play and pause, its label, a link to the full page.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{IntersectionObserver, IntersectionObserverEntry};

use crate::address::View;
use crate::baked::baked_here;
use crate::components::dream_canvas::DreamCanvas;
use crate::components::embed_label::FullPageLink;
use crate::components::icon::{Icon, outline};
use crate::page::Page;
use crate::pane::Status;
use crate::views::dream::title_here;
use crate::views::embed_unit::EmbedUnit;
use crate::views::embed_wall::EmbedWall;
use crate::views::look::LookView;

/// What the address asks for, with the least furniture around it.
#[component]
pub fn EmbedView() -> impl IntoView {
    let page = Page::here();
    let view = Memo::new(move |_| {
        page.address.with(|address| (address.view, address.objective.is_empty()))
    });
    move || match view.get() {
        (View::Exemplars, false) => view! { <EmbedUnit/> }.into_any(),
        (View::Dream | View::Exemplars, true) => view! { <EmbedWall/> }.into_any(),
        (View::Look, _) => view! { <div class="embed look"><LookView/></div> }.into_any(),
        (View::Dream, false) => view! { <EmbedDream/> }.into_any(),
    }
}

/// A dream: the picture, play and pause, its label.
#[component]
fn EmbedDream() -> impl IntoView {
    let page = Page::here();
    let root = NodeRef::<html::Div>::new();
    let title = Memo::new(move |_| title_here(page));
    let baked = Signal::derive(move || baked_here(page));
    let going = Memo::new(move |_| page.status().is_going());
    let icon = Signal::derive(move || if going.get() { outline::PAUSE } else { outline::PLAY });
    let background = page.address.with_untracked(|address| address.background.clone());
    let style = background.as_ref().map(|colour| format!("background:{colour}"));
    let trouble = move || {
        let session = page.session.trouble.get().or(page.session.library.failure.get());
        session.or(page.panes[0].failure.get()).map(|failure| failure.what)
    };
    let said = move || match (trouble(), page.status(), page.panes[0].stepped.get()) {
        (Some(what), ..) => what,
        (None, Status::Waiting, _) if page.session.model.with(Option::is_none) => {
            "waits for the network".to_owned()
        }
        (None, Status::Idle, None) if page.session.lacking.get() => {
            format!("{}, made beforehand", page.model_title())
        }
        (None, Status::Idle, None) => page.model_title(),
        (None, _, Some(step)) => format!("step {} of {}", step.step, step.steps),
        (None, ..) => "begins".to_owned(),
    };
    pause_out_of_sight(page, root);
    view! {
        <div class="embed" node_ref=root prop:style=style class:framed=background.is_some()>
            <button
                class="canvas"
                aria-label=move || if going.get() { "Pause" } else { "Play" }
                on:click=move |_| page.play()
            >
                <DreamCanvas pane=page.panes[0] title baked replays=true/>
            </button>
            <div class="label">
                <button
                    class="play"
                    data-testid=move || if going.get() { "dream-pause" } else { "dream-start" }
                    aria-label=move || if going.get() { "Pause" } else { "Play" }
                    on:click=move |_| page.play()
                >
                    <Icon of=icon/>
                </button>
                <p>
                    <b>{move || title.get()}</b>
                    <span data-testid="step-count">{said}</span>
                </p>
                <FullPageLink/>
            </div>
        </div>
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

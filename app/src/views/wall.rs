//! The wall: what units look for, baked beforehand. The first thing anyone sees.

use leptos::prelude::*;

use crate::address::{USUAL_MODEL, View};
use crate::baked::hung_file;
use crate::components::depth_scale::DepthScale;
use crate::components::dialog::Dialog;
use crate::components::dream_wall::DreamWall;
use crate::components::layer_chips::{LayerChips, dream_count, layer_words};
use crate::components::parts_trouble::PartsTrouble;
use crate::components::unit_links::is_plain;
use crate::page::Page;
use crate::unit::Unit;

/// The hall with its few large pictures, and below it the whole wall of a layer; only the wall
/// where the address names the layer.
#[component]
pub fn WallView() -> impl IntoView {
    let page = Page::here();
    let in_hall = Memo::new(move |_| page.address.with(|address| address.layer.is_empty()));
    let layer = Memo::new(move |_| page.layer());
    let offered = Memo::new(move |_| page.offered_layers(|layer| layer.dreams.is_some()));
    let count = Callback::new(move |layer: String| dream_count(page, &layer));
    let choose = Callback::new(move |layer: String| page.go(|address| address.layer = layer));
    let chosen = move || if in_hall.get() { String::new() } else { layer.get() };
    let own = Memo::new(move |_| in_hall.get() && page.model_name() == USUAL_MODEL);
    let nothing = move || {
        let open = page.session.library.open.with(Option::is_some);
        open && offered.with(Vec::is_empty) && !own.get()
    };
    view! {
        <div class="hall">
            <Show when=move || in_hall.get()>
                <h1>"What a neural network sees, dreamed live in your browser."</h1>
                <Show when=move || !nothing()>
                    <p class="lead">{move || lead(page)}</p>
                </Show>
            </Show>
            <div class="shelf">
                <LayerChips layers=offered selected=Signal::derive(chosen) count choose/>
            </div>
            <Show when=move || own.get()>
                <Hung/>
            </Show>
            <PartsTrouble/>
            <Show when=move || !offered.with(Vec::is_empty)>
                <section class="collection">
                    <div class="head">
                        <Heading title=move || layer_words(&layer.get()) first=in_hall/>
                        <p>{move || about(page, &layer.get())}</p>
                        <DepthScale layer/>
                    </div>
                    <DreamWall layer/>
                </section>
            </Show>
            <Show when=nothing>
                <NothingBaked/>
            </Show>
            <Foot/>
        </div>
    }
}

/// The layer's name: the page's title, or a title below it.
#[component]
fn Heading(
    /// The name.
    title: impl Fn() -> String + Send + Sync + Copy + 'static,
    /// Whether there is another title above.
    #[prop(into)]
    first: Signal<bool>,
) -> impl IntoView {
    move || match first.get() {
        true => view! { <h2 class="large">{title}</h2> }.into_any(),
        false => view! { <h1>{title}</h1> }.into_any(),
    }
}

fn lead(page: Page) -> String {
    let model = page.model_title();
    let offer = match shows_only_exemplars(page) {
        None => "",
        Some(true) => " Click one and see which pictures excite it.",
        Some(false) => " Click one and watch it grow.",
    };
    format!("Each picture is what one unit of {model} looks for.{offer}")
}

/// Whether a click leads to what was made beforehand, because nothing can be dreamed without
/// weights; nothing where no bundle opened.
fn shows_only_exemplars(page: Page) -> Option<bool> {
    let opened = page.session.library.failure.with(Option::is_none);
    opened.then(|| page.session.lacking.get())
}

fn about(page: Page, layer: &str) -> String {
    let count = dream_count(page, layer);
    let all = page.channels(layer);
    let units = if layer == "logits" { "classes" } else { "units" };
    let many =
        if count == all { format!("{all} {units}") } else { format!("{count} of {all} {units}") };
    format!("{many} · what each looks for")
}

/// A bundle without dreams: what can be seen of its units all the same.
#[component]
fn NothingBaked() -> impl IntoView {
    let page = Page::here();
    let has_exemplars = move || !page.offered_layers(|layer| layer.exemplars.is_some()).is_empty();
    let exemplars = move |_| page.go(|address| address.view = View::Exemplars);
    let dream = move |_| {
        let unit = Unit { layer: untrack(|| page.layer()), channel: 0 };
        page.dream(unit.objective());
    };
    view! {
        <div class="nothing">
            <p>
                {move || {
                    format!("No dreams of {}'s units were made beforehand.", page.model_title())
                }}
            </p>
            <div class="ways">
                <Show when=has_exemplars>
                    <button class="button" on:click=exemplars>"See which pictures excite them"</button>
                </Show>
                <button class="button" on:click=dream>"Dream one now"</button>
            </div>
        </div>
    }
}

/// The pictures of the page's own, as `index.html` hangs them.
#[component]
fn Hung() -> impl IntoView {
    let page = Page::here();
    let picture = move |unit: String| {
        let title = unit.replace(':', " : ");
        let number = unit.rsplit(':').next().unwrap_or_default().to_owned();
        let href = format!("?objective={unit}&autostart=1");
        let alt = format!("What {title} looks for");
        let objective = unit.clone();
        let open = move |event: leptos::ev::MouseEvent| {
            if !is_plain(&event) {
                return;
            }
            event.prevent_default();
            match Unit::of(&objective, &[]).filter(|_| page.session.lacking.get_untracked()) {
                Some(unit) => page.show_unit(&unit),
                None => page.dream(objective.clone()),
            }
        };
        let act = move || match shows_only_exemplars(page) {
            None => "",
            Some(true) => "What excites it",
            Some(false) => "Watch it grow",
        };
        view! {
            <a class="hung" href=href data-unit=unit.clone() on:click=open>
                <img src=hung_file(&unit) alt=alt width="128" height="128"/>
                <span class="caption">
                    <b>{title}</b>
                    <i>{number}</i>
                    <em>{act}</em>
                </span>
            </a>
        }
    };
    view! {
        <div class="wall">{page.hung.get_value().into_iter().map(picture).collect_view()}</div>
    }
}

/// Whose pictures these are.
#[component]
fn Foot() -> impl IntoView {
    let page = Page::here();
    let gallery = move || page.session.parts.gallery().map(|gallery| gallery.count);
    view! {
        <footer class="foot">
            {move || {
                gallery()
                    .map(|count| {
                        view! {
                            <p>
                                {format!("Exemplars come from {count} freely licensed pictures. ")}
                                <button
                                    class="link"
                                    data-testid="open-credits"
                                    on:click=move |_| page.dialog.set(Some(Dialog::Credits))
                                >
                                    "Whose they are"
                                </button>
                            </p>
                        }
                    })
            }}
        </footer>
    }
}

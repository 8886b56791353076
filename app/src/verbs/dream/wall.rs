//! The wall: what units look for, made beforehand. The first thing anyone sees.

use leptos::prelude::*;

use crate::address::Address;
use crate::baked::baked;
use crate::browser;
use crate::components::baked_picture::BakedPicture;
use crate::components::depth_scale::DepthScale;
use crate::components::dream_live::DreamLive;
use crate::components::dream_wall::DreamWall;
use crate::components::layer_chips::{LayerChips, dream_count};
use crate::components::parts_trouble::PartsTrouble;
use crate::components::unit_links::is_plain;
use crate::halls::Piece;
use crate::over::Dialog;
use crate::page::Page;
use crate::unit::Unit;
use crate::view::View;

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
    let hung = Memo::new(move |_| if in_hall.get() { page.hall() } else { Vec::new() });
    let nothing = move || {
        let open = page.session.library.open.with(Option::is_some);
        open && offered.with(Vec::is_empty) && hung.with(Vec::is_empty)
    };
    view! {
        <div class="hall">
            <Show when=move || in_hall.get()>
                <h1>"What a neural network sees"</h1>
                <div class="lead">
                    <Show when=move || !nothing()>
                        <p>{move || lead(page, &hung.get())}</p>
                    </Show>
                    <DreamLive/>
                </div>
            </Show>
            <div class="shelf">
                <LayerChips layers=offered selected=Signal::derive(chosen) count choose/>
            </div>
            <Show when=move || !hung.with(Vec::is_empty)>
                <div class="wall">
                    <For each=move || hung.get() key=Clone::clone let:piece>
                        <Hung piece/>
                    </For>
                </div>
            </Show>
            <PartsTrouble/>
            <Show when=move || !offered.with(Vec::is_empty)>
                <section class="collection">
                    <div class="head">
                        <Heading title=move || page.layer_words(&layer.get()) first=in_hall/>
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

/// What hangs here, and what a click on it does.
fn lead(page: Page, hung: &[Piece]) -> String {
    let offer = match hung.iter().all(|piece| page.grows(&piece.unit)) {
        true => "watch it grow",
        false => "see which pictures excite it",
    };
    format!("Each picture is what one of its units looks for. Click one and {offer}.")
}

fn about(page: Page, layer: &str) -> String {
    let count = dream_count(page, layer);
    let all = page.channels(layer);
    let (units, holds) = (page.units_word(layer), page.holds(layer));
    let many =
        if count == all { format!("{all} {units}") } else { format!("{count} of {all} {units}") };
    format!("{holds}{many} · click one and see what excites it")
}

/// A bundle without dreams: what can be seen of its units all the same.
#[component]
fn NothingBaked() -> impl IntoView {
    let page = Page::here();
    let has_exemplars = move || !page.offered_layers(|layer| layer.exemplars.is_some()).is_empty();
    let exemplars = move |_| page.go(|address| address.view = View::EXEMPLARS);
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

/// A picture in the hall, as `index.html` hangs it: at a click it grows.
#[component]
fn Hung(
    /// The unit and its caption.
    piece: Piece,
) -> impl IntoView {
    let page = Page::here();
    let Piece { unit, title, short } = piece;
    let alt = format!("What {title} looks for");
    let unit = StoredValue::new(unit);
    let grows = Memo::new(move |_| unit.with_value(|unit| page.grows(unit)));
    let href = move || {
        let address = Address {
            model: page.address.with(|address| address.model.clone()),
            objective: unit.get_value().into(),
            autostart: true,
            ..Address::default()
        };
        address.query()
    };
    let file = Memo::new(move |_| page.in_hall(|hall| unit.with_value(|unit| hall.picture(unit))));
    let sheet = Signal::derive(move || baked(page, &Unit::read(&unit.get_value())?));
    let label = StoredValue::new(alt);
    let picture = move || match file.get() {
        Some(file) => {
            view! { <img src=file alt=label.get_value() width="128" height="128"/> }.into_any()
        }
        None => view! { <BakedPicture of=sheet label=Signal::derive(move || label.get_value())/> }
            .into_any(),
    };
    // The pictures of its growth are small: they are here by the time it is clicked.
    let near = move || {
        let recorded = untrack(|| page.in_hall(|hall| hall.recorded(&unit.get_value())));
        if let Some(recorded) = recorded {
            browser::fetch_picture(&recorded.strip);
        }
    };
    let open = move |event: leptos::ev::MouseEvent| {
        if !is_plain(&event) {
            return;
        }
        event.prevent_default();
        let unit = unit.get_value();
        match Unit::read(&unit).filter(|_| !grows.get_untracked()) {
            Some(unit) => page.show_unit(&unit),
            None => page.dream(unit),
        }
    };
    let act = move || if grows.get() { "Watch it grow" } else { "What excites it" };
    view! {
        <a
            class="hung"
            href=href
            data-unit=unit.get_value()
            on:click=open
            on:pointerenter=move |_| near()
            on:focus=move |_| near()
        >
            {picture}
            <span class="caption">
                <b>{title}</b>
                <i>{short}</i>
                <em>{act}</em>
            </span>
        </a>
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
                                    on:click=move |_| page.over.dialog.set(Some(Dialog::Credits))
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

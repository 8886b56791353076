//! The wall of latents, each with the places where it is strongest.

use std::sync::Arc;

use leptos::prelude::*;

use super::finds::{Find, Finds};
use super::state::Study;
use crate::components::lazy::Lazy;
use crate::components::sprite_picture::SpritePicture;
use crate::numbers::{percent, value};
use crate::page::Page;
use crate::protocol::SHOWN;
use crate::sprite::Square;
use crate::unit::Unit;
use crate::view::View;

/// Places on a tile.
const ON_TILE: usize = 4;

/// Tiles made at once when they come near the window.
const GROUP: usize = 48;

/// All latents that fire.
#[component]
pub fn LatentWall() -> impl IntoView {
    let study = Study::here();
    let count = Memo::new(move |_| study.finds.with(|finds| finds.as_ref().map(|it| it.latents())));
    let silent = move || {
        let silent = |finds: &Arc<Finds>| finds.latents() - finds.firing().len();
        study.finds.with(|finds| finds.as_ref().map_or(0, silent))
    };
    let groups = move || {
        let count = count.get()?;
        let starts = (0..count).step_by(GROUP);
        Some(
            starts
                .map(|start| view! { <Group start end=(start + GROUP).min(count)/> })
                .collect_view(),
        )
    };
    view! {
        <LatentOnView/>
        <Show when=move || count.with(Option::is_some)>
            <h2 class="latents-title">
                <span>"Latents, the strongest first, and where each is strongest"</span>
                <span data-testid="train-silent">
                    {move || match silent() {
                        0 => "all of them fire".to_owned(),
                        silent => format!("{silent} fire nowhere"),
                    }}
                </span>
            </h2>
        </Show>
        <div class="learned" data-testid="train-wall">{groups}</div>
    }
}

/// Pictures shown at most before there are latents.
const TO_LEARN_FROM: usize = 60;

/// The first of the pictures that it will learn from, as long as there is nothing else to see.
#[component]
pub fn ToLearnFrom() -> impl IntoView {
    let page = Page::here();
    let study = Study::here();
    let count = Memo::new(move |_| match study.finds.with(Option::is_none) {
        true => study.pictures.get().count(page).min(TO_LEARN_FROM),
        false => 0,
    });
    let picture = move |index: usize| {
        let style = Signal::derive(move || {
            study.pictures.with(|pictures| pictures.style(page, index, Square::WHOLE))
        });
        view! { <SpritePicture style label=""/> }
    };
    view! {
        <div class="to-learn-from" aria-hidden="true">
            {move || (0..count.get()).map(picture).collect_view()}
        </div>
    }
}

/// Some of them, the strongest first.
#[component]
fn Group(
    /// From this place in the order.
    start: usize,
    /// To before this.
    end: usize,
) -> impl IntoView {
    let study = Study::here();
    let latents = Memo::new(move |_| {
        let firing = |finds: &Arc<Finds>| {
            let firing = finds.firing();
            firing.into_iter().skip(start).take(end - start).collect::<Vec<_>>()
        };
        study.finds.with(|finds| finds.as_ref().map(firing).unwrap_or_default())
    });
    let style = format!("--count:{}", end - start);
    view! {
        <Lazy class="learned-group" style>
            <For each=move || latents.get() key=|latent| *latent let(latent)>
                <Tile latent/>
            </For>
        </Lazy>
    }
}

/// A latent.
#[component]
fn Tile(
    /// Which.
    latent: usize,
) -> impl IntoView {
    let page = Page::here();
    let study = Study::here();
    let found = Memo::new(move |_| found(study, latent, ON_TILE));
    let share =
        move || study.finds.with(|finds| finds.as_ref().map(|finds| percent(finds.share(latent))));
    let on = move || study.chosen.get() == Some(latent);
    let part = move |index: usize| {
        let style = Signal::derive(move || {
            let (find, square) = *found.get().get(index)?;
            let (pictures, _) = study.found_in.get();
            pictures.style(page, find.picture, square)
        });
        view! { <SpritePicture style label=""/> }
    };
    view! {
        <button
            class="learned-tile"
            class:on=on
            aria-pressed=move || on().to_string()
            aria-label=move || format!("Latent {latent}, fires at {} of all places", share().unwrap_or_default())
            data-latent=latent
            on:click=move |_| study.chosen.set((!on()).then_some(latent))
        >
            <span class="four">{(0..ON_TILE).map(part).collect_view()}</span>
            <span class="name">{latent}</span>
            <span class="value">{share}</span>
        </button>
    }
}

/// The latent that was chosen, with all its pictures and what can be done with it.
#[component]
fn LatentOnView() -> impl IntoView {
    let page = Page::here();
    let study = Study::here();
    let own = move || page.session.own.get();
    move || {
        let latent = study.chosen.get()?;
        let picture = move |index: usize| {
            let find = Memo::new(move |_| {
                found(study, latent, index + 1).get(index).map(|(find, square)| (*find, *square))
            });
            let style = Signal::derive(move || {
                let (pictures, _) = study.found_in.get();
                pictures.style(page, find.get()?.0.picture, Square::WHOLE)
            });
            let title = Signal::derive(move || {
                let (pictures, _) = study.found_in.get();
                find.get().map(|(find, _)| pictures.title(page, find.picture)).unwrap_or_default()
            });
            let frame = move || {
                let Square { left, top, side } = find.get()?.1;
                let [left, top, side] = [left, top, side].map(|share| 100.0 * share);
                Some(format!("left:{left:.2}%;top:{top:.2}%;width:{side:.2}%;height:{side:.2}%"))
            };
            view! {
                <Show when=move || find.with(Option::is_some)>
                    <li>
                        <span class="framed">
                            <SpritePicture style label=title/>
                            <i class="frame" prop:style=frame></i>
                        </span>
                        <span class="name">{title}</span>
                        <span class="value">{move || find.get().map(|(find, _)| value(find.value))}</span>
                    </li>
                </Show>
            }
        };
        let unit = move || own().map(|layer| Unit { layer: layer.name, channel: latent });
        let dream = move |_| {
            if let Some(unit) = unit() {
                page.dream(unit.objective());
            }
        };
        let look = move |_| {
            if let Some(layer) = own() {
                page.go(|address| {
                    address.view = View::LOOK;
                    address.layer = layer.name;
                });
            }
        };
        let share = move || {
            study.finds.with(|finds| finds.as_ref().map(|finds| percent(finds.share(latent))))
        };
        let unusable = move || page.session.own.with(Option::is_none);
        Some(view! {
            <section class="latent-on-view" data-testid="train-latent" data-latent=latent>
                <h2>
                    <span>{format!("Latent {latent}")}<em>" fires at "{share}" of all places"</em></span>
                    <button class="quiet" aria-label="Close" on:click=move |_| study.chosen.set(None)>
                        "Close"
                    </button>
                </h2>
                <ul>{(0..SHOWN).map(picture).collect_view()}</ul>
                <div class="ways">
                    <button class="button prime" data-testid="train-dream" disabled=unusable on:click=dream>
                        "Dream it"
                    </button>
                    <button class="button" data-testid="train-look" disabled=unusable on:click=look>
                        "Look for it in a picture"
                    </button>
                    <Show when=unusable>
                        <span class="aside">"once it has learned, or is paused"</span>
                    </Show>
                </div>
            </section>
        })
    }
}

/// Where a latent is strongest, with what is shown around it.
fn found(study: Study, latent: usize, count: usize) -> Vec<(Find, Square)> {
    let of = |finds: &Arc<Finds>| {
        let found = finds.of(latent).into_iter().take(count);
        found.map(|find| (find, finds.around(find.place))).collect()
    };
    study.finds.with(|finds| finds.as_ref().map(of).unwrap_or_default())
}

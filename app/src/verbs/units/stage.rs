//! A unit's page: what it looks for, and the pictures that excite it.

use std::sync::Arc;

use leptos::prelude::*;
use shared::format::exemplars::{Exemplars, UnitExemplars};
use shared::tap::LayerInfo;
use shared::visualize::objective::Typed;

use crate::baked::{baked_here, is_coming, is_made};
use crate::components::activation_histogram::ActivationHistogram;
use crate::components::depth_scale::DepthScale;
use crate::components::dream_canvas::DreamCanvas;
use crate::components::exemplar_grid::ExemplarGrid;
use crate::components::far_line::FarLine;
use crate::components::icon::{Icon, outline};
use crate::components::latent_facts::LatentFacts;
use crate::components::mistake_note::MistakeNote;
use crate::components::parts_trouble::PartsTrouble;
use crate::components::sprite_picture::SpritePicture;
use crate::components::transport::Transport;
use crate::components::unit_title::UnitTitle;
use crate::components::unlived::Unlived;
use crate::page::Page;
use crate::parts::Loaded;
use crate::sentences;
use crate::sprite::Square;
use crate::unit::find_layer;
use crate::verbs::dream::stage::{PaneFailure, title_here};
use crate::verbs::dream::state::Status;

/// The dream on the left, the exemplars on the right.
#[component]
pub fn UnitView() -> impl IntoView {
    let page = Page::here();
    let title = Memo::new(move |_| title_here(page));
    let wrong = Memo::new(move |_| page.mistake());
    let shown = Memo::new(move |_| page.unit());
    let recorded = move || shown.get().is_some_and(|unit| page.is_recorded(&unit.layer));
    dream_unprepared(page);
    view! {
        <div class="unit-page" data-testid="unit-page" data-unit=move || shown.get().map(|unit| unit.objective())>
            <div class="unit-dream">
                <Portrait title=title.into()/>
                <UnitTitle title=title.into()/>
                <MistakeNote wrong choose=move |objective: String| page.go(|address| address.objective = objective.into())/>
                <DepthScale layer=Signal::derive(move || shown.get().map(|unit| unit.layer).unwrap_or_default())/>
                <Sentences/>
                <Show when=move || wrong.with(Option::is_none) && !recorded()>
                    <Watch/>
                </Show>
                <Show when=recorded>
                    <p class="aside">"A latent of a dictionary that is not in this bundle: what is here was recorded."</p>
                </Show>
            </div>
            <div class="unit-pictures">
                <PartsTrouble/>
                <Pictures/>
            </div>
        </div>
    }
}

/// Dreams a unit of which nothing was made beforehand: its page would be empty.
fn dream_unprepared(page: Page) {
    let unprepared = Memo::new(move |_| {
        let open = page.session.library.open.with(Option::is_some);
        let unit = page.unit().filter(|_| open && page.mistake().is_none())?;
        (!page.is_prepared(&unit) && !page.session.lacking.get()).then_some(unit)
    });
    Effect::new(move |_| {
        if unprepared.with(Option::is_some) && page.panes[0].status.get_untracked() == Status::Idle
        {
            page.start(false);
        }
    });
}

/// What the unit looks for: as it climbs, or as it was made beforehand.
#[component]
pub fn Portrait(
    /// What is dreamed.
    title: Signal<String>,
) -> impl IntoView {
    let page = Page::here();
    let baked = Signal::derive(move || baked_here(page));
    let nothing = move || {
        let quiet =
            page.panes[0].frame.with(Option::is_none) && page.panes[0].status.get() == Status::Idle;
        let open = page.session.library.open.with(Option::is_some);
        quiet && open && baked.with(Option::is_none) && !is_coming(page)
    };
    // Rather than an empty square.
    let instead = Signal::derive(move || {
        let best = *page.best_pictures(1).filter(|_| page.mistake().is_none())?.first()?;
        page.session.parts.style(&page.session.parts.gallery()?, best, Square::WHOLE)
    });
    let said = move || match (page.mistake(), is_made(page)) {
        (Some(_), _) => "There is no such unit.",
        (None, true) => "Its dream was made beforehand and did not come.",
        (None, false) if instead.with(Option::is_some) => {
            "No dream of this unit was made beforehand; this is its best picture."
        }
        (None, false) => "No dream of this unit was made beforehand.",
    };
    view! {
        <div id="pictures" class="portrait">
            <DreamCanvas pane=page.panes[0] title baked replays=true/>
            <FarLine title/>
            <Show when=nothing>
                <Show when=move || instead.with(Option::is_some)>
                    <div class="instead"><SpritePicture style=instead label=""/></div>
                </Show>
                <p class="unmade">{said}</p>
            </Show>
        </div>
    }
}

/// Starts the live dream beside the exemplars.
#[component]
fn Watch() -> impl IntoView {
    let page = Page::here();
    let fresh = move || page.status() == Status::Idle && page.panes[0].frame.with(Option::is_none);
    view! {
        {move || match (page.lives.get() == Some(false), fresh()) {
            (true, _) => view! { <Unlived what="Watching it grow live"/> }.into_any(),
            (false, true) => {
                view! {
                    <div class="ways">
                        <button
                            class="button prime"
                            data-testid="dream-start"
                            disabled=move || page.mistake().is_some()
                            on:click=move |_| page.start(false)
                        >
                            <Icon of=outline::PLAY/>
                            "Watch it grow"
                        </button>
                        <OpenInDream/>
                    </div>
                }
                    .into_any()
            }
            (false, false) => {
                view! {
                    <Transport/>
                    <div class="ways"><OpenInDream/></div>
                }
                    .into_any()
            }
        }}
        {page.panes.map(|pane| view! { <PaneFailure pane/> })}
    }
}

/// The same unit in Dream, with everything that can be set.
#[component]
fn OpenInDream() -> impl IntoView {
    let page = Page::here();
    let open = move |_| page.go(|address| address.view = crate::view::View::DREAM);
    view! {
        <button class="button" on:click=open>
            <Icon of=outline::SETTINGS/>
            "Change how"
        </button>
    }
}

/// What can be said of the unit in words.
#[component]
fn Sentences() -> impl IntoView {
    let page = Page::here();
    let said = move || {
        let unit = page.unit()?;
        let exemplars = page.session.parts.unit(&unit.layer, unit.channel)?.here()?;
        let credits = page.session.parts.credits().and_then(Loaded::here).unwrap_or_default();
        Some(sentences::of_unit(&exemplars, &credits))
    };
    view! { <p class="sentences" data-testid="purity">{move || said().unwrap_or_default()}</p> }
}

/// The exemplars and the histogram, or why there are none.
#[component]
fn Pictures() -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    // What is no unit has no pictures, and nobody asked for any.
    let unit = Memo::new(move |_| page.unit().filter(|_| page.mistake().is_none()));
    move || {
        let unit = unit.get()?;
        let info = page.layers.with(|layers| find_layer(layers, &unit.layer).cloned())?;
        let open = page.session.library.open.with(Option::is_some);
        Some(match (parts.unit(&info.name, unit.channel), parts.gallery()) {
            (Some(Loaded::Here(of_unit)), Some(sprites)) => {
                let exemplars = parts.exemplars(&info.name)?;
                let channel = unit.channel;
                let pictures = exemplars.pictures;
                let (layer, described, lacking) =
                    (info.clone(), exemplars.clone(), of_unit.clone());
                let lack = move || {
                    lack(page, &layer, channel, &described, &lacking).map(|said| {
                        view! { <p class="lack" role="note" data-testid="gallery-lacks">{said}</p> }
                    })
                };
                let top = of_unit.top.clone();
                let name = info.name.clone();
                view! {
                    {lack}
                    <ExemplarGrid layer=info channel exemplars top sprites=Arc::new(sprites)/>
                    <ActivationHistogram unit=of_unit pictures/>
                    <Measured layer=name channel/>
                }
                .into_any()
            }
            (Some(Loaded::Coming), _) => view! { <Waiting/> }.into_any(),
            (Some(Loaded::Failed), _) => ().into_any(),
            (None, _) | (_, None) if open => view! { <Elsewhere/> }.into_any(),
            _ if page.session.library.failure.with(Option::is_some) => ().into_any(),
            _ => view! { <Waiting/> }.into_any(),
        })
    }
}

/// What was measured of a latent; nothing of other units.
#[component]
fn Measured(
    /// The layer, by its canonical name.
    layer: String,
    /// From 0.
    channel: usize,
) -> impl IntoView {
    let parts = Page::here().session.parts;
    move || {
        let worth = parts.layer(&layer)?.worth?;
        let latent = parts.latents(&layer)?.here()?.get(channel)?.clone();
        Some(view! { <LatentFacts layer=layer.clone() worth latent/> })
    }
}

/// Why the pictures may not be what the unit looks for, as far as that is known. Reactive.
fn lack(
    page: Page,
    layer: &LayerInfo,
    channel: usize,
    exemplars: &Exemplars,
    of_unit: &UnitExemplars,
) -> Option<String> {
    let parts = page.session.parts;
    let Some(labels) = page.labels_of(&layer.name) else {
        return sentences::lack_of_excitement(exemplars, of_unit);
    };
    let credits = parts.credits().and_then(Loaded::here)?;
    // Only where no picture is called so it is worth fetching what excites the other classes.
    if sentences::is_shown(labels.get(channel)?, &credits) {
        return None;
    }
    sentences::lack_of_class(&parts.all_units(&layer.name)?.here()?, channel, &labels)
}

/// The places where exemplars will hang.
#[component]
fn Waiting() -> impl IntoView {
    view! {
        <section class="exemplars" aria-busy="true">
            <h2><span>"Pictures that excite it most"</span></h2>
            <ol class="exemplar-grid">
                {(0..10)
                    .map(|_| view! { <li><figure class="exemplar"><span class="sprite"></span></figure></li> })
                    .collect_view()}
            </ol>
        </section>
    }
}

/// This layer has no exemplars: which do.
#[component]
fn Elsewhere() -> impl IntoView {
    let page = Page::here();
    let offered = Memo::new(move |_| page.offered_layers(|layer| layer.exemplars.is_some()));
    let link = move |layer: String| {
        let named = layer.clone();
        let open = move |_| {
            page.go(|address| {
                address.objective = Typed::default();
                address.layer = named.clone();
            })
        };
        view! { <button class="button" data-layer=layer.clone() on:click=open>{layer.clone()}</button> }
    };
    view! {
        <section class="exemplars" data-testid="no-exemplars">
            <h2><span>"Pictures that excite it most"</span></h2>
            <p class="nothing">
                {move || match offered.with(Vec::is_empty) {
                    true => "This bundle has no exemplars: which pictures excite a unit was not asked when it was made.",
                    false => "Which pictures excite the units of this layer was not asked when the bundle was made. It was asked for these:",
                }}
            </p>
            <div class="ways">{move || offered.get().into_iter().map(link).collect_view()}</div>
        </section>
    }
}

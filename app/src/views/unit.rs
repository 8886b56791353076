//! A unit's page: what it looks for, and the pictures that excite it.

use std::sync::Arc;

use leptos::prelude::*;
use shared::format::credits::Credit;
use shared::format::exemplars::UnitExemplars;

use crate::baked::baked_here;
use crate::components::activation_histogram::ActivationHistogram;
use crate::components::dream_canvas::DreamCanvas;
use crate::components::exemplar_grid::ExemplarGrid;
use crate::components::icon::{Icon, outline};
use crate::components::parts_trouble::PartsTrouble;
use crate::components::transport::Transport;
use crate::components::unit_title::UnitTitle;
use crate::components::unlived::Unlived;
use crate::exemplars::purity;
use crate::numbers::percent;
use crate::page::Page;
use crate::pane::Status;
use crate::parts::Loaded;
use crate::unit::{find_layer, mistake};
use crate::views::dream::{PaneFailure, title_here};

/// The dream on the left, the exemplars on the right.
#[component]
pub fn UnitView() -> impl IntoView {
    let page = Page::here();
    let title = Memo::new(move |_| title_here(page));
    let wrong = Memo::new(move |_| {
        let objective = page.objective();
        page.layers.with(|layers| mistake(&objective, layers))
    });
    let shown = Memo::new(move |_| page.unit());
    view! {
        <div class="unit-page" data-testid="unit-page" data-unit=move || shown.get().map(|unit| unit.objective())>
            <div class="unit-dream">
                <Portrait title=title.into()/>
                <UnitTitle title=title.into()/>
                {move || wrong.get().map(|wrong| view! { <p class="mistake" role="status">{wrong.message}</p> })}
                <Sentences/>
                <Watch/>
            </div>
            <div class="unit-pictures">
                <PartsTrouble/>
                <Pictures/>
            </div>
        </div>
    }
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
    view! {
        <div id="pictures" class="portrait">
            <DreamCanvas pane=page.panes[0] title baked replays=true/>
            <Show when=nothing>
                <p class="unmade">"No dream of this unit was made beforehand."</p>
            </Show>
        </div>
    }
}

/// Whether the bundle has the unit's picture on a sheet that is still on its way.
fn is_coming(page: Page) -> bool {
    let has = || {
        let unit = page.unit()?;
        page.session.parts.layer(&unit.layer)?.dreams?.picture(unit.channel)
    };
    has().is_some() && page.session.parts.failure.with(Option::is_none)
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
    let open = move |_| page.go(|address| address.view = crate::address::View::Dream);
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
        let exemplars = page.session.parts.exemplars(&unit.layer)?.here()?;
        let credits = page.session.parts.credits().and_then(Loaded::here).unwrap_or_default();
        Some(sentences(exemplars.units.get(unit.channel)?, &credits))
    };
    view! { <p class="sentences" data-testid="purity">{move || said().unwrap_or_default()}</p> }
}

/// "Answers in 3.1 % of all places. 7 of its 10 best pictures are animals; ..."
fn sentences(unit: &UnitExemplars, credits: &[Credit]) -> String {
    let mut said = Vec::new();
    if 0.0 < unit.zero_share {
        said.push(format!("Answers in {} of all places.", percent(1.0 - unit.zero_share)));
    }
    if let Some(found) = purity(unit, credits) {
        said.push(format!(
            "{} of its {} best pictures are filed under {}; of all pictures, {} are.",
            found.count,
            found.of,
            found.category,
            percent(found.by_chance)
        ));
    }
    said.join(" ")
}

/// The exemplars and the histogram, or why there are none.
#[component]
fn Pictures() -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let unit = Memo::new(move |_| page.unit());
    move || {
        let unit = unit.get()?;
        let info = page.layers.with(|layers| find_layer(layers, &unit.layer).cloned())?;
        let open = page.session.library.open.with(Option::is_some);
        Some(match (parts.exemplars(&info.name), parts.gallery()) {
            (Some(Loaded::Here(exemplars)), Some(sprites)) => {
                let channel = unit.channel;
                let of_unit = exemplars.units.get(channel).cloned();
                let pictures = exemplars.pictures;
                view! {
                    <ExemplarGrid layer=info channel exemplars sprites=Arc::new(sprites)/>
                    {of_unit.map(|unit| view! { <ActivationHistogram unit pictures/> })}
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
                address.objective = String::new();
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

#[cfg(test)]
mod tests {
    use super::*;
    use shared::format::exemplars::Exemplar;

    #[test]
    fn the_sentence_says_what_it_counts() {
        let unit = UnitExemplars {
            top: vec![Exemplar { picture: 0, value: 1.0, row: 0, column: 0 }],
            quantiles: Vec::new(),
            histogram: Vec::new(),
            zero_share: 0.969,
        };
        assert_eq!(sentences(&unit, &[]), "Answers in 3.1 % of all places.");
        let silent = UnitExemplars { top: Vec::new(), zero_share: 0.0, ..unit };
        assert_eq!(sentences(&silent, &[]), "");
    }
}

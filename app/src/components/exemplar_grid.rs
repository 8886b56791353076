//! The pictures that excite a unit most, with their heat maps and crops.

use std::sync::Arc;

use leptos::prelude::*;
use shared::format::bundle::Sprites;
use shared::format::exemplars::{Exemplar, Exemplars};
use shared::tap::{LayerInfo, Sees};

use crate::answers::Answers;
use crate::components::exemplar_tile::ExemplarTile;
use crate::exemplars::{crop, map};
use crate::heatmap::Heat;
use crate::page::Page;
use crate::parts::Loaded;
use crate::unit::Unit;
use crate::verbs::units::state::Mode;

/// Side that a network classifies at, where the bundle does not say.
const USUAL_SIDE: usize = 224;

/// The grid, and the choice of how pictures are shown.
#[component]
pub fn ExemplarGrid(
    /// The layer.
    layer: LayerInfo,
    /// From 0.
    channel: usize,
    /// What all of the layer's exemplars have in common.
    exemplars: Exemplars,
    /// The unit's.
    top: Vec<Exemplar>,
    /// The gallery they come from.
    sprites: Arc<Sprites>,
) -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let side = page.input_side().unwrap_or(USUAL_SIDE);
    let is_mapped = !exemplars.maps.is_empty();
    let lives = !page.is_recorded(&layer.name);
    // Where there is one place only, there is no telling where.
    let has_places = exemplars.positions != [1, 1];
    let has_heat = Signal::derive(move || {
        has_places && (is_mapped || lives && page.session.model.with(Option::is_some))
    });
    let crops = layer.sees < Sees::Pixels(side);
    // What was chosen for another layer may make no sense here.
    let chosen = Mode::here();
    let mode = Signal::derive(move || match chosen.get() {
        Mode::Heat if !has_heat.get() => Mode::Picture,
        Mode::Crop if !crops => Mode::Picture,
        mode => mode,
    });
    let answers = Answers::new();
    let unit = Unit { layer: layer.name.clone(), channel };
    if lives {
        ask_when_hot(page, mode, answers, unit, top.clone(), sprites.clone());
    }
    let by = exemplars.statistic.words();
    let layer_name = layer.name.clone();
    let baked = Memo::new(move |_| parts.heat(&layer_name, channel).and_then(Loaded::here));
    let tile = |(place, exemplar): (usize, Exemplar)| {
        let credit = Signal::derive(move || {
            let credits = parts.credits().and_then(Loaded::here)?;
            credits.get(exemplar.picture).cloned()
        });
        let columns = exemplars.heat[1];
        let heat = Signal::derive(move || -> Option<Heat> {
            let live =
                answers.said.with(|said| said.maps.get(place).map(|map| (map.clone(), said.full)));
            live.or_else(|| {
                let baked = baked.get()?;
                Some((map(&baked, columns, channel, place)?, 1.0))
            })
        });
        let crop = crop(&layer, exemplar.row, exemplar.column, side);
        view! {
            <li>
                <ExemplarTile exemplar rank=place + 1 sprites=sprites.clone() credit mode heat crop/>
            </li>
        }
    };
    let tiles = top.iter().copied().enumerate().map(tile).collect_view();
    let empty = top.is_empty();
    let sees = match layer.sees {
        Sees::Pixels(field) if field < side => format!("{field} of {side} pixels"),
        Sees::Pixels(_) | Sees::Everything => "the whole picture".to_owned(),
    };
    view! {
        <section class="exemplars">
            <div class="head">
                <h2>
                    <span>"Pictures that excite it most"</span>
                    <span>{by}</span>
                </h2>
                <Show when=move || !empty>
                    <Modes mode has_heat crops/>
                </Show>
            </div>
            <ol class="exemplar-grid" data-testid="exemplars">{tiles}</ol>
            <Show when=move || empty>
                <p class="nothing">"No picture of the gallery excites it at all."</p>
            </Show>
            <p class="aside">
                {move || match mode.get() {
                    Mode::Picture => "Under each its rank, what it shows and how strongly the unit answers.".to_owned(),
                    Mode::Heat => live_or_baked(answers),
                    Mode::Crop => format!("What the strongest place sees: {sees}."),
                }}
            </p>
        </section>
    }
}

fn live_or_baked(answers: Answers) -> String {
    let full = answers.said.with(|said| said.full);
    if full > 0.0 {
        let full = crate::numbers::value(full);
        format!(
            "Brighter: it answers more there. The brightest is {full}; asked of the network just now."
        )
    } else {
        "Brighter: it answers more there. The brightest is its largest in these pictures."
            .to_owned()
    }
}

/// Asks the network for sharper maps once they are looked at and it is there.
fn ask_when_hot(
    page: Page,
    mode: Signal<Mode>,
    answers: Answers,
    unit: Unit,
    top: Vec<Exemplar>,
    sprites: Arc<Sprites>,
) {
    let asked = StoredValue::new(false);
    Effect::new(move |_| {
        let ready = page.session.model.with(Option::is_some);
        if mode.get() != Mode::Heat || !ready || asked.get_value() {
            return;
        }
        let mut pictures = Vec::new();
        for exemplar in &top {
            let Some(place) = sprites.place(exemplar.picture) else { return };
            let Some(sheet) = page.session.parts.sheet(&sprites, place.sheet).here() else {
                return;
            };
            pictures.push((exemplar.picture, sheet));
        }
        asked.set_value(true);
        let side = page.input_side().unwrap_or(USUAL_SIDE);
        answers.ask(page.session, unit.clone(), (*sprites).clone(), pictures, side);
    });
}

/// How the pictures are shown.
#[component]
fn Modes(
    /// How they are shown now.
    mode: Signal<Mode>,
    /// Whether it is known where the unit answers.
    has_heat: Signal<bool>,
    /// Whether a place sees less than the whole picture.
    crops: bool,
) -> impl IntoView {
    let chosen = Mode::here();
    let choice =
        move |of: Mode, name: &'static str, id: &'static str, there: bool, title: &'static str| {
            there.then(|| {
                let on = move || mode.get() == of;
                view! {
                    <button
                        class:on=on
                        title=title
                        data-testid=id
                        aria-pressed=move || on().to_string()
                        on:click=move |_| chosen.set(of)
                    >
                        {name}
                    </button>
                }
            })
        };
    view! {
        <div class="segments" role="group" aria-label="Show">
            {choice(Mode::Picture, "Picture", "mode-picture", true, "The pictures as they are")}
            {move || choice(Mode::Heat, "Where", "mode-heat", has_heat.get(), "Where in the picture it answers")}
            {choice(Mode::Crop, "Up close", "mode-crop", crops, "What the strongest place sees")}
        </div>
    }
}

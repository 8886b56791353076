//! Train: what is learned, how far it is, and the wall of latents.

use leptos::prelude::*;
use web_sys::{File, HtmlInputElement, HtmlSelectElement};

use super::pictures::Pictures;
use super::state::{Phase, Recipe, Study, layer};
use super::wall::{LatentWall, ToLearnFrom};
use crate::browser;
use crate::components::failure::FailureNote;
use crate::components::icon::{Icon, outline};
use crate::components::parts_trouble::PartsTrouble;
use crate::components::score_curve;
use crate::components::weights_note::WeightsNote;
use crate::numbers::{duration, percent, rate, value};
use crate::page::Page;
use crate::protocol::Learned;

/// The stage.
#[component]
pub fn TrainView() -> impl IntoView {
    let page = Page::here();
    let study = Study::here();
    view! {
        <div class="hall train">
            <div class="head">
                <h1>{move || format!("What {} sees, taken apart", layer(page))}</h1>
                <p>
                    "A sparse autoencoder learns here, in this tab, which directions many pictures share: each becomes a latent. Nothing leaves this device."
                </p>
            </div>
            <Show when=move || page.session.lacking.get()>
                <WeightsNote what="Training"/>
            </Show>
            <PartsTrouble/>
            <Show when=move || !page.session.lacking.get()>
                <Choices/>
                <Run/>
            </Show>
            {move || study.failure.get().map(|failure| view! { <FailureNote failure/> })}
            <LatentWall/>
            <ToLearnFrom/>
        </div>
    }
}

/// From which pictures, and how.
#[component]
fn Choices() -> impl IntoView {
    let page = Page::here();
    let study = Study::here();
    let busy = move || study.phase.get().is_busy() || study.phase.get() == Phase::Paused;
    let own = move || study.pictures.with(|pictures| matches!(pictures, Pictures::Own(_)));
    let gallery = move || Pictures::Gallery.count(page);
    let chosen = move |event: leptos::ev::Event| {
        let input = event_target::<HtmlInputElement>(&event);
        let files = input.files();
        let files =
            files.iter().flat_map(|files| (0..files.length()).filter_map(|at| files.get(at)));
        let files: Vec<File> = files.collect();
        if !files.is_empty() {
            study.take(page, files);
        }
        // The same files may be chosen again.
        input.set_value("");
    };
    let count = move || study.pictures.get().count(page);
    view! {
        <div class="picks" role="group" aria-label="What it learns from, and how">
            <div class="segments" role="group" aria-label="Pictures">
                <button
                    class:on=move || !own()
                    aria-pressed=move || (!own()).to_string()
                    disabled=busy
                    data-testid="train-gallery"
                    on:click=move |_| study.take_gallery()
                >
                    {move || format!("The gallery's {}", gallery())}
                </button>
                <label class:on=own class:disabled=busy>
                    {move || if own() { format!("Your {}", count()) } else { "Your own…".to_owned() }}
                    <input
                        type="file"
                        accept="image/*"
                        multiple=true
                        disabled=busy
                        data-testid="train-files"
                        on:change=chosen
                    />
                </label>
            </div>
            <Choice name="latents" id="train-latents" options=&[128, 256, 512, 1024, 2048] of=|it| it.latents
                set=|it, value| { it.latents = value; it.k = it.k.min(value); } busy=Signal::derive(busy)/>
            <Choice name="at a time" id="train-k" options=&[4, 8, 16, 32] of=|it| it.k
                set=|it, value| it.k = value busy=Signal::derive(busy)/>
            <Choice name="steps" id="train-steps" options=&[200, 500, 1000, 2000, 5000] of=|it| it.steps
                set=|it, value| it.steps = value busy=Signal::derive(busy)/>
        </div>
    }
}

/// One of a few numbers of the recipe.
#[component]
fn Choice(
    /// What is counted.
    name: &'static str,
    /// For tests.
    id: &'static str,
    /// Which numbers.
    options: &'static [usize],
    /// The one in the recipe.
    of: fn(&Recipe) -> usize,
    /// Changes it.
    set: fn(&mut Recipe, usize),
    /// Whether it cannot be changed now.
    busy: Signal<bool>,
) -> impl IntoView {
    let study = Study::here();
    let now = move || study.recipe.with(of);
    let change = move |event: leptos::ev::Event| {
        let chosen = event_target::<HtmlSelectElement>(&event).value().parse();
        if let Ok(chosen) = chosen {
            study.recipe.update(|recipe| set(recipe, chosen));
        }
    };
    let option = move |number: usize| {
        view! {
            <option value=number.to_string() selected=move || now() == number>
                {number}
            </option>
        }
    };
    view! {
        <label class="pick">
            <select data-testid=id disabled=busy prop:value=move || now().to_string() on:change=change>
                {options.iter().copied().map(option).collect_view()}
            </select>
            {name}
        </label>
    }
}

/// Begin, pause, save; how far, and how good.
#[component]
fn Run() -> impl IntoView {
    let page = Page::here();
    let study = Study::here();
    let phase = move || study.phase.get();
    let name = move || match phase() {
        Phase::Idle => "Train",
        Phase::Finished => "Train again",
        Phase::Learning => "Pause",
        Phase::Paused => "Continue",
        Phase::Opening { .. } | Phase::Gathering { .. } => "Stop",
    };
    let icon = Signal::derive(move || match phase() {
        Phase::Idle | Phase::Finished | Phase::Paused => outline::PLAY,
        Phase::Learning => outline::PAUSE,
        Phase::Opening { .. } | Phase::Gathering { .. } => outline::CLOSE,
    });
    let ready = Memo::new(move |_| {
        page.session.model.with(Option::is_some) && study.pictures.get().count(page) != 0
    });
    let play = move |_| study.play(page);
    let save = move |_| {
        let Some(archive) = study.archive.get_untracked() else { return };
        let latents = study.learned.with_untracked(|it| it.as_ref().map_or(0, |it| it.latents));
        let (_, layer) = study.found_in.get_untracked();
        let model = untrack(|| page.model_name());
        let name = format!("{model}-{}-{latents}.zip", layer.replace('/', "-"));
        browser::download(&name, &archive, "application/zip");
    };
    let open = move |event: leptos::ev::Event| {
        let input = event_target::<HtmlInputElement>(&event);
        if let Some(file) = input.files().and_then(|files| files.get(0)) {
            study.recall(page, file);
        }
        input.set_value("");
    };
    let far = move || match phase() {
        Phase::Idle if ready.get() => match study.pictures.get() {
            Pictures::Gallery => "About a minute on one processor thread.".to_owned(),
            Pictures::Own(_) => String::new(),
        },
        Phase::Idle => {
            page.session.downloaded().unwrap_or_else(|| "waits for the network".to_owned())
        }
        Phase::Learning => match (study.learned.get(), study.seconds_left()) {
            (Some(learned), Some(left)) => format!(
                "step {} of {} · {} · {} left",
                learned.step,
                learned.steps,
                rate(learned.rate),
                duration(left)
            ),
            _ => phase().words(),
        },
        Phase::Paused => {
            let step = |it: &Learned| format!("paused at step {} of {}", it.step, it.steps);
            study.learned.with(|it| it.as_ref().map(step)).unwrap_or_default()
        }
        Phase::Finished => study.learned.with(|learned| {
            let learned = learned.as_ref().map_or(0, |learned| learned.latents);
            let (pictures, layer) = study.found_in.get();
            format!("{learned} latents of {layer}, from {} pictures", pictures.count(page))
        }),
        other => other.words(),
    };
    let share = move || match phase() {
        Phase::Opening { done, count } | Phase::Gathering { done, count } => {
            done as f64 / count.max(1) as f64
        }
        _ => study
            .learned
            .with(|it| it.as_ref().map_or(0.0, |it| it.step as f64 / it.steps.max(1) as f64)),
    };
    let unusable = move || !ready.get() && !phase().is_busy();
    view! {
        <div class="run">
            <button class="button prime" data-testid="train-play" disabled=unusable on:click=play>
                <Icon of=icon/>
                {name}
            </button>
            <Show when=move || phase() == Phase::Paused>
                <button class="button" data-testid="train-stop" on:click=move |_| study.stop()>
                    "End here"
                </button>
            </Show>
            <p class="far" data-testid="train-far">
                {far}
                <Show when=move || phase().is_busy()>
                    <i class="progress" prop:style=move || format!("--share:{:.1}%", 100.0 * share())></i>
                </Show>
            </p>
            <div class="ways">
                <button class="button narrow" on:click=move |_| page.over.sheet.set(true)>
                    <Icon of=outline::SETTINGS/>
                    "Layers"
                </button>
                <button
                    class="button"
                    data-testid="train-save"
                    disabled=move || study.archive.with(Option::is_none)
                    title="cfg.json and sae_weights.safetensors in a .zip, as pellucid and SAELens read them; to save earlier, pause"
                    on:click=save
                >
                    <Icon of=outline::SAVE/>
                    "Save"
                </button>
                <label class="button" class:disabled=move || phase().is_busy()>
                    <Icon of=outline::OPEN/>
                    "Open…"
                    <input
                        type="file"
                        accept=".zip"
                        data-testid="train-open"
                        disabled=move || unusable() || phase().is_busy()
                        on:change=open
                    />
                </label>
            </div>
        </div>
        <Show when=move || study.learned.with(Option::is_some)>
            <Measures/>
        </Show>
    }
}

/// How good it is, and how it became so.
#[component]
fn Measures() -> impl IntoView {
    let study = Study::here();
    let learned =
        move |of: fn(&Learned) -> String| study.learned.with(|learned| learned.as_ref().map(of));
    let drawn = Memo::new(move |_| {
        let steps = study.learned.with(|it| it.as_ref().map_or(0, |it| it.steps));
        study.unexplained.with(|shares| {
            let (_, highest) = score_curve::span(shares)?;
            score_curve::path(shares, steps, (0.0, highest))
        })
    });
    view! {
        <div class="measures">
            <dl>
                <div>
                    <dt>"explained"</dt>
                    <dd data-testid="train-explained">
                        {move || learned(|it| percent((1.0 - it.normalized_mse).max(0.0) as f32))}
                    </dd>
                </div>
                <div>
                    <dt>"latents at a time"</dt>
                    <dd>{move || learned(|it| format!("{} of {}", value(it.l0 as f32), it.latents))}</dd>
                </div>
                <div>
                    <dt>"silent"</dt>
                    <dd>
                        {move || learned(|it| match it.dead {
                            0 => "none".to_owned(),
                            dead => percent(dead as f32 / it.latents.max(1) as f32),
                        })}
                    </dd>
                </div>
            </dl>
            <Show when=move || drawn.with(Option::is_some)>
                <figure class="unexplained">
                    <svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="The share that is left unexplained, step by step">
                        <path class="line" d=move || drawn.get().map(|(line, ..)| line)></path>
                    </svg>
                    <figcaption>"left unexplained, step by step"</figcaption>
                </figure>
            </Show>
        </div>
    }
}

//! Start, pause, step; how far, how fast, how long still.

use leptos::prelude::*;

use crate::baked::baked_here;
use crate::components::device_chip::device_name;
use crate::components::icon::{Icon, outline};
use crate::components::score_curve::ScoreCurve;
use crate::estimate::{self, Warning};
use crate::numbers::{about, duration, rate};
use crate::page::Page;
use crate::verbs::dream::state::Status;

/// The row under the picture.
#[component]
pub fn Transport() -> impl IntoView {
    let page = Page::here();
    let going = Memo::new(move |_| page.status().is_going());
    let name = move || match page.status() {
        Status::Waiting | Status::Running => "Pause",
        Status::Paused => "Resume",
        Status::Finished => "Dream again",
        Status::Idle => "Start",
    };
    let icon = Signal::derive(move || if going.get() { outline::PAUSE } else { outline::PLAY });
    let id = move || if going.get() { "dream-pause" } else { "dream-start" };
    let blocked = move || page.mistake().is_some();
    let two = Memo::new(move |_| page.address.with(|address| !address.compare.is_empty()));
    view! {
        <div class="transport">
            <button
                class="play"
                data-testid=id
                aria-label=name
                title=move || format!("{} (Space)", name())
                disabled=blocked
                on:click=move |_| page.play()
            >
                <Icon of=icon/>
            </button>
            <button
                class="quiet step"
                data-testid="dream-step"
                aria-label="One step"
                title="One step (.)"
                disabled=blocked
                on:click=move |_| page.step()
            >
                <Icon of=outline::STEP/>
            </button>
            {move || {
                let count = if two.get() { 2 } else { 1 };
                view! { <ScoreCurve panes=page.panes[..count].to_vec()/> }
            }}
            <Numbers/>
        </div>
        <SlowWarning/>
    }
}

/// Steps, rate, remaining time.
#[component]
fn Numbers() -> impl IntoView {
    let page = Page::here();
    let steps = move || match page.panes[0].stepped.get() {
        Some(step) => format!("{} of {}", step.step, step.steps),
        None => format!("0 of {}", page.making().steps),
    };
    let pace = move || match (page.status(), page.panes[0].stepped.get()) {
        (Status::Idle, None) if baked_here(page).is_some() => "an earlier dream".to_owned(),
        (Status::Idle, _) => String::new(),
        (Status::Waiting, _) if page.session.model.with(Option::is_none) => {
            page.session.downloaded().unwrap_or_else(|| "waits for the network".to_owned())
        }
        (Status::Waiting, _) => "begins".to_owned(),
        (Status::Paused, _) => "paused".to_owned(),
        (Status::Finished, _) => "finished".to_owned(),
        (Status::Running, Some(step)) if step.rate > 0.0 => {
            let left = step.steps.saturating_sub(step.step) as f64 / step.rate;
            format!("{} · {} left", rate(step.rate), duration(left))
        }
        (Status::Running, _) => String::new(),
    };
    view! {
        <p class="count">
            <span data-testid="step-count">{steps}</span>
            <span class="pace">{pace}</span>
        </p>
    }
}

/// Says before a slow dream starts how long it will take, and offers a smaller one.
#[component]
fn SlowWarning() -> impl IntoView {
    let page = Page::here();
    let warning = Memo::new(move |_| {
        if !matches!(page.status(), Status::Idle | Status::Finished) {
            return None;
        }
        let device = page.session.device.get()?;
        let cost = estimate::seconds_per_pixel(&device, page.session.seconds_per_pixel.get())?;
        let warning = estimate::warning(&page.making(), cost)?;
        Some((device_name(device.device), warning))
    });
    move || {
        warning.get().map(|(device, Warning { seconds, smaller })| {
            let offer = smaller.map(|(side, seconds)| {
                view! {
                    <button class="link" on:click=move |_| page.set("size", &side.to_string())>
                        {format!("Take {side} px: about {}", about(seconds))}
                    </button>
                }
            });
            view! {
                <p class="slow" role="status">
                    <span>{format!("{device}: about {}.", about(seconds))}</span>
                    {offer}
                </p>
            }
        })
    }
}

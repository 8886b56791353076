//! All latents of a dictionary at once: how often each fires against how strongly, or on a map by how
//! alike they are, shaded by what else is known of each. A rectangle drawn here chooses those below.

use std::sync::Arc;

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use shared::format::worth::{Latent, Measure, Worth};

use crate::latents::{self, Arrangement, Brush, Frame, Spot};
use crate::measures::{self, name, shown};
use crate::numbers::{percent, value};
use crate::page::Page;
use crate::unit::Unit;

/// How far from a dot a pointer may be, in pixels.
const REACH: f32 = 14.0;

/// Pixels by which a pointer that is pressed must move to draw a rectangle.
const DRAWS: f64 = 6.0;

/// The drawing, what a pointer is at, and how it is shaded and cut out.
#[component]
pub fn LatentScatter(
    /// The layer, by its canonical name.
    layer: String,
    /// What all latents have in common.
    worth: Worth,
    /// The latents.
    latents: Arc<Vec<Latent>>,
) -> impl IntoView {
    let page = Page::here();
    let Some(by_value) = Frame::around(&latents, Arrangement::Value) else {
        return ().into_any();
    };
    let arranged = {
        let worth = worth.clone();
        Memo::new(move |_| page.address.with(|address| address.arranged.of(&worth)))
    };
    let is_map = move || arranged.get() == Arrangement::Likeness;
    let frame = {
        let latents = latents.clone();
        Memo::new(move |_| Frame::around(&latents, arranged.get()).unwrap_or(by_value))
    };
    let node = NodeRef::<html::Div>::new();
    let shaded = move || page.address.with(|address| address.by);
    let measured = worth.measured.clone();
    // What it stands for anyway needs no shade.
    let usual = measured.iter().copied().rfind(|measure| !is_axis(*measure));
    let shade = Memo::new(move |_| shaded().or(usual).unwrap_or(Measure::Frequency));
    let drawings = {
        let latents = latents.clone();
        Memo::new(move |_| {
            let shades = latents::shades(&latents, shade.get());
            latents::dots(&latents, &frame.get(), &shades)
        })
    };
    let pointed = RwSignal::new(None::<usize>);
    let pressed = RwSignal::new(None::<([f64; 2], Spot)>);
    let drawn = RwSignal::new(None::<Brush>);
    // Shares of the box, and its pixels.
    let at = move |event: &ev::PointerEvent| {
        let bounds = node.get_untracked()?.get_bounding_client_rect();
        let across = (f64::from(event.client_x()) - bounds.left()) / bounds.width();
        let down = (f64::from(event.client_y()) - bounds.top()) / bounds.height();
        Some(([across as f32, down as f32], [bounds.width() as f32, bounds.height() as f32]))
    };
    let pixels =
        |event: &ev::PointerEvent| [f64::from(event.client_x()), f64::from(event.client_y())];
    let moved = {
        let latents = latents.clone();
        move |event: ev::PointerEvent| {
            let Some((place, size)) = at(&event) else { return };
            let frame = frame.get_untracked();
            if let Some((from, spot)) = pressed.get_untracked() {
                let [x, y] = pixels(&event);
                if drawn.with_untracked(Option::is_some) || DRAWS < (x - from[0]).hypot(y - from[1])
                {
                    pointed.set(None);
                    drawn.set(Some(Brush::between(spot, frame.spot(place))));
                }
                return;
            }
            let near = frame.nearest(&latents, place, size, REACH);
            if pointed.get_untracked() != near {
                pointed.set(near);
            }
        }
    };
    let press = move |event: ev::PointerEvent| {
        let Some((place, _)) = at(&event).filter(|_| event.button() == 0) else { return };
        if let Some(node) = node.get_untracked() {
            // The pointer may leave the drawing while it draws.
            let _ = node.set_pointer_capture(event.pointer_id());
        }
        pressed.set(Some((pixels(&event), frame.get_untracked().spot(place))));
    };
    let release = {
        let (latents, layer) = (latents.clone(), layer.clone());
        move |event: ev::PointerEvent| {
            if pressed.get_untracked().is_none() {
                return;
            }
            pressed.set(None);
            if let Some(brush) = drawn.get_untracked() {
                drawn.set(None);
                // As the address keeps it.
                let brush = brush.to_string().parse().ok();
                page.go(|address| address.brush = brush);
                return;
            }
            let frame = frame.get_untracked();
            let near =
                at(&event).and_then(|(place, size)| frame.nearest(&latents, place, size, REACH));
            if let Some(channel) = near {
                page.show_unit(&Unit { layer: layer.clone(), channel });
            }
        }
    };
    let cancel = move |_| {
        pressed.set(None);
        drawn.set(None);
    };
    let brush = move || drawn.get().or_else(|| page.address.with(|address| address.brush));
    let rectangle = move || {
        let Brush { least, most } = brush()?;
        let frame = frame.get();
        let [[left, bottom], [right, top]] = [least, most].map(|spot| frame.share(spot));
        let [left, right, top, bottom] =
            [left, right, top, bottom].map(|share| 100.0 * share.clamp(0.0, 1.0));
        Some(format!(
            "left:{left:.2}%;top:{top:.2}%;width:{:.2}%;height:{:.2}%",
            right - left,
            bottom - top
        ))
    };
    let ring = {
        let latents = latents.clone();
        move || {
            let frame = frame.get();
            let [across, down] = frame.share(frame.arranged.spot(latents.get(pointed.get()?)?)?);
            Some(format!("left:{:.2}%;top:{:.2}%", 100.0 * across, 100.0 * down))
        }
    };
    let said = {
        let (latents, measured) = (latents.clone(), measured.clone());
        move || match pointed.get().and_then(|number| Some((number, latents.get(number)?))) {
            Some((number, latent)) => {
                let number = format!("{number}: ");
                let all = measured.iter().filter(|measure| **measure != Measure::Max);
                let all =
                    all.map(|measure| format!("{} {}", name(*measure), shown(latent, *measure)));
                number + &all.collect::<Vec<_>>().join(" · ")
            }
            None => "Each dot is a latent. Click one, or draw a rectangle to keep those inside."
                .to_owned(),
        }
    };
    let axes = move || {
        // A map's have no unit, and no meaning.
        (!is_map()).then(|| {
            let frame = frame.get();
            (ticks(frame.ticks(0), true), ticks(frame.ticks(1), false))
        })
    };
    let dead = latents.iter().filter(|latent| !latents::fires(latent)).count();
    let count = latents.len();
    let label = move || {
        let by = match arranged.get() {
            Arrangement::Value => "how often they fire and how strongly",
            Arrangement::Likeness => "how alike their directions are",
        };
        format!("{count} latents by {by}; {dead} never fire and are not drawn")
    };
    let arrange = move |of: Arrangement| {
        let on = move || arranged.get() == of;
        let (words, title) = match of {
            Arrangement::Value => ("By value", "By how often they fire and how strongly"),
            Arrangement::Likeness => ("By likeness", "Those whose directions are alike together"),
        };
        // A rectangle of one drawing is none of the other.
        let choose = move |_| {
            if !untrack(on) {
                page.go(|address| (address.arranged, address.brush) = (of, None));
            }
        };
        view! {
            <button
                class:on=on
                title=title
                data-testid=format!("latents-by-{}", of.key())
                aria-pressed=move || on().to_string()
                on:click=choose
            >
                {words}
            </button>
        }
    };
    let mapped = worth.mapped;
    let aside = move || {
        let shaded = format!(
            "The stronger the colour of a dot, the more: {}.",
            measures::words(shade.get())
        );
        match arranged.get() {
            Arrangement::Value => shaded,
            Arrangement::Likeness => format!(
                "Dots that are close have directions that are alike; sides and corners mean nothing. {shaded}"
            ),
        }
    };
    let option = move |measure: Measure| {
        view! {
            <option value=measures::key(measure) selected=move || shaded() == Some(measure)>
                {name(measure)}
            </option>
        }
    };
    let sort = move |event| {
        let by = measures::measure(&event_target_value(&event));
        page.go(|address| address.by = by);
    };
    let is_cut = move || page.address.with(|address| address.brush.is_some());
    let paths = move || {
        let path = |(shade, drawing): (usize, String)| {
            view! { <path class=format!("shade-{shade}") d=drawing></path> }
        };
        drawings.get().into_iter().enumerate().map(path).collect_view()
    };
    view! {
        <section class="latents" class:mapped=mapped class:map=is_map data-testid="latent-scatter">
            <p class="facts">{facts(&worth, dead)}</p>
            {mapped.then(|| view! {
                <div class="segments" role="group" aria-label="Arrange latents">
                    {Arrangement::ALL.map(arrange)}
                </div>
            })}
            <div class="plane">
                <span class="up">"how strongly"</span>
                <div
                    class="dots"
                    role="img"
                    aria-label=label
                    node_ref=node
                    on:pointermove=moved
                    on:pointerdown=press
                    on:pointerup=release
                    on:pointercancel=cancel
                    on:pointerleave=move |_| pointed.set(None)
                >
                    <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">{paths}</svg>
                    {move || rectangle().map(|style| view! { <i class="brush" prop:style=style></i> })}
                    {move || ring().map(|style| view! { <i class="ring" prop:style=style></i> })}
                    {axes}
                </div>
                <span class="across">"how often it fires"</span>
            </div>
            <p class="said" data-testid="latent-said">{said}</p>
            <div class="ways">
                <label>
                    "Shade and sort by "
                    <select data-testid="latent-by" on:change=sort>
                        <option value="" selected=move || shaded().is_none()>"number"</option>
                        {measured.into_iter().map(option).collect_view()}
                    </select>
                </label>
                <Show when=is_cut>
                    <button class="button" data-testid="latent-all" on:click=move |_| page.go(|address| address.brush = None)>
                        "Show all again"
                    </button>
                </Show>
            </div>
            <p class="aside">{aside}</p>
        </section>
    }
    .into_any()
}

fn is_axis(measure: Measure) -> bool {
    matches!(measure, Measure::Frequency | Measure::Mean | Measure::Max)
}

/// What the whole dictionary is worth, in a sentence.
fn facts(worth: &Worth, dead: usize) -> String {
    let Worth { normalized_mse, l0, units, .. } = worth;
    let never = match dead {
        0 => String::new(),
        dead => format!(" {dead} of them never fire."),
    };
    format!(
        "{units} latents, {} at a place, which together explain {} of the variance of this layer.{never}",
        value(*l0),
        percent(1.0 - normalized_mse)
    )
}

/// Decades on an axis.
fn ticks(ticks: Vec<(f32, f32)>, across: bool) -> impl IntoView {
    let tick = move |(place, (number, share)): (usize, (f32, f32))| {
        let style = match across {
            true => format!("left:{:.2}%", 100.0 * share),
            false => format!("top:{:.2}%", 100.0 * share),
        };
        let text = match across {
            true => decade(number),
            false => value(number),
        };
        // Every other gives way where there is little room.
        let spare = across && place % 2 == 1;
        view! { <span class="tick" class:over=across class:spare=spare aria-hidden="true" prop:style=style>{text}</span> }
    };
    ticks.into_iter().enumerate().map(tick).collect_view()
}

/// A share of activations: "1 %", "1 in 1,000".
fn decade(share: f32) -> String {
    match share {
        share if 0.009 < share => format!("{:.0} %", 100.0 * share),
        share => format!("1 in {}", thousands((1.0 / share).round() as u64)),
    }
}

/// With commas: "100,000".
fn thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        number => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_said_as_people_say_them() {
        let said: Vec<String> = [0.1, 0.01, 0.001, 1e-5].map(decade).into();
        assert_eq!(said, ["10 %", "1 %", "1 in 1,000", "1 in 100,000"]);
    }
}

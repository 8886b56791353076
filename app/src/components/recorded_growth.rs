//! A growth that was recorded beforehand, picture after picture, and named so.

use leptos::html;
use leptos::prelude::*;

use crate::halls::Recorded;
use crate::page::Page;

/// Lies over the picture of the unit on view while its recorded growth is played.
#[component]
pub fn RecordedGrowth() -> impl IntoView {
    let page = Page::here();
    let replayed = Memo::new(move |_| page.replayed());
    move || replayed.get().map(|recorded| view! { <Film recorded/> })
}

#[component]
fn Film(
    /// What is played.
    recorded: Recorded,
) -> impl IntoView {
    let page = Page::here();
    let replay = page.player();
    let Recorded { strip, finished, steps } = recorded;
    let last = steps.len() - 1;
    // Each picture lies over those before it and fades in.
    let shown = move |place: usize| move || place <= replay.place();
    let on_the_way = {
        let strip = strip.clone();
        move |place: usize| {
            view! {
                <span
                    class="frame"
                    class:shown=shown(place)
                    style:background-image=format!("url({strip})")
                    style:background-size=format!("{}% 100%", 100 * last)
                    style:background-position=format!("{}% 0", part(place, last))
                ></span>
            }
        }
    };
    let said = {
        let steps = steps.clone();
        move || {
            let step = steps.get(replay.place()).copied().unwrap_or_default();
            format!("Recorded beforehand · step {step} of {}", steps[last])
        }
    };
    let step = move || steps.get(replay.place()).copied();
    // It may have come from the cache before anybody listened.
    let sheet = NodeRef::<html::Img>::new();
    Effect::new(move |_| {
        if sheet.get().is_some_and(|sheet| sheet.complete() && 0 < sheet.natural_width()) {
            replay.arrived();
        }
    });
    view! {
        <div class="recorded" data-testid="recorded" data-step=step>
            <img
                node_ref=sheet
                src=strip
                alt=""
                hidden
                on:load=move |_| replay.arrived()
                on:error=move |_| replay.fail()
            />
            {(0..last).map(on_the_way).collect_view()}
            <img class="frame" class:shown=shown(last) src=finished alt=""/>
            <p>{said}</p>
        </div>
    }
}

/// How far to the right a background is that shows the picture at a place of `count` side by side,
/// in per cent.
fn part(place: usize, count: usize) -> f64 {
    100.0 * place as f64 / count.saturating_sub(1).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn the_first_picture_is_at_the_left_edge_and_the_last_at_the_right() {
        assert_eq!([part(0, 8), part(7, 8)], [0.0, 100.0]);
        assert_eq!(part(0, 1), 0.0);
    }
}

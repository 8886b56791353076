//! The picture as it climbs.

use leptos::html;
use leptos::prelude::*;

use crate::baked::Baked;
use crate::browser;
use crate::components::baked_picture::BakedPicture;
use crate::components::recorded_growth::RecordedGrowth;
use crate::numbers;
use crate::verbs::dream::state::{Pane, Status};

/// Pictures with sides under this many pixels are shown as the squares they are made of.
const TINY: usize = 48;

/// A canvas with the newest picture of a pane. Until there is one, the baked picture.
#[component]
pub fn DreamCanvas(
    /// Whose.
    pane: Pane,
    /// What it shows, for screen readers.
    #[prop(into)]
    title: Signal<String>,
    /// A picture made beforehand, if there is one.
    #[prop(into)]
    baked: Signal<Option<Baked>>,
    /// Whether the recorded growth of the unit on view is played here.
    #[prop(optional)]
    replays: bool,
) -> impl IntoView {
    let node = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let (Some(canvas), Some(frame)) = (node.get(), pane.frame.get()) else { return };
        let size = frame.stepped.picture;
        // A canvas without a context cannot be helped here; the numbers beside it still move.
        let _ = browser::draw(&canvas, &frame.rgba, size.width, size.height);
    });
    let empty = move || pane.frame.with(Option::is_none);
    let tiny = move || {
        pane.frame.with(|frame| {
            frame.as_ref().is_some_and(|frame| {
                let size = frame.stepped.picture;
                size.width.min(size.height) < TINY
            })
        })
    };
    let step = move || pane.stepped.with(|step| step.as_ref().map(|step| step.step));
    let loss = move || pane.stepped.with(|step| step.as_ref().map(|step| step.loss));
    let label = move || match pane.stepped.get() {
        Some(step) => format!(
            "Dream of {}, step {} of {}, activation {}",
            title.get(),
            step.step,
            step.steps,
            numbers::value(-step.loss)
        ),
        None => format!("Dream of {}, not begun", title.get()),
    };
    let shown = Signal::derive(move || if empty() { baked.get() } else { None });
    let earlier = Signal::derive(move || format!("An earlier dream of {}", title.get()));
    let waiting = move || empty() && pane.status.get() == Status::Waiting;
    view! {
        <div class="picture" class:empty=empty class:waiting=waiting>
            <canvas
                node_ref=node
                role="img"
                aria-label=label
                width="128"
                height="128"
                data-testid="dream-canvas"
                data-step=step
                data-loss=loss
                class:tiny=tiny
            ></canvas>
            <BakedPicture of=shown label=earlier/>
            {replays.then(|| view! { <RecordedGrowth/> })}
        </div>
    }
}

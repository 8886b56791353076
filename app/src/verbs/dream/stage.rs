//! Dream: a picture that excites a unit, made live.

use leptos::prelude::*;
use shared::classes::short_label;

use crate::baked::baked_here;
use crate::components::actions::Actions;
use crate::components::compare_box::labels;
use crate::components::dream_canvas::DreamCanvas;
use crate::components::failure::FailureNote;
use crate::components::far_line::FarLine;
use crate::components::mistake_note::MistakeNote;
use crate::components::transport::Transport;
use crate::components::unit_title::UnitTitle;
use crate::components::unlived::Unlived;
use crate::numbers::value;
use crate::page::Page;
use crate::protocol::{FailureKind, Stepped};
use crate::unit::Unit;
use crate::verbs::dream::state::Pane;

/// What is dreamed, for people: `mixed4a : 11`, or a class by its name.
///
/// `labels` are the classes' names, where the unit is a class.
pub fn title(objective: &str, unit: Option<&Unit>, labels: Option<&[String]>) -> String {
    let Some(Unit { layer, channel }) = unit else { return objective.to_owned() };
    match labels.map(|labels| labels.get(*channel)) {
        Some(Some(label)) => short_label(label).to_owned(),
        Some(None) => format!("class {channel}"),
        None => format!("{layer} : {channel}"),
    }
}

/// The title of what is on view, reactive.
pub fn title_here(page: Page) -> String {
    let unit = page.unit();
    let labels = unit.as_ref().and_then(|unit| page.labels_of(&unit.layer));
    title(page.objective().text(), unit.as_ref(), labels.as_deref().map(Vec::as_slice))
}

/// The stage: pictures, title, transport.
#[component]
pub fn DreamView() -> impl IntoView {
    let page = Page::here();
    let title = Memo::new(move |_| title_here(page));
    let two = Memo::new(move |_| page.address.with(|address| !address.compare.is_empty()));
    let wrong = Memo::new(move |_| page.mistake());
    view! {
        <div class="stage" class:two=move || two.get()>
            <div id="pictures" class="pictures">
                <Sides title=title.into()/>
                <FarLine title=title.into()/>
            </div>
            <div class="under">
                <UnitTitle title=title.into()/>
                <Terms pane=page.panes[0]/>
            </div>
            <div class="astray">
                <MistakeNote wrong choose=move |objective: String| page.go(|address| address.objective = objective.into())/>
            </div>
            <Show when=move || page.lives.get() == Some(false) fallback=|| view! { <Transport/> }>
                <Unlived what="Dreaming it"/>
            </Show>
            {page.panes.map(|pane| view! { <PaneFailure pane/> })}
            <Actions/>
        </div>
    }
}

/// The picture, or the two that are compared.
#[component]
pub fn Sides(
    /// What is dreamed.
    title: Signal<String>,
) -> impl IntoView {
    let page = Page::here();
    let two = Memo::new(move |_| page.address.with(|address| !address.compare.is_empty()));
    move || {
        let count = if two.get() { 2 } else { 1 };
        (0..count).map(|index| view! { <Side index title/> }).collect_view()
    }
}

/// One of the pictures, labelled where there are two.
#[component]
fn Side(
    /// 0 or 1.
    index: usize,
    /// What is dreamed.
    title: Signal<String>,
) -> impl IntoView {
    let page = Page::here();
    let label = move || {
        let suited = page.suited();
        let second = page.address.with(|address| address.compared(suited))?;
        let (left, right) = labels(&page.making(), &second);
        Some(if index == 0 { left } else { right })
    };
    // The baked picture was made with the default settings, so it stands for the first pane only.
    let baked = Signal::derive(move || if index == 0 { baked_here(page) } else { None });
    view! {
        <figure>
            <DreamCanvas pane=page.panes[index] title baked replays={index == 0}/>
            {move || label().map(|label| view! { <figcaption>{label}</figcaption> })}
        </figure>
    }
}

/// How strongly the terms of a sum answer to the picture; the sum stands at its curve.
#[component]
fn Terms(
    /// Whose.
    pane: Pane,
) -> impl IntoView {
    let sum = move || pane.stepped.get().filter(Stepped::is_sum);
    view! {
        <p class="activation">
            {move || {
                sum()
                    .map(|step| step.terms)
                    .unwrap_or_default()
                    .into_iter()
                    .take(3)
                    .map(|(name, activation)| {
                        view! {
                            <span>{name}" "<b>{value(activation)}</b></span>
                        }
                    })
                    .collect_view()
            }}
        </p>
    }
}

/// Why a dream ended early, with the way out.
#[component]
pub fn PaneFailure(
    /// Whose.
    pane: Pane,
) -> impl IntoView {
    let page = Page::here();
    let smaller = move |_| {
        let side = untrack(|| page.making()).settings.width / 2;
        page.set("size", &side.max(64).to_string());
        page.start(false);
    };
    let again = move |_| page.start(false);
    move || {
        pane.failure.get().map(|failure| {
            let kind = failure.kind;
            view! {
                <FailureNote failure>
                    {match kind {
                        FailureKind::OutOfMemory => {
                            view! { <button class="button" on:click=smaller>"Half the size"</button> }
                                .into_any()
                        }
                        FailureKind::Input => ().into_any(),
                        _ => {
                            view! { <button class="button" on:click=again>"Try again"</button> }
                                .into_any()
                        }
                    }}
                </FailureNote>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_titled_by_its_first_name() {
        let labels = ["tench, Tinca tinca".to_owned()];
        let labels = Some(labels.as_slice());
        let unit = |layer: &str, channel| Unit { layer: layer.to_owned(), channel };
        assert_eq!(title("logits:0", Some(&unit("logits", 0)), labels), "tench");
        assert_eq!(title("logits:7", Some(&unit("logits", 7)), labels), "class 7");
        assert_eq!(title("mixed4a:11", Some(&unit("mixed4a", 11)), None), "mixed4a : 11");
        assert_eq!(title("mixed4a - 0.1*tv", None, None), "mixed4a - 0.1*tv");
    }
}

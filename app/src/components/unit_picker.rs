//! Which channel of the layer: by number, by slider or, for classes, by name.

use leptos::prelude::*;
use shared::classes;
use shared::visualize::objective::Typed;

use crate::page::Page;
use crate::unit::Unit;

/// Classes offered at most.
const OFFERED: usize = 8;

/// Number and slider; a search for classes.
#[component]
pub fn UnitPicker() -> impl IntoView {
    let page = Page::here();
    let unit = Memo::new(move |_| page.unit());
    let channels = Memo::new(move |_| unit.get().map_or(0, |unit| page.channels(&unit.layer)));
    let last = move || channels.get().saturating_sub(1);
    let at = move |text: &str| {
        let unit = unit.get_untracked()?;
        let channel = text.parse::<usize>().ok()?.min(untrack(last));
        Some(Typed::from(Unit { channel, ..unit }.objective()))
    };
    // Back returns to where a drag began, not to every place on its way.
    let dragging = StoredValue::new(false);
    let slide = move |event| {
        let Some(objective) = at(&event_target_value(&event)) else { return };
        if dragging.get_value() {
            page.slide(|address| address.objective = objective);
        } else {
            page.go(|address| address.objective = objective);
        }
        dragging.set_value(true);
    };
    let choose = move |event| {
        if let Some(objective) = at(&event_target_value(&event)) {
            page.go(|address| address.objective = objective);
        }
    };
    let channel = move || unit.get().map_or(0, |unit| unit.channel).to_string();
    let share = move || {
        let channel = unit.get().map_or(0, |unit| unit.channel);
        format!("--share:{:.1}%", 100.0 * channel as f64 / last().max(1) as f64)
    };
    let is_class = move || unit.get().is_some_and(|unit| page.is_classes(&unit.layer));
    view! {
        <Show when=move || channels.get() != 0>
            <section class="unit">
                <h2>
                    <label for="unit">{move || if is_class() { "Class" } else { "Channel" }}</label>
                    <span>"0 to "{last}</span>
                </h2>
                <div class="pick">
                    <input
                        id="unit"
                        type="number"
                        min="0"
                        max=last
                        data-testid="unit-input"
                        prop:value=channel
                        on:change=choose
                    />
                    <input
                        type="range"
                        min="0"
                        max=last
                        aria-label="Channel"
                        prop:style=share
                        prop:value=channel
                        on:input=slide
                        on:change=move |_| dragging.set_value(false)
                    />
                </div>
                <Show when=is_class>
                    <ClassSearch/>
                </Show>
            </section>
        </Show>
    }
}

/// Classes by any of their names.
#[component]
fn ClassSearch() -> impl IntoView {
    let page = Page::here();
    let (typed, set_typed) = signal(String::new());
    let found = move || {
        let wanted = typed.get();
        if wanted.trim().is_empty() {
            return Vec::new();
        }
        page.labels.with(|labels| {
            classes::search(&wanted, labels)
                .into_iter()
                .take(OFFERED)
                .map(|class| (class, classes::title(class, labels), labels[class].clone()))
                .collect::<Vec<_>>()
        })
    };
    let choose = move |class: usize| {
        set_typed.set(String::new());
        if let Some(unit) = untrack(|| page.class(class)) {
            page.go(|address| address.objective = unit.objective().into());
        }
    };
    view! {
        <input
            class="filter"
            type="search"
            aria-label="Search classes"
            data-testid="class-search"
            placeholder="Search classes: goldfish, volcano …"
            prop:value=move || typed.get()
            on:input=move |event| set_typed.set(event_target_value(&event))
        />
        <Show when=move || !typed.with(|typed| typed.trim().is_empty()) && found().is_empty()>
            <p class="aside">"No class is called that."</p>
        </Show>
        <ul class="layers" data-testid="class-found">
            {move || {
                found()
                    .into_iter()
                    .map(|(class, name, label)| {
                        view! {
                            <li>
                                <button class="layer plain" title=label on:click=move |_| choose(class)>
                                    <span>{name}</span>
                                    <span class="count">{class}</span>
                                </button>
                            </li>
                        }
                    })
                    .collect_view()
            }}
        </ul>
    }
}

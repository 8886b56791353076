//! The objective, as typed; a mistake is marked under its column.

use leptos::prelude::*;
use shared::visualize::objective::Typed;

use crate::components::hint::Hint;
use crate::components::mistake_note::MistakeNote;
use crate::page::Page;

/// The box an objective is typed into. Enter dreams it.
#[component]
pub fn ObjectiveBox() -> impl IntoView {
    let page = Page::here();
    let (typed, set_typed) =
        signal(page.address.with_untracked(|address| address.objective.to_string()));
    // The box follows the address, so that Back and the arrow keys show here too.
    Effect::new(move |_| set_typed.set(page.objective().to_string()));
    let read = Memo::new(move |_| typed.with(|typed| Typed::new(typed)));
    let wrong = Memo::new(move |_| {
        let typed = read.get();
        if typed.is_empty() { None } else { page.mistake_in(&typed) }
    });
    // Examples are of the network that is open.
    let layer = Memo::new(move |_| page.layer());
    let commit = move || {
        let typed = read.get_untracked();
        if typed.is_empty() || wrong.get_untracked().is_some() {
            return false;
        }
        page.go(|address| address.objective = typed);
        true
    };
    let enter = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if commit() {
            let objective = page.address.with_untracked(|address| address.objective.clone());
            page.dream(objective);
        }
    };
    let marker = move || {
        let column = wrong.get()?.column?;
        let before =
            typed.with(|typed| typed.chars().take_while(|one| one.is_whitespace()).count());
        Some(format!("{}^", " ".repeat((before + column).saturating_sub(1))))
    };
    view! {
        <section>
            <h2>
                <label for="objective">"Objective"</label>
                <span>"larger is better"</span>
            </h2>
            <form class="objective" on:submit=enter>
                <input
                    id="objective"
                    class="mono"
                    type="text"
                    data-testid="objective-input"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    placeholder=move || format!("{}:11", layer.get())
                    aria-invalid=move || wrong.with(Option::is_some).to_string()
                    aria-describedby="objective-mistake"
                    prop:value=move || typed.get()
                    on:input=move |event| set_typed.set(event_target_value(&event))
                    on:change=move |_| {
                        commit();
                    }
                />
                <pre class="marker" aria-hidden="true">{marker}</pre>
            </form>
            <MistakeNote
                id="objective-mistake"
                wrong
                choose=move |objective: String| {
                    // The box shows it even where it is what the address says already.
                    set_typed.set(objective.clone());
                    page.dream(objective);
                }
            />
            <Hint key="objective">
                "A "<b>"channel"</b>" is one of a layer's feature detectors: "
                <code>{move || format!("{}:11", layer.get())}</code>". Add and subtract them: "
                <code>{move || format!("{0}:11 - 0.5*{0}:3", layer.get())}</code>". A class is a channel of "
                <code>"logits"</code>"."
            </Hint>
        </section>
    }
}

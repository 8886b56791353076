//! What a chip opens below itself; Escape and a click beside it close it.

use leptos::ev;
use leptos::prelude::*;

use crate::page::Page;

/// Shown while `open` is true.
#[component]
pub fn Popover(
    /// Whether it is shown.
    open: RwSignal<bool>,
    /// Its name for screen readers.
    label: &'static str,
    /// What is in it; made anew each time it opens.
    children: ChildrenFn,
) -> impl IntoView {
    Page::here().over.add(open);
    let handle = window_event_listener(ev::keydown, move |event| {
        if open.get_untracked() && event.key() == "Escape" {
            open.set(false);
        }
    });
    on_cleanup(move || handle.remove());
    let children = StoredValue::new(children);
    view! {
        <Show when=move || open.get()>
            <button class="scrim" tabindex="-1" aria-label="Close" on:click=move |_| open.set(false)></button>
            <div class="popover" role="dialog" aria-label=label>
                {children.with_value(|children| children())}
            </div>
        </Show>
    }
}

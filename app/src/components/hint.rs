//! A field's term explained on first meeting, until it is dismissed for good.

use leptos::prelude::*;

use crate::browser;
use crate::components::icon::{Icon, outline};

/// A short explanation.
#[component]
pub fn Hint(
    /// Under which it is remembered as read.
    key: &'static str,
    /// The explanation.
    children: ChildrenFn,
) -> impl IntoView {
    let remembered = format!("hint.{key}");
    let (shown, set_shown) = signal(browser::remembered(&remembered).is_none());
    let dismiss = StoredValue::new(move || {
        browser::remember(&remembered, "read");
        set_shown.set(false);
    });
    view! {
        <Show when=move || shown.get()>
            <p class="hint">
                <span>{children()}</span>
                <button
                    class="quiet"
                    aria-label="Do not show this hint again"
                    on:click=move |_| dismiss.with_value(|dismiss| dismiss())
                >
                    <Icon of=outline::CLOSE/>
                </button>
            </p>
        </Show>
    }
}

//! Something said in passing: shown for a moment, read out once.

use std::time::Duration;

use leptos::prelude::*;

use crate::page::Page;

/// How long it stays, and how much longer for each letter beyond so many.
const STAY: Duration = Duration::from_secs(4);
const LETTER: Duration = Duration::from_millis(60);
const SHORT: u32 = 60;

/// The line at the foot of the page.
#[component]
pub fn Notice() -> impl IntoView {
    let notice = Page::here().notice;
    let said = StoredValue::new(0_u32);
    Effect::new(move |_| {
        if notice.with(String::is_empty) {
            return;
        }
        said.update_value(|said| *said += 1);
        let turn = said.get_value();
        let letters = notice.with_untracked(|text| text.chars().count()) as u32;
        set_timeout(
            move || {
                if said.get_value() == turn {
                    notice.set(String::new());
                }
            },
            STAY + LETTER * letters.saturating_sub(SHORT),
        );
    });
    view! {
        <p class="notice" role="status" class:shown=move || notice.with(|text| !text.is_empty())>
            <span>{move || notice.get()}</span>
        </p>
    }
}

//! Something said in passing: shown for a moment, read out once.

use std::time::Duration;

use leptos::prelude::*;

use crate::page::Page;

/// How long it stays.
const STAY: Duration = Duration::from_secs(4);

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
        set_timeout(
            move || {
                if said.get_value() == turn {
                    notice.set(String::new());
                }
            },
            STAY,
        );
    });
    view! {
        <p class="notice" role="status" class:shown=move || notice.with(|text| !text.is_empty())>
            {move || notice.get()}
        </p>
    }
}

//! Past the head and the rail, for whoever goes by keyboard.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The first thing that Tab finds; unseen until then.
#[component]
pub fn SkipLink() -> impl IntoView {
    // Its address would take the place of a unit's.
    let skip = |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        let stage = document().get_element_by_id("stage");
        if let Some(stage) = stage.and_then(|stage| stage.dyn_into::<HtmlElement>().ok()) {
            // The stage can always be focused.
            let _ = stage.focus();
        }
    };
    view! { <a class="skip" href="#stage" data-testid="skip" on:click=skip>"Skip to what is on view"</a> }
}

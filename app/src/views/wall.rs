//! The wall: what units look for, baked beforehand. The first thing anyone sees.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::page::Page;
use crate::site;

/// The units that have a baked picture, in the order of the wall.
///
/// The page as served already shows them, before any of this code runs: `index.html` is the list.
pub fn baked_units() -> Vec<String> {
    let Ok(links) = document().query_selector_all("#first [data-unit]") else { return Vec::new() };
    (0..links.length())
        .filter_map(|index| links.get(index))
        .filter_map(|node| node.dyn_into::<web_sys::Element>().ok()?.get_attribute("data-unit"))
        .collect()
}

/// The address of a unit's baked picture: `dreams/mixed4a_11.jpg`.
pub fn baked_picture(unit: &str) -> String {
    site::address(&format!("dreams/{}.jpg", unit.replace(':', "_")))
}

/// The wall of baked dreams.
#[component]
pub fn WallView() -> impl IntoView {
    let page = Page::here();
    let units = page.baked.get_value();
    let picture = move |unit: String| {
        let title = unit.replace(':', " : ");
        let number = unit.rsplit(':').next().unwrap_or_default().to_owned();
        let href = format!("?objective={unit}&autostart=1");
        let alt = format!("What {title} looks for");
        let objective = unit.clone();
        let open = move |event: leptos::ev::MouseEvent| {
            if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
                event.prevent_default();
                page.dream(objective.clone());
            }
        };
        view! {
            <a class="hung" href=href data-unit=unit.clone() on:click=open>
                <img src=baked_picture(&unit) alt=alt width="128" height="128"/>
                <span class="caption">
                    <b>{title}</b>
                    <i>{number}</i>
                    <em>"Watch it grow"</em>
                </span>
            </a>
        }
    };
    view! {
        <div class="hall">
            <h1>"What a neural network sees, dreamed live in your browser."</h1>
            <p class="lead">
                "Each picture is what one unit of GoogLeNet looks for. Click one and watch it grow."
            </p>
            <div class="wall">{units.into_iter().map(picture).collect_view()}</div>
        </div>
    }
}

//! Which layer is taken apart: beside the stage.

use leptos::prelude::*;

use super::state::{Study, layer};
use crate::components::layer_list::LayerList;
use crate::page::Page;

/// The layers.
#[component]
pub fn TrainSections() -> impl IntoView {
    let page = Page::here();
    let study = Study::here();
    let selected = Signal::derive(move || layer(page));
    let choose = Callback::new(move |(layer, _): (String, Option<usize>)| {
        // What is learned is of the layer before.
        study.forget();
        page.go(|address| address.layer = layer);
    });
    view! { <LayerList selected choose/> }
}

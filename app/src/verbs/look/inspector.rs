//! What the network sees and where it is looked for: beside the stage.

use leptos::prelude::*;

use crate::components::class_bars::ClassBars;
use crate::components::layer_list::LayerList;
use crate::page::Page;

/// Classes and layer.
#[component]
pub fn LookSections() -> impl IntoView {
    let page = Page::here();
    let selected = Signal::derive(move || page.layer());
    let choose = Callback::new(move |(layer, _): (String, Option<usize>)| {
        page.go(|address| address.layer = layer);
    });
    view! {
        <ClassBars/>
        <LayerList selected choose/>
    }
}

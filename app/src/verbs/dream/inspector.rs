//! What is dreamed and how: beside the stage.

use leptos::prelude::*;

use crate::components::exemplar_thumbs::ExemplarThumbs;
use crate::components::layer_list::LayerList;
use crate::components::objective_box::ObjectiveBox;
use crate::components::settings_list::SettingsList;
use crate::components::unit_picker::UnitPicker;
use crate::page::Page;
use crate::unit::Unit;

/// Objective, unit, layer and settings.
#[component]
pub fn DreamSections() -> impl IntoView {
    let page = Page::here();
    let selected = Signal::derive(move || page.unit().map(|unit| unit.layer).unwrap_or_default());
    let choose = Callback::new(move |(layer, number): (String, Option<usize>)| {
        let before = untrack(|| page.unit()).map_or(0, |unit| unit.channel);
        let channel = number.unwrap_or(before);
        let channels = untrack(|| page.channels(&layer));
        let unit = Unit { layer, channel }.moved(0, channels);
        page.go(|address| address.objective = unit.objective().into());
    });
    view! {
        <ObjectiveBox/>
        <UnitPicker/>
        <ExemplarThumbs/>
        <LayerList selected choose/>
        <SettingsList/>
    }
}

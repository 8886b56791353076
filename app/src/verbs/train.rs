//! Train: a dictionary learns in this tab what a layer gives for pictures.

mod embed;
mod finds;
mod inspector;
pub mod pictures;
mod stage;
pub mod state;
mod wall;

use leptos::prelude::*;

use self::embed::EmbedTrain;
use self::inspector::TrainSections;
use self::stage::TrainView;
use crate::components::icon::outline;
use crate::verb::Verb;
use crate::view::View;

/// Train.
pub static TRAIN: Verb = Verb {
    view: View::TRAIN,
    name: "Train",
    test_id: "view-train",
    icon: outline::TRAIN,
    href: |_| "?view=train".to_owned(),
    jump: "Train a dictionary here",
    title: |_| "Train".to_owned(),
    stage: [|| view! { <TrainView/> }.into_any(), || view! { <TrainView/> }.into_any()],
    inspector: Some(|| view! { <TrainSections/> }.into_any()),
    slide: [|| view! { <EmbedTrain/> }.into_any(), || view! { <EmbedTrain/> }.into_any()],
};

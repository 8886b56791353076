//! Dream: a picture that excites a unit, made live.

pub mod embed;
mod going;
pub mod inspector;
pub mod present;
pub mod stage;
pub mod state;
pub mod wall;

use leptos::prelude::*;

use self::embed::EmbedDream;
use self::inspector::DreamSections;
use self::stage::{DreamView, title_here};
use self::wall::WallView;
use super::units::embed_wall::EmbedWall;
use crate::components::icon::outline;
use crate::verb::Verb;
use crate::view::View;

/// Dream.
pub static DREAM: Verb = Verb {
    view: View::DREAM,
    name: "Dream",
    test_id: "view-dream",
    icon: outline::DREAM,
    href: |_| "?".to_owned(),
    jump: "Dream a unit",
    title: |page| match page.objective().is_empty() {
        true => "what a neural network sees".to_owned(),
        false => title_here(page),
    },
    stage: [|| view! { <DreamView/> }.into_any(), || view! { <WallView/> }.into_any()],
    inspector: Some(|| view! { <DreamSections/> }.into_any()),
    slide: [|| view! { <EmbedDream/> }.into_any(), || view! { <EmbedWall/> }.into_any()],
};

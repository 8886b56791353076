//! Look: what the network sees in a picture.

pub mod embed;
pub mod gaze;
mod going;
pub mod inspector;
pub mod stage;
pub mod state;

use leptos::prelude::*;

use self::embed::EmbedLook;
use self::inspector::LookSections;
use self::stage::LookView;
use crate::components::icon::outline;
use crate::verb::Verb;
use crate::view::View;

/// Look.
pub static LOOK: Verb = Verb {
    view: View::LOOK,
    name: "Look",
    test_id: "view-look",
    icon: outline::LOOK,
    href: |_| "?view=look".to_owned(),
    jump: "Look at a picture",
    title: |_| "Look".to_owned(),
    stage: [|| view! { <LookView/> }.into_any(), || view! { <LookView/> }.into_any()],
    inspector: Some(|| view! { <LookSections/> }.into_any()),
    slide: [|| view! { <EmbedLook/> }.into_any(), || view! { <EmbedLook/> }.into_any()],
};

//! Exemplars: the pictures that excite a unit, and the units of a layer.

pub mod embed;
pub mod embed_wall;
mod going;
pub mod stage;
pub mod state;
pub mod wall;

use leptos::prelude::*;

use self::embed::EmbedUnit;
use self::embed_wall::EmbedWall;
use self::stage::UnitView;
use self::wall::ExemplarsView;
use super::dream::stage::title_here;
use crate::components::icon::outline;
use crate::verb::Verb;
use crate::view::View;

/// Exemplars. A unit's page has no inspector: it is one.
pub static UNITS: Verb = Verb {
    view: View::EXEMPLARS,
    name: "Exemplars",
    test_id: "view-exemplars",
    icon: outline::WALL,
    href: |page| format!("#/{}", page.session.library.first()),
    jump: "Exemplars of units",
    title: |page| match page.objective().is_empty() {
        true => format!("units of {}", page.layer()),
        false => title_here(page),
    },
    stage: [|| view! { <UnitView/> }.into_any(), || view! { <ExemplarsView/> }.into_any()],
    inspector: None,
    slide: [|| view! { <EmbedUnit/> }.into_any(), || view! { <EmbedWall/> }.into_any()],
};

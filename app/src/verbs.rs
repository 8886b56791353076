//! What can be done here: the one list. Rail, addresses, jump box, titles, stages, inspectors and
//! slides follow it.

pub mod dream;
pub mod look;
pub mod train;
pub mod units;

use leptos::prelude::With;

use crate::page::Page;
use crate::verb::Verb;
use crate::view::View;

/// In the order of the rail.
pub static VERBS: [&Verb; 4] = [&dream::DREAM, &look::LOOK, &units::UNITS, &train::TRAIN];

/// How addresses name them.
pub fn views() -> Vec<View> {
    VERBS.iter().map(|verb| verb.view).collect()
}

/// The verb that an address names.
pub fn of(view: View) -> &'static Verb {
    VERBS.into_iter().find(|verb| verb.view == view).unwrap_or(VERBS[0])
}

/// The verb on view, and whether something of it is chosen. Reactive.
pub fn on_view(page: Page) -> (View, bool) {
    page.address.with(|address| (address.view, address.objective.is_empty()))
}

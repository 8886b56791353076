//! A verb, as all see it who know only that there are some.

use leptos::prelude::AnyView;

use crate::page::Page;
use crate::view::View;

/// Something that can be done here.
pub struct Verb {
    /// How addresses name it.
    pub view: View,
    /// On the rail.
    pub name: &'static str,
    /// There, for tests.
    pub test_id: &'static str,
    /// There, one of [`crate::components::icon::outline`].
    pub icon: &'static str,
    /// Its address as it begins. Reactive.
    pub href: fn(Page) -> String,
    /// In the jump box.
    pub jump: &'static str,
    /// The window's title. Reactive.
    pub title: fn(Page) -> String,
    /// The stage; the other one while nothing is chosen yet.
    pub stage: [fn() -> AnyView; 2],
    /// What stands beside the stage, unless that is a wall.
    pub inspector: Option<fn() -> AnyView>,
    /// The stage in a slide; the other one while nothing is chosen yet.
    pub slide: [fn() -> AnyView; 2],
}

//! How exemplars are shown, on every unit's page alike.

use leptos::prelude::*;

/// How an exemplar is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As it is.
    #[default]
    Picture,
    /// In grey, with colour where the unit answers.
    Heat,
    /// What the strongest place sees.
    Crop,
}

impl Mode {
    /// That of the page that the component is part of.
    pub fn here() -> RwSignal<Self> {
        expect_context()
    }
}

//! Ways to a dream, and to the wall of them.

use leptos::prelude::*;
use shared::visualize::objective::Typed;

use crate::page::Page;
use crate::view::View;

impl Page {
    /// Shows an objective and begins to dream it.
    pub fn dream(self, objective: impl Into<Typed>) {
        let objective = objective.into();
        if self.address.with_untracked(|address| address.objective != objective) {
            self.panes.into_iter().for_each(|pane| pane.clear());
        }
        self.go(|address| {
            address.view = View::DREAM;
            address.objective = objective;
        });
        self.start(false);
    }

    /// Shows the hall with the wall.
    pub fn wall(self) {
        self.go(|address| {
            address.view = View::DREAM;
            address.objective = Typed::default();
            address.layer = String::new();
        });
    }
}

//! Ways to a unit's page, and to units that are searched for.

use shared::visualize::objective::Typed;

use crate::page::Page;
use crate::unit::Unit;
use crate::view::View;

impl Page {
    /// Shows a unit's page: what it looks for, and the pictures that excite it.
    pub fn show_unit(self, unit: &Unit) {
        self.go(|address| address.show_unit(unit));
    }

    /// Searches for the units that something excites.
    pub fn find_units(self, typed: String) {
        self.go(|address| {
            address.view = View::EXEMPLARS;
            address.objective = Typed::default();
            address.find = typed;
        });
    }
}

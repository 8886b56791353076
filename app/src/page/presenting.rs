//! Presenting: a large name, the picture and its step, nothing else.

use leptos::prelude::*;

use super::Page;
use crate::address::Address;
use crate::browser;

impl Page {
    /// Whether the page shows name, picture and step alone, reactive.
    pub fn presents(self) -> bool {
        self.address.with(Address::presents)
    }

    /// Begins to present what is on view, or ends it.
    pub fn present(self) {
        if !self.leave_presenting() {
            self.go(|address| address.present = true);
            let query = self.address.with_untracked(Address::query);
            // Where the browser keeps no entries there is none to leave.
            self.presented.set_value((browser::query() == query).then_some(query));
        }
    }

    /// Shows the rest again. Returns whether it was hidden.
    pub fn leave_presenting(self) -> bool {
        if !untrack(|| self.presents()) {
            return false;
        }
        let began = self.presented.try_update_value(Option::take).flatten();
        if began.is_some_and(|query| query == self.address.with_untracked(Address::query)) {
            browser::go_back();
        } else {
            self.slide(|address| address.present = false);
        }
        true
    }
}

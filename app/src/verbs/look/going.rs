//! The way to a picture.

use crate::page::Page;
use crate::view::View;

impl Page {
    /// Looks at a picture of the gallery, by the file it comes from; without one, at what the
    /// visitor brings.
    pub fn look_at(self, file: Option<String>) {
        self.go(|address| {
            address.view = View::LOOK;
            address.picture = file;
        });
    }
}

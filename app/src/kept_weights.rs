//! Which weights of the visitor's own the browser keeps, by what it remembers of them: the hash by
//! which they are found.

use shared::models;

use crate::browser;

/// The hashes of kept weights, from visit to visit.
pub trait Kept {
    /// Of a model's weights, if the visitor gave them.
    fn hash(&self, model: &str) -> Option<String>;

    /// The visitor gave them.
    fn remember(&self, model: &str, sha256: &str);

    /// They are not kept any more.
    fn forget(&self, model: &str);
}

/// As the browser remembers.
pub struct InBrowser;

impl Kept for InBrowser {
    fn hash(&self, model: &str) -> Option<String> {
        browser::remembered(&name(model))
    }

    fn remember(&self, model: &str, sha256: &str) {
        browser::remember(&name(model), sha256);
    }

    fn forget(&self, model: &str) {
        browser::forget(&name(model));
    }
}

/// Under which it is remembered.
fn name(model: &str) -> String {
    format!("weights.{model}")
}

/// The hashes of all weights that the visitor gave.
pub fn own_weights() -> Vec<String> {
    models::registry().iter().filter_map(|info| InBrowser.hash(info.name)).collect()
}

/// Whether the browser keeps weights of a model that the visitor gave on an earlier visit.
pub fn keeps_weights(model: &str) -> bool {
    InBrowser.hash(model).is_some()
}

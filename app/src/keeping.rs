//! What the browser keeps between visits, and for how long.
//!
//! Parts of bundles are kept by their hash. Kept are those that the bundles opened last name, each
//! by its newest description, and the weights that the visitor gave; all else goes whenever a bundle
//! has opened. A site that was built anew leaves nothing of what it was behind, and looking at
//! somebody else's bundle drops nothing of the site's own.

use std::collections::BTreeSet;

use js_sys::Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};
use shared::format::bundle::Bundle;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Request;

use crate::ask::session::Session;
use crate::browser;
use crate::files::store::open_store;
use crate::kept_weights::own_weights;
use crate::library::Source;

/// So many bundles are remembered: those of a site and some from elsewhere.
const REMEMBERED: usize = 8;

/// Under which they are.
const KEY: &str = "bundles";

/// A bundle that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// Of its `bundle.json`.
    address: String,
    /// Hashes of its parts.
    parts: Vec<String>,
}

/// The bundles opened last, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Ledger(Vec<Known>);

impl Ledger {
    /// A bundle has opened.
    fn open(&mut self, address: &str, bundle: &Bundle) {
        self.0.retain(|known| known.address != address);
        let parts = bundle.parts().into_iter().map(|part| part.sha256.clone()).collect();
        self.0.insert(0, Known { address: address.to_owned(), parts });
        self.0.truncate(REMEMBERED);
    }

    /// The hashes that any of them names.
    fn parts(&self) -> BTreeSet<String> {
        self.0.iter().flat_map(|known| known.parts.iter().cloned()).collect()
    }
}

/// Whenever a bundle has opened, drops what none names any more.
pub fn follow(session: Session) {
    Effect::new(move |_| {
        let Some(open) = session.library.open.get() else { return };
        let Source::Address(address) = &open.source else { return };
        let read = browser::remembered(KEY).and_then(|text| serde_json::from_str(&text).ok());
        let mut ledger: Ledger = read.unwrap_or_default();
        ledger.open(address, &open.bundle);
        let Ok(text) = serde_json::to_string(&ledger) else { return };
        // Who cannot remember what was opened cannot know what is not needed either.
        if !browser::remember(KEY, &text) {
            return;
        }
        let mut kept = ledger.parts();
        kept.extend(own_weights());
        spawn_local(async move {
            // A browser that refuses has its own ways to make room.
            let _ = keep_only(&kept).await;
        });
    });
}

/// Drops all but the parts with these hashes.
async fn keep_only(hashes: &BTreeSet<String>) -> Result<(), JsValue> {
    let store = open_store(&window()).await?;
    let kept: Array = JsFuture::from(store.keys()).await?.dyn_into()?;
    for request in kept {
        let request: Request = request.dyn_into()?;
        let address = request.url();
        let hash = address.rsplit('/').next().unwrap_or_default();
        if !hashes.contains(hash) {
            JsFuture::from(store.delete_with_request(&request)).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::format::bundle::Part;
    use shared::models;

    use super::*;

    fn bundle(labels: &[u8]) -> Bundle {
        let info = models::info("googlenet").unwrap();
        Bundle::new(&info, None, Part::of("labels.txt", labels))
    }

    fn hash(labels: &[u8]) -> String {
        Part::of("labels.txt", labels).sha256
    }

    #[test]
    fn a_bundle_that_was_built_anew_names_what_it_is_made_of_now() {
        let mut ledger = Ledger::default();
        ledger.open("site/a", &bundle(b"old"));
        ledger.open("site/b", &bundle(b"other"));
        ledger.open("site/a", &bundle(b"new"));
        assert_eq!(ledger.parts(), BTreeSet::from([hash(b"new"), hash(b"other")]));
    }

    #[test]
    fn of_many_bundles_the_ones_opened_last_are_remembered() {
        let mut ledger = Ledger::default();
        for number in 0..=REMEMBERED {
            ledger.open(&number.to_string(), &bundle(&[number as u8]));
            // The site's own, to which one goes back again and again.
            ledger.open("own", &bundle(b"own"));
        }
        let parts = ledger.parts();
        assert_eq!(parts.len(), REMEMBERED);
        assert!(parts.contains(&hash(b"own")) && parts.contains(&hash(&[REMEMBERED as u8])));
        assert!(!parts.contains(&hash(&[0])) && !parts.contains(&hash(&[1])));
    }

    #[test]
    fn what_is_remembered_is_read_again() {
        let mut ledger = Ledger::default();
        ledger.open("a", &bundle(b"a"));
        let text = serde_json::to_string(&ledger).unwrap();
        assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
    }
}

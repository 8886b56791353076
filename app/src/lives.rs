//! Which networks dream here.

use leptos::prelude::*;

use crate::address::Address;
use crate::ask::session::Session;
use crate::kept_weights::keeps_weights;

/// Whether the network that an address asks for dreams here: as the list of bundles says, until the
/// bundle is open and says it itself. Nothing where neither is known. Reactive.
pub fn lives(session: Session, address: RwSignal<Address>) -> Option<bool> {
    let address = address.get();
    if let Some(open) = session.library.met(&address) {
        return Some(open.bundle.weights.is_some() || !session.lacking.get());
    }
    if address.bundle.is_some() {
        return None;
    }
    let entry = session.library.entry(&address.model)?;
    if keeps_weights(&entry.path) { Some(true) } else { entry.weights }
}

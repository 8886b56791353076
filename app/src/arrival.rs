//! What comes first: the pictures of the view that was asked for, and after them the engine.

use std::time::Duration;

use leptos::prelude::*;

use crate::session::Session;

/// How often it is asked whether the pictures are here.
const LOOK: Duration = Duration::from_millis(50);

/// What one part says may call for the next: nothing must be on its way at so many looks.
const QUIET_LOOKS: u32 = 2;

/// After so many looks the engine comes all the same: a picture may never come.
const PATIENCE: u32 = 300;

/// Starts the engine once the view's pictures are here: its program is larger than all of them, and
/// on a slow line they would wait for it.
pub fn engine_after_pictures(session: Session) {
    look(session, 0, 0);
}

fn look(session: Session, looks: u32, quiet: u32) {
    let quiet = if has_pictures(session) { quiet + 1 } else { 0 };
    if QUIET_LOOKS < quiet || PATIENCE < looks {
        return session.client.begin();
    }
    set_timeout(move || look(session, looks + 1, quiet), LOOK);
}

/// Whether the page's own pictures and those of the bundle that were asked for are here.
fn has_pictures(session: Session) -> bool {
    let library = session.library;
    let is_known = library.open.with_untracked(Option::is_some)
        || library.failure.with_untracked(Option::is_some);
    is_known && document().ready_state() == "complete" && session.parts.is_quiet()
}

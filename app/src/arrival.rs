//! What comes first: the pictures of the view that was asked for, and after them the engine.

use std::time::Duration;

use leptos::prelude::*;
use web_sys::Element;

use crate::ask::session::Session;

/// How often it is asked whether the pictures are here.
const LOOK: Duration = Duration::from_millis(50);

/// What one part says may call for the next: nothing must be on its way at so many looks.
const QUIET_LOOKS: u32 = 2;

/// After so many looks the engine comes all the same: a picture may never come.
const PATIENCE: u32 = 300;

/// After so many looks the first paint goes, whether or not there is a picture to take its place.
const HANDOVER: u32 = 20;

/// Takes down what the served page showed before. A picture of its own (`public/first_picture.js`)
/// stays until there is one here, so that nothing blinks.
pub fn take_over(first: Element) {
    let hangs = first.query_selector(".picture:not(.empty)").is_ok_and(|found| found.is_some());
    if !hangs {
        return first.remove();
    }
    // It lets clicks through from now on. The name of a class is no reason to refuse it.
    let _ = first.class_list().add_1("leaving");
    leave(first, 0);
}

fn leave(first: Element, looks: u32) {
    let picture = "body > :not(#first) :is(.baked, .picture:not(.empty))";
    let is_here = document().query_selector(picture).is_ok_and(|found| found.is_some());
    if is_here || HANDOVER < looks {
        return first.remove();
    }
    set_timeout(move || leave(first, looks + 1), LOOK);
}

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

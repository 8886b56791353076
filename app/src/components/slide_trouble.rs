//! What a slide says in place of a picture that it cannot show.

use leptos::prelude::*;

use crate::page::Page;

/// What keeps the page from showing anything but what is here already. Reactive.
pub fn trouble(page: Page) -> Option<String> {
    let session = page.session;
    let failure = session.library.failure.get().or(session.trouble.get())?;
    Some(failure.what)
}

/// What an objective cannot be dreamed for, once the network is known. Reactive.
pub fn mistake(page: Page) -> Option<String> {
    let known = page.session.library.open.with(Option::is_some);
    page.mistake().filter(|_| known).map(|mistake| mistake.message)
}

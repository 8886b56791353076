//! Pictures of what units look for, made beforehand: the bundle's, or the page's own few.

use leptos::prelude::*;

use crate::page::Page;
use crate::sprite::Square;
use crate::unit::{Unit, find_layer};

/// A picture made beforehand.
#[derive(Clone, Debug, PartialEq)]
pub enum Baked {
    /// A file of its own.
    File(String),
    /// A place on a sheet, as a CSS background.
    Sheet(String),
}

/// A unit's picture, the page's own before the bundle's, which is smaller and comes later. Reactive;
/// asks for the sheet where it needs one.
pub fn baked(page: Page, unit: &Unit) -> Option<Baked> {
    let layer = page.layers.with(|layers| {
        find_layer(layers, &unit.layer).map_or(unit.layer.clone(), |layer| layer.name.clone())
    });
    let hung = Unit { layer: layer.clone(), channel: unit.channel }.objective();
    if let Some(file) = page.in_hall(|hall| hall.picture(&hung)) {
        return Some(Baked::File(file));
    }
    let parts = page.session.parts;
    let dreams = parts.layer(&layer)?.dreams?;
    parts.style(&dreams.sprites, dreams.picture(unit.channel)?, Square::WHOLE).map(Baked::Sheet)
}

/// Whether the bundle has the picture of the unit on view, on a sheet. Reactive.
pub fn is_made(page: Page) -> bool {
    let has = || {
        let unit = page.unit()?;
        page.session.parts.layer(&unit.layer)?.dreams?.picture(unit.channel)
    };
    has().is_some()
}

/// Whether that sheet is still on its way. Reactive.
pub fn is_coming(page: Page) -> bool {
    is_made(page) && page.session.parts.failure.with(Option::is_none)
}

/// The picture of the unit on view, reactive.
pub fn baked_here(page: Page) -> Option<Baked> {
    baked(page, &page.unit()?)
}

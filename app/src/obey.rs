//! What keys do to the page.

use leptos::prelude::*;

use crate::keys::Command;
use crate::over::Dialog;
use crate::page::Page;
use crate::share;

/// Does what a key means. Returns whether it meant something here.
pub fn obey(page: Page, command: Command) -> bool {
    match command {
        Command::Jump => page.over.dialog.set(Some(Dialog::Palette)),
        Command::Help => page.over.dialog.set(Some(Dialog::Keys)),
        _ if page.over.dialog.with_untracked(Option::is_some) => return false,
        // Every view has an address.
        Command::Link => share::copy_link(page),
        Command::Embed => share::copy_embed(page),
        _ if page
            .address
            .with_untracked(|address| !address.view.of_units || address.objective.is_empty()) =>
        {
            return false;
        }
        Command::Play => page.play(),
        Command::Step => page.step(),
        Command::Walk(by) => page.walk(by),
        Command::Save => share::save(page),
        Command::FullScreen => share::full_screen(),
        Command::Present => page.present(),
        Command::Leave => return page.leave_presenting(),
        Command::Dice => page.dice(),
    }
    true
}

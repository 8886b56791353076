//! What can be done with the picture: save, link, embed, full screen.

use leptos::prelude::*;

use crate::components::icon::{Icon, outline};
use crate::growth::{self, Kind, Recorder};
use crate::page::Page;
use crate::{share, single_file, site};

/// The row of quiet buttons under the transport.
#[component]
pub fn Actions() -> impl IntoView {
    let page = Page::here();
    let recorder = expect_context::<Recorder>();
    let still = move || !recorder.moves();
    // A single file cannot pack itself: it does not hold its parts as they came.
    let is_file = site::is_single_file();
    let nothing = move || page.panes[0].frame.with(Option::is_none);
    view! {
        <div class="actions">
            <Action name="Save" key="S" icon=outline::SAVE disabled=nothing id="save"
                act=move || share::save(page)/>
            <Action name="Save the growth" key="" icon=outline::FILM disabled=still id="save-growth"
                act=move || growth::save(page, recorder, Kind::WebP)/>
            <Action name="As a GIF" key="" icon=outline::LOOP disabled=still id="save-growth-gif"
                act=move || growth::save(page, recorder, Kind::Gif)/>
            <Action name="Copy link" key="C" icon=outline::LINK id="copy-link"
                act=move || share::copy_link(page)/>
            <Action name="Save as one file" key="" icon=outline::FILE id="save-file"
                disabled=is_file act=move || single_file::save(page)/>
            <Action name="For a slide" key="E" icon=outline::EMBED id="copy-embed"
                act=move || share::copy_embed(page)/>
            <Action name="Full screen" key="F" icon=outline::FULL id="full-screen"
                act=share::full_screen/>
            <span class="narrow">
                <Action name="Settings" key="" icon=outline::SETTINGS id="open-settings"
                    act=move || page.over.sheet.set(true)/>
            </span>
        </div>
    }
}

/// A quiet button with its key.
#[component]
fn Action(
    /// What it does.
    name: &'static str,
    /// Its key.
    key: &'static str,
    /// One of the outlines.
    icon: &'static str,
    /// For tests.
    id: &'static str,
    /// Whether there is nothing to do it with.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// Does it.
    act: impl Fn() + 'static,
) -> impl IntoView {
    let title = if key.is_empty() { name.to_owned() } else { format!("{name} ({key})") };
    view! {
        <button class="action" data-testid=id title=title disabled=disabled on:click=move |_| act()>
            <Icon of=icon/>
            <span>{name}</span>
        </button>
    }
}

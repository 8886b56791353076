//! The head of the page: what model, on what device, and how far the download is.

use leptos::prelude::*;

use crate::address::Address;
use crate::components::device_chip::DeviceChip;
use crate::components::icon::{Icon, outline};
use crate::components::model_chip::ModelChip;
use crate::components::unit_links::is_plain;
use crate::over::Dialog;
use crate::page::Page;
use crate::theme::Theme;

/// Brand, chips, jump box, and the thin line of progress.
#[component]
pub fn Header() -> impl IntoView {
    let page = Page::here();
    let home = move |event: leptos::ev::MouseEvent| {
        if is_plain(&event) {
            event.prevent_default();
            page.wall();
        }
    };
    let presentable = move || page.address.with(Address::is_presentable);
    let repaint = move |_| {
        let shown = page.address.with_untracked(|address| address.theme);
        let light = match shown.or(page.theme.get_untracked()) {
            Some(theme) => theme == Theme::Light,
            None => prefers_light(),
        };
        page.paint(if light { Theme::Dark } else { Theme::Light });
    };
    view! {
        <header>
            <a class="brand" href="?" on:click=home>"pellucid"</a>
            <ModelChip/>
            <DeviceChip/>
            <span class="space"></span>
            <button
                class="jump"
                on:click=move |_| page.over.dialog.set(Some(Dialog::Palette))
            >
                <Icon of=outline::SEARCH/>
                <span class="words">"Jump to a unit or class"</span>
                <kbd>"Ctrl K"</kbd>
            </button>
            <Show when=presentable>
                <button
                    class="quiet roomy"
                    aria-label="Present"
                    title="Present (P)"
                    data-testid="present"
                    on:click=move |_| page.present()
                >
                    <Icon of=outline::PRESENT/>
                </button>
            </Show>
            <button class="quiet" aria-label="Light or dark" title="Light or dark" on:click=repaint>
                <Icon of=outline::THEME/>
            </button>
            <button
                class="quiet keyboard"
                aria-label="Keys"
                title="Keys (?)"
                on:click=move |_| page.over.dialog.set(Some(Dialog::Keys))
            >
                <Icon of=outline::KEYS/>
            </button>
            <Progress/>
        </header>
    }
}

fn prefers_light() -> bool {
    let query = window().match_media("(prefers-color-scheme: light)");
    query.ok().flatten().is_some_and(|query| query.matches())
}

/// A thin line along the header, as long as something is fetched.
#[component]
fn Progress() -> impl IntoView {
    let page = Page::here();
    let share = move || {
        let download = page.session.fetching()?;
        download.total.map(|total| 100.0 * download.done as f64 / total.max(1) as f64)
    };
    let waiting = move || {
        let session = page.session;
        if session.client.loading().with(Option::is_some) {
            return true;
        }
        let trouble =
            session.trouble.with(Option::is_some) || session.library.failure.with(Option::is_some);
        session.model.with(Option::is_none) && !session.lacking.get() && !trouble
    };
    view! {
        <div
            class="progress"
            role="progressbar"
            aria-label="Loading"
            data-testid="progress"
            hidden=move || !waiting()
            aria-valuenow=move || share().map(|share| format!("{share:.0}"))
            aria-valuetext=move || page.session.downloaded()
            title=move || page.session.downloaded()
            class:unsure=move || share().is_none()
            prop:style=move || format!("--share:{:.2}%", share().unwrap_or(0.0))
        ></div>
    }
}

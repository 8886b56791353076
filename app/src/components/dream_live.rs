//! The way to a live dream, from wherever one is.

use leptos::prelude::*;

use crate::components::icon::{Icon, outline};
use crate::page::Page;

/// A button that dreams live at its click, on a network that can; nothing where none can.
#[component]
pub fn DreamLive(
    /// Whether it names the network, because that is another than the one on view.
    #[prop(optional)]
    named: bool,
) -> impl IntoView {
    let page = Page::here();
    let live = Memo::new(move |_| page.live_network());
    let words = move || match live.get() {
        Some((_, title)) if named => format!("Dream live on {title}"),
        _ => "Dream one live".to_owned(),
    };
    // Until the list of bundles has come there is a chance, and a click waits for it.
    let unknown = move || page.session.library.offered.with(Option::is_none);
    let offers = Memo::new(move |_| unknown() || live.with(Option::is_some));
    let clicked = RwSignal::new(false);
    Effect::new(move |_| {
        if clicked.get() && live.with(Option::is_some) {
            clicked.set(false);
            page.dream_live();
        }
    });
    view! {
        <Show when=move || offers.get()>
            <button class="button prime" data-testid="dream-live" on:click=move |_| clicked.set(true)>
                <Icon of=outline::PLAY/>
                {words}
            </button>
        </Show>
    }
}

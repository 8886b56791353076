//! The page's layout: head, rail, stage, inspector, and what opens over them.

use leptos::prelude::*;

use crate::arrival;
use crate::browser;
use crate::components::credits_list::CreditsList;
use crate::components::header::Header;
use crate::components::inspector::{self, Inspector};
use crate::components::keys_list::KeysList;
use crate::components::notice::Notice;
use crate::components::palette_box::PaletteBox;
use crate::components::rail::Rail;
use crate::components::skip_link::SkipLink;
use crate::components::trouble::Trouble;
use crate::deck;
use crate::follow;
use crate::growth;
use crate::keeping;
use crate::page::Page;
use crate::single_file;
use crate::slide::EmbedView;
use crate::verbs;
use crate::verbs::dream::present::PresentView;
use crate::verbs::look::gaze::Gaze;
use crate::verbs::look::state::Sight;
use crate::verbs::train::state::Study;
use crate::verbs::units::state::Mode;

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let page = Page::open(verbs::views());
    provide_context(page);
    provide_context(Sight::new());
    provide_context(Gaze::new());
    provide_context(Study::new());
    provide_context(RwSignal::new(Mode::default()));
    follow::everything(page);
    single_file::follow_views(page);
    keeping::follow(page.session);
    if page.address.with_untracked(|address| address.autostart && !address.embed) {
        page.start(false);
    }
    page.session.library.list(move || page.session.open(page.wanted_bundle()));
    arrival::engine_after_pictures(page.session);
    if page.address.with_untracked(|address| address.embed) {
        deck::give_keys_back();
        return view! { <EmbedView/> }.into_any();
    }
    follow::keys(page);
    follow::files(page);
    growth::follow(page);
    page.over.follow();
    page.follow_places();
    let view = Memo::new(move |_| verbs::on_view(page));
    let remembered = browser::remembered(inspector::REMEMBERED);
    let beside = RwSignal::new(remembered.as_deref() != Some("closed"));
    let presenting = Memo::new(move |_| page.presents());
    // Walls and unit pages need the whole width; a dream and a picture have something to set.
    let is_wide = move || {
        let (view, unchosen) = view.get();
        verbs::of(view).inspector.is_none() || (view.of_units && unchosen)
    };
    view! {
        <div
            class="app"
            class:wide=move || is_wide() || !beside.get()
            class:presenting=move || presenting.get()
        >
            <SkipLink/>
            <Header/>
            <Rail/>
            <main id="stage" tabindex="-1">
                <Trouble/>
                {move || match view.get() {
                    _ if presenting.get() => view! { <PresentView/> }.into_any(),
                    (view, unchosen) => verbs::of(view).stage[usize::from(unchosen)](),
                }}
            </main>
            <Show when=move || !is_wide()>
                <Inspector beside/>
            </Show>
            <Notice/>
        </div>
        <PaletteBox/>
        <KeysList/>
        <CreditsList/>
    }
    .into_any()
}

//! The page: what is on view, what can be done with it, and its layout.

use std::sync::Arc;

use leptos::prelude::*;
use shared::tap::LayerInfo;

use crate::address::{Address, Problem, Theme, View};
use crate::browser;
use crate::components::dialog::Dialog;
use crate::components::header::Header;
use crate::components::inspector::Inspector;
use crate::components::keys_list::KeysList;
use crate::components::notice::Notice;
use crate::components::palette_box::PaletteBox;
use crate::components::rail::Rail;
use crate::components::trouble::Trouble;
use crate::follow;
use crate::growth;
use crate::keys::Command;
use crate::making::Making;
use crate::palette::Jump;
use crate::pane::{Pane, Status};
use crate::protocol::DeviceChoice;
use crate::session::Session;
use crate::share;
use crate::sight::Sight;
use crate::single_file;
use crate::unit::{Mistake, Unit, find_layer, mistake};
use crate::views::dream::DreamView;
use crate::views::embed::EmbedView;
use crate::views::look::LookView;
use crate::views::wall::WallView;

/// Everything on view. Copied into whatever needs it.
#[derive(Clone, Copy)]
pub struct Page {
    /// The engine, its device and model.
    pub session: Session,
    /// What is shown, and with what: the address bar follows it.
    pub address: RwSignal<Address>,
    /// Values in the address that made no sense.
    pub problems: RwSignal<Vec<Problem>>,
    /// The dream, and the one beside it when two are compared.
    pub panes: [Pane; 2],
    /// The picture that is looked at.
    pub sight: Sight,
    /// Something said in passing.
    pub notice: RwSignal<String>,
    /// The dialog that is open.
    pub dialog: RwSignal<Option<Dialog>>,
    /// Whether the inspector is shown beside a wide stage.
    pub inspector: RwSignal<bool>,
    /// Whether the inspector is shown as a sheet over a narrow one.
    pub sheet: RwSignal<bool>,
    /// The theme the visitor chose here or on an earlier visit.
    pub theme: RwSignal<Option<Theme>>,
    /// Layers, from the registry at first and then from the model.
    pub layers: Memo<Arc<Vec<LayerInfo>>>,
    /// Class labels; empty before the model is loaded.
    pub labels: Memo<Arc<Vec<String>>>,
    /// Units with a baked picture, in the order of the wall.
    pub baked: StoredValue<Vec<String>>,
    // What the panes were last started with.
    begun: StoredValue<Option<Asked>>,
}

/// What determines the panes: objective, settings, and those of the second pane.
pub type Asked = (String, Making, Vec<(String, String)>);

/// What an address asks of the panes.
pub fn asked(address: &Address) -> Asked {
    (address.objective.clone(), address.making.clone(), address.compare.clone())
}

impl Page {
    /// Reads the address bar and starts the engine.
    pub fn open() -> Self {
        let (address, problems) = Address::parse(&browser::query());
        let session = Session::new();
        session.open(address.device, browser::absolute(&address.bundle()));
        let model = address.model.clone();
        let layers = Memo::new(move |_| match session.model.get() {
            Some(model) => Arc::new(model.layers.clone()),
            None => {
                Arc::new(shared::models::info(&model).map(|info| info.layers).unwrap_or_default())
            }
        });
        let labels = Memo::new(move |_| {
            Arc::new(session.model.get().map(|model| model.labels.clone()).unwrap_or_default())
        });
        Self {
            session,
            address: RwSignal::new(address),
            problems: RwSignal::new(problems),
            panes: [Pane::new(), Pane::new()],
            sight: Sight::new(),
            notice: RwSignal::default(),
            dialog: RwSignal::default(),
            inspector: RwSignal::new(browser::remembered("inspector").as_deref() != Some("closed")),
            sheet: RwSignal::new(false),
            theme: RwSignal::new(browser::remembered("theme").and_then(|name| Theme::named(&name))),
            layers,
            labels,
            baked: StoredValue::new(crate::views::wall::baked_units()),
            begun: StoredValue::default(),
        }
    }

    /// The page that the component is part of.
    pub fn here() -> Self {
        expect_context()
    }

    /// Changes what is on view; Back undoes it.
    pub fn go(self, change: impl FnOnce(&mut Address)) {
        self.change(change, true);
    }

    /// Changes what is on view while a slider moves; Back skips it.
    pub fn slide(self, change: impl FnOnce(&mut Address)) {
        self.change(change, false);
    }

    fn change(self, change: impl FnOnce(&mut Address), new_entry: bool) {
        let before = self.address.get_untracked();
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            // It asked for the start of what was there before.
            after.autostart &= after.embed;
            browser::show_query(&after.query(), new_entry);
            self.address.set(after);
        }
    }

    /// Changes a setting by its key; a value that cannot be is said in passing.
    pub fn set(self, key: &str, value: &str) {
        self.go(|address| {
            if let Err(problem) = address.making.set(key, value) {
                let Problem { key, expected, .. } = problem;
                self.notice.set(format!("{key} must be {expected}."));
            }
        });
    }

    /// Settings, reactive.
    pub fn making(self) -> Making {
        self.address.with(|address| address.making.clone())
    }

    /// The objective as typed, reactive.
    pub fn objective(self) -> String {
        self.address.with(|address| address.objective.clone())
    }

    /// The unit the objective consists of, reactive.
    pub fn unit(self) -> Option<Unit> {
        let objective = self.objective();
        self.labels.with(|labels| Unit::of(&objective, labels))
    }

    /// What is wrong with the objective, reactive.
    pub fn mistake(self) -> Option<Mistake> {
        let objective = self.objective();
        self.layers.with(|layers| mistake(&objective, layers))
    }

    /// Channels of a layer; 0 for one that does not exist.
    pub fn channels(self, layer: &str) -> usize {
        self.layers.with(|layers| find_layer(layers, layer).map_or(0, |layer| layer.channels))
    }

    /// Shows an objective in Dream and begins to dream it.
    pub fn dream(self, objective: String) {
        if self.address.with_untracked(|address| address.objective != objective) {
            self.panes.into_iter().for_each(|pane| pane.clear(self.session));
        }
        self.go(|address| {
            address.view = View::Dream;
            address.objective = objective;
        });
        self.start(false);
    }

    /// Begins the dream on view, in as many panes as are compared.
    pub fn start(self, paused: bool) {
        let address = self.address.get_untracked();
        if address.objective.is_empty() || untrack(|| self.mistake()).is_some() {
            return;
        }
        self.begun.set_value(Some(asked(&address)));
        self.panes[0].start(self.session, &address.objective, &address.making, paused);
        match address.compared() {
            Some(other) => self.panes[1].start(self.session, &address.objective, &other, paused),
            None => self.panes[1].clear(self.session),
        }
    }

    /// Whether the panes were last started with this.
    pub fn has_begun(self, asked: &Asked) -> bool {
        self.begun.with_value(|begun| begun.as_ref() == Some(asked))
    }

    /// Starts, pauses or resumes, whichever comes next.
    pub fn play(self) {
        match untrack(|| self.status()) {
            Status::Waiting | Status::Running => self.each(|pane| pane.pause(self.session)),
            Status::Paused => self.each(|pane| pane.resume(self.session)),
            Status::Idle | Status::Finished => self.start(false),
        }
    }

    /// One step, from wherever the dream is.
    pub fn step(self) {
        if matches!(untrack(|| self.status()), Status::Idle | Status::Finished) {
            self.start(true);
        }
        self.each(|pane| pane.step(self.session));
    }

    /// Ends the dream; its picture stays.
    pub fn stop(self) {
        self.each(|pane| pane.stop(self.session));
    }

    /// What the panes are doing together: going while one of them is.
    pub fn status(self) -> Status {
        let [first, second] = self.panes.map(|pane| pane.status.get());
        if second.is_going() && !first.is_going() { second } else { first }
    }

    fn each(self, act: impl Fn(Pane)) {
        self.panes
            .into_iter()
            .filter(|pane| !matches!(pane.status.get_untracked(), Status::Idle | Status::Finished))
            .for_each(act);
    }

    /// Walks through the units of the layer on view.
    pub fn walk(self, by: isize) {
        if let Some(unit) = untrack(|| self.unit()) {
            let channels = untrack(|| self.channels(&unit.layer));
            let next = unit.moved(by, channels).objective();
            self.go(|address| address.objective = next);
        }
    }

    /// Rolls a new seed.
    pub fn dice(self) {
        let seed = (js_sys::Math::random() * 10_000.0) as u64;
        self.go(|address| address.making.seed = seed);
    }

    /// Changes device, in the address too.
    pub fn switch(self, choice: DeviceChoice) {
        self.stop();
        self.go(|address| address.device = choice);
        self.session.switch(choice);
    }

    /// Changes colours, from now on.
    pub fn paint(self, theme: Theme) {
        browser::remember("theme", theme.name());
        self.theme.set(Some(theme));
        self.slide(|address| address.theme = None);
    }

    /// Jumps to what the palette found.
    pub fn jump(self, jump: Jump) {
        match jump {
            Jump::Wall => self.wall(),
            Jump::View(view) => self.go(|address| address.view = view),
            Jump::Objective(objective) => self.dream(objective),
            Jump::Setting(key, value) => self.set(key, &value),
            Jump::Device(choice) => self.switch(choice),
            Jump::Theme(theme) => self.paint(theme),
            Jump::Keys => self.dialog.set(Some(Dialog::Keys)),
        }
    }

    /// Shows the wall.
    pub fn wall(self) {
        self.go(|address| {
            address.view = View::Dream;
            address.objective = String::new();
        });
    }

    /// Does what a key means. Returns whether it meant something here.
    pub fn obey(self, command: Command) -> bool {
        match command {
            Command::Jump => self.dialog.set(Some(Dialog::Palette)),
            Command::Help => self.dialog.set(Some(Dialog::Keys)),
            _ if self.dialog.with_untracked(Option::is_some) => return false,
            _ if self.address.with_untracked(|address| {
                address.view != View::Dream || address.objective.is_empty()
            }) =>
            {
                return false;
            }
            Command::Play => self.play(),
            Command::Step => self.step(),
            Command::Walk(by) => self.walk(by),
            Command::Save => share::save(self),
            Command::Link => share::copy_link(self),
            Command::Embed => share::copy_embed(self),
            Command::FullScreen => share::full_screen(),
            Command::Dice => self.dice(),
        }
        true
    }
}

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let page = Page::open();
    provide_context(page);
    follow::everything(page);
    single_file::follow_views(page);
    if page.address.with_untracked(|address| address.autostart && !address.embed) {
        page.start(false);
    }
    if page.address.with_untracked(|address| address.embed) {
        return view! { <EmbedView/> }.into_any();
    }
    follow::keys(page);
    follow::pictures(page);
    growth::follow(page);
    let view = Memo::new(move |_| {
        page.address.with(|address| (address.view, address.objective.is_empty()))
    });
    let on_wall = move || view.get() == (View::Dream, true);
    view! {
        <div class="app" class:wide=move || on_wall() || !page.inspector.get()>
            <Header/>
            <Rail/>
            <main id="stage" tabindex="-1">
                <Trouble/>
                {move || match view.get() {
                    (View::Dream, true) => view! { <WallView/> }.into_any(),
                    (View::Dream, false) => view! { <DreamView/> }.into_any(),
                    (View::Look, _) => view! { <LookView/> }.into_any(),
                }}
            </main>
            <Show when=move || !on_wall()>
                <Inspector/>
            </Show>
        </div>
        <PaletteBox/>
        <KeysList/>
        <Notice/>
    }
    .into_any()
}

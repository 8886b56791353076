//! The page: what is on view, what can be done with it, and its layout.

use std::sync::Arc;

use leptos::prelude::*;
use shared::format::bundle::Layer;
use shared::tap::LayerInfo;

use crate::address::{Address, Problem, Theme, USUAL_MODEL, View};
use crate::browser;
use crate::components::credits_list::CreditsList;
use crate::components::dialog::Dialog;
use crate::components::exemplar_tile::Mode;
use crate::components::header::Header;
use crate::components::inspector::Inspector;
use crate::components::keys_list::KeysList;
use crate::components::notice::Notice;
use crate::components::palette_box::PaletteBox;
use crate::components::rail::Rail;
use crate::components::trouble::Trouble;
use crate::follow;
use crate::keys::Command;
use crate::making::Making;
use crate::palette::Jump;
use crate::pane::{Pane, Status};
use crate::protocol::{DeviceChoice, Failure, FailureKind};
use crate::query;
use crate::scrolled::Scrolled;
use crate::session::Session;
use crate::share;
use crate::sight::Sight;
use crate::unit::{Mistake, Unit, find_layer, mistake};
use crate::views::dream::DreamView;
use crate::views::embed::EmbedView;
use crate::views::exemplars::ExemplarsView;
use crate::views::look::LookView;
use crate::views::unit::UnitView;
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
    /// How exemplars are shown.
    pub mode: RwSignal<Mode>,
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
    /// Class labels; empty before they are loaded.
    pub labels: Memo<Arc<Vec<String>>>,
    /// Units whose picture is a file of the page's own, in the order they hang in the hall.
    pub hung: StoredValue<Vec<String>>,
    /// How far walls were scrolled.
    pub scrolled: Scrolled,
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
        session.open_device(address.device);
        let address = RwSignal::new(address);
        let layers = Memo::new(move |_| match session.model.get() {
            Some(model) => Arc::new(model.layers.clone()),
            None => {
                let info = shared::models::info(&model_name(session, address));
                Arc::new(info.map(|info| info.layers).unwrap_or_default())
            }
        });
        let labels = Memo::new(move |_| match session.model.get() {
            Some(model) => Arc::new(model.labels.clone()),
            None if session.lacking.get() => {
                session.parts.labels().and_then(|labels| labels.here()).unwrap_or_default()
            }
            None => Arc::default(),
        });
        Self {
            session,
            address,
            problems: RwSignal::new(problems),
            panes: [Pane::new(), Pane::new()],
            sight: Sight::new(),
            notice: RwSignal::default(),
            mode: RwSignal::default(),
            dialog: RwSignal::default(),
            inspector: RwSignal::new(browser::remembered("inspector").as_deref() != Some("closed")),
            sheet: RwSignal::new(false),
            theme: RwSignal::new(browser::remembered("theme").and_then(|name| Theme::named(&name))),
            layers,
            labels,
            hung: StoredValue::new(crate::baked::hung()),
            scrolled: Scrolled::new(),
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
        self.settle(&mut after);
        if after != before {
            self.scrolled.note(&before);
            // It asked for the start of what was there before.
            after.autostart &= after.embed;
            browser::show_query(&after.query(), new_entry);
            self.address.set(after);
        }
    }

    /// Makes an address say no more than it must, and all that its view needs.
    fn settle(self, address: &mut Address) {
        if address.view == View::Exemplars {
            let labels = self.labels.get_untracked();
            match Unit::of(&address.objective, &labels) {
                Some(unit) => {
                    address.objective = unit.objective();
                    address.layer = unit.layer;
                }
                // Exemplars excite units, not sums of them.
                None => address.objective.clear(),
            }
            if address.model.is_empty() {
                address.model = self.session.library.first();
            }
        } else if address.bundle.is_none() && address.model == self.session.library.first() {
            address.model.clear();
        }
    }

    /// The model's name in the registry, reactive.
    pub fn model_name(self) -> String {
        model_name(self.session, self.address)
    }

    /// The folder that stands for the open bundle in addresses of units.
    pub fn model_path(self) -> String {
        let model = self.address.with_untracked(|address| address.model.clone());
        if model.is_empty() { untrack(|| self.session.library.first()) } else { model }
    }

    /// The model's name for people, reactive.
    pub fn model_title(self) -> String {
        if let Some(open) = self.session.library.open.get() {
            return open.title.clone();
        }
        let name = self.model_name();
        shared::models::info(&name).map_or(name, |info| info.title.to_owned())
    }

    /// Side of the square that the model classifies, in pixels; nothing before a bundle is open.
    pub fn input_side(self) -> Option<usize> {
        self.session.library.open.with(|open| Some(open.as_ref()?.bundle.preprocessing.crop))
    }

    /// The layer on view, by its canonical name: the one asked for if the model has it, else the
    /// first that the bundle offers. Reactive.
    pub fn layer(self) -> String {
        let asked = self.address.with(|address| address.layer.clone());
        let known = |name: &str| {
            self.layers.with(|layers| find_layer(layers, name).map(|layer| layer.name.clone()))
        };
        let offered = || {
            let layers = self.offered_layers(|layer| layer.dreams.is_some());
            layers.into_iter().next()
        };
        let named = if asked.is_empty() { None } else { known(&asked) };
        named
            .or_else(offered)
            .or_else(|| known("mixed4a"))
            .or_else(|| self.layers.with(|layers| Some(layers.first()?.name.clone())))
            .unwrap_or_default()
    }

    /// The open bundle's layers that have something, in its order. Reactive.
    pub fn offered_layers(self, has: impl Fn(&Layer) -> bool) -> Vec<String> {
        self.session.library.open.with(|open| {
            let layers = open.iter().flat_map(|open| &open.bundle.layers);
            layers.filter(|layer| has(layer)).map(|layer| layer.name.clone()).collect()
        })
    }

    /// Where the bundle is that the address asks for.
    pub fn wanted_bundle(self) -> String {
        self.address.with_untracked(|address| untrack(|| self.session.library.wanted(address)))
    }

    /// Opens a bundle that lies beside the page; what makes no sense there is left behind.
    pub fn choose(self, path: String) {
        let layers = shared::models::info(&path).map(|info| info.layers).unwrap_or_default();
        self.go(|address| {
            address.model = path;
            address.bundle = None;
            keep_sense(address, &layers);
        });
    }

    /// Opens a bundle from elsewhere.
    pub fn choose_elsewhere(self, bundle: String) {
        let (asked, problems) = Address::parse(&format!("?bundle={}", query::encode(&bundle)));
        match problems.into_iter().next() {
            Some(problem) => self.session.library.failure.set(Some(Failure::new(
                FailureKind::Input,
                "This is not the address of a bundle.",
                format!("It is “{}”, and it must be {}.", problem.found, problem.expected),
                "Copy the address of the bundle's folder from its host.",
            ))),
            None => self.go(|address| address.bundle = asked.bundle),
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

    /// Shows a unit's page: what it looks for, and the pictures that excite it.
    pub fn show_unit(self, unit: &Unit) {
        self.go(|address| {
            address.view = View::Exemplars;
            address.objective = unit.objective();
        });
    }

    /// Begins the dream on view, in as many panes as are compared.
    pub fn start(self, paused: bool) {
        let address = self.address.get_untracked();
        let lacking = self.session.lacking.get_untracked();
        if address.objective.is_empty() || lacking || untrack(|| self.mistake()).is_some() {
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
            Jump::Objective(objective) => {
                let labels = self.labels.get_untracked();
                let exemplars =
                    self.address.with_untracked(|address| address.view == View::Exemplars);
                match Unit::of(&objective, &labels).filter(|_| exemplars) {
                    Some(unit) => self.show_unit(&unit),
                    None => self.dream(objective),
                }
            }
            Jump::Picture(file) => self.look_at(file),
            Jump::Bundle(path) => self.choose(path),
            Jump::Credits => self.dialog.set(Some(Dialog::Credits)),
            Jump::Setting(key, value) => self.set(key, &value),
            Jump::Device(choice) => self.switch(choice),
            Jump::Theme(theme) => self.paint(theme),
            Jump::Keys => self.dialog.set(Some(Dialog::Keys)),
        }
    }

    /// Looks at a picture of the gallery, by the file it comes from.
    pub fn look_at(self, file: String) {
        self.go(|address| {
            address.view = View::Look;
            address.picture = Some(file);
        });
    }

    /// Shows the hall with the wall.
    pub fn wall(self) {
        self.go(|address| {
            address.view = View::Dream;
            address.objective = String::new();
            address.layer = String::new();
        });
    }

    /// Does what a key means. Returns whether it meant something here.
    pub fn obey(self, command: Command) -> bool {
        match command {
            Command::Jump => self.dialog.set(Some(Dialog::Palette)),
            Command::Help => self.dialog.set(Some(Dialog::Keys)),
            _ if self.dialog.with_untracked(Option::is_some) => return false,
            _ if self.address.with_untracked(|address| {
                address.view == View::Look || address.objective.is_empty()
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

fn model_name(session: Session, address: RwSignal<Address>) -> String {
    if let Some(open) = session.library.open.get() {
        return open.bundle.model.clone();
    }
    let asked = address.with(|address| address.model.clone());
    if shared::models::info(&asked).is_ok() { asked } else { USUAL_MODEL.to_owned() }
}

/// Drops from an address what a model of these layers does not have.
fn keep_sense(address: &mut Address, layers: &[LayerInfo]) {
    if find_layer(layers, &address.layer).is_none() {
        address.layer.clear();
    }
    if !address.objective.is_empty() && mistake(&address.objective, layers).is_some() {
        address.objective.clear();
    }
}

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let page = Page::open();
    provide_context(page);
    follow::everything(page);
    if page.address.with_untracked(|address| address.autostart && !address.embed) {
        page.start(false);
    }
    page.session.library.list(move || page.session.open(page.wanted_bundle()));
    if page.address.with_untracked(|address| address.embed) {
        return view! { <EmbedView/> }.into_any();
    }
    follow::keys(page);
    follow::files(page);
    page.scrolled.follow(page.address);
    let view = Memo::new(move |_| {
        page.address.with(|address| (address.view, address.objective.is_empty()))
    });
    // Walls and unit pages need the whole width; a dream and a picture have something to set.
    let on_wall = move || matches!(view.get(), (View::Dream, true) | (View::Exemplars, _));
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
                    (View::Exemplars, true) => view! { <ExemplarsView/> }.into_any(),
                    (View::Exemplars, false) => view! { <UnitView/> }.into_any(),
                }}
            </main>
            <Show when=move || !on_wall()>
                <Inspector/>
            </Show>
        </div>
        <PaletteBox/>
        <KeysList/>
        <CreditsList/>
        <Notice/>
    }
    .into_any()
}

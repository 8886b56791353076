//! The page: what is on view, and what can be said of it.

mod dreaming;
pub mod going;
mod living;
mod naming;
mod presenting;
mod replaying;

use std::sync::Arc;

use leptos::prelude::*;
use shared::format::bundle::{Dreams, Entry, Layer};
use shared::readout::Readouts;
use shared::tap::{LayerInfo, Role};
use shared::visualize::objective::Typed;
use shared::visualize::score::Names;
use shared::visualize::{Making, Mistake, Preset, mistake};

use crate::address::{Address, USUAL_MODEL};
use crate::ask::client::Client;
use crate::ask::line::WorkerLine;
use crate::ask::session::Session;
use crate::browser;
use crate::focused::Focused;
use crate::halls::{self, Hall};
use crate::kept_weights::InBrowser;
use crate::lives::lives;
use crate::over::{Dialog, Over};
use crate::problem::Problem;
use crate::replay::Replay;
use crate::scrolled::Scrolled;
use crate::theme::Theme;
use crate::unit::{Unit, find_layer};
use crate::verbs::dream::state::Pane;
use crate::view::View;

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
    /// Something said in passing.
    pub notice: RwSignal<String>,
    /// What lies over the page.
    pub over: Over,
    /// The theme the visitor chose here or on an earlier visit.
    pub theme: RwSignal<Option<Theme>>,
    /// Layers, from the registry at first and then from the model.
    pub layers: Memo<Arc<Vec<LayerInfo>>>,
    /// Class labels; empty before they are loaded.
    pub labels: Memo<Arc<Vec<String>>>,
    /// Whether the network that the address asks for dreams here; nothing before that is known.
    pub lives: Memo<Option<bool>>,
    // What hangs in the halls.
    halls: StoredValue<Vec<Hall>>,
    // A growth that was recorded beforehand.
    replay: Replay,
    // How far walls were scrolled.
    scrolled: Scrolled,
    // What had the focus in views that were left.
    focused: Focused,
    // Those that addresses may name.
    views: StoredValue<Vec<View>>,
    // The query with which presenting began, until something else is gone to.
    presented: StoredValue<Option<String>>,
    // What the panes were last started with.
    begun: StoredValue<Option<Asked>>,
    // What the address said of the bundle when the one that is open did.
    opened_as: StoredValue<(Option<String>, String)>,
}

/// What determines the panes: objective, settings, and those of the second pane.
pub type Asked = (Typed, Making, Vec<(&'static str, String)>);

impl Page {
    /// Reads the address bar and starts the engine; `views` are those that addresses may name.
    pub fn open(views: Vec<View>) -> Self {
        let (address, problems) = Address::parse(&browser::query(), &views);
        let session = Session::new(Client::new(WorkerLine::default()), InBrowser);
        session.open_device(address.device, || {});
        let address = RwSignal::new(address);
        let layers = Memo::new(move |_| {
            let info = shared::models::info(&model_name(session, address));
            let mut layers = match session.model.get() {
                Some(model) => model.layers.clone(),
                None => info.as_ref().map(|info| info.layers.clone()).unwrap_or_default(),
            };
            // What was read out of them and recorded, each beside its layer.
            session.library.open.with(|open| {
                let recorded = open.iter().flat_map(|open| &open.bundle.layers);
                let recorded = recorded.filter(|layer| layer.latents.is_some());
                let recorded = recorded.filter_map(|layer| layer.info(info.as_ref().ok()?).ok());
                for layer in recorded.chain(session.own.get()) {
                    let is_of = |other: &LayerInfo| {
                        let own = layer.name.strip_prefix(&other.name);
                        own.is_some_and(|own| own.starts_with('/'))
                    };
                    let place = layers.iter().position(is_of).map_or(layers.len(), |of| of + 1);
                    layers.insert(place, layer);
                }
            });
            Arc::new(layers)
        });
        let over = Over::new();
        // Without a model they come from the bundle, where somebody looks for them.
        let searching = move || {
            let named = address.with(|address| address.objective.text().contains('"'));
            named || matches!(over.dialog.get(), Some(Dialog::Palette))
        };
        let labels = Memo::new(move |_| match session.model.get() {
            Some(model) => Arc::new(model.labels.clone()),
            None if session.lacking.get() || searching() => {
                session.parts.labels().and_then(|labels| labels.here()).unwrap_or_default()
            }
            None => Arc::default(),
        });
        Self {
            session,
            views: StoredValue::new(views),
            address,
            problems: RwSignal::new(problems),
            panes: [Pane::new(), Pane::new()],
            notice: RwSignal::default(),
            over,
            theme: RwSignal::new(browser::remembered("theme").and_then(|name| Theme::named(&name))),
            layers,
            labels,
            lives: Memo::new(move |_| lives(session, address)),
            halls: StoredValue::new(halls::hung()),
            replay: Replay::new(),
            scrolled: Scrolled::new(),
            focused: Focused::new(),
            presented: StoredValue::default(),
            begun: StoredValue::default(),
            opened_as: StoredValue::default(),
        }
    }

    /// Reads an address, and what in it makes no sense.
    pub fn read(self, address: &str) -> (Address, Vec<Problem>) {
        self.views.with_value(|views| Address::parse(address, views))
    }

    /// The page that the component is part of.
    pub fn here() -> Self {
        expect_context()
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
            let dreamed = self.offered_layers(|layer| layer.dreams.is_some());
            dreamed.into_iter().chain(self.offered_layers(|_| true)).next()
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

    /// The preset that suits what is dreamed, reactive.
    pub fn suited(self) -> Preset {
        let typed = self.objective();
        let suited = |objective| self.layers.with(|layers| Preset::of(objective, layers));
        typed.objective().map_or(Preset::Classic, suited)
    }

    /// The preset in force, reactive.
    pub fn preset(self) -> Preset {
        self.address.with(|address| address.preset).unwrap_or_else(|| self.suited())
    }

    /// Settings, reactive.
    pub fn making(self) -> Making {
        let suited = self.suited();
        self.address.with(|address| address.making(suited))
    }

    /// What is asked of the panes, reactive.
    pub fn asked(self) -> Asked {
        let compare = self.address.with(|address| address.compare.clone());
        (self.objective(), self.making(), compare)
    }

    /// The objective as typed, reactive.
    pub fn objective(self) -> Typed {
        self.address.with(|address| address.objective.clone())
    }

    /// The unit the objective consists of, reactive.
    pub fn unit(self) -> Option<Unit> {
        let objective = self.objective();
        let mut unit = self.labels.with(|labels| Unit::of(&objective, labels))?;
        // By its canonical name, whichever was typed.
        let layer = self.layers.with(|layers| Some(find_layer(layers, &unit.layer)?.name.clone()));
        unit.layer = layer.unwrap_or(unit.layer);
        Some(unit)
    }

    /// The gallery's pictures that excite the unit most, best first, at most `count` of them;
    /// nothing before they are here. Reactive.
    pub fn best_pictures(self, count: usize) -> Option<Vec<usize>> {
        let unit = self.unit()?;
        let exemplars = self.session.parts.unit(&unit.layer, unit.channel)?.here()?;
        Some(exemplars.top.iter().take(count).map(|exemplar| exemplar.picture).collect())
    }

    /// What is wrong with the objective, reactive.
    pub fn mistake(self) -> Option<Mistake> {
        let shown = self.address.with(|address| address.view == View::EXEMPLARS);
        let (model, labels) = (self.model_name(), self.labels.get());
        match shown {
            true => self
                .layers
                .with(|layers| mistake(&self.objective(), &names(&model, layers, &labels))),
            false => self.mistake_in(&self.objective()),
        }
    }

    /// What is wrong with an objective that is to be dreamed, reactive.
    pub fn mistake_in(self, objective: &Typed) -> Option<Mistake> {
        let (model, labels) = (self.model_name(), self.labels.get());
        let mut layers = self.layers.get().to_vec();
        layers.retain(|layer| layer.role != Role::Latents || self.has_dictionary(&layer.name));
        mistake(objective, &names(&model, &layers, &labels))
    }

    /// Whether a layer is known by what was recorded of it alone: latents without the dictionary
    /// that computes them. Reactive.
    pub fn is_recorded(self, layer: &str) -> bool {
        let role = self.layers.with(|layers| find_layer(layers, layer).map(|layer| layer.role));
        role == Some(Role::Latents) && !self.has_dictionary(layer)
    }

    /// Whether the open bundle has the dictionary whose latents a layer is. Reactive.
    fn has_dictionary(self, layer: &str) -> bool {
        let of_bundle = self.session.parts.layer(layer);
        self.is_own(layer) || of_bundle.is_some_and(|layer| layer.dictionary.is_some())
    }

    /// Whether a layer is the visitor's own dictionary. Reactive.
    pub fn is_own(self, layer: &str) -> bool {
        self.session.own.with(|own| own.as_ref().is_some_and(|own| own.name == layer))
    }

    /// Whether the open bundle brings something of a unit along: its dream, or what excites it.
    /// Reactive.
    pub fn is_prepared(self, unit: &Unit) -> bool {
        let channel = unit.channel;
        let layer = self.layers.with(|layers| Some(find_layer(layers, &unit.layer)?.name.clone()));
        layer.and_then(|layer| self.session.parts.layer(&layer)).is_some_and(|layer| {
            let dreamed = |dreams: &Dreams| dreams.picture(channel).is_some();
            layer.exemplars.is_some() || layer.dreams.as_ref().is_some_and(dreamed)
        })
    }

    /// The bundles beside the page that are not open, with the layers of their models. Reactive.
    pub fn elsewhere(self) -> Vec<(Entry, Vec<LayerInfo>)> {
        let here = self.model_name();
        let offered = self.session.library.offered.get().unwrap_or_default();
        let others = offered.into_iter().filter(|entry| entry.path != here);
        others
            .filter_map(|entry| {
                let layers = shared::models::info(&entry.path).ok()?.layers;
                Some((entry, layers))
            })
            .collect()
    }

    /// Channels of a layer; 0 for one that does not exist.
    pub fn channels(self, layer: &str) -> usize {
        self.layers.with(|layers| find_layer(layers, layer).map_or(0, |layer| layer.channels))
    }
}

/// What objectives may name in the page: latents are among its layers.
fn names<'a>(model: &'a str, layers: &'a [LayerInfo], labels: &'a [String]) -> Names<'a> {
    static NONE: Readouts = Readouts::new();
    Names { model, layers, labels, readouts: &NONE }
}

fn model_name(session: Session, address: RwSignal<Address>) -> String {
    if let Some(open) = session.library.open.get() {
        return open.bundle.model.clone();
    }
    let asked = address.with(|address| address.model.clone());
    if shared::models::info(&asked).is_ok() { asked } else { USUAL_MODEL.to_owned() }
}

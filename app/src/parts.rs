//! The parts of the open bundle, fetched when they are first looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::format::bundle::{Layer, Part, Sprites, labels_from_bytes};
use shared::format::credits::{self, Credit};
use shared::format::exemplars::{Exemplars, Heat, Records, UnitExemplars};
use shared::format::worth::{Latent, Latents};
use shared::models::{self, ModelInfo};

use crate::ask::client::Client;
use crate::browser;
use crate::library::{Library, Opened, Source};
use crate::protocol::{Failure, FailureKind};
use crate::site;
use crate::sprite::{self, Square};

/// A part on its way.
#[derive(Clone, Debug, PartialEq)]
pub enum Loaded<T> {
    /// Asked for.
    Coming,
    /// Here and checked.
    Here(T),
    /// It did not come, or is not what it should be.
    Failed,
}

impl<T> Loaded<T> {
    /// What is here.
    pub fn here(self) -> Option<T> {
        match self {
            Self::Here(value) => Some(value),
            Self::Coming | Self::Failed => None,
        }
    }
}

/// Pages of tables that are kept, of each kind; those of the table on view always are.
const PAGES_KEPT: usize = 64;

/// Parts of one kind, by SHA-256: bundles share the gallery.
type Shelf<T> = BTreeMap<String, ArcRwSignal<Loaded<T>>>;

#[derive(Default)]
struct Shelves {
    sheets: Shelf<String>,
    credits: Shelf<Arc<Vec<Credit>>>,
    records: Shelf<Arc<Records>>,
    heat: Shelf<Arc<Heat>>,
    latents: Shelf<Arc<Latents>>,
    labels: Shelf<Arc<Vec<String>>>,
}

/// The parts of the open bundle. Every method is reactive and asks for what is not there yet.
#[derive(Clone, Copy)]
pub struct Parts {
    client: Client,
    library: Library,
    shelves: StoredValue<Shelves>,
    /// Why a part is missing; the first reason, until it is tried again.
    pub failure: RwSignal<Option<Failure>>,
    // Moves when missing parts are asked for again.
    turn: RwSignal<u32>,
    // How many are on their way.
    coming: StoredValue<usize>,
}

impl Parts {
    /// Nothing fetched yet.
    pub fn new(client: Client, library: Library) -> Self {
        Self {
            client,
            library,
            shelves: StoredValue::default(),
            failure: RwSignal::default(),
            turn: RwSignal::default(),
            coming: StoredValue::default(),
        }
    }

    /// Asks again for everything that failed.
    pub fn again(self) {
        self.failure.set(None);
        self.shelves.update_value(|shelves| {
            drop_failed(&mut shelves.sheets);
            drop_failed(&mut shelves.credits);
            drop_failed(&mut shelves.records);
            drop_failed(&mut shelves.heat);
            drop_failed(&mut shelves.latents);
            drop_failed(&mut shelves.labels);
        });
        self.turn.update(|turn| *turn += 1);
    }

    /// What the open bundle has of a layer, by its canonical name.
    pub fn layer(self, name: &str) -> Option<Layer> {
        self.library.open.with(|open| open.as_ref()?.bundle.layer(name).cloned())
    }

    /// The gallery's pictures.
    pub fn gallery(self) -> Option<Sprites> {
        self.library.open.with(|open| {
            open.as_ref()?.bundle.gallery.as_ref().map(|gallery| gallery.sprites.clone())
        })
    }

    /// What the gallery's pictures show and whose they are; nothing where there is no gallery.
    pub fn credits(self) -> Option<Loaded<Arc<Vec<Credit>>>> {
        let open = self.library.open.get()?;
        let gallery = open.bundle.gallery.as_ref()?;
        let count = gallery.sprites.count;
        let read = move |bytes: Vec<u8>| {
            credits::from_json(&bytes, count).map(Arc::new).map_err(|error| error.to_string())
        };
        Some(self.get(|shelves| &mut shelves.credits, &open, &gallery.credits, "credits", read))
    }

    /// What is known of a layer's exemplars, by its canonical name; nothing where the bundle has
    /// none.
    pub fn exemplars(self, layer: &str) -> Option<Exemplars> {
        self.layer(layer)?.exemplars
    }

    /// What excites a unit of a layer, by the layer's canonical name; nothing where the bundle does
    /// not say.
    pub fn unit(self, layer: &str, unit: usize) -> Option<Loaded<UnitExemplars>> {
        let open = self.library.open.get()?;
        let exemplars = open.bundle.layer(layer)?.exemplars.as_ref()?;
        Some(match self.records(&open, exemplars, exemplars.page_of(unit))? {
            Loaded::Here(records) => records.unit(unit).map_or(Loaded::Failed, Loaded::Here),
            Loaded::Coming => Loaded::Coming,
            Loaded::Failed => Loaded::Failed,
        })
    }

    /// What excites each of a layer's units, page by page, once all of it is here; nothing where
    /// the bundle does not say.
    pub fn all_units(self, layer: &str) -> Option<Loaded<Vec<Arc<Records>>>> {
        let open = self.library.open.get()?;
        let exemplars = open.bundle.layer(layer)?.exemplars.as_ref()?;
        let pages = (0..exemplars.n_pages())
            .map(|page| self.records(&open, exemplars, page))
            .collect::<Option<Vec<_>>>()?;
        if pages.iter().any(|page| matches!(page, Loaded::Failed)) {
            return Some(Loaded::Failed);
        }
        let here: Option<Vec<_>> = pages.into_iter().map(Loaded::here).collect();
        Some(here.map_or(Loaded::Coming, Loaded::Here))
    }

    /// What each of a layer's latents is worth, once all of it is here; nothing where the bundle does
    /// not say.
    pub fn latents(self, layer: &str) -> Option<Loaded<Arc<Vec<Latent>>>> {
        let open = self.library.open.get()?;
        let worth = open.bundle.layer(layer)?.worth.as_ref()?;
        let pages = worth.records.iter().enumerate().map(|(page, part)| {
            let described = worth.clone();
            let read = move |bytes| {
                let latents = Latents::open(&described, page, bytes);
                latents.map(Arc::new).map_err(|error| error.to_string())
            };
            self.get(|shelves| &mut shelves.latents, &open, part, "latents", read)
        });
        // Asked for all at once.
        let pages: Vec<Loaded<Arc<Latents>>> = pages.collect();
        if pages.iter().any(|page| matches!(page, Loaded::Failed)) {
            return Some(Loaded::Failed);
        }
        let here: Option<Vec<_>> = pages.into_iter().map(Loaded::here).collect();
        Some(here.map_or(Loaded::Coming, |pages| {
            let all =
                pages.iter().flat_map(|page| page.units().filter_map(|unit| page.latent(unit)));
            Loaded::Here(Arc::new(all.collect()))
        }))
    }

    /// Where a unit answers in its exemplars, with its neighbours' maps; nothing where the bundle
    /// does not say.
    pub fn heat(self, layer: &str, unit: usize) -> Option<Loaded<Arc<Heat>>> {
        let open = self.library.open.get()?;
        let exemplars = open.bundle.layer(layer)?.exemplars.as_ref()?;
        let page = exemplars.page_of(unit);
        let part = exemplars.maps.get(page)?;
        if let Some(known) = self.known(|shelves| &mut shelves.heat, part) {
            return Some(known);
        }
        self.make_room(|shelves| &mut shelves.heat, &exemplars.maps);
        let read = {
            let exemplars = exemplars.clone();
            move |bytes| {
                Heat::open(&exemplars, page, bytes).map(Arc::new).map_err(|error| error.to_string())
            }
        };
        Some(self.ask(|shelves| &mut shelves.heat, &open, part, "heat maps", read))
    }

    fn records(
        self,
        open: &Arc<Opened>,
        exemplars: &Exemplars,
        page: usize,
    ) -> Option<Loaded<Arc<Records>>> {
        let part = exemplars.records.get(page)?;
        if let Some(known) = self.known(|shelves| &mut shelves.records, part) {
            return Some(known);
        }
        let pictures = open.bundle.gallery.as_ref().map_or(0, |gallery| gallery.sprites.count);
        self.make_room(|shelves| &mut shelves.records, &exemplars.records);
        let read = {
            let exemplars = exemplars.clone();
            move |bytes| {
                let records = Records::open(&exemplars, pictures, page, bytes);
                records.map(Arc::new).map_err(|error| error.to_string())
            }
        };
        Some(self.ask(|shelves| &mut shelves.records, open, part, "exemplars", read))
    }

    /// Drops a full shelf's pages of other tables than the one of these: whoever walks through a
    /// bundle's layers holds no more than the one on view, and some.
    fn make_room<T>(self, shelf: fn(&mut Shelves) -> &mut Shelf<T>, table: &[Part]) {
        self.shelves.update_value(|shelves| {
            let shelf = shelf(shelves);
            if PAGES_KEPT <= shelf.len() {
                let kept: BTreeSet<&String> = table.iter().map(|part| &part.sha256).collect();
                shelf.retain(|sha256, _| kept.contains(sha256));
            }
        });
    }

    /// What the classes are called.
    pub fn labels(self) -> Option<Loaded<Arc<Vec<String>>>> {
        let open = self.library.open.get()?;
        let info = info(&open)?;
        let classes = info.classes().map_or(0, |layer| info.at(layer).channels);
        let read = move |bytes: Vec<u8>| {
            labels_from_bytes(&bytes, classes).map(Arc::new).map_err(|error| error.to_string())
        };
        Some(self.get(|shelves| &mut shelves.labels, &open, &open.bundle.labels, "labels", read))
    }

    /// The address of a sheet of pictures.
    pub fn sheet(self, sprites: &Sprites, sheet: usize) -> Loaded<String> {
        let open = self.library.open.get();
        let (Some(open), Some(part)) = (open, sprites.sheets.get(sheet)) else {
            return Loaded::Failed;
        };
        if let Source::Address(url) = &open.source
            && let Some(address) = site::picture_at_host(url, part)
        {
            return Loaded::Here(address);
        }
        let read = |bytes: Vec<u8>| {
            browser::object_url(&bytes).ok_or_else(|| "the browser did not take it".to_owned())
        };
        self.get(|shelves| &mut shelves.sheets, &open, part, "pictures", read)
    }

    /// A picture, or a square part of it, as a CSS background; nothing before its sheet is here.
    pub fn style(self, sprites: &Sprites, index: usize, part: Square) -> Option<String> {
        let window = sprite::window(sprites, index, part)?;
        let address = self.sheet(sprites, window.sheet).here()?;
        Some(format!("background-image:url({address});{}", window.style))
    }

    fn get<T: Clone + Send + Sync + 'static>(
        self,
        shelf: fn(&mut Shelves) -> &mut Shelf<T>,
        open: &Arc<Opened>,
        part: &Part,
        what: &'static str,
        read: impl FnOnce(Vec<u8>) -> Result<T, String> + 'static,
    ) -> Loaded<T> {
        self.known(shelf, part).unwrap_or_else(|| self.ask(shelf, open, part, what, read))
    }

    /// What is known of a part that was asked for.
    fn known<T: Clone + Send + Sync + 'static>(
        self,
        shelf: fn(&mut Shelves) -> &mut Shelf<T>,
        part: &Part,
    ) -> Option<Loaded<T>> {
        self.turn.track();
        let known =
            self.shelves.try_update_value(|shelves| shelf(shelves).get(&part.sha256).cloned());
        known.flatten().map(|signal| signal.get())
    }

    fn ask<T: Clone + Send + Sync + 'static>(
        self,
        shelf: fn(&mut Shelves) -> &mut Shelf<T>,
        open: &Arc<Opened>,
        part: &Part,
        what: &'static str,
        read: impl FnOnce(Vec<u8>) -> Result<T, String> + 'static,
    ) -> Loaded<T> {
        let signal = ArcRwSignal::new(Loaded::Coming);
        self.shelves.update_value(|shelves| {
            shelf(shelves).insert(part.sha256.clone(), signal.clone());
        });
        let (open, part, filled) = (open.clone(), part.clone(), signal.clone());
        self.coming.update_value(|coming| *coming += 1);
        spawn_local(async move {
            match open.part(self.client, &part, what).await {
                Ok(bytes) => match read(bytes) {
                    Ok(value) => filled.set(Loaded::Here(value)),
                    Err(why) => self.fail(&filled, wrong(what, &part.path, why)),
                },
                Err(failure) => self.fail(&filled, failure),
            }
            self.coming.update_value(|coming| *coming -= 1);
        });
        signal.get()
    }

    /// Whether nothing is on its way.
    pub fn is_quiet(self) -> bool {
        self.coming.get_value() == 0
    }

    fn fail<T: Send + Sync + 'static>(self, signal: &ArcRwSignal<Loaded<T>>, failure: Failure) {
        signal.set(Loaded::Failed);
        if self.failure.with_untracked(Option::is_none) {
            self.failure.set(Some(failure));
        }
    }
}

/// What is known of the bundle's model.
fn info(open: &Opened) -> Option<ModelInfo> {
    models::info(&open.bundle.model).ok()
}

fn drop_failed<T: Clone + Send + Sync + 'static>(shelf: &mut Shelf<T>) {
    shelf.retain(|_, signal| !signal.with_untracked(|loaded| matches!(loaded, Loaded::Failed)));
}

fn wrong(what: &str, path: &str, why: String) -> Failure {
    Failure::new(
        FailureKind::Corrupted,
        format!("The bundle's {what} make no sense."),
        format!("{path}: {why}"),
        "Export the bundle again, or open another.",
    )
}

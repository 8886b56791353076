//! What hangs in the halls, and the way from what cannot be dreamed live to what can.

use leptos::prelude::*;

use super::Page;
use crate::halls::{Hall, Piece, Recorded};
use crate::kept_weights::keeps_weights;
use crate::view::View;

/// As many pictures hang in a hall that nobody has chosen.
const UNCHOSEN: usize = 25;

impl Page {
    /// The network that the address asks for, by its name in the registry as far as that is known.
    /// Reactive.
    fn network(self) -> String {
        self.address.with(|address| match self.session.library.met(address) {
            Some(open) => open.bundle.model.clone(),
            None if address.model.is_empty() => self.session.library.first(),
            None => address.model.clone(),
        })
    }

    /// Asks the hall of the network on view, if it has one. Reactive.
    pub fn in_hall<T>(self, ask: impl FnOnce(&Hall) -> Option<T>) -> Option<T> {
        let network = self.network();
        self.halls.with_value(|halls| ask(halls.iter().find(|hall| hall.network == network)?))
    }

    /// What hangs in the hall: the units chosen for it, or else the first that have a picture.
    /// Reactive.
    pub fn hall(self) -> Vec<Piece> {
        self.in_hall(|hall| Some(hall.pieces.clone())).unwrap_or_else(|| {
            self.session.library.open.with(|open| {
                let layers = open.iter().flat_map(|open| &open.bundle.layers);
                let dreamed = layers.filter_map(|layer| Some((layer, layer.dreams.as_ref()?)));
                dreamed
                    .flat_map(|(layer, dreams)| {
                        dreams.all_units().map(|unit| Piece::untitled(&layer.name, unit))
                    })
                    .take(UNCHOSEN)
                    .collect()
            })
        })
    }

    /// How the unit on view grew, if that was recorded beforehand. Reactive.
    pub fn recorded(self) -> Option<Recorded> {
        let unit = self.unit()?.objective();
        self.in_hall(|hall| hall.recorded(&unit))
    }

    /// Whether a unit of the hall is seen growing at a click: live, or as it was recorded. Reactive.
    pub fn grows(self, unit: &str) -> bool {
        let opens = self.session.library.failure.with(Option::is_none);
        (opens && self.lives.get() != Some(false))
            || self.in_hall(|hall| hall.recorded(unit)).is_some()
    }

    /// A network that dreams here, by its folder and its title: the one on view if it does, else
    /// the first that has its weights. Reactive.
    pub fn live_network(self) -> Option<(String, String)> {
        if self.lives.get() == Some(true) {
            return Some((self.network(), self.model_title()));
        }
        self.session.library.offered.with(|offered| {
            let mut offered = offered.iter().flatten();
            offered
                .find(|entry| entry.weights == Some(true) || keeps_weights(&entry.path))
                .map(|entry| (entry.path.clone(), entry.title.clone()))
        })
    }

    /// Dreams one of the best units of a network that dreams here, whatever is on view.
    pub fn dream_live(self) {
        let Some((network, _)) = untrack(|| self.live_network()) else { return };
        let is_here = self.lives.get_untracked() == Some(true);
        let chosen = self.halls.with_value(|halls| {
            let hall = halls.iter().find(|hall| hall.network == network)?;
            Some(hall.pieces.clone())
        });
        let pieces =
            chosen.unwrap_or_else(|| if is_here { untrack(|| self.hall()) } else { Vec::new() });
        let place = (js_sys::Math::random() * pieces.len() as f64) as usize;
        let unit = pieces.into_iter().nth(place).map(|piece| piece.unit);
        if is_here {
            return unit.into_iter().for_each(|unit| self.dream(unit));
        }
        self.go(|address| {
            address.view = View::DREAM;
            address.model = network;
            address.bundle = None;
            address.layer.clear();
            // Without a choice the network's hall is the place to choose.
            address.objective = unit.unwrap_or_default().into();
        });
        self.open_wanted();
        self.start(false);
    }
}

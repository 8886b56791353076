//! Where one can go from what is on view; the address bar follows.

use leptos::prelude::*;
use shared::tap::LayerInfo;
use shared::visualize::mistake;
use shared::visualize::objective::Typed;

use super::{Page, names};
use crate::address::Address;
use crate::attention::compared;
use crate::browser;
use crate::over::Dialog;
use crate::palette::Jump;
use crate::problem::Problem;
use crate::protocol::{DeviceChoice, Failure, FailureKind};
use crate::query;
use crate::theme::Theme;
use crate::unit::{Unit, find_layer};

impl Page {
    /// Changes what is on view; Back undoes it.
    pub fn go(self, change: impl FnOnce(&mut Address)) {
        if self.change(change, true) {
            // What made no sense in the address that was opened is not in it any more.
            self.problems.set(Vec::new());
        }
    }

    /// Changes what is on view while a slider moves; Back skips it.
    pub fn slide(self, change: impl FnOnce(&mut Address)) {
        self.change(change, false);
    }

    /// Returns whether anything changed.
    fn change(self, change: impl FnOnce(&mut Address), new_entry: bool) -> bool {
        let before = self.address.get_untracked();
        let mut after = before.clone();
        change(&mut after);
        self.settle(&mut after);
        if after != before {
            self.note_place();
            self.presented.set_value(None);
            // It asked for the start of what was there before.
            after.autostart &= after.embed;
            // The sheet would lie over the view that a tap in it has opened.
            if after.view != before.view {
                self.over.sheet.set(false);
            }
            self.over.show(&after.query(), new_entry);
            self.address.set(after);
            return true;
        }
        false
    }

    /// Notes where the view was scrolled to and what had the focus, before it gives way.
    pub fn note_place(self) {
        let leaving = self.address.get_untracked();
        self.scrolled.note(&leaving);
        self.focused.note(&leaving);
    }

    /// Finds views again as they were left.
    pub fn follow_places(self) {
        self.scrolled.follow(self.address);
        self.focused.follow(self.address);
    }

    /// A bundle has opened, as the address says now.
    pub fn note_opened(self) {
        self.opened_as.set_value(self.address.with_untracked(named));
    }

    /// Makes an address say no more than it must, and all that its view needs.
    fn settle(self, address: &mut Address) {
        address.present = address.presents();
        // A search belongs to the list it searches; Back returns to it.
        if !address.view.is_routed || !address.objective.is_empty() {
            address.find.clear();
        }
        if address.view.is_routed {
            let labels = self.labels.get_untracked();
            match Unit::of(&address.objective, &labels) {
                Some(unit) => {
                    address.objective = unit.objective().into();
                    address.layer = unit.layer;
                }
                // A route leads to units, not to sums of them.
                None => address.objective = Typed::default(),
            }
            if address.model.is_empty() {
                address.model = self.session.library.first();
            }
            return;
        }
        // A dream names its layer itself.
        let own = Unit::of(&address.objective, &[]).map(|unit| unit.layer);
        if address.view.of_units && own.as_ref() == Some(&address.layer) {
            address.layer.clear();
        }
        if address.bundle.is_none() && address.model == self.session.library.first() {
            address.model.clear();
        }
    }

    /// Opens a bundle that lies beside the page; what makes no sense there is left behind.
    pub fn choose(self, path: String) {
        self.choose_at(path, |_| {});
    }

    /// Opens a bundle that lies beside the page, at something of its own.
    fn choose_at(self, path: String, change: impl FnOnce(&mut Address)) {
        let layers = shared::models::info(&path).map(|info| info.layers).unwrap_or_default();
        let before = self.address.with_untracked(named);
        self.go(|address| {
            address.model = path;
            address.bundle = None;
            keep_sense(address, &layers);
            change(address);
        });
        // A file has its model's address, as has what failed to come: going there changes nothing.
        let open = self.session.library.open.get_untracked();
        if self.address.with_untracked(named) == before
            && open.is_none_or(|open| open.url != self.wanted_bundle())
        {
            self.open_wanted();
        }
    }

    /// Whether it is the bundle that the address asks for that is open.
    pub fn is_met(self) -> bool {
        let library = self.session.library;
        self.address.with_untracked(|address| untrack(|| library.met(address))).is_some()
    }

    /// Opens the bundle that the address asks for, in place of the one that is open.
    pub fn open_wanted(self) {
        self.panes.into_iter().for_each(|pane| pane.clear());
        self.session.open(self.wanted_bundle());
    }

    /// Goes on with the bundle that is open, where another did not open.
    pub fn stay(self) {
        let (bundle, model) = self.opened_as.get_value();
        self.slide(|address| {
            address.bundle = bundle;
            address.model = model;
        });
        self.session.library.stay();
        self.session.library.failure.set(None);
        // What waited for the other one would wait for ever.
        self.stop_waiting();
    }

    /// Opens a bundle from elsewhere.
    pub fn choose_elsewhere(self, bundle: String) {
        let (asked, problems) = self.read(&format!("?bundle={}", query::encode(&bundle)));
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
        let suited = untrack(|| self.suited());
        self.go(|address| {
            if let Err(problem) = address.change(key, value, suited) {
                let Problem { key, expected, .. } = problem;
                self.notice.set(format!("{key} must be {expected}."));
            }
        });
    }

    /// Walks through the units of the layer on view.
    pub fn walk(self, by: isize) {
        if let Some(unit) = untrack(|| self.unit()) {
            let channels = untrack(|| self.channels(&unit.layer));
            let next = unit.moved(by, channels).objective();
            self.go(|address| address.objective = next.into());
        }
    }

    /// Rolls a new seed.
    pub fn dice(self) {
        let seed = (js_sys::Math::random() * 10_000.0) as u64;
        self.set("seed", &seed.to_string());
    }

    /// Changes device, in the address too.
    pub fn switch(self, choice: DeviceChoice) {
        self.go(|address| address.device = choice);
        self.compute_on(choice);
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
                let routed = self.address.with_untracked(|address| address.view.is_routed);
                let there = routed || self.session.lacking.get_untracked();
                let objective = Typed::from(objective);
                let unit = Unit::of(&objective, &labels).filter(|_| there);
                // A page with nothing on it helps nobody; a dream needs no preparation.
                match unit.filter(|unit| untrack(|| self.is_prepared(unit))) {
                    Some(unit) => self.show_unit(&unit),
                    None => self.dream(objective),
                }
            }
            Jump::Unit { bundle, unit } => {
                self.choose_at(bundle, |address| address.show_unit(&unit));
            }
            Jump::Find(typed) => self.find_units(typed),
            Jump::Picture(file) => self.look_at(Some(file)),
            Jump::Bundle(path) => self.choose(path),
            Jump::Credits => self.over.dialog.set(Some(Dialog::Credits)),
            Jump::Setting(key, value) => self.set(key, &value),
            Jump::Preset(preset) => self.go(|address| address.preset = Some(preset)),
            Jump::Device(choice) => self.switch(choice),
            Jump::Theme(theme) => self.paint(theme),
            Jump::Keys => self.over.dialog.set(Some(Dialog::Keys)),
        }
    }
}

/// What an address says of the bundle: where it is, if elsewhere, and its model.
pub fn named(address: &Address) -> (Option<String>, String) {
    (address.bundle.clone(), address.model.clone())
}

/// Drops from an address what a model of these layers does not have.
pub fn keep_sense(address: &mut Address, layers: &[LayerInfo]) {
    if find_layer(layers, &address.layer).is_none() {
        address.layer.clear();
    }
    let blocks = compared(layers).count();
    address.attention = address.attention.filter(|attention| attention.block < blocks);
    let names = names(&address.model, layers, &[]);
    if !address.objective.is_empty() && mistake(&address.objective, &names).is_some() {
        address.objective = Typed::default();
    }
}

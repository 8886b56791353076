//! What lies over the page: a dialog, a popover, a sheet. Back closes it before it goes anywhere.
//!
//! What opens lays an entry over the newest of the history, with the same address. Back leaves that
//! entry, and so does whatever else closes what lies there.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;

use crate::browser;

/// What may hold the focus when it closes.
const INSIDE: &str = "aside, .popover";

/// The page's dialogs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// Jump to a unit, class or setting.
    Palette,
    /// The list of keys.
    Keys,
    /// Whose the gallery's pictures are.
    Credits,
}

/// All that can lie over the page.
#[derive(Clone, Copy)]
pub struct Over {
    /// The dialog that is open.
    pub dialog: RwSignal<Option<Dialog>>,
    /// Whether the inspector is shown as a sheet over a narrow stage.
    pub sheet: RwSignal<bool>,
    popovers: RwSignal<Vec<RwSignal<bool>>>,
    /// The mark of the entry below, as long as the one that was laid over it is the newest.
    below: StoredValue<Option<String>>,
    /// Whether the entry is being left: the browser takes a moment.
    leaving: StoredValue<bool>,
    /// Whether something was gone to in that moment, which is to have an entry of its own.
    owed: StoredValue<bool>,
    /// What had the focus when it opened.
    opener: StoredValue<Option<HtmlElement>, LocalStorage>,
}

impl Over {
    /// Nothing open.
    pub fn new() -> Self {
        Self {
            dialog: RwSignal::default(),
            sheet: RwSignal::default(),
            popovers: RwSignal::default(),
            below: StoredValue::default(),
            leaving: StoredValue::default(),
            owed: StoredValue::default(),
            opener: StoredValue::new_local(None),
        }
    }

    /// A popover of the page's.
    pub fn add(self, popover: RwSignal<bool>) {
        self.popovers.update(|popovers| popovers.push(popover));
    }

    /// Whether anything is open, reactive.
    pub fn is_open(self) -> bool {
        // All of them, so that each is followed.
        let popovers = self.popovers.with(|all| all.iter().filter(|open| open.get()).count());
        let (dialog, sheet) = (self.dialog.with(Option::is_some), self.sheet.get());
        dialog || sheet || popovers != 0
    }

    /// Keeps the history in step with what opens and closes.
    pub fn follow(self) {
        let open = Memo::new(move |_| self.is_open());
        Effect::watch(
            move || open.get(),
            move |open, _, _| match (open, self.below.with_value(Option::is_some)) {
                (true, laid) => {
                    self.opener.set_value(active());
                    if !laid {
                        self.lay();
                    }
                }
                (false, laid) => {
                    if laid && !self.leaving.get_value() {
                        self.leaving.set_value(true);
                        browser::go_back();
                    }
                    self.give_back();
                }
            },
            false,
        );
    }

    /// Puts the address of what is on view into the bar; what is open stays over it.
    pub fn show(self, query: &str, new_entry: bool) {
        let laid = self.below.with_value(Option::is_some);
        if laid && self.leaving.get_value() {
            self.owed.update_value(|owed| *owed |= new_entry);
        } else if laid && new_entry {
            // The entry that was laid becomes that of the new view.
            browser::show_query(query, false);
            self.below.set_value(None);
            if untrack(|| self.is_open()) {
                self.lay();
            }
        } else {
            browser::show_query(query, new_entry);
        }
    }

    /// Closes what is open when the history has moved, to an entry with this state. Returns, where
    /// the move only left what was laid over the page, whether the view is owed an entry.
    pub fn left(self, state: &JsValue) -> Option<bool> {
        let below = self.below.try_update_value(Option::take).flatten()?;
        let owed = self.owed.try_update_value(std::mem::take).unwrap_or_default();
        if self.leaving.try_update_value(std::mem::take) != Some(true) {
            self.close();
        } else if untrack(|| self.is_open()) {
            // It was opened again in that moment.
            self.lay();
        }
        (state.as_string() == Some(below)).then_some(owed)
    }

    fn close(self) {
        self.dialog.set(None);
        self.sheet.set(false);
        self.popovers.with_untracked(|all| all.iter().for_each(|popover| popover.set(false)));
    }

    fn lay(self) {
        // Entries outlive the page in a reload, so a count would come again.
        let mark = format!("below {}", js_sys::Math::random());
        if browser::lay_entry(&mark) {
            self.below.set_value(Some(mark));
        }
    }

    /// The focus returns to what opened it, unless it has found another place.
    fn give_back(self) {
        let opener = self.opener.try_update_value(Option::take).flatten();
        let Some(opener) = opener else { return };
        // After what closes is taken down.
        request_animation_frame(move || {
            let lost = active().is_none_or(|element| element.closest(INSIDE) != Ok(None));
            if lost && opener.is_connected() {
                // What cannot take it any more leaves it where it is.
                let _ = opener.focus();
            }
        });
    }
}

impl Default for Over {
    fn default() -> Self {
        Self::new()
    }
}

/// What has the focus; nothing where it is lost.
pub fn active() -> Option<HtmlElement> {
    let element = document().active_element()?;
    let element = element.dyn_into::<HtmlElement>().ok()?;
    (element.tag_name() != "BODY").then_some(element)
}

//! What the page follows: the history, its own address, the keyboard, what is dropped on it.

use leptos::prelude::*;
use shared::weights::ENDINGS;
use wasm_bindgen::JsValue;
use web_sys::{DataTransfer, File};

use crate::address::Address;
use crate::ask::client::WorkerState;
use crate::ask::slot::Slot;
use crate::browser;
use crate::library::Source;
use crate::obey::obey;
use crate::page::Page;
use crate::page::going::{keep_sense, named};
use crate::protocol::{Failure, FailureKind};
use crate::theme::Theme;
use crate::verbs;
use crate::verbs::dream::state::Status;
use crate::verbs::look::state::Sight;
use crate::verbs::train::state::Study;

/// What every page follows, also one in a slide.
pub fn everything(page: Page) {
    history(page);
    changes(page);
    bundle(page);
    weights(page);
    theme(page);
    model(page);
    worker(page);
    line(page);
    title(page);
}

/// What could not be downloaded is asked for again once there is a network.
fn line(page: Page) {
    let session = page.session;
    let is_download = |failure: &Option<Failure>| {
        failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Download)
    };
    let handle = window_event_listener_untyped("online", move |_| {
        if session.library.failure.with_untracked(is_download) {
            return session.open(page.wanted_bundle());
        }
        if session.parts.failure.with_untracked(is_download) {
            session.parts.again();
        }
        if session.trouble.with_untracked(is_download) {
            session.load();
        }
    });
    on_cleanup(move || handle.remove());
}

/// Back and Forward show what was on view.
fn history(page: Page) {
    let follow = move |state: JsValue| {
        let owed = page.over.left(&state);
        let (address, problems) = page.read(&browser::query());
        if page.address.with_untracked(|before| *before == address) {
            return;
        }
        if let Some(owed) = owed {
            // What was changed in a sheet stays when Back closes it.
            return browser::show_query(&page.address.with_untracked(Address::query), owed);
        }
        page.problems.set(problems);
        page.note_place();
        let device = address.device;
        let changed = page.address.with_untracked(|before| before.device != device);
        page.address.set(address);
        if changed {
            page.compute_on(device);
        }
    };
    // An address typed over the one on view changes only what follows its #.
    let handles = [
        window_event_listener(leptos::ev::popstate, move |event| follow(event.state())),
        window_event_listener(leptos::ev::hashchange, move |_| follow(JsValue::NULL)),
    ];
    on_cleanup(move || handles.into_iter().for_each(|handle| handle.remove()));
}

/// Another bundle is opened when the address names another.
fn bundle(page: Page) {
    let sight = Sight::here();
    let study = Study::here();
    let library = page.session.library;
    let asked = Memo::new(move |_| page.address.with(named));
    Effect::watch(
        move || asked.get(),
        move |_, _, _| {
            // The list of bundles decides what an address means; the first is opened with it.
            if library.offered.with_untracked(Option::is_none) {
                return;
            }
            if page.is_met() {
                library.stay();
            } else if !library.is_asked(&page.wanted_bundle()) {
                page.open_wanted();
            }
        },
        false,
    );
    Effect::new(move |another: Option<bool>| {
        let Some(open) = library.open.get() else { return false };
        let from_file = matches!(open.source, Source::File(_));
        // What another network dreamed or saw is no answer of this one; what has not begun is
        // meant for it.
        for pane in page.panes {
            if from_file || pane.stepped.with_untracked(Option::is_some) {
                pane.clear();
            }
        }
        sight.forget();
        study.forget();
        // A bundle from elsewhere says itself which model it is of.
        if from_file || page.address.with_untracked(|address| address.bundle.is_some()) {
            let info = shared::models::info(&open.bundle.model);
            page.slide(|address| {
                address.model.clone_from(&open.bundle.model);
                address.bundle = address.bundle.take().filter(|_| !from_file);
                // What was on view is of the network before; an address that opens the page means it.
                if another == Some(true)
                    && let Ok(info) = &info
                {
                    keep_sense(address, &info.layers);
                }
            });
        }
        page.note_opened();
        true
    });
}

/// Where there are no weights nothing waits for them; when they come, that is said in passing.
fn weights(page: Page) {
    let sight = Sight::here();
    let session = page.session;
    // Where they are lacking, the note that asks for them says it.
    Effect::new(move |_| {
        if let Some(failure) = session.refused.get()
            && !session.lacking.get_untracked()
        {
            page.notice.set(format!("{} {}", failure.what, failure.next));
        }
    });
    // The model that lacked them.
    Effect::new(move |before: Option<Option<String>>| {
        let lacking = page.lives.get() == Some(false);
        if lacking {
            page.stop_waiting();
            sight.busy.set(false);
        }
        let lacked = match lacking {
            true => Some(untrack(|| page.model_name())),
            false => before.flatten(),
        };
        let unseen = sight.photo.with_untracked(Option::is_some)
            && sight.seen.with_untracked(Option::is_none)
            && !sight.busy.get_untracked();
        if unseen && session.model.with(Option::is_some) {
            sight.look(session, untrack(|| page.layer()));
        }
        let Some(model) = session.model.get() else { return lacked };
        if let Some(note) = &model.note {
            page.notice.set(format!("{}: {note}.", model.title));
        } else if lacked.as_ref() == Some(&model.name) {
            page.notice.set(format!("{} is here: it dreams and looks now.", model.title));
        }
        None
    });
}

/// A dream that goes on while its objective or settings change begins anew with the newest.
fn changes(page: Page) {
    let asked = Memo::new(move |_| page.asked());
    // A slider being dragged restarts once it rests this long.
    const REST: std::time::Duration = std::time::Duration::from_millis(160);
    let rest = Slot::new();
    // Whether a dream was going when the change came that now rests.
    let pending = StoredValue::new(false);
    Effect::watch(
        move || asked.get(),
        move |now, before, _| {
            let Some(before) = before else { return };
            if page.has_begun(now) && untrack(|| page.status()) != Status::Idle {
                return;
            }
            let turn = rest.turn();
            let going = untrack(|| page.status()).is_going() || pending.get_value();
            let unchanged_objective = now.0 == before.0;
            for pane in page.panes {
                if unchanged_objective {
                    pane.stop();
                    // What failed was asked with other settings.
                    pane.failure.set(None);
                } else {
                    pane.clear();
                }
            }
            if now.2.is_empty() {
                page.panes[1].clear();
            }
            let restarts = going && !now.0.is_empty();
            pending.set_value(restarts);
            if restarts {
                set_timeout(
                    move || {
                        if !turn.is_on() {
                            return;
                        }
                        pending.set_value(false);
                        if page.panes[0].status.get_untracked() == Status::Idle {
                            page.start(false);
                        }
                    },
                    REST,
                );
            }
        },
        false,
    );
}

fn theme(page: Page) {
    Effect::new(move |_| {
        let asked = page.address.with(|address| {
            // In a slide the words stand on what the address puts behind them.
            let ground = address.background.as_deref().filter(|_| address.embed);
            ground.and_then(Theme::on).or(address.theme)
        });
        let theme = asked.or(page.theme.get());
        browser::mark("theme", theme.map(Theme::name));
    });
}

/// Tests wait for this mark.
fn model(page: Page) {
    Effect::new(move |_| {
        let ready = page.session.model.with(Option::is_some);
        browser::mark("ready", ready.then_some("model"));
    });
}

/// A worker that dies between two requests has nobody to tell but this.
fn worker(page: Page) {
    Effect::new(move |_| {
        if let WorkerState::Dead(why) = page.session.client.state().get() {
            page.session.mourn(&why);
        }
    });
}

/// The name of the window, its tab and its bookmark.
fn title(page: Page) {
    Effect::new(move |_| {
        let view = page.address.with(|address| address.view);
        let title = (verbs::of(view).title)(page);
        document().set_title(&format!("Pellucid: {title}"));
    });
}

/// What is dropped or pasted anywhere is taken for what it is: a bundle, weights, or a picture.
pub fn files(page: Page) {
    let sight = Sight::here();
    let take = move |data: Option<DataTransfer>| {
        let data = data?;
        let file = data.files().and_then(|files| files.get(0))?;
        if browser::is_folder(&data) {
            let name = file.name();
            page.notice.set(format!(
                "{name} is a folder. Drop the file that is in it: a picture, weights, or a bundle as .zip."
            ));
            return Some(());
        }
        take_file(page, sight, file);
        Some(())
    };
    let handles = [
        // Without this the browser would leave the page to show the file.
        window_event_listener(leptos::ev::dragover, |event| event.prevent_default()),
        window_event_listener(leptos::ev::drop, move |event| {
            event.prevent_default();
            take(event.data_transfer());
        }),
        window_event_listener(leptos::ev::paste, move |event| {
            if take(event.clipboard_data()).is_some() {
                event.prevent_default();
            }
        }),
    ];
    on_cleanup(move || handles.into_iter().for_each(|handle| handle.remove()));
}

/// Opens a bundle, takes weights, or looks at a picture, by the ending of the file's name.
fn take_file(page: Page, sight: Sight, file: File) {
    let name = file.name().to_lowercase();
    if name.ends_with(".zip") {
        page.session.unpack(file);
    } else if is_weights(&name) {
        page.session.take_weights(file);
    } else {
        page.look_at(None);
        sight.open(page.session, file.into(), untrack(|| page.layer()));
    }
}

/// Whether a file goes by a name that weights have, or what weights come packed in: whoever reads
/// it says what it is.
fn is_weights(name: &str) -> bool {
    const LIKE_WEIGHTS: [&str; 9] = ["tar", "gz", "tgz", "xz", "7z", "pkl", "h5", "onnx", "npz"];
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.iter().chain(&LIKE_WEIGHTS).any(|known| *known == ending)
}

/// Does what the pressed keys mean.
pub fn keys(page: Page) {
    let handle = window_event_listener(leptos::ev::keydown, move |event| {
        if event.default_prevented() || event.alt_key() {
            return;
        }
        let chord = event.ctrl_key() || event.meta_key();
        let (typing, activating) = focus(&event.key());
        if let Some(command) = crate::keys::command(&event.key(), chord, typing, activating)
            && obey(page, command)
        {
            event.prevent_default();
        }
    });
    on_cleanup(move || handle.remove());
}

/// Whether the focused control takes this key as text, and whether it answers to Space.
pub fn focus(key: &str) -> (bool, bool) {
    let Some(element) = document().active_element() else { return (false, false) };
    let name = element.tag_name().to_lowercase();
    let kind = element.get_attribute("type").unwrap_or_default();
    let typing = match name.as_str() {
        "input" if kind == "range" => key.starts_with("Arrow"),
        "input" => !matches!(kind.as_str(), "checkbox" | "radio" | "file"),
        "textarea" | "select" => true,
        _ => false,
    };
    let activating =
        matches!(name.as_str(), "button" | "a" | "summary") || (name == "input" && kind != "range");
    (typing, activating)
}

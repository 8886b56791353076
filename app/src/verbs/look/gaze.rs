//! Where the tokens of a block look in the picture that is looked at.

use std::sync::Arc;

use leptos::prelude::*;

use super::state::Sight;
use crate::ask::client::Heard;
use crate::ask::slot::Slot;
use crate::attending::Attending;
use crate::attention::{Attention, Heads, Looks};
use crate::heatmap::Heat;
use crate::page::Page;
use crate::photo::Photo;
use crate::protocol::{Attend, Attended, Failure};

/// The attention over the picture.
#[derive(Clone, Copy)]
pub struct Gaze {
    /// That of a block.
    pub attention: RwSignal<Option<Arc<Attention>>>,
    /// The patch under the pointer.
    pub pointed: RwSignal<Option<[usize; 2]>>,
    /// Why there is none.
    pub failure: RwSignal<Option<Failure>>,
    /// What the engine is asked.
    asking: Slot,
    // The picture and the block it was asked of.
    asked: StoredValue<Option<(Arc<Photo>, usize)>>,
}

impl Gaze {
    /// That of the page that the component is part of.
    pub fn here() -> Self {
        expect_context()
    }

    /// Nothing asked yet.
    pub fn new() -> Self {
        Self {
            attention: RwSignal::default(),
            pointed: RwSignal::default(),
            failure: RwSignal::default(),
            asking: Slot::new(),
            asked: StoredValue::default(),
        }
    }

    /// Asks for the attention of the block on view whenever that or what was seen changes; where
    /// `wanted` says so.
    pub fn follow(self, page: Page, wanted: impl Fn() -> bool + Send + Sync + 'static) {
        let sight = Sight::here();
        let block = Memo::new(move |_| heads(page).map(|heads| block(page, heads)));
        Effect::new(move |_| {
            let is_seen = sight.seen.with(Option::is_some);
            // The one that was seen: the next is not on view before it was.
            let photo = sight.photo.get_untracked().filter(|_| is_seen);
            let (Some(photo), Some(block)) = (photo, block.get()) else {
                self.forget();
                return;
            };
            // A camera's pictures come too fast to be asked about twice.
            if wanted() && !sight.camera.get() {
                self.ask(page, photo, block);
            }
        });
    }

    fn ask(self, page: Page, photo: Arc<Photo>, block: usize) {
        let before = self.asked.get_value();
        let is_same = before.as_ref().is_some_and(|(other, _)| Arc::ptr_eq(other, &photo));
        if is_same && before.is_some_and(|(_, other)| other == block) {
            return;
        }
        if !is_same {
            // Another picture's says nothing of this one; another block's may stay until its own
            // is here.
            self.attention.set(None);
        }
        self.failure.set(None);
        self.asked.set_value(Some((photo.clone(), block)));
        let session = page.session;
        let question = Attend { picture: photo.size, block };
        let hear = move |heard: Heard<Attended>| match heard {
            Heard::Said(attended, buffers) => {
                let bytes = buffers.into_iter().next().unwrap_or_default();
                self.attention.set(Attention::new(attended, &bytes).map(Arc::new));
            }
            Heard::Failed(failure) => {
                self.attention.set(None);
                if !session.takes(&failure) {
                    self.failure.set(Some(failure));
                }
            }
            Heard::Done | Heard::Cancelled => {}
        };
        self.asking.ask(session.client, question, vec![photo.rgba.clone()], hear);
    }

    fn forget(self) {
        self.asking.end();
        self.asked.set_value(None);
        self.attention.set(None);
        self.failure.set(None);
        self.pointed.set(None);
    }

    /// The patch that looks: the one under the pointer, else the address's; nothing for the class
    /// token. Reactive.
    pub fn from(self, page: Page) -> Option<[usize; 2]> {
        let of_address = || page.address.with(|address| address.attention?.from);
        let from = self.pointed.get().or_else(of_address)?;
        let there = self.attention.with(|it| it.as_ref().is_some_and(|it| it.has(from)));
        there.then_some(from)
    }

    /// What looks where, by all heads. Reactive.
    pub fn looks(self, page: Page) -> Option<Looks> {
        let from = self.from(page);
        self.attention.with(|attention| Some(attention.as_ref()?.looks(from)))
    }
}

impl Default for Gaze {
    fn default() -> Self {
        Self::new()
    }
}

/// The heads of the network on view; nothing where it has no attention to show. Reactive.
pub fn heads(page: Page) -> Option<Heads> {
    page.layers.with(|layers| Heads::of(layers))
}

/// The block on view: the address's, else the last, from which classes are read. Reactive.
pub fn block(page: Page, heads: Heads) -> usize {
    let asked = page.address.with(|address| address.attention);
    asked.map_or(heads.blocks.saturating_sub(1), |attention| attention.block)
}

/// What lies over the picture where attention does. Reactive.
pub fn shown(page: Page, looks: &Looks) -> Option<(Attending, Heat, f32)> {
    let attending = page.address.with(|address| address.attention)?;
    let place = attending.head.map_or(0, |head| head + 1);
    let map = looks.maps.get(place)?.clone();
    let beside = looks.beside.get(place).copied().unwrap_or_default();
    Some((attending, (map, looks.full), beside))
}

/// A token in words: "the class token", "the patch in row 3, column 5", counted from 1.
pub fn token_words(from: Option<[usize; 2]>) -> String {
    match from {
        Some([row, column]) => format!("the patch in row {}, column {}", row + 1, column + 1),
        None => "the class token".to_owned(),
    }
}

/// A head in words: "head 2", "all heads".
pub fn head_words(head: Option<usize>) -> String {
    head.map_or_else(|| "all heads".to_owned(), |head| format!("head {head}"))
}

//! How a unit answers to its exemplars, asked of the network itself.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::format::bundle::Sprites;

use crate::ask::client::Heard;
use crate::ask::session::Session;
use crate::ask::slot::Slot;
use crate::browser;
use crate::heatmap::Map;
use crate::protocol::{PictureSize, Respond, Responded};
use crate::unit::Unit;

/// What the network said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    /// A map for each exemplar that was answered for so far, in order.
    pub maps: Vec<Map>,
    /// The largest value in any of them.
    pub full: f32,
}

/// A unit's answers, as they come.
#[derive(Clone, Copy)]
pub struct Answers {
    /// What has been said so far.
    pub said: RwSignal<Answered>,
    asked: Slot,
}

impl Answers {
    /// Nothing asked yet. What is asked ends with the component that called this.
    pub fn new() -> Self {
        let answers = Self { said: RwSignal::default(), asked: Slot::new() };
        // Nobody waits for the rest of what was asked.
        on_cleanup(move || answers.asked.end());
        answers
    }

    /// Asks how a unit answers to pictures of the gallery, each shown to the network at `side`
    /// pixels. `sheets` are the addresses of the gallery's sheets that hold them.
    pub fn ask(
        self,
        session: Session,
        unit: Unit,
        sprites: Sprites,
        pictures: Vec<(usize, String)>,
        side: usize,
    ) {
        let turn = self.asked.turn();
        self.said.set(Answered::default());
        spawn_local(async move {
            let mut buffers = Vec::new();
            for (picture, sheet) in pictures {
                let Some(place) = sprites.place(picture) else { return };
                let part = [place.left, place.top, sprites.side];
                // Without its pixels a picture keeps the map that was made beforehand.
                let Some(rgba) = browser::pixels(&sheet, part, side).await else { return };
                buffers.push(rgba);
            }
            let size = PictureSize { width: side, height: side };
            let pictures = vec![size; buffers.len()];
            let question = Respond { layer: unit.layer, channel: unit.channel, pictures };
            turn.ask(session.client, question, buffers, move |heard| self.hear(heard));
        });
    }

    fn hear(self, heard: Heard<Responded>) {
        match heard {
            Heard::Said(Responded { map, max, .. }, buffers) => {
                let bytes = buffers.into_iter().next().unwrap_or_default();
                self.said.update(|said| {
                    said.maps.push(Map::from_bytes(map.width, &bytes));
                    said.full = said.full.max(max);
                });
            }
            // A failure leaves the maps that were made beforehand.
            Heard::Done | Heard::Failed(_) | Heard::Cancelled => {}
        }
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self::new()
    }
}

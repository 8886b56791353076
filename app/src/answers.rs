//! How a unit answers to its exemplars, asked of the network itself.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::format::bundle::Sprites;

use crate::browser;
use crate::heatmap::Map;
use crate::protocol::{Ask, Event, PictureSize, RequestId};
use crate::session::Session;
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
    // Counts questions, so that late answers to an earlier one are recognised.
    generation: StoredValue<u32>,
    /// What is being answered.
    asked: StoredValue<Option<(Session, RequestId)>>,
}

impl Answers {
    /// Nothing asked yet. What is asked ends with the component that called this.
    pub fn new() -> Self {
        let answers = Self {
            said: RwSignal::default(),
            generation: StoredValue::default(),
            asked: StoredValue::default(),
        };
        on_cleanup(move || answers.stop());
        answers
    }

    /// Nobody waits for the rest of what was asked.
    fn stop(self) {
        if let Some((session, id)) = self.asked.try_update_value(Option::take).flatten() {
            session.client.stop(id);
        }
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
        self.generation.update_value(|generation| *generation += 1);
        let generation = self.generation.get_value();
        self.said.set(Answered::default());
        self.stop();
        spawn_local(async move {
            let mut buffers = Vec::new();
            for (picture, sheet) in pictures {
                let Some(place) = sprites.place(picture) else { return };
                let part = [place.left, place.top, sprites.side];
                // Without its pixels a picture keeps the map that was made beforehand.
                let Some(rgba) = browser::pixels(&sheet, part, side).await else { return };
                buffers.push(rgba);
            }
            if self.generation.try_get_value() != Some(generation) {
                return;
            }
            let size = PictureSize { width: side, height: side };
            let pictures = vec![size; buffers.len()];
            let ask = Ask::Respond { layer: unit.layer, channel: unit.channel, pictures };
            let id = session.client.ask(ask, buffers, move |event, buffers| {
                if self.generation.try_get_value() == Some(generation) {
                    self.hear(event, buffers);
                }
            });
            self.asked.try_set_value(Some((session, id)));
        });
    }

    fn hear(self, event: Event, buffers: Vec<Vec<u8>>) {
        // A failure leaves the maps that were made beforehand.
        if let Event::Responded { map, max, .. } = event {
            let bytes = buffers.into_iter().next().unwrap_or_default();
            self.said.update(|said| {
                said.maps.push(Map::from_bytes(map.width, &bytes));
                said.full = said.full.max(max);
            });
        }
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self::new()
    }
}

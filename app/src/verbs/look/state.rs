//! The picture that is looked at, and what the network sees in it.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{Blob, HtmlVideoElement, MediaStream};

use crate::ask::client::Heard;
use crate::ask::session::Session;
use crate::ask::slot::Slot;
use crate::browser;
use crate::camera;
use crate::file_kind::{TELLING, other_than_picture};
use crate::heatmap::{Heat, Map, Place};
use crate::page::Page;
use crate::photo::{self, Photo};
use crate::protocol::{Classified, Classify, Failure, FailureKind, NOBODY};

/// Channels whose heat maps are shown at a time.
const CHANNELS: usize = 12;

/// What the network saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Classes and channels.
    pub classified: Classified,
    /// The part it looked at, RGBA.
    pub crop: Vec<u8>,
    /// Which of the channels are strongest at each place, [`CHANNELS`] of them, the strongest first.
    strongest: Vec<u32>,
    /// What latents explain of their layer at each place, as a share.
    pub explained: Option<Map>,
    /// A heat map for each of the channels.
    pub maps: Vec<Map>,
}

impl Seen {
    fn new(classified: Classified, buffers: Vec<Vec<u8>>) -> Self {
        let mut buffers = buffers.into_iter();
        let mut next = || buffers.next().unwrap_or_default();
        let (crop, listed) = (next(), next());
        let number = |four: &[u8]| u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        let map = |bytes: Vec<u8>| Map::from_bytes(classified.map.width, &bytes);
        let explained = classified.explained.map(|_| map(next()));
        let strongest = listed.chunks_exact(4).map(number).collect();
        Self { crop, strongest, explained, maps: buffers.map(map).collect(), classified }
    }

    /// The channels on view, by their places among all: the most active, or the strongest at a place.
    pub fn on_view(&self, place: Option<Place>) -> Vec<usize> {
        let count = self.maps.len().min(self.classified.channels.len());
        let Some([row, column]) = place else { return (0..count.min(CHANNELS)).collect() };
        let start = CHANNELS * (row * self.classified.map.width + column);
        let there = self.strongest.get(start..start + CHANNELS).unwrap_or_default();
        let there = there.iter().filter(|index| **index != NOBODY).map(|index| *index as usize);
        there.filter(|index| *index < count).collect()
    }

    /// The largest value in the maps on view: the end of the colour scale.
    pub fn full(&self, place: Option<Place>) -> f32 {
        let channels = self.on_view(place).into_iter();
        channels.map(|index| self.classified.channels[index].max).fold(0.0, f32::max)
    }

    /// Where one of the channels answers, on the scale of those on view.
    pub fn heat(&self, channel: usize, place: Option<Place>) -> Option<Heat> {
        Some((self.maps.get(channel)?.clone(), self.full(place)))
    }

    /// How strong a channel is at a place; over the whole picture its mean.
    pub fn value(&self, channel: usize, place: Option<Place>) -> Option<f32> {
        match place {
            Some(place) => self.maps.get(channel)?.cell(place),
            None => Some(self.classified.channels.get(channel)?.mean),
        }
    }

    /// The share of their layer that latents explain, at a place or in the whole picture.
    pub fn share(&self, place: Option<Place>) -> Option<f32> {
        match place {
            Some(place) => self.explained.as_ref()?.cell(place),
            None => self.classified.explained,
        }
    }

    /// What latents leave unexplained, as a share at each place.
    pub fn rest(&self) -> Option<Map> {
        let Map { columns, values } = self.explained.as_ref()?;
        let values = values.iter().map(|share| 1.0 - share).collect();
        Some(Map { columns: *columns, values })
    }

    /// Whether it has places to choose from.
    pub fn has_places(&self) -> bool {
        1 < self.classified.map.width * self.classified.map.height
    }
}

/// What lies over the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Where a channel answers, by its place in [`Seen`].
    Channel(usize),
    /// What latents leave unexplained.
    Rest,
}

/// A place in words, counted from 1: "row 3, column 5".
pub fn place_words([row, column]: Place) -> String {
    format!("row {}, column {}", row + 1, column + 1)
}

/// The picture that is looked at.
#[derive(Clone, Copy)]
pub struct Sight {
    /// The picture.
    pub photo: RwSignal<Option<Arc<Photo>>>,
    /// What the network saw in it.
    pub seen: RwSignal<Option<Arc<Seen>>>,
    /// Why there is nothing to see.
    pub failure: RwSignal<Option<Failure>>,
    /// Whether the network is looking.
    pub busy: RwSignal<bool>,
    /// What lies over the picture while the pointer is on its tile.
    pub shown: RwSignal<Option<Shown>>,
    /// Whether what latents leave lies over it otherwise.
    pub rest: RwSignal<bool>,
    /// The place under the pointer.
    pub pointed: RwSignal<Option<Place>>,
    /// Whether the camera is on.
    pub camera: RwSignal<bool>,
    /// What the network is asked.
    looking: Slot,
    /// The picture that is being decoded.
    choice: Slot,
    /// The camera that is being opened.
    camera_asked: Slot,
    stream: StoredValue<Option<MediaStream>, LocalStorage>,
}

impl Sight {
    /// That of the page that the component is part of.
    pub fn here() -> Self {
        expect_context()
    }

    /// Nothing to see yet.
    pub fn new() -> Self {
        Self {
            photo: RwSignal::default(),
            seen: RwSignal::default(),
            failure: RwSignal::default(),
            busy: RwSignal::default(),
            shown: RwSignal::default(),
            rest: RwSignal::default(),
            pointed: RwSignal::default(),
            camera: RwSignal::default(),
            looking: Slot::new(),
            choice: Slot::new(),
            camera_asked: Slot::new(),
            stream: StoredValue::new_local(None),
        }
    }

    /// Decodes a file, upright as its camera noted, and looks at it.
    pub fn open(self, session: Session, file: Blob, layer: String) {
        self.close_camera();
        self.failure.set(None);
        self.shown.set(None);
        let choice = self.choice.turn();
        spawn_local(async move {
            let decoded = photo::decode(&file).await;
            // Another picture may have been chosen meanwhile.
            if !choice.is_on() {
                return;
            }
            match decoded {
                Ok(photo) => {
                    self.photo.set(Some(Arc::new(photo)));
                    self.look(session, layer);
                }
                Err(why) => {
                    let failure = unreadable(&file, &why).await;
                    if choice.is_on() {
                        self.failure.set(Some(failure));
                    }
                }
            }
        });
    }

    /// Shows pixels that are here already, and looks at them.
    pub fn show(self, session: Session, photo: Photo, layer: String) {
        self.choice.end();
        self.close_camera();
        self.failure.set(None);
        self.shown.set(None);
        self.photo.set(Some(Arc::new(photo)));
        self.look(session, layer);
    }

    /// Takes the picture down: what is asked for is not there.
    pub fn clear(self) {
        self.choice.end();
        self.close_camera();
        self.failure.set(None);
        self.photo.set(None);
        self.shown.set(None);
        self.seen.set(None);
        self.looking.end();
        self.busy.set(false);
    }

    /// Looks at the picture, again if the layer has changed.
    pub fn look(self, session: Session, layer: String) {
        let Some(photo) = self.photo.get_untracked() else { return };
        let turn = self.looking.turn();
        self.busy.set(!session.lacking.get_untracked());
        session.once_loading(move || {
            let (channels, at_each_place) = (CHANNELS, CHANNELS);
            let question = Classify { picture: photo.size, layer, channels, at_each_place };
            let pixels = vec![photo.rgba.clone()];
            turn.ask(session.client, question, pixels, move |heard| self.hear(session, heard));
        });
    }

    /// The place whose channels are on view: the one under the pointer, else the address's; none of
    /// the whole picture, or where the layer has no such place. Reactive.
    pub fn place(self, page: Page) -> Option<Place> {
        let kept = || page.address.with(|address| address.place);
        let [row, column] = self.pointed.get().or_else(kept)?;
        let map = self.seen.with(|seen| Some(seen.as_ref()?.classified.map))?;
        (row < map.height && column < map.width).then_some([row, column])
    }

    /// Takes down what another network saw, and what it is about to say.
    pub fn forget(self) {
        // What still waits for a network is meant for the next.
        if self.looking.open().is_some() {
            self.looking.end();
            self.busy.set(false);
        }
        self.seen.set(None);
    }

    fn hear(self, session: Session, heard: Heard<Classified>) {
        match heard {
            Heard::Said(classified, buffers) => {
                let seen = Seen::new(classified, buffers);
                let is_there = |shown: &Shown| match shown {
                    Shown::Channel(channel) => *channel < seen.maps.len(),
                    Shown::Rest => seen.explained.is_some(),
                };
                self.shown.update(|shown| *shown = shown.filter(is_there));
                self.failure.set(None);
                self.seen.set(Some(Arc::new(seen)));
            }
            Heard::Failed(failure) => {
                self.busy.set(false);
                self.close_camera();
                if !session.takes(&failure) {
                    self.failure.set(Some(failure));
                }
            }
            Heard::Done | Heard::Cancelled => self.busy.set(false),
        }
    }

    /// Shows the camera in a video element; `session` looks at one picture after another.
    pub fn open_camera(self, session: Session, video: HtmlVideoElement, layer: Signal<String>) {
        self.failure.set(None);
        self.close_camera();
        let turn = self.camera_asked.turn();
        spawn_local(async move {
            let opened = camera::stream(&video).await;
            // Look may have been left while the browser asked for permission.
            if !turn.is_on() {
                if let Ok(stream) = opened {
                    camera::stop(&stream);
                }
                return;
            }
            match opened {
                Ok(stream) => {
                    self.stream.set_value(Some(stream));
                    self.camera.set(true);
                    self.watch(session, video, layer);
                }
                Err(failure) => self.failure.set(Some(failure)),
            }
        });
    }

    /// Looks at what the camera shows now, then again, as long as it is on.
    fn watch(self, session: Session, video: HtmlVideoElement, layer: Signal<String>) {
        const PAUSE: std::time::Duration = std::time::Duration::from_millis(40);
        if !self.camera.get_untracked() {
            return;
        }
        if !self.busy.get_untracked()
            && let Some(photo) = frame_of(&video)
        {
            self.photo.set(Some(Arc::new(photo)));
            self.look(session, layer.get_untracked());
        }
        set_timeout(move || self.watch(session, video, layer), PAUSE);
    }

    /// Switches the camera off; its last picture stays.
    pub fn close_camera(self) {
        self.camera_asked.end();
        self.camera.set(false);
        if let Some(stream) = self.stream.try_update_value(Option::take).flatten() {
            camera::stop(&stream);
        }
    }
}

impl Default for Sight {
    fn default() -> Self {
        Self::new()
    }
}

fn frame_of(video: &HtmlVideoElement) -> Option<Photo> {
    let (width, height) = (f64::from(video.video_width()), f64::from(video.video_height()));
    photo::read(width, height, |canvas, width, height| {
        let context = browser::context(canvas)?;
        context
            .draw_image_with_html_video_element_and_dw_and_dh(video, 0.0, 0.0, width, height)
            .ok()
    })
}

async fn unreadable(file: &Blob, why: &str) -> Failure {
    let start = match file.slice_with_i32_and_i32(0, TELLING as i32) {
        Ok(start) => browser::read(&start).await.ok(),
        Err(_) => None,
    };
    let called = file.type_();
    let why = match (start.as_deref().and_then(other_than_picture), called.is_empty()) {
        (Some(kind), true) => format!("It is {kind}."),
        (Some(kind), false) => format!("Its name says {called}, but it is {kind}."),
        (None, true) => format!("It is a file of unknown kind, and decoding it failed: {why}"),
        (None, false) => format!("It is {called} or called so, and decoding it failed: {why}"),
    };
    Failure::new(
        FailureKind::Picture,
        "This file is not a picture that the browser can read.",
        why,
        "Choose a JPEG, PNG, WebP, GIF or AVIF picture.",
    )
}

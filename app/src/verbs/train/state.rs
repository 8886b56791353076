//! The dictionary that learns here, and how far it is.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::tap::Role;
use web_sys::File;

use super::finds::Finds;
use super::pictures::{MOST, OwnPicture, Pictures};
use crate::ask::client::Heard;
use crate::ask::slot::{Slot, Turn};
use crate::browser;
use crate::page::Page;
use crate::protocol::{
    Failure, FailureKind, Gather, Gathered, Learn, Learned, Pace, PictureSize, Recall, Steer,
};

/// How a dictionary is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// How many latents.
    pub latents: usize,
    /// How many at a time.
    pub k: usize,
    /// Steps.
    pub steps: usize,
}

impl Default for Recipe {
    /// Worth looking at after a minute on one processor thread.
    fn default() -> Self {
        Self { latents: 512, k: 16, steps: 1000 }
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing yet, or nothing any more.
    Idle,
    /// The visitor's pictures are opened.
    Opening {
        /// So many are.
        done: usize,
        /// Of so many.
        count: usize,
    },
    /// The network looks at the pictures.
    Gathering {
        /// So many were looked at.
        done: usize,
        /// Of so many.
        count: usize,
    },
    /// Step after step.
    Learning,
    /// It waits for the visitor.
    Paused,
    /// All steps are made, or a file was opened.
    Finished,
}

impl Phase {
    /// Whether something is being computed.
    pub fn is_busy(self) -> bool {
        matches!(self, Self::Opening { .. } | Self::Gathering { .. } | Self::Learning)
    }

    /// In words, but for the steps of a dictionary.
    pub fn words(self) -> String {
        match self {
            Self::Idle => String::new(),
            Self::Opening { done, count } => format!("opening {done} of {count} pictures"),
            Self::Gathering { done, count } => {
                format!("the network looks at {done} of {count} pictures")
            }
            Self::Learning => "begins".to_owned(),
            Self::Paused => "paused".to_owned(),
            Self::Finished => "finished".to_owned(),
        }
    }
}

/// What was gathered last: of which weights, which layer, which pictures; and the layer's size.
type Kept = (String, String, Pictures, PictureSize);

/// The dictionary that learns here.
#[derive(Clone, Copy)]
pub struct Study {
    /// From which pictures.
    pub pictures: RwSignal<Pictures>,
    /// How.
    pub recipe: RwSignal<Recipe>,
    /// What is done.
    pub phase: RwSignal<Phase>,
    /// How far it is.
    pub learned: RwSignal<Option<Learned>>,
    /// The share that each step left unexplained.
    pub unexplained: RwSignal<Vec<f32>>,
    /// What its latents were found in.
    pub finds: RwSignal<Option<Arc<Finds>>>,
    /// Whose pictures those are, and the layer.
    pub found_in: RwSignal<(Pictures, String)>,
    /// The latent on view.
    pub chosen: RwSignal<Option<usize>>,
    /// Its files in a .zip archive, of its last pause or end.
    pub archive: RwSignal<Option<Arc<Vec<u8>>>>,
    /// Why there is none.
    pub failure: RwSignal<Option<Failure>>,
    asking: Slot,
    kept: StoredValue<Option<Kept>>,
}

impl Study {
    /// That of the page that the component is part of.
    pub fn here() -> Self {
        expect_context()
    }

    /// Nothing learned yet.
    pub fn new() -> Self {
        Self {
            pictures: RwSignal::default(),
            recipe: RwSignal::default(),
            phase: RwSignal::new(Phase::Idle),
            learned: RwSignal::default(),
            unexplained: RwSignal::default(),
            finds: RwSignal::default(),
            found_in: RwSignal::default(),
            chosen: RwSignal::default(),
            archive: RwSignal::default(),
            failure: RwSignal::default(),
            asking: Slot::new(),
            kept: StoredValue::default(),
        }
    }

    /// Begins, pauses, goes on.
    pub fn play(self, page: Page) {
        match self.phase.get_untracked() {
            Phase::Learning => self.steer(page, Pace::Pause, Phase::Paused),
            Phase::Paused => self.steer(page, Pace::Run, Phase::Learning),
            Phase::Opening { .. } | Phase::Gathering { .. } => self.stop(),
            Phase::Idle | Phase::Finished => self.learn(page),
        }
    }

    /// Ends what is being done; what was learned until the last pause stays.
    pub fn stop(self) {
        self.asking.end();
        self.phase.set(match self.archive.with_untracked(Option::is_some) {
            true => Phase::Finished,
            false => Phase::Idle,
        });
    }

    /// Forgets everything that was learned.
    pub fn forget(self) {
        self.asking.end();
        self.kept.set_value(None);
        self.phase.set(Phase::Idle);
        self.clear();
    }

    fn clear(self) {
        self.learned.set(None);
        self.unexplained.set(Vec::new());
        self.finds.set(None);
        self.chosen.set(None);
        self.archive.set(None);
        self.failure.set(None);
    }

    fn steer(self, page: Page, pace: Pace, phase: Phase) {
        if let Some(dream) = self.asking.open() {
            page.session.client.tell(Steer { dream, pace });
            self.phase.set(phase);
        }
    }

    fn learn(self, page: Page) {
        let Recipe { latents, k, steps } = self.recipe.get_untracked();
        let turn = self.begin(page);
        spawn_local(async move {
            let Some(grid) = self.gather(page, turn).await else { return };
            self.phase.set(Phase::Learning);
            let question = Learn { latents, k, steps, seed: 0 };
            let hear = move |heard| self.hear(page, heard, grid);
            turn.ask(page.session.client, question, Vec::new(), hear);
        });
    }

    /// Opens a dictionary from a file and finds its latents in the pictures.
    pub fn recall(self, page: Page, file: File) {
        let turn = self.begin(page);
        spawn_local(async move {
            let archive = match browser::read(&file).await {
                Ok(archive) => archive,
                Err(why) if turn.is_on() => {
                    let what = format!("The file {} could not be read.", file.name());
                    let next = "Choose it again, or take another copy.";
                    return self.fail(page, Failure::new(FailureKind::Input, what, why, next));
                }
                Err(_) => return,
            };
            let Some(grid) = self.gather(page, turn).await else { return };
            self.phase.set(Phase::Learning);
            let hear = move |heard| self.hear(page, heard, grid);
            turn.ask(page.session.client, Recall, vec![archive], hear);
        });
    }

    fn begin(self, page: Page) -> Turn {
        let turn = self.asking.turn();
        self.clear();
        let count = untrack(|| self.pictures.get().count(page));
        self.phase.set(Phase::Gathering { done: 0, count });
        turn
    }

    /// Has the network look at all pictures, unless it did; the layer's size.
    async fn gather(self, page: Page, turn: Turn) -> Option<PictureSize> {
        let pictures = self.pictures.get_untracked();
        let layer = untrack(|| layer(page));
        let count = untrack(|| pictures.count(page));
        let model = page.session.model.get_untracked()?;
        let sha256 = model.weights_sha256.clone();
        let kept = self.kept.get_value().filter(|(of_weights, of_layer, of_pictures, _)| {
            (of_weights, of_layer, of_pictures) == (&sha256, &layer, &pictures)
        });
        self.found_in.set((pictures.clone(), layer.clone()));
        if let Some((.., grid)) = kept {
            return Some(grid);
        }
        self.kept.set_value(None);
        let mut last = None;
        for number in 0..count {
            let photo = pictures.photo(page, number).await;
            if !turn.is_on() {
                return None;
            }
            let Some(photo) = photo else {
                let what = "A picture of the gallery did not come.";
                let next = "Try again, or choose pictures of your own.";
                let why = format!("It is picture {number} of {count}.");
                self.fail(page, Failure::new(FailureKind::Download, what, why, next));
                return None;
            };
            let question = Gather { picture: photo.size, layer: layer.clone(), number, count };
            let answer = page.session.client.last_answer(question, vec![photo.rgba]).await;
            if !turn.is_on() {
                return None;
            }
            match answer {
                Ok((Gathered { grid, .. }, _)) => last = Some(grid),
                Err(failure) => {
                    self.fail(page, failure);
                    return None;
                }
            }
            self.phase.set(Phase::Gathering { done: number + 1, count });
        }
        let grid = last?;
        self.kept.set_value(Some((sha256, layer, pictures, grid)));
        Some(grid)
    }

    fn hear(self, page: Page, heard: Heard<Learned>, grid: PictureSize) {
        match heard {
            Heard::Said(learned, buffers) => {
                let mut buffers = buffers.into_iter();
                if let Some(bytes) = buffers.next() {
                    self.finds.set(Some(Arc::new(Finds::new(bytes, grid))));
                }
                if let Some(archive) = buffers.next() {
                    self.archive.set(Some(Arc::new(archive)));
                }
                if let Some(layer) = &learned.layer {
                    page.session.own.set(Some(layer.clone()));
                } else {
                    self.unexplained.update(|shares| shares.push(learned.normalized_mse as f32));
                }
                self.learned.set(Some(learned));
            }
            Heard::Done => self.phase.set(Phase::Finished),
            Heard::Failed(failure) => self.fail(page, failure),
            Heard::Cancelled => self.phase.set(Phase::Idle),
        }
    }

    fn fail(self, page: Page, failure: Failure) {
        self.phase.set(Phase::Idle);
        self.kept.set_value(None);
        if !page.session.takes(&failure) {
            self.failure.set(Some(failure));
        }
    }

    /// Takes pictures of the visitor's own; none are the gallery's again.
    pub fn take(self, page: Page, files: Vec<File>) {
        let Some(side) = untrack(|| page.input_side()) else { return };
        let turn = self.asking.turn();
        self.failure.set(None);
        spawn_local(async move {
            let count = files.len().min(MOST);
            let mut own = Vec::new();
            let mut unreadable = Vec::new();
            for (done, file) in files.into_iter().take(MOST).enumerate() {
                self.phase.set(Phase::Opening { done, count });
                match OwnPicture::open(file.name(), &file, side).await {
                    Ok(picture) => own.push(picture),
                    Err(why) => unreadable.push(format!("{}: {why}", file.name())),
                }
                if !turn.is_on() {
                    return;
                }
            }
            self.phase.set(Phase::Idle);
            if let Some(first) = unreadable.first() {
                let what = match unreadable.len() {
                    1 => "One picture could not be read.".to_owned(),
                    many => format!("{many} pictures could not be read."),
                };
                let next = "The others are taken; leave it out, or take another copy of it.";
                let failure = Failure::new(FailureKind::Picture, what, first.clone(), next);
                self.failure.set(Some(failure));
            }
            if !own.is_empty() {
                self.clear_unless_failed();
                self.pictures.set(Pictures::Own(Arc::new(own)));
            }
        });
    }

    fn clear_unless_failed(self) {
        let failure = self.failure.get_untracked();
        self.clear();
        self.failure.set(failure);
    }

    /// Takes the gallery's pictures again.
    pub fn take_gallery(self) {
        self.asking.end();
        self.clear();
        self.phase.set(Phase::Idle);
        self.pictures.set(Pictures::Gallery);
    }

    /// Seconds that are left, where that is known. Reactive.
    pub fn seconds_left(self) -> Option<f64> {
        let learned = self.learned.get()?;
        let left = learned.steps.saturating_sub(learned.step) as f64;
        (0.0 < learned.rate).then_some(left / learned.rate)
    }
}

impl Default for Study {
    fn default() -> Self {
        Self::new()
    }
}

/// The layer that a dictionary is trained on: the one on view, or that which it is read from.
/// Reactive.
pub fn layer(page: Page) -> String {
    let layer = page.layer();
    let is_own = page.layers.with(|layers| {
        layers.iter().any(|other| other.name == layer && other.role == Role::Latents)
    });
    match layer.rsplit_once('/') {
        Some((parent, _)) if is_own => parent.to_owned(),
        _ => layer,
    }
}

//! What the engine says, and of which questions.

use serde::{Deserialize, Serialize};
use shared::classes::ClassScore;

use super::failure::Failure;

/// One line an answer: the type it is made of.
macro_rules! answers {
    ($($answer:ident),+ $(,)?) => {
        /// What is said of a request.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Event {
            $(#[doc = concat!("See [`", stringify!($answer), "`].")] $answer($answer),)+
            /// The request ended well.
            Done,
            /// The request ended badly.
            Failed(Failure),
            /// The request was stopped.
            Cancelled,
        }

        $(
            impl From<$answer> for Event {
                fn from(answer: $answer) -> Self {
                    Self::$answer(answer)
                }
            }

            impl TryFrom<Event> for $answer {
                type Error = Foreign;

                fn try_from(event: Event) -> Result<Self, Foreign> {
                    match event {
                        Event::$answer(answer) => Ok(answer),
                        _ => Err(Foreign),
                    }
                }
            }
        )+
    };
}

answers! {
    DeviceReport,
    Building,
    Unpacked,
    Fetching,
    Responded,
    Classified,
    Attended,
    Stepped,
    Gathered,
    Learned,
    Nothing,
}

impl Event {
    /// Whether nothing more is said about the request after this.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_) | Self::Cancelled)
    }
}

/// What was heard is no answer to this question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it answered what nobody asked")]
pub struct Foreign;

/// Said of a question that is only done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nothing {}

/// Bytes of a download, so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// "weights", "labels"; the page's own "engine".
    pub what: String,
    /// Bytes here.
    pub done: u64,
    /// Bytes in all, if known.
    pub total: Option<u64>,
    /// From the browser's cache: nothing is downloaded.
    pub cached: bool,
}

/// Of a model that is asked for: how much of it has come, then the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Building {
    /// On its way.
    Progress(Progress),
    /// Ready.
    Model(ModelReport),
}

impl From<Progress> for Building {
    fn from(progress: Progress) -> Self {
        Self::Progress(progress)
    }
}

/// Of a part that is asked for: how much of it has come, then the part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fetching {
    /// On its way.
    Progress(Progress),
    /// Here, as its bundle describes it: buffer 0.
    Part,
}

impl From<Progress> for Fetching {
    fn from(progress: Progress) -> Self {
        Self::Progress(progress)
    }
}

/// A bundle that can be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacked {
    /// Where its `bundle.json` is; [`super::FetchPart`] and [`super::LoadModel`] take it from there.
    pub bundle_url: String,
    /// The text of `bundle.json`, checked: [`shared::format::bundle::Bundle::parse`] reads it.
    pub json: String,
}

/// Pixels across and down of a picture whose bytes travel beside the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureSize {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
}

/// How a unit answers to a picture. Buffer 0 is its map, f32, little-endian, row by row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Responded {
    /// Which of the pictures, from 0.
    pub picture: usize,
    /// Rows and columns of the map.
    pub map: PictureSize,
    /// Mean over space.
    pub mean: f32,
    /// Largest over space.
    pub max: f32,
}

/// Which device is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// A GPU if there is one that is not a software renderer, else the processor.
    #[default]
    Automatic,
    /// The GPU, software or not.
    WebGpu,
    /// The processor.
    Cpu,
}

/// The device in use and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// `WebGpu` or `Cpu`, never `Automatic`.
    pub device: DeviceChoice,
    /// The adapter's name, as its driver gives it; empty for the processor.
    pub adapter: String,
    /// A software renderer: slower than the processor path.
    pub software: bool,
    /// One sentence for people.
    pub reason: String,
}

/// A model that is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// `googlenet`.
    pub name: String,
    /// "GoogLeNet".
    pub title: String,
    /// Every layer, in forward order.
    pub layers: Vec<shared::tap::LayerInfo>,
    /// Class labels, in the order of the logits.
    pub labels: Vec<String>,
    /// Of the weights file, hexadecimal.
    pub weights_sha256: String,
    /// Which weights were taken, where the file has several that fit.
    pub note: Option<String>,
}

/// What the network saw in a picture. Buffers:
/// - the crop it looked at, RGBA
/// - which of `channels` are strongest at each place, `[height, width, at_each_place]` (u32,
///   little-endian), the strongest first; [`NOBODY`] where no more are above zero
/// - where there is `explained`, a map of the share at each place
/// - a map for each of `channels`
///
/// Maps are f32, little-endian, row by row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// The five best classes, best first.
    pub top: Vec<ClassScore>,
    /// Size of the crop it looked at.
    pub crop: PictureSize,
    /// The layer asked for, by its canonical name.
    pub layer: String,
    /// Rows and columns of each map.
    pub map: PictureSize,
    /// The most active channels, most active first, by mean over space: as many as were asked for,
    /// and those that are strongest somewhere.
    pub channels: Vec<ChannelActivation>,
    /// Of latents: the share of their layer's activation that they explain in the whole picture, see
    /// [`shared::readout::Explained`].
    pub explained: Option<f32>,
    /// Milliseconds for the forward pass.
    pub milliseconds: f64,
}

/// No channel, in a list of them.
pub const NOBODY: u32 = u32::MAX;

/// How active a channel is in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelActivation {
    /// From 0.
    pub channel: usize,
    /// Mean over space.
    pub mean: f32,
    /// Largest over space.
    pub max: f32,
    /// At the class token, where the layer has one: it has no place in the picture.
    pub class_token: Option<f32>,
}

/// How much the tokens of a block attend to each other. Buffer 0 is a number for each head, token
/// that looks and token that is looked at (f32, little-endian, in this order; the last sums to 1);
/// of tokens first those that have no place, class token and registers, then patches row by row.
///
/// It comes whole, because whoever moves a pointer over the picture asks for one token after
/// another, and waits for none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attended {
    /// Which block, from 0.
    pub block: usize,
    /// Its heads.
    pub heads: usize,
    /// Tokens that have no place.
    pub extra: usize,
    /// Patches across and down.
    pub patches: PictureSize,
    /// Milliseconds for the pass to the block.
    pub milliseconds: f64,
}

impl Attended {
    /// Tokens in all.
    pub fn tokens(&self) -> usize {
        self.extra + self.patches.width * self.patches.height
    }
}

/// What was kept of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathered {
    /// Places that are kept, of all pictures so far.
    pub places: usize,
    /// Rows and columns of the layer.
    pub grid: PictureSize,
}

/// Pictures that are said of each latent.
pub const SHOWN: usize = 9;

/// How far a dictionary is. Buffers, in this order, none or the first or both:
/// - what its latents were found in: of each the share of places where it fires (f32), then of
///   [`SHOWN`] pictures, the strongest first, which one (u32, [`NOBODY`] where there are no more),
///   the place in it, row by row (u32), and the value there (f32), all little-endian
/// - its files as SAELens keeps them, in a .zip archive
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Steps made.
    pub step: usize,
    /// Of how many; none where it came from a file.
    pub steps: usize,
    /// How many latents it has.
    pub latents: usize,
    /// Squared error over variance, of the step's batch; of a file of all that was gathered.
    pub normalized_mse: f64,
    /// Latents that are used at a time, in the mean.
    pub l0: f64,
    /// Latents that have not fired for long.
    pub dead: usize,
    /// Steps in a second.
    pub rate: f64,
    /// The layer that it is from now on, where it was put to use.
    pub layer: Option<shared::tap::LayerInfo>,
}

/// A step of a dream. Buffer 0 is the batch's pictures, RGBA, one after another.
///
/// While the window has not yet handled the picture before, a step comes without buffers; only the
/// newest picture is worth sending. The last step always has one, and so has the step a dream
/// pauses on: if it came without, it is said again with the same step number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stepped {
    /// How many were made.
    pub step: usize,
    /// Of how many.
    pub steps: usize,
    /// What the optimizer minimises: the objective, negated.
    pub loss: f32,
    /// The objective's value and that of each of its terms, as printed.
    pub terms: Vec<(String, f32)>,
    /// Size of each picture.
    pub picture: PictureSize,
    /// Pictures in the batch.
    pub batch: usize,
    /// Steps per second, over the last few.
    pub rate: f64,
    /// What makes the same picture again: the content of a PNG's recipe chunk.
    pub recipe: String,
}

impl Stepped {
    /// Whether the objective's value is more than that of its only term.
    pub fn is_sum(&self) -> bool {
        !matches!(self.terms[..], [(_, activation)] if activation == -self.loss)
    }
}

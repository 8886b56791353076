//! Every message between window and worker.
//!
//! A request carries an id; every request ends in exactly one [`Event::Done`], [`Event::Failed`]
//! or [`Event::Cancelled`], with streams of other events in between. The text of a message travels
//! as JSON; pictures and heat maps travel beside it as transferred buffers ([`Envelope`]).
//!
//! Requests that need a device or a model wait for every [`Ask::OpenDevice`], [`Ask::LoadModel`],
//! [`Ask::TakeWeights`] and [`Ask::LoadKept`] asked before them, so all may be sent at once.

use serde::{Deserialize, Serialize};
use shared::format::bundle::Part;
use shared::visualize::Settings;

/// Names a request and everything said in answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u32);

/// Everything the window posts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWindow {
    /// Something is wanted.
    Request(Request),
    /// The latest picture of this dream has been handled; another may come.
    /// [`crate::client::Client`] says so by itself.
    Seen(RequestId),
}

/// Everything the worker posts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// Its program is on its way. `worker_loader.js` says so, as long as there is no program that
    /// could.
    Loading {
        /// Bytes here.
        done: u64,
        /// Bytes in all, if known.
        total: Option<u64>,
    },
    /// It listens. What was posted before may be lost.
    Ready,
    /// It holds the lock of its own name, and will until it ends ([`crate::lock`]).
    Guarded,
    /// An answer.
    Reply(Reply),
    /// It has failed beyond repair and will answer nothing any more.
    Crashed(String),
}

/// From window to worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the window, never reused.
    pub id: RequestId,
    /// What is wanted.
    pub ask: Ask,
}

/// What the window can ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Find and start a device. Ends in `Done` after one [`Event::Device`]. A model that is
    /// loaded moves to it; dreams that run go on where they are.
    OpenDevice(DeviceChoice),
    /// Fetch (or take from the cache), verify and build the model of a bundle.
    /// Streams [`Event::Progress`], then [`Event::Model`]. Needs an open device.
    LoadModel {
        /// Where `bundle.json` is, absolute.
        bundle_url: String,
    },
    /// Build the model of a bundle from weights of the visitor's own: buffer 0, a safetensors file,
    /// a `.caffemodel` or what PyTorch saved. They are kept for the next visit. Streams [`Event::Model`]. Needs an
    /// open device.
    TakeWeights {
        /// Where `bundle.json` is, absolute.
        bundle_url: String,
    },
    /// Build the model of a bundle from weights that [`Ask::TakeWeights`] kept on an earlier
    /// visit. Streams [`Event::Model`]; fails with `NotReady` where they are not kept any more.
    LoadKept {
        /// Where `bundle.json` is, absolute.
        bundle_url: String,
        /// Of the weights, hexadecimal, as [`ModelReport::weights_sha256`] said.
        sha256: String,
    },
    /// Unpack a bundle from a .zip file, buffer 0. Streams one [`Event::Bundle`], whose address
    /// serves until the worker ends.
    Unpack {
        /// The file's name, for errors.
        name: String,
    },
    /// Fetch (or take from the cache, or from a .zip file) and verify a part of a bundle. Streams
    /// [`Event::Progress`], then one [`Event::Part`].
    FetchPart {
        /// Where `bundle.json` is, absolute.
        bundle_url: String,
        /// Which part, as the checked `bundle.json` describes it.
        part: Part,
        /// What it is called in progress and errors: "exemplars".
        what: String,
    },
    /// Where and how strongly a unit answers to pictures, each of the size the network classifies
    /// at. Streams one [`Event::Responded`] a picture, in order.
    Respond {
        /// A layer's name.
        layer: String,
        /// From 0.
        channel: usize,
        /// The pictures; their RGBA bytes are the buffers, in order.
        pictures: Vec<PictureSize>,
    },
    /// What the network sees in a picture. Streams one [`Event::Classified`].
    Classify {
        /// The picture; its RGBA bytes are buffer 0.
        picture: PictureSize,
        /// The layer whose most active channels are wanted.
        layer: String,
        /// How many of those channels.
        channels: usize,
    },
    /// Climbs until `steps` are done. Streams [`Event::Stepped`].
    Dream {
        /// As typed.
        objective: String,
        /// Size, parameterisation, transforms, ...
        settings: Settings,
        /// For the noise it starts from and every transform after.
        seed: u64,
        /// Where it ends.
        steps: usize,
        /// Whether it waits for [`Ask::Steer`] before its first step.
        paused: bool,
    },
    /// Pauses, resumes, single-steps a dream. Answered by `Done` at once; the dream's own
    /// events go on under the dream's id.
    Steer {
        /// The dream's id.
        dream: RequestId,
        /// What it does from now on.
        pace: Pace,
    },
    /// Ends a dream or a load after the step it is in; that request ends in `Cancelled`.
    /// Answered by `Done`, also when the target has ended or never was.
    Stop {
        /// The id of what is to stop.
        target: RequestId,
    },
    /// Lets the GPU go as if the system had taken it. For rehearsing that error.
    LoseDevice,
}

/// A dream's pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// Step after step.
    Run,
    /// Stay as it is.
    Pause,
    /// One step, then stay.
    Once,
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

/// Pixels across and down of a picture whose bytes travel beside the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureSize {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
}

/// From worker to window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The request this answers.
    pub id: RequestId,
    /// What happened.
    pub event: Event,
}

/// What the worker says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The device in use from now on.
    Device(DeviceReport),
    /// Bytes so far.
    Progress {
        /// "weights", "labels".
        what: String,
        /// Bytes here.
        done: u64,
        /// Bytes in all, if known.
        total: Option<u64>,
        /// From the browser's cache: nothing is downloaded.
        cached: bool,
    },
    /// The model is ready.
    Model(ModelReport),
    /// A bundle that can be opened.
    Bundle {
        /// Where its `bundle.json` is; `FetchPart` and `LoadModel` take it from there.
        bundle_url: String,
        /// The text of `bundle.json`, checked: [`shared::format::bundle::Bundle::parse`] reads it.
        json: String,
    },
    /// A part has come, as its bundle describes it: buffer 0.
    Part,
    /// How a unit answers to a picture. Buffer 0 is its map, f32, little-endian, row by row.
    Responded {
        /// Which of the pictures, from 0.
        picture: usize,
        /// Rows and columns of the map.
        map: PictureSize,
        /// Mean over space.
        mean: f32,
        /// Largest over space.
        max: f32,
    },
    /// What the network saw. Buffer 0 is the crop it looked at, RGBA; then one f32
    /// map (little-endian, row by row) for each of `channels`.
    Classified(Classified),
    /// A step was made. Buffer 0 is the batch's pictures, RGBA, one after another.
    ///
    /// While the window has not yet handled the picture before, a step comes without buffers;
    /// only the newest picture is worth sending. The last step always has one, and so has the
    /// step a dream pauses on: if it came without, it is said again with the same step number.
    Stepped(Stepped),
    /// The request ended well.
    Done,
    /// The request ended badly.
    Failed(Failure),
    /// The request was stopped.
    Cancelled,
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

/// What the network saw in a picture.
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
    /// The most active channels, most active first, by mean over space.
    pub channels: Vec<ChannelActivation>,
    /// Milliseconds for the forward pass.
    pub milliseconds: f64,
}

/// One class and how sure the network is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// From 0.
    pub class: usize,
    /// Its name.
    pub label: String,
    /// Before softmax.
    pub logit: f32,
    /// 0..=1.
    pub probability: f32,
}

/// How active a channel is in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelActivation {
    /// From 0.
    pub channel: usize,
    /// Mean over space.
    pub mean: f32,
    /// Largest over space.
    pub max: f32,
}

/// A step of a dream.
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

/// Why a request failed, in the page's three sentences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure, for the page to offer the right way out.
    pub kind: FailureKind,
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do next.
    pub next: String,
}

impl Failure {
    /// A failure in the page's three sentences.
    pub fn new(
        kind: FailureKind,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { kind, what: what.into(), why: why.into(), next: next.into() }
    }
}

/// Kinds of failure the page treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// No WebGPU here.
    NoWebGpu,
    /// The device went away. The worker must be started anew to use it again.
    DeviceLost,
    /// Not enough memory.
    OutOfMemory,
    /// A download failed or was interrupted.
    Download,
    /// A download is not what it should be.
    Corrupted,
    /// A picture that cannot be read.
    Picture,
    /// An objective or setting that makes no sense.
    Input,
    /// Asked for something that needs a model before there is one.
    NotReady,
    /// Anything else.
    Internal,
}

impl Event {
    /// Whether nothing more is said about the request after this.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_) | Self::Cancelled)
    }
}

/// A message with the buffers that travel beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<T> {
    /// The message.
    pub message: T,
    /// Bytes, in the order the message's documentation gives.
    pub buffers: Vec<Vec<u8>>,
}

impl<T> Envelope<T> {
    /// A message with nothing beside it.
    pub fn bare(message: T) -> Self {
        Self { message, buffers: Vec::new() }
    }
}

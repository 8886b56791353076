//! What the window can ask for, and the type of each answer.

use serde::{Deserialize, Serialize};
use shared::format::bundle::Part;
use shared::visualize::{Objective, Settings};

use super::answer::{
    Attended, Building, Classified, DeviceChoice, DeviceReport, Event, Fetching, Foreign, Gathered,
    Learned, Nothing, PictureSize, Responded, Stepped, Unpacked,
};

/// A question to the engine.
pub trait Question: Into<Ask> {
    /// What is said in answer to it before its end, once or as a stream.
    type Answer: Into<Event> + TryFrom<Event, Error = Foreign> + 'static;
}

/// One line a question: what it is answered with.
macro_rules! questions {
    ($($question:ident => $answer:ident),+ $(,)?) => {
        /// Any question, on its way.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Ask {
            $(#[doc = concat!("See [`", stringify!($question), "`].")] $question($question),)+
        }

        $(
            impl Question for $question {
                type Answer = $answer;
            }

            impl From<$question> for Ask {
                fn from(question: $question) -> Self {
                    Self::$question(question)
                }
            }
        )+
    };
}

questions! {
    OpenDevice => DeviceReport,
    LoadModel => Building,
    TakeWeights => Building,
    LoadKept => Building,
    Unpack => Unpacked,
    FetchPart => Fetching,
    Respond => Responded,
    Classify => Classified,
    Attend => Attended,
    Dream => Stepped,
    Gather => Gathered,
    Learn => Learned,
    Recall => Learned,
    Steer => Nothing,
    Stop => Nothing,
    LoseDevice => Nothing,
}

/// Find and start a device. A model that is loaded moves to it; dreams that run go on where they
/// are. Said once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenDevice(pub DeviceChoice);

/// Fetch (or take from the cache), verify and build the model of a bundle. Needs an open device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadModel {
    /// Where `bundle.json` is, absolute.
    pub bundle_url: String,
}

/// Build the model of a bundle from weights of the visitor's own: buffer 0, a safetensors file, a
/// `.caffemodel` or what PyTorch saved. They are kept for the next visit. Needs an open device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeWeights {
    /// Where `bundle.json` is, absolute.
    pub bundle_url: String,
}

/// Build the model of a bundle from weights that [`TakeWeights`] kept on an earlier visit. Fails
/// with `NotReady` where they are not kept any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadKept {
    /// Where `bundle.json` is, absolute.
    pub bundle_url: String,
    /// Of the weights, hexadecimal, as [`super::ModelReport::weights_sha256`] said.
    pub sha256: String,
}

/// Unpack a bundle from a .zip file, buffer 0. Said once; the bundle's address serves until the
/// worker ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unpack {
    /// The file's name, for errors.
    pub name: String,
}

/// Fetch (or take from the cache, or from a .zip file) and verify a part of a bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FetchPart {
    /// Where `bundle.json` is, absolute.
    pub bundle_url: String,
    /// Which part, as the checked `bundle.json` describes it.
    pub part: Part,
    /// What it is called in progress and errors: "exemplars".
    pub what: String,
}

/// Where and how strongly a unit answers to pictures, each of the size the network classifies at.
/// Said once a picture, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Respond {
    /// A layer's name.
    pub layer: String,
    /// From 0.
    pub channel: usize,
    /// The pictures; their RGBA bytes are the buffers, in order.
    pub pictures: Vec<PictureSize>,
}

/// What the network sees in a picture. Said once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classify {
    /// The picture; its RGBA bytes are buffer 0.
    pub picture: PictureSize,
    /// The layer whose most active channels are wanted.
    pub layer: String,
    /// How many of those channels.
    pub channels: usize,
    /// How many at each place as well.
    pub at_each_place: usize,
}

/// How much each token of a transformer's block attends to each other. Said once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attend {
    /// The picture; its RGBA bytes are buffer 0.
    pub picture: PictureSize,
    /// Which block, from 0.
    pub block: usize,
}

/// Climb until `steps` are done. Said at each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dream {
    /// With its penalties.
    pub objective: Objective,
    /// Size, parameterisation, transforms, ...
    pub settings: Settings,
    /// For the noise it starts from and every transform after.
    pub seed: u64,
    /// Where it ends.
    pub steps: usize,
    /// Whether it waits for [`Steer`] before its first step.
    pub paused: bool,
}

/// Keep what a layer gives for a picture, for [`Learn`] and [`Recall`]. Said once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gather {
    /// The picture; its RGBA bytes are buffer 0.
    pub picture: PictureSize,
    /// A layer of the network's own.
    pub layer: String,
    /// Which picture it is, from 0; the first replaces all that were gathered before.
    pub number: usize,
    /// How many there will be.
    pub count: usize,
}

/// Learn a TopK dictionary from what was gathered. Said at each step; [`Steer`] pauses it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learn {
    /// How many.
    pub latents: usize,
    /// Latents that are used at a time.
    pub k: usize,
    /// Where it ends.
    pub steps: usize,
    /// Of what it begins with, and of the order.
    pub seed: u64,
}

/// Take a dictionary from its files, in a .zip archive (buffer 0), and find its latents in what was
/// gathered. Said once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recall;

/// Pause, resume, single-step a dream or a dictionary that learns. Done at once; what is said goes
/// on under its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steer {
    /// Its id.
    pub dream: RequestId,
    /// What it does from now on.
    pub pace: Pace,
}

/// End a request after the step it is in; that request ends in `Cancelled`. Done at once, also
/// when the target has ended or never was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// The id of what is to stop.
    pub target: RequestId,
}

/// Let the GPU go as if the system had taken it. For rehearsing that error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoseDevice;

/// Names a request and everything said in answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u32);

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

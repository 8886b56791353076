//! Every message between window and worker.
//!
//! A request carries an id; every request ends in exactly one [`Event::Done`], [`Event::Failed`]
//! or [`Event::Cancelled`], with streams of other events in between. The text of a message travels
//! as JSON; pictures and heat maps travel beside it as transferred buffers ([`Envelope`]).
//!
//! Every question is a type of its own, and names the type of what is said in answer to it
//! ([`Question`]): neither side can say or hear anything else.
//!
//! Requests that need a device or a model wait for every [`OpenDevice`], [`LoadModel`],
//! [`TakeWeights`] and [`LoadKept`] asked before them, so all may be sent at once.

mod answer;
mod failure;
mod question;

use serde::{Deserialize, Serialize};

pub use self::answer::{
    Attended, Building, ChannelActivation, Classified, DeviceChoice, DeviceReport, Event, Fetching,
    Foreign, Gathered, Learned, ModelReport, NOBODY, Nothing, PictureSize, Progress, Responded,
    SHOWN, Stepped, Unpacked,
};
pub use self::failure::{Failure, FailureKind};
pub use self::question::{
    Ask, Attend, Classify, Dream, FetchPart, Gather, Learn, LoadKept, LoadModel, LoseDevice,
    OpenDevice, Pace, Question, Recall, RequestId, Respond, Steer, Stop, TakeWeights, Unpack,
};

/// Everything the window posts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWindow {
    /// Something is wanted.
    Request(Request),
    /// The latest picture of this dream has been handled; another may come.
    /// [`crate::ask::client::Client`] says so by itself.
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

/// From worker to window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The request this answers.
    pub id: RequestId,
    /// What happened.
    pub event: Event,
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

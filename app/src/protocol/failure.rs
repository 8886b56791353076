//! Why a request failed.

use serde::{Deserialize, Serialize};

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

//! What was wanted, what was found, where to look.

use crate::visualize::objective::ParseError;
use crate::visualize::score::ScoreError;
use crate::weights::WeightsError;

/// The result of anything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong. Callers that know a path or an address add it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Weights that do not fit the model.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// An objective that cannot be read.
    #[error(transparent)]
    Objective(#[from] ParseError),
    /// An objective that does not fit the model.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// No model goes by this name.
    #[error("no model is called {name:?}{}; there are {known}", meant(nearest.as_deref()))]
    UnknownModel {
        /// As given.
        name: String,
        /// The one that was probably meant.
        nearest: Option<String>,
        /// Names that exist, comma separated.
        known: String,
    },
    /// No layer goes by this name.
    #[error("{model} has no layer {name:?}; nearest is {nearest:?}")]
    UnknownLayer {
        /// The model asked.
        model: String,
        /// As given.
        name: String,
        /// The existing name closest to it.
        nearest: String,
    },
    /// Activations of a pass that did not tap this layer.
    #[error("the activations hold no {layer}; the pass must tap all that is asked of it")]
    NotCaught {
        /// The canonical name.
        layer: String,
    },
    /// A channel, place or class beyond the end.
    #[error("{layer} has {count} {what}, numbered 0 to {}; {index} is not one of them", count - 1)]
    OutOfRange {
        /// The layer asked.
        layer: String,
        /// "channels", "latents", "rows", "columns" or "classes".
        what: &'static str,
        /// As given.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A setting outside what can work.
    #[error("{name} is {found}; it must be {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// As given.
        found: String,
        /// What is accepted.
        expected: String,
    },
    /// A picture that is no picture.
    #[error("a picture of {width}x{height} pixels needs {expected} values, found {found}")]
    PictureSize {
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
        /// Values needed.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// The optimisation left the finite numbers.
    #[error(
        "step {step} made a value that is not finite ({what}); a smaller learning rate usually helps"
    )]
    NotFinite {
        /// The step that failed.
        step: usize,
        /// Which value.
        what: &'static str,
    },
    /// A saved state or file that cannot be read.
    #[error("{what}: {reason}")]
    Format {
        /// The thing being read, for example "bundle.json: weights.sha256".
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The device has no room for a tensor.
    #[error("the device has not enough memory: {reason}")]
    OutOfMemory {
        /// As the driver put it.
        reason: String,
    },
    /// The device failed: lost or absent.
    #[error("the {device} device failed: {reason}")]
    Device {
        /// Name for people.
        device: String,
        /// As the driver put it.
        reason: String,
    },
}

/// ` (did you mean googlenet?)`
fn meant(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(" (did you mean {nearest}?)")).unwrap_or_default()
}

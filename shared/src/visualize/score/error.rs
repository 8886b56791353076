//! Why an objective has no value for a model.

use super::measure::Outside;
use crate::Error;

/// Why an objective has no value for this model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScoreError {
    /// Nothing to climb.
    #[error("the objective has no terms; it needs at least one")]
    Empty,
    /// A weight that is infinite or no number.
    #[error("the weight of {term} is {weight}; it must be a finite number")]
    Weight {
        /// As printed.
        term: String,
        /// As given.
        weight: f64,
    },
    /// No class has this label.
    #[error("no class is called {label:?}; nearest is {nearest:?}")]
    UnknownLabel {
        /// As given.
        label: String,
        /// The existing label closest to it.
        nearest: String,
    },
    /// Several classes have this label.
    #[error("{label:?} names several classes; say one of {}", classes.join(", "))]
    AmbiguousLabel {
        /// As given.
        label: String,
        /// As they can be typed: `logits:134`.
        classes: Vec<String>,
    },
    /// A label where labels are not known.
    #[error("{layer}:{label:?}: {reason}; give a number instead")]
    NoLabels {
        /// The layer asked.
        layer: String,
        /// As given.
        label: String,
        /// Why there are none.
        reason: &'static str,
    },
    /// No direction of this name belongs to the layer.
    #[error("{layer} has no direction {name:?}; {}", .nearest.as_ref().map_or_else(
        || "none are known there".to_owned(),
        |nearest| format!("nearest is {nearest:?}"),
    ))]
    UnknownDirection {
        /// The layer asked.
        layer: String,
        /// As given.
        name: String,
        /// The existing direction of that layer closest to it.
        nearest: Option<String>,
    },
    /// A direction that does not fit its layer.
    #[error(
        "direction {layer}/{{{name}}} has {found} values, expected one for each of {expected} channels"
    )]
    DirectionLength {
        /// The layer asked.
        layer: String,
        /// Its name.
        name: String,
        /// Values it has.
        found: usize,
        /// Channels of the layer.
        expected: usize,
    },
    /// A direction with a value that is infinite or no number.
    #[error("direction {layer}/{{{name}}} has a value that is not finite at channel {channel}")]
    DirectionValue {
        /// The layer asked.
        layer: String,
        /// Its name.
        name: String,
        /// Where the value stands.
        channel: usize,
    },
}

impl From<Outside> for Error {
    fn from(outside: Outside) -> Self {
        let Outside { layer, what, index, count } = outside;
        Self::OutOfRange { layer, what, index, count }
    }
}

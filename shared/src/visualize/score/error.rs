//! Why an objective has no value for a model.

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
    #[error("no class is called {label:?}{}", nearest(meant))]
    UnknownLabel {
        /// As given.
        label: String,
        /// Classes that may be meant, with their labels, the likeliest first.
        meant: Vec<(usize, String)>,
    },
    /// Several classes have this label.
    #[error("{label:?} names several classes; say one of {}", say(layer, classes))]
    AmbiguousLabel {
        /// The layer asked.
        layer: String,
        /// As given.
        label: String,
        /// All that have it.
        classes: Vec<usize>,
    },
    /// The class token of a layer that has none.
    #[error("{layer} has no class token; only layers of transformers have one")]
    NoClassToken {
        /// The layer asked.
        layer: String,
    },
    /// A register that the layer does not have.
    #[error("{layer} has {registers} registers, counted from 0; {number} is not one of them")]
    NoRegister {
        /// The layer asked.
        layer: String,
        /// As given.
        number: usize,
        /// How many there are.
        registers: usize,
    },
    /// A label of what is no class.
    #[error("{layer}:{label:?}: only logits have labels; give a number instead")]
    NoClasses {
        /// The layer asked.
        layer: String,
        /// As given.
        label: String,
    },
    /// A label while labels are not known.
    #[error("{layer}:{label:?}: this model's labels are not loaded; give a number instead")]
    NoLabels {
        /// The layer asked.
        layer: String,
        /// As given.
        label: String,
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
}

/// Labels told of those that may be meant.
const TOLD: usize = 3;

/// `; nearest is "dumbbell"`
fn nearest(meant: &[(usize, String)]) -> String {
    let labels: Vec<_> = meant.iter().take(TOLD).map(|(_, label)| format!("{label:?}")).collect();
    match labels.len() {
        0 => String::new(),
        1 => format!("; nearest is {}", labels[0]),
        _ => format!("; nearest are {}", labels.join(", ")),
    }
}

/// As they can be typed: `logits:134, logits:517`.
fn say(layer: &str, classes: &[usize]) -> String {
    classes.iter().map(|class| format!("{layer}:{class}")).collect::<Vec<_>>().join(", ")
}

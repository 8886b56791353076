//! Scores and their arithmetic, as typed. Larger is better.
//!
//! An objective is written as people write sums, and printed back the same way:
//!
//! ```text
//! mixed4a:11 + 0.5*mixed4b:3 - logits:1
//! ```
//!
//! # Grammar
//!
//! ```text
//! objective = [ "+" | "-" ] term { ( "+" | "-" ) term }
//! term      = [ weight "*" ] ( measure | "(" objective ")" )
//! weight    = [ "-" ] number
//! measure   = "tv"                                   total variation of the picture
//!           | "l2"                                   its distance from grey
//!           | "similar" "(" layer ")"                how alike a batch looks to a layer
//!           | "only" "(" unit ")"                    a unit, the layer's others pressed to zero
//!           | layer                                  the whole layer (DeepDream)
//!           | unit
//!           | layer "/{" name "}"                    a direction
//! unit      = layer ":" channel [ "@" place ]
//! channel   = index | label
//! place     = "center" | index "," index             row, column
//!           | "cls" | "reg" digits                   a token without a place
//! layer     = word { joiner word }
//! joiner    = "." | "/" | "-" | ".-"
//! word      = ( letter | digit | "_" ) { letter | digit | "_" }
//! number    = ( digits [ "." [ digits ] ] | "." digits ) [ ( "e" | "E" ) [ "+" | "-" ] digits ]
//! index     = digits
//! label     = '"' { character | escape } '"'
//! name      = { character | escape }                 at least one
//! escape    = "\" ( "\" | '"' | "{" | "}" | "n" | "r" | "t" | "u{" hexadecimal "}" )
//! ```
//!
//! White space may stand between any two of these pieces and around them, never inside a layer,
//! a number or an index. Letters and digits are ASCII outside labels and names.
//! `tv`, `l2`, `similar` and `only` are reserved: no layer is called so. A layer begins with a
//! letter or `_`, a number never does.
//!
//! **A minus or a layer's name?** Published names contain `/`, `.`, `-` and digits
//! (`inception_4a/output`, `inception4a.branch1.conv`, `blocks.-2`), so these belong to the name
//! whenever they stand directly between its words: `mixed4d-mixed4c` is one (unknown) layer,
//! `mixed4d - mixed4c` a difference. After an index there is no such doubt:
//! `mixed4a:1-mixed4b:2` is a difference too. Printing always puts spaces there.
//!
//! **Brackets are multiplied out** while they are read: `2*(mixed4a:1 - tv)` is
//! `2*mixed4a:1 - 2*tv`, and prints so.

mod parse;
mod print;
mod typed;

use std::ops::{Add, Mul, Neg, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::parse::{MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Spot};
pub use self::typed::Typed;

/// A weighted sum of terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// At least one.
    pub terms: Vec<Term>,
}

impl Objective {
    /// The layers it is about, as typed and in that order, each once: whose activations are climbed
    /// or avoided. A batch is spread apart at the first.
    pub fn layers(&self) -> Vec<&str> {
        let mut layers = Vec::new();
        for layer in self.terms.iter().filter_map(|term| term.measure.layer()) {
            if !layers.contains(&layer) {
                layers.push(layer);
            }
        }
        layers
    }

    /// What it is about: the terms that look at the network, without penalties on the picture or on
    /// likeness. All of it, if there is nothing else.
    pub fn about(&self) -> Self {
        let (terms, _) = self.parted();
        if terms.is_empty() { self.clone() } else { Self { terms } }
    }

    /// Its penalties: all that [`Self::about`] leaves out, if that is something.
    pub fn penalties(&self) -> Option<Self> {
        let (about, terms) = self.parted();
        (!about.is_empty() && !terms.is_empty()).then_some(Self { terms })
    }

    fn parted(&self) -> (Vec<Term>, Vec<Term>) {
        self.terms.iter().cloned().partition(|term| term.measure.layer().is_some())
    }

    /// The layer and channel of the one unit that it consists of; nothing if it is more, or less.
    pub fn unit(&self) -> Option<(&str, &Channel)> {
        match self.terms.as_slice() {
            [Term { weight: 1.0, measure: Measure::Unit { layer, channel, place: None } }] => {
                Some((layer, channel))
            }
            _ => None,
        }
    }
}

/// As its text.
impl Serialize for Objective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Objective {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One summand.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Its factor; negative for what is to be avoided. Finite.
    pub weight: f64,
    /// What is measured.
    pub measure: Measure,
}

/// What a term measures of a picture or of the activations it causes.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// `mixed4a:11`, `mixed4a:11@center`, `logits:"dumbbell"`: a channel's mean over space, or one place.
    Unit {
        /// As typed; aliases resolve when the objective meets its model.
        layer: String,
        /// Which channel.
        channel: Channel,
        /// Where; everywhere if `None`.
        place: Option<Place>,
    },
    /// `only(mixed4a:11)`: the same, times how much of the layer's activation it is, so that every
    /// other channel is pressed to zero.
    Only {
        /// As typed.
        layer: String,
        /// Which channel.
        channel: Channel,
        /// Where; everywhere if `None`.
        place: Option<Place>,
    },
    /// `mixed4d`: mean of squares over the whole layer (DeepDream).
    Layer(String),
    /// `mixed4c/{stripes}`: dot product times cosine similarity to a power, as Lucid's.
    Direction {
        /// As typed.
        layer: String,
        /// The name between the braces.
        name: String,
    },
    /// `tv`: total variation of the picture.
    TotalVariation,
    /// `l2`: distance of the picture from grey.
    L2,
    /// `similar(mixed4a)`: how alike the pictures of a batch look to a layer.
    Similar(String),
}

impl Measure {
    /// The layer whose activations are climbed, as typed; none where the picture itself or a batch's
    /// likeness is measured.
    pub fn layer(&self) -> Option<&str> {
        match self {
            Self::Unit { layer, .. }
            | Self::Only { layer, .. }
            | Self::Direction { layer, .. }
            | Self::Layer(layer) => Some(layer),
            Self::TotalVariation | Self::L2 | Self::Similar(_) => None,
        }
    }
}

/// A channel by number or, for logits, by label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// From 0.
    Index(usize),
    /// One of the model's class labels.
    Label(String),
}

/// A place in a layer, or a token that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `@center`: row height/2, column width/2, rounded down.
    Center,
    /// `@row,column`.
    At {
        /// From 0, downwards.
        row: usize,
        /// From 0, rightwards.
        column: usize,
    },
    /// `@cls`: a transformer's class token.
    Class,
    /// `@reg0`: one of its registers.
    Register(usize),
}

/// Where an objective stops making sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: expected {expected}, found {found}")]
pub struct ParseError {
    /// From 1, in characters.
    pub column: usize,
    /// What could stand there.
    pub expected: String,
    /// What does.
    pub found: String,
}

/// A channel's mean over space: `mixed4a:42`.
pub fn channel(layer: &str, index: usize) -> Objective {
    unit(layer, index, None)
}

/// A channel's value at one place: `mixed4a:42@center`.
pub fn place(layer: &str, index: usize, place: Place) -> Objective {
    unit(layer, index, Some(place))
}

fn unit(layer: &str, index: usize, place: Option<Place>) -> Objective {
    Measure::Unit { layer: layer.to_owned(), channel: Channel::Index(index), place }.into()
}

/// The whole layer, as in DeepDream: `mixed4d`.
pub fn layer(layer: &str) -> Objective {
    Measure::Layer(layer.to_owned()).into()
}

/// A named direction among a layer's channels: `mixed4c/{stripes}`.
pub fn direction(layer: &str, name: &str) -> Objective {
    Measure::Direction { layer: layer.to_owned(), name: name.to_owned() }.into()
}

/// How much neighbouring pixels differ: `tv`. To be subtracted.
pub fn total_variation() -> Objective {
    Measure::TotalVariation.into()
}

/// How far the picture is from grey: `l2`. To be subtracted.
pub fn l2() -> Objective {
    Measure::L2.into()
}

/// How alike the pictures of a batch look to a layer: `similar(mixed4a)`. To be subtracted.
pub fn similar(layer: &str) -> Objective {
    Measure::Similar(layer.to_owned()).into()
}

impl From<Measure> for Objective {
    fn from(measure: Measure) -> Self {
        Self { terms: vec![Term { weight: 1.0, measure }] }
    }
}

impl Add for Objective {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self
    }
}

impl Neg for Objective {
    type Output = Self;

    fn neg(mut self) -> Self {
        for term in &mut self.terms {
            term.weight = -term.weight;
        }
        self
    }
}

impl Sub for Objective {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul<Objective> for f64 {
    type Output = Objective;

    fn mul(self, mut objective: Objective) -> Objective {
        for term in &mut objective.terms {
            term.weight *= self;
        }
        objective
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Objective {
        text.parse().unwrap()
    }

    #[test]
    fn penalties_are_no_part_of_what_it_is_about() {
        let objective = read("2*mixed4a:11 - 0.5*tv - mixed4b:1 - similar(mixed3a)");
        assert_eq!(objective.about(), read("2*mixed4a:11 - mixed4b:1"));
        assert_eq!(objective.penalties(), Some(read("-0.5*tv - similar(mixed3a)")));
        assert_eq!(objective.layers(), ["mixed4a", "mixed4b"]);
        assert_eq!(read("mixed4a:11").penalties(), None);
        let penalties = read("-tv");
        assert_eq!((penalties.about(), penalties.penalties()), (penalties, None));
    }

    #[test]
    fn only_one_whole_unit_is_a_unit() {
        assert_eq!(read("mixed4a:11").unit(), Some(("mixed4a", &Channel::Index(11))));
        for other in ["mixed4a", "mixed4a:1 + mixed4a:2", "mixed4a:1@center", "2*mixed4a:1", "tv"] {
            assert_eq!(read(other).unit(), None, "{other}");
        }
    }

    #[test]
    fn it_travels_as_its_text() {
        let json = serde_json::to_string(&read("mixed4a:11-.001*tv")).unwrap();
        assert_eq!(json, r#""mixed4a:11 - 1e-3*tv""#);
        assert_eq!(serde_json::from_str::<Objective>(&json).unwrap(), read("mixed4a:11 - 1e-3*tv"));
        let error = serde_json::from_str::<Objective>(r#""mixed4a:""#).unwrap_err().to_string();
        assert!(error.contains("column 9"), "{error}");
    }

    #[test]
    fn arithmetic_reads_as_it_prints() {
        let score = channel("mixed4a", 42) + 0.5 * similar("mixed4a") - 0.001 * total_variation();
        assert_eq!(score.to_string(), "mixed4a:42 + 0.5*similar(mixed4a) - 1e-3*tv");
        let score = -(place("mixed3a", 1, Place::Center) - 2.0 * (layer("mixed4d") - l2()));
        assert_eq!(score.to_string(), "-mixed3a:1@center + 2*mixed4d - 2*l2");
        let score =
            direction("mixed4c", "stripes") - place("a", 0, Place::At { row: 3, column: 4 });
        assert_eq!(score.to_string(), "mixed4c/{stripes} - a:0@3,4");
    }
}

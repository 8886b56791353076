//! What an objective may name, and a measure's names looked up in it.

use super::error::ScoreError;
use super::measure::{OfActivation, OfPicture};
use super::target::Target;
use crate::classes;
use crate::network::find_layer;
use crate::readout::{Derived, Looked, Readouts};
use crate::tap::{LayerId, LayerInfo, Role, nearest};
use crate::visualize::objective::{Channel, Measure, Place};
use crate::{Error, Result};

/// Characters of a misspelt name that are compared with the real ones. It may come from anybody.
const COMPARED: usize = 100;

/// Classes offered at most for a label that none has.
const OFFERED: usize = 12;

/// What an objective may name: a network's layers, what is read out of them, its classes.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// The network's name, for errors.
    pub model: &'a str,
    /// Its layers.
    pub layers: &'a [LayerInfo],
    /// Class labels, in the order of the logits; none while they are not known.
    pub labels: &'a [String],
    /// Layers that are read out of them.
    pub readouts: &'a Readouts,
}

impl<'a> Names<'a> {
    /// Refuses a measure that names what is not there.
    ///
    /// # Errors
    /// An unknown name, with the nearest existing one; a channel or class beyond the end.
    pub fn check(&self, measure: &Measure) -> Result<()> {
        self.target(measure).map(drop)
    }

    /// What a measure looks at, with every name and number checked.
    pub(super) fn target(&self, measure: &Measure) -> Result<Target> {
        let (at, measure) = match measure {
            Measure::Unit { layer, channel, place } => {
                let at = self.at(layer)?;
                let channel = self.channel_idx(channel, at.info())?;
                let measure = unit(&at, channel, *place)?;
                (at, measure)
            }
            Measure::Only { layer, channel, place } => {
                let at = self.at(layer)?;
                let channel = self.channel_idx(channel, at.info())?;
                let measure = OfActivation::Only { channel, of: Box::new(unit(&at, 0, *place)?) };
                (at, measure)
            }
            Measure::Layer(layer) => (self.at(layer)?, OfActivation::Squares),
            Measure::Direction { layer, name } => {
                let readout = self.direction(layer, name)?;
                (Looked::AtLatents(readout.clone()), OfActivation::Channel(0))
            }
            Measure::Similar(layer) => (self.at(layer)?, OfActivation::Similar),
            Measure::TotalVariation => return Ok(Target::Picture(OfPicture::TotalVariation)),
            Measure::L2 => return Ok(Target::Picture(OfPicture::L2)),
        };
        Ok(Target::Activation { at, measure })
    }

    fn at(&self, name: &str) -> Result<Looked> {
        Looked::find(self.model, self.layers, self.readouts, name)
    }

    fn channel_idx(&self, channel: &Channel, layer: &LayerInfo) -> Result<usize> {
        let index = match channel {
            Channel::Index(index) => *index,
            Channel::Label(label) => self.class_idx(label, layer)?,
        };
        if index < layer.channels {
            return Ok(index);
        }
        Err(Error::OutOfRange {
            layer: layer.name.clone(),
            what: match layer.role {
                Role::Classes => "classes",
                Role::Latents => "latents",
                Role::Features
                | Role::BeforeNonlinearity
                | Role::Attention { .. }
                | Role::PassedThrough => "channels",
            },
            index,
            count: layer.channels,
        })
    }

    /// The class with this label.
    fn class_idx(&self, label: &str, layer: &LayerInfo) -> std::result::Result<usize, ScoreError> {
        let is_class = layer.is_classes();
        let (layer, label) = (layer.name.clone(), label.to_owned());
        if !is_class {
            return Err(ScoreError::NoClasses { layer, label });
        }
        if self.labels.is_empty() {
            return Err(ScoreError::NoLabels { layer, label });
        }
        let classes = classes::named(&label, self.labels);
        match classes[..] {
            [class] => Ok(class),
            [] => {
                let compared: String = label.chars().take(COMPARED).collect();
                let meant = classes::search(&compared, self.labels).into_iter().take(OFFERED);
                let meant = meant.map(|class| (class, self.labels[class].clone())).collect();
                Err(ScoreError::UnknownLabel { label, meant })
            }
            _ => Err(ScoreError::AmbiguousLabel { layer, label, classes }),
        }
    }

    fn direction(&self, layer: &str, name: &str) -> Result<&'a Derived> {
        let LayerId(parent) = find_layer(self.model, self.layers, layer)?;
        let key = (self.layers[parent].name.clone(), name.to_owned());
        self.readouts.get(&key).ok_or_else(|| {
            let known = self.readouts.keys().filter(|(parent, _)| *parent == key.0);
            let compared: String = name.chars().take(COMPARED).collect();
            let nearest =
                nearest(&compared, known.map(|(_, name)| name.as_str())).map(str::to_owned);
            let (layer, name) = key;
            ScoreError::UnknownDirection { layer, name, nearest }.into()
        })
    }
}

/// A channel where it is asked for.
fn unit(
    at: &Looked,
    channel: usize,
    place: Option<Place>,
) -> std::result::Result<OfActivation, ScoreError> {
    Ok(match place {
        Some(Place::Center) => OfActivation::Place { channel, at: None },
        Some(Place::At { row, column }) => OfActivation::Place { channel, at: Some([row, column]) },
        Some(Place::Class) => OfActivation::Token { channel, token: token(at, 0)? },
        Some(Place::Register(number)) => {
            OfActivation::Token { channel, token: token(at, 1 + number)? }
        }
        None => OfActivation::Channel(channel),
    })
}

/// The number of a token without a place, the class token first.
fn token(at: &Looked, number: usize) -> std::result::Result<usize, ScoreError> {
    let info = at.info();
    if number < info.grid.extra() {
        return Ok(number);
    }
    let registers = info.grid.extra().saturating_sub(1);
    let layer = info.name.clone();
    Err(match number.checked_sub(1) {
        None => ScoreError::NoClassToken { layer },
        Some(number) => ScoreError::NoRegister { layer, number, registers },
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::image::Resampling;
    use crate::network::ModelInfo;
    use crate::preprocess::{ChannelOrder, Preprocessing, Resize};
    use crate::readout::directions::direction;
    use crate::tap::{Grid, Sees};
    use crate::visualize::score::{Context, Score};

    fn layer(name: &str, alias: &str, channels: usize, role: Role) -> LayerInfo {
        LayerInfo {
            name: name.to_owned(),
            aliases: vec![alias.to_owned()],
            channels,
            grid: Grid::Convolutional { stride: 16 },
            sees: Sees::Pixels(100),
            role,
        }
    }

    pub(in crate::visualize::score) fn model() -> ModelInfo {
        ModelInfo {
            name: "tiny",
            title: "Tiny",
            origin: "tests",
            preprocessing: Preprocessing {
                order: ChannelOrder::Rgb,
                scale: [1.0; 3],
                offset: [0.0; 3],
                resize: Resize::ShorterSide(8),
                resampling: Resampling::Bilinear,
                crop: 8,
            },
            layers: vec![
                layer("mixed4a", "inception_4a/output", 4, Role::Features),
                layer("mixed4b", "inception4b", 3, Role::Features),
                layer("logits", "loss3/classifier", 5, Role::Classes),
            ],
        }
    }

    pub(in crate::visualize::score) fn context() -> Context {
        let labels = ["tench, Tinca tinca", "crane", "dumbbell", "crane", "Persian cat"];
        let parent = (LayerId(0), &model().layers[0]);
        let stripes = direction(parent, "stripes", vec![1.0; 4], "0f").unwrap();
        Context {
            labels: labels.map(str::to_owned).to_vec(),
            readouts: [(("mixed4a".to_owned(), "stripes".to_owned()), stripes)].into(),
        }
    }

    fn resolve(text: &str) -> Result<Score> {
        Score::resolve(&text.parse().unwrap(), &model(), &context())
    }

    #[test]
    fn aliases_become_canonical_and_each_layer_is_tapped_once() {
        let score =
            resolve("mixed4a:1 + inception_4a/output:3@center - 2*inception4b - tv").unwrap();
        assert_eq!(score.taps(), [LayerId(0), LayerId(1)]);
        assert!(resolve("tv + l2").unwrap().taps().is_empty());
    }

    #[test]
    fn a_readout_is_a_layer_that_taps_its_parent_and_is_depended_on() {
        for text in [
            "inception_4a/output/{stripes} - mixed4a:1 + mixed4b:2",
            "mixed4a/stripes:0@center + mixed4b:1",
            "inception_4a/output/stripes - similar(mixed4b)",
            "mixed4a - similar(mixed4a/stripes) - mixed4b",
        ] {
            let score = resolve(text).unwrap();
            assert_eq!(score.taps(), [LayerId(0), LayerId(1)], "{text}");
            let depended = [("mixed4a/{stripes}".to_owned(), "0f".to_owned())];
            assert_eq!(score.readouts(), depended.into(), "{text}");
        }
        assert!(resolve("mixed4a:1 - tv").unwrap().readouts().is_empty());
    }

    #[test]
    fn labels_become_classes() {
        for (text, class) in [
            (r#"logits:"dumbbell""#, 2),
            (r#"loss3/classifier:"dumbbell""#, 2),
            (r#"logits:"tench, Tinca tinca""#, 0),
            (r#"logits:"Tinca tinca""#, 0),
            (r#"logits:"persian CAT""#, 4),
        ] {
            let score = resolve(text).unwrap();
            let Target::Activation { at, measure } = &score.terms[0].target else {
                panic!("{text} should look at an activation");
            };
            assert_eq!(
                (at.info().name.as_str(), measure),
                ("logits", &OfActivation::Channel(class)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_does_not_exist_is_named_with_what_does() {
        for (text, message) in [
            ("mixde4b:1", r#"tiny has no layer "mixde4b"; nearest is "mixed4b""#),
            ("similar(mixed4c)", r#"tiny has no layer "mixed4c"; nearest is "mixed4a""#),
            ("mixed4a:4", "mixed4a has 4 channels, numbered 0 to 3; 4 is not one of them"),
            (
                "inception_4a/output:9@center",
                "mixed4a has 4 channels, numbered 0 to 3; 9 is not one of them",
            ),
            ("logits:5", "logits has 5 classes, numbered 0 to 4; 5 is not one of them"),
            (r#"logits:"dumbell""#, r#"no class is called "dumbell"; nearest is "dumbbell""#),
            (
                r#"logits:"Tinca tinka""#,
                r#"no class is called "Tinca tinka"; nearest is "tench, Tinca tinca""#,
            ),
            (
                r#"logits:"crane""#,
                r#""crane" names several classes; say one of logits:1, logits:3"#,
            ),
            (
                r#"mixed4a:"crane""#,
                r#"mixed4a:"crane": only logits have labels; give a number instead"#,
            ),
            ("mixed4a/{strips}", r#"mixed4a has no direction "strips"; nearest is "stripes""#),
            ("mixed4a/strips:0", r#"tiny has no layer "mixed4a/strips"; nearest is "mixed4a""#),
            (
                "mixed4a/stripes:1",
                "mixed4a/{stripes} has 1 latents, numbered 0 to 0; 1 is not one of them",
            ),
            ("mixed4b/{stripes}", r#"mixed4b has no direction "stripes"; none are known there"#),
        ] {
            assert_eq!(resolve(text).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn a_label_without_labels_says_so() {
        let objective = r#"logits:"dumbbell""#.parse().unwrap();
        let error = Score::resolve(&objective, &model(), &Context::default()).unwrap_err();
        assert!(error.to_string().contains("labels are not loaded"), "{error}");
    }

    #[test]
    fn nothing_to_climb_is_refused() {
        use crate::visualize::objective::{Objective, l2};
        let refused = |objective: Objective| {
            Score::resolve(&objective, &model(), &context()).unwrap_err().to_string()
        };
        assert!(refused(Objective { terms: Vec::new() }).contains("no terms"));
        assert_eq!(
            refused(f64::INFINITY * l2()),
            "the weight of l2 is inf; it must be a finite number"
        );
    }
}

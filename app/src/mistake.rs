//! What is wrong with an objective, and what may have been meant.

use shared::tap::LayerInfo;
use shared::visualize::Objective;
use shared::visualize::objective::{Channel, Measure, ParseError};

use crate::classes;
use crate::unit::find_layer;

/// Classes offered at most for a label that does not say which.
const OFFERED: usize = 12;

/// Where and why an objective cannot be dreamed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistake {
    /// From 1, counted in characters; nothing if no single place is to blame.
    pub column: Option<usize>,
    /// One sentence.
    pub message: String,
    /// What may have been meant.
    pub offers: Vec<Offer>,
}

/// An objective that may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What is different in it, for people.
    pub title: String,
    /// The whole of it.
    pub objective: String,
}

/// What is wrong with an objective, as far as it shows without running it.
///
/// Without layers only its form is judged, without labels none of its labels.
pub fn mistake(typed: &str, layers: &[LayerInfo], labels: &[String]) -> Option<Mistake> {
    let objective: Objective = match typed.parse() {
        Ok(objective) => objective,
        Err(ParseError { column, expected, found }) => {
            let message = format!("Expected {expected}, found {found}.");
            return Some(Mistake { column: Some(column), message, offers: Vec::new() });
        }
    };
    if layers.is_empty() {
        return None;
    }
    let known = Known { typed, objective: &objective, layers, labels };
    (0..objective.terms.len()).find_map(|term| known.wrong_in(term))
}

/// An objective and what its network has.
struct Known<'a> {
    typed: &'a str,
    objective: &'a Objective,
    layers: &'a [LayerInfo],
    labels: &'a [String],
}

impl Known<'_> {
    fn wrong_in(&self, term: usize) -> Option<Mistake> {
        let measure = &self.objective.terms[term].measure;
        let name = match measure {
            Measure::Unit { layer, .. } | Measure::Direction { layer, .. } => layer,
            Measure::Layer(layer) | Measure::Similar(layer) => layer,
            Measure::TotalVariation | Measure::L2 => return None,
        };
        let column = self.typed.find(name.as_str());
        let column = column.map(|byte| self.typed[..byte].chars().count() + 1);
        let Some(layer) = find_layer(self.layers, name) else {
            return Some(self.unknown_layer(term, name, column));
        };
        let Measure::Unit { channel, .. } = measure else { return None };
        let column = column.map(|column| column + name.chars().count() + 1);
        match channel {
            Channel::Index(index) if layer.channels <= *index => {
                let last = layer.channels.saturating_sub(1);
                let message = format!(
                    "{name} has {} channels, 0 to {last}; {index} is not one of them.",
                    layer.channels
                );
                let title = format!("{name} : {last}");
                let offers = vec![self.with(term, title, |changed| set_channel(changed, last))];
                Some(Mistake { column, message, offers })
            }
            Channel::Label(label) if layer.name == "logits" && !self.labels.is_empty() => {
                let found = classes::named(label, self.labels);
                let (message, meant) = match found.len() {
                    1 => return None,
                    0 => (no_class(label), classes::search(label, self.labels)),
                    many => (format!("“{label}” is the name of {many} classes."), found),
                };
                let offer = |class: usize| {
                    let title = classes::title(class, self.labels);
                    self.with(term, title, |changed| set_channel(changed, class))
                };
                let offers = meant.into_iter().take(OFFERED).map(offer).collect();
                Some(Mistake { column, message, offers })
            }
            Channel::Index(_) | Channel::Label(_) => None,
        }
    }

    fn unknown_layer(&self, term: usize, name: &str, column: Option<usize>) -> Mistake {
        let names = self.layers.iter().map(|layer| layer.name.as_str());
        let nearest = shared::tap::nearest(name, names).unwrap_or_default().to_owned();
        let message = format!("There is no layer {name}; the nearest is {nearest}.");
        let offer = self.with(term, nearest.clone(), |measure| match measure {
            Measure::Unit { layer, .. } | Measure::Direction { layer, .. } => *layer = nearest,
            Measure::Layer(layer) | Measure::Similar(layer) => *layer = nearest,
            Measure::TotalVariation | Measure::L2 => {}
        });
        // What is wrong beside the name would stay so.
        let sound = mistake(&offer.objective, self.layers, self.labels).is_none();
        Mistake { column, message, offers: if sound { vec![offer] } else { Vec::new() } }
    }

    /// The objective with another measure in one of its terms.
    fn with(&self, term: usize, title: String, change: impl FnOnce(&mut Measure)) -> Offer {
        let mut changed = self.objective.clone();
        change(&mut changed.terms[term].measure);
        Offer { title, objective: changed.to_string() }
    }
}

fn set_channel(measure: &mut Measure, index: usize) {
    if let Measure::Unit { channel, .. } = measure {
        *channel = Channel::Index(index);
    }
}

fn no_class(label: &str) -> String {
    format!("No class is called “{label}”.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::models::{info, labels::imagenet};

    fn wrong(typed: &str) -> Option<Mistake> {
        let labels: Vec<String> = imagenet().into_iter().map(|label| label.name).collect();
        mistake(typed, &info("googlenet").unwrap().layers, &labels)
    }

    fn offered(typed: &str) -> Vec<String> {
        wrong(typed).unwrap().offers.into_iter().map(|offer| offer.objective).collect()
    }

    #[test]
    fn a_mistake_says_where() {
        let unknown = wrong("mixed4a:1 + mixde4a:3").unwrap();
        assert_eq!(unknown.column, Some(13));
        assert!(unknown.message.contains("nearest is mixed4a"), "{}", unknown.message);
        let beyond = wrong("mixed4a:512").unwrap();
        assert_eq!(beyond.column, Some(9));
        assert!(beyond.message.contains("0 to 511"), "{}", beyond.message);
        assert!(wrong("mixed4a:").unwrap().column.is_some());
    }

    #[test]
    fn what_can_be_dreamed_is_no_mistake() {
        for typed in [
            "mixed4a:11",
            "inception_4a/output:3",
            "2*(mixed4a:1 - 0.1*tv)",
            "logits:\"goldfish\"",
            "loss3/classifier:\"Tinca tinca\"",
        ] {
            assert_eq!(wrong(typed), None, "{typed}");
        }
        // Without labels nothing is known of them.
        assert_eq!(mistake("logits:\"dog\"", &info("googlenet").unwrap().layers, &[]), None);
    }

    #[test]
    fn a_kind_of_class_offers_its_classes_in_the_whole_objective() {
        let mistake = wrong("mixed4a:1 + logits:\"dog\" - tv").unwrap();
        assert_eq!(mistake.column, Some(20));
        assert_eq!(mistake.message, "No class is called “dog”.");
        assert_eq!(mistake.offers.len(), OFFERED);
        assert_eq!(
            mistake.offers[0],
            Offer {
                title: "Maltese dog".to_owned(),
                objective: "mixed4a:1 + logits:153 - tv".to_owned()
            }
        );
    }

    #[test]
    fn a_label_of_two_classes_offers_both_and_a_slip_the_one_that_was_meant() {
        let mistake = wrong("logits:\"crane\"").unwrap();
        assert_eq!(mistake.message, "“crane” is the name of 2 classes.");
        assert_eq!(offered("logits:\"crane\""), ["logits:134", "logits:517"]);
        assert_eq!(offered("logits:\"goldfsih\"@center"), ["logits:1@center"]);
        assert!(offered("logits:\"zzzz\"").is_empty());
    }

    #[test]
    fn a_number_or_a_layer_that_is_not_there_offers_the_nearest() {
        assert_eq!(offered("mixed4a:9999"), ["mixed4a:511"]);
        assert_eq!(offered("2*mixde4a:3 - tv"), ["2*mixed4a:3 - tv"]);
        assert!(offered("mixde4a:9999").is_empty());
    }
}

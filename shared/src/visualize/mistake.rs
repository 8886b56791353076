//! What is wrong with an objective, and what may have been meant.

use crate::Error;
use crate::classes;
use crate::visualize::objective::{Channel, Measure, Objective, ParseError, Spot, Typed};
use crate::visualize::score::{Names, ScoreError};

/// Where and why an objective cannot be dreamed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistake {
    /// From 1, counted in characters; nothing if no single place is to blame.
    pub column: Option<usize>,
    /// One sentence: what [`Score::resolve`](super::score::Score::resolve) says.
    pub message: String,
    /// The same, less what is offered instead.
    pub brief: String,
    /// What may have been meant.
    pub offers: Vec<Offer>,
}

/// An objective that may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What is different in it, for people.
    pub title: String,
    /// The whole of it, as printed.
    pub objective: String,
}

/// What is wrong with an objective, as far as it shows without running it.
///
/// Without layers only its form is judged, without labels none of its labels.
pub fn mistake(typed: &Typed, names: &Names<'_>) -> Option<Mistake> {
    let (objective, spots) = match typed.read() {
        Ok(read) => read,
        Err(ParseError { column, expected, found }) => {
            let message = format!("Expected {expected}, found {found}.");
            let (column, brief) = (Some(*column), message.clone());
            return Some(Mistake { column, message, brief, offers: Vec::new() });
        }
    };
    if names.layers.is_empty() {
        return None;
    }
    let wrong = |(term, spot): (usize, &Spot)| {
        let error = names.check(&objective.terms[term].measure).err()?;
        let unknown = matches!(error, Error::Score(ScoreError::NoLabels { .. }));
        (!unknown).then(|| told(&error, objective, term, *spot, names))
    };
    spots.iter().enumerate().find_map(wrong)
}

fn told(
    error: &Error,
    objective: &Objective,
    term: usize,
    spot: Spot,
    names: &Names<'_>,
) -> Mistake {
    let with = |title: String, change: &dyn Fn(&mut Measure)| {
        let mut changed = objective.clone();
        change(&mut changed.terms[term].measure);
        Offer { title, objective: changed.to_string() }
    };
    let class = |class: usize| {
        with(classes::title(class, names.labels), &|measure| set_channel(measure, class))
    };
    let (plain, offers) = match error {
        Error::UnknownLayer { model, name, nearest } => {
            let offer = with(nearest.clone(), &|measure| set_layer(measure, nearest));
            // What is wrong beside the name would stay so.
            let is_sound = mistake(&Typed::new(&offer.objective), names).is_none();
            let offers = if is_sound { vec![offer] } else { Vec::new() };
            (format!("{model} has no layer {name:?}"), offers)
        }
        Error::OutOfRange { layer, count, .. } => {
            let last = count.saturating_sub(1);
            let offer = with(format!("{layer} : {last}"), &|measure| set_channel(measure, last));
            (error.to_string(), vec![offer])
        }
        Error::Score(ScoreError::UnknownLabel { label, meant }) => {
            let offers = meant.iter().map(|(meant, _)| class(*meant)).collect();
            (format!("no class is called {label:?}"), offers)
        }
        Error::Score(ScoreError::AmbiguousLabel { label, classes, .. }) => {
            let offers = classes.iter().map(|meant| class(*meant)).collect();
            (format!("{label:?} names several classes"), offers)
        }
        _ => (error.to_string(), Vec::new()),
    };
    let column = match error {
        Error::UnknownLayer { .. } => spot.layer,
        _ => spot.inside,
    };
    let message = sentence(&error.to_string(), names);
    let brief = if offers.is_empty() { message.clone() } else { sentence(&plain, names) };
    Mistake { column: Some(column), message, brief, offers }
}

/// With a capital letter, where it does not begin with a name, and a stop.
fn sentence(text: &str, names: &Names<'_>) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    let is_name = first == names.model || names.layers.iter().any(|layer| layer.is_called(first));
    match text.chars().next() {
        Some(letter)
            if letter.is_lowercase() && !is_name && first.chars().all(char::is_alphabetic) =>
        {
            format!("{}{}.", letter.to_uppercase(), &text[letter.len_utf8()..])
        }
        _ => format!("{text}."),
    }
}

fn set_channel(measure: &mut Measure, index: usize) {
    if let Measure::Unit { channel, .. } | Measure::Only { channel, .. } = measure {
        *channel = Channel::Index(index);
    }
}

fn set_layer(measure: &mut Measure, name: &str) {
    match measure {
        Measure::Unit { layer, .. }
        | Measure::Only { layer, .. }
        | Measure::Direction { layer, .. }
        | Measure::Layer(layer)
        | Measure::Similar(layer) => name.clone_into(layer),
        Measure::TotalVariation | Measure::L2 => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models;
    use crate::visualize::score::{Context, Score};

    fn context() -> Context {
        let labels = classes::imagenet().into_iter().map(|label| label.name).collect();
        Context { labels, ..Context::default() }
    }

    fn wrong_of(typed: &str, context: &Context) -> Option<Mistake> {
        let info = models::info("googlenet").unwrap();
        let Context { labels, readouts } = context;
        let names = Names { model: info.name, layers: &info.layers, labels, readouts };
        mistake(&Typed::new(typed), &names)
    }

    fn wrong(typed: &str) -> Option<Mistake> {
        wrong_of(typed, &context())
    }

    fn offered(typed: &str) -> Vec<String> {
        wrong(typed).unwrap().offers.into_iter().map(|offer| offer.objective).collect()
    }

    /// What is said is what the engine says; `said`, less what is offered.
    fn check(typed: &str, column: usize, said: &str, offers: &[&str]) {
        let info = models::info("googlenet").unwrap();
        let found = wrong(typed).unwrap_or_else(|| panic!("{typed} is wrong"));
        assert_eq!((found.column, found.brief.as_str()), (Some(column), said), "{typed}");
        assert_eq!(offered(typed), offers, "{typed}");
        let engine = match typed.parse::<Objective>() {
            Ok(objective) => Score::resolve(&objective, &info, &context()).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        let words = found.message[1..].trim_end_matches('.');
        assert!(engine.ends_with(words), "{typed}: {engine}");
        assert!(words.starts_with(said[1..].trim_end_matches('.')), "{typed}: {words}");
    }

    #[test]
    fn page_and_engine_say_the_same_of_a_wrong_objective() {
        check("mixed4a:", 9, "Expected a channel's number or a \"label\", found the end.", &[]);
        check(
            "mixed4a:1 + mixde4a:3",
            13,
            "googlenet has no layer \"mixde4a\".",
            &["mixed4a:1 + mixed4a:3"],
        );
        check("2*mixde4a:3 - tv", 3, "googlenet has no layer \"mixde4a\".", &["2*mixed4a:3 - tv"]);
        check(
            "mixde4a:9999",
            1,
            "googlenet has no layer \"mixde4a\"; nearest is \"mixed4a\".",
            &[],
        );
        check(
            "similar( mixde4a )",
            10,
            "googlenet has no layer \"mixde4a\".",
            &["similar(mixed4a)"],
        );
        check(
            "mixed4a:512",
            9,
            "mixed4a has 512 channels, numbered 0 to 511; 512 is not one of them.",
            &["mixed4a:511"],
        );
        // The second of two that look alike.
        check(
            "mixed4a:1 - 2*(inception_4a/output: 600@center)",
            37,
            "mixed4a has 512 channels, numbered 0 to 511; 600 is not one of them.",
            &["mixed4a:1 - 2*inception_4a/output:511@center"],
        );
        check(
            "logits:1000",
            8,
            "logits has 1000 classes, numbered 0 to 999; 1000 is not one of them.",
            &["logits:999"],
        );
        check(
            "logits:\"crane\"",
            8,
            "\"crane\" names several classes.",
            &["logits:134", "logits:517"],
        );
        check(
            "logits:\"goldfsih\"@center",
            8,
            "No class is called \"goldfsih\".",
            &["logits:1@center"],
        );
        check("logits:\"zzzz\"", 8, "No class is called \"zzzz\".", &[]);
        check(
            "mixed4a:\"crane\"",
            9,
            "mixed4a:\"crane\": only logits have labels; give a number instead.",
            &[],
        );
        check(
            "mixed4a/{stripes}",
            10,
            "mixed4a has no direction \"stripes\"; none are known there.",
            &[],
        );
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
    }

    #[test]
    fn without_labels_nothing_is_known_of_them_but_of_the_rest() {
        let nothing = Context::default();
        assert_eq!(wrong_of("logits:\"dog\"", &nothing), None);
        let beyond = wrong_of("logits:\"dog\" + mixed4a:512", &nothing).unwrap();
        assert_eq!(beyond.column, Some(24));
    }

    #[test]
    fn a_kind_of_class_offers_its_classes_in_the_whole_objective() {
        let mistake = wrong("mixed4a:1 + logits:\"dog\" - tv").unwrap();
        assert_eq!(mistake.column, Some(20));
        assert_eq!(mistake.brief, "No class is called \"dog\".");
        assert_eq!(mistake.offers.len(), 12);
        let first = "mixed4a:1 + logits:153 - tv".to_owned();
        let title = "Maltese dog".to_owned();
        assert_eq!(mistake.offers[0], Offer { title, objective: first });
        let titles = wrong("logits:\"crane\"").unwrap().offers.into_iter().map(|offer| offer.title);
        assert_eq!(titles.collect::<Vec<_>>(), ["crane, the bird", "crane, class 517"]);
    }
}

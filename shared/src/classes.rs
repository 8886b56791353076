//! What the classes are called, which of them a label names, and which a network sees.

mod kinds;
mod search;

use serde::{Deserialize, Serialize};

pub use self::search::{fitting, search, title};

/// A class of a classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// WordNet's identifier (`n02123394`); empty where the class has none.
    pub wnid: String,
    /// Synonyms, separated by commas: `Persian cat`.
    pub name: String,
}

/// Made by `scripts/imagenet_labels.py`; its head tells source and licence.
const IMAGENET: &str = include_str!("classes/imagenet.txt");

/// The 1000 classes of ILSVRC2012 in the order of every classifier trained on it.
pub fn imagenet() -> Vec<Label> {
    let lines = IMAGENET.lines().filter(|line| !line.starts_with('#'));
    let halves = lines.filter_map(|line| line.split_once('\t'));
    halves.map(|(wnid, name)| Label { wnid: wnid.to_owned(), name: name.to_owned() }).collect()
}

/// Labels for classes of which nothing but the number is known: `class 7`.
pub fn numbered(classes: usize) -> Vec<Label> {
    (0..classes)
        .map(|class| Label { wnid: String::new(), name: format!("class {class}") })
        .collect()
}

/// The labels of a model that has this many classes, when no file names them.
///
/// Only 1000 classes are ILSVRC2012's. Inception5h has 1008, in an order of its own.
pub fn for_classes(classes: usize) -> Vec<Label> {
    let imagenet = imagenet();
    if imagenet.len() == classes { imagenet } else { numbered(classes) }
}

/// Labels from a file of one name a line, as inception5h's download holds them
/// (`imagenet_comp_graph_label_strings.txt`). Classes beyond its last line get their number.
pub fn from_lines(text: &str, classes: usize) -> Vec<Label> {
    let mut labels = numbered(classes);
    for (label, name) in labels.iter_mut().zip(text.lines()) {
        if !name.trim().is_empty() {
            name.trim().clone_into(&mut label.name);
        }
    }
    labels
}

/// The first of a label's comma separated names.
pub fn short_label(label: &str) -> &str {
    label.split(',').next().unwrap_or(label).trim()
}

/// The classes that a label names: one if it says which, several if it is the name of each.
///
/// Labels often list synonyms, comma separated (`tench, Tinca tinca`); any of them will do. What is
/// exactly the same goes before one of the names, and that before what differs in capitals.
pub fn named(label: &str, labels: &[String]) -> Vec<usize> {
    let wanted = label.trim();
    let names = |known: &str, is: &dyn Fn(&str) -> bool| known.split(',').map(str::trim).any(is);
    let is_name = |name: &str| name == wanted;
    let is_alike = |name: &str| name.eq_ignore_ascii_case(wanted);
    let tests: [&dyn Fn(&str) -> bool; 3] =
        [&|known| known == wanted, &|known| names(known, &is_name), &|known| {
            is_alike(known) || names(known, &is_alike)
        }];
    let found = |test: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let numbered = labels.iter().enumerate();
        numbered.filter(|(_, known)| test(known)).map(|(class, _)| class).collect()
    };
    tests.into_iter().map(found).find(|found| !found.is_empty()).unwrap_or_default()
}

/// One class and how sure a network is of it. Scripts read its JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// From 0, the row of the logits.
    pub class: usize,
    /// Its name.
    pub label: String,
    /// Before softmax.
    pub logit: f32,
    /// 0..=1, over all classes.
    pub probability: f32,
}

/// The `count` largest of a row of logits with their softmax probabilities; of equals the first.
pub fn best(logits: &[f32], labels: &[String], count: usize) -> Vec<ClassScore> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |logit: f32| f64::from(logit - largest).exp();
    let total: f64 = logits.iter().map(|&logit| weight(logit)).sum();
    let mut classes: Vec<_> = logits.iter().copied().enumerate().collect();
    classes.sort_by(|one, other| other.1.total_cmp(&one.1));
    classes
        .into_iter()
        .take(count)
        .map(|(class, logit)| ClassScore {
            class,
            label: labels.get(class).cloned().unwrap_or_else(|| format!("class {class}")),
            logit,
            probability: (weight(logit) / total) as f32,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_a_class_by_any_of_its_names_and_may_name_two() {
        let labels: Vec<String> = imagenet().into_iter().map(|label| label.name).collect();
        for (label, classes) in [
            ("tench, Tinca tinca", vec![0]),
            ("Tinca tinca", vec![0]),
            (" GOLDFISH ", vec![1]),
            ("crane", vec![134, 517]),
            ("dog", vec![]),
        ] {
            assert_eq!(named(label, &labels), classes, "{label}");
        }
    }

    #[test]
    fn the_best_come_first_and_probabilities_count_every_class() {
        let labels: Vec<_> = ["cat", "dog", "owl"].map(str::to_owned).into();
        let top = best(&[1.0, 3.0, 2.0], &labels, 2);
        let classes: Vec<_> = top.iter().map(|score| (score.class, score.label.as_str())).collect();
        assert_eq!(classes, [(1, "dog"), (2, "owl")]);
        let all: f32 =
            best(&[1.0, 3.0, 2.0], &labels, 3).iter().map(|score| score.probability).sum();
        assert!((all - 1.0).abs() < 1e-6);
        // e^3 / (e + e^2 + e^3)
        assert!((top[0].probability - 0.665_241).abs() < 1e-6);
    }

    #[test]
    fn logits_that_would_overflow_an_exponential_still_give_probabilities() {
        let top = best(&[500.0, 499.0], &[], 2);
        assert!((top[0].probability - 0.731_059).abs() < 1e-6);
        assert_eq!(top[0].label, "class 0");
    }

    #[test]
    fn imagenet_has_its_thousand_classes_in_its_order() {
        let labels = imagenet();
        assert_eq!(labels.len(), 1000);
        assert_eq!(labels[0].wnid, "n01440764");
        assert_eq!(labels[0].name, "tench, Tinca tinca");
        assert_eq!(labels[543].name, "dumbbell");
        assert_eq!(labels[283].name, "Persian cat");
        assert!(labels.iter().all(|label| label.wnid.len() == 9 && !label.name.is_empty()));
        // ILSVRC2012 is sorted by identifier: a slipped line would show.
        assert!(labels.is_sorted_by(|a, b| a.wnid < b.wnid));
    }

    #[test]
    fn a_classifier_with_other_classes_gets_numbers_not_wrong_names() {
        let labels = for_classes(1008);
        assert_eq!(labels.len(), 1008);
        assert_eq!(labels[543].name, "class 543");
        assert_eq!(for_classes(1000), imagenet());
    }

    #[test]
    fn a_file_of_names_fills_as_many_classes_as_it_has_lines() {
        let labels = from_lines("dummy\nkit fox\n\n", 5);
        let names: Vec<_> = labels.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(names, ["dummy", "kit fox", "class 2", "class 3", "class 4"]);
    }
}

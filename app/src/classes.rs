//! Classes by name: which one a label means, and which it may mean.

use crate::kinds::{is_class_of, kind_of_class};
use crate::matching::{Fit, Sought, find};
use crate::unit::short_label;

/// The classes that a label names: one if it says which, several if it is the name of each.
///
/// A label may be one of several names, separated by commas. What is exactly the same goes before
/// one of its names, and that before what differs in capitals; the engine judges likewise.
pub fn named(label: &str, labels: &[String]) -> Vec<usize> {
    let wanted = label.trim();
    let names =
        |known: &str| known.split(',').map(str::trim).map(str::to_owned).collect::<Vec<_>>();
    let is_same = |known: &String| known == wanted;
    let is_name = |known: &String| names(known).iter().any(|name| name == wanted);
    let is_alike = |known: &String| {
        known.eq_ignore_ascii_case(wanted)
            || names(known).iter().any(|name| name.eq_ignore_ascii_case(wanted))
    };
    let tests: [&dyn Fn(&String) -> bool; 3] = [&is_same, &is_name, &is_alike];
    let found = |test: &dyn Fn(&String) -> bool| -> Vec<usize> {
        let numbered = labels.iter().enumerate();
        numbered.filter(|(_, known)| test(known)).map(|(class, _)| class).collect()
    };
    tests.into_iter().map(found).find(|found| !found.is_empty()).unwrap_or_default()
}

/// The classes that fit what was typed, best first: by name, by kind, with slips.
pub fn search(typed: &str, labels: &[String]) -> Vec<usize> {
    let sought = Sought::new(typed, &[]);
    let mut found = find(&sought, |sought| fitting(sought, labels));
    found.sort_by_key(|(fit, _)| *fit);
    found.into_iter().map(|(_, class)| class).collect()
}

/// The classes that fit, in their order; all of them if nothing is sought.
pub fn fitting(sought: &Sought, labels: &[String]) -> Vec<(Fit, usize)> {
    let fit = |class: usize, label: &String| {
        Some((sought.fit(label, |kind| is_class_of(class, labels, kind))?, class))
    };
    labels.iter().enumerate().filter_map(|(class, label)| fit(class, label)).collect()
}

/// A class's name for people; where two have the same, with what kind of thing it is or its number.
pub fn title(class: usize, labels: &[String]) -> String {
    let Some(name) = labels.get(class).map(|label| short_label(label)) else {
        return format!("class {class}");
    };
    let alike = labels.iter().filter(|label| short_label(label) == name).count();
    match (alike, kind_of_class(class, labels)) {
        (1, _) => name.to_owned(),
        (_, Some(kind)) => format!("{name}, the {kind}"),
        (_, None) => format!("{name}, class {class}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imagenet() -> Vec<String> {
        shared::models::labels::imagenet().into_iter().map(|label| label.name).collect()
    }

    #[test]
    fn a_label_names_a_class_by_any_of_its_names_and_may_name_two() {
        let labels = imagenet();
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
    fn a_kind_offers_its_classes_and_a_slip_the_one_that_was_meant() {
        let labels = imagenet();
        let dogs = search("dog", &labels);
        assert!(dogs.len() >= 118 && dogs.contains(&151) && dogs.contains(&207), "{dogs:?}");
        assert!(search("dogs", &labels).len() >= 118);
        for (typed, class) in [
            ("goldfsih", 1),
            ("volcanoe", 980),
            ("dalmation", 251),
            ("stripes", 57),
            ("zebra", 340),
        ] {
            assert_eq!(search(typed, &labels).first(), Some(&class), "{typed}");
        }
        assert!(search("stripes", &labels).contains(&340));
        assert!(search("zzzz", &labels).is_empty());
    }

    #[test]
    fn two_of_one_name_are_told_apart() {
        let labels = imagenet();
        assert_eq!(title(134, &labels), "crane, the bird");
        assert_eq!(title(517, &labels), "crane, class 517");
        assert_eq!(title(0, &labels), "tench");
        assert_eq!(title(1000, &labels), "class 1000");
    }
}

//! Classes that may be meant: by name, by kind, with slips.

use super::kinds::{is_class_of, kind_of_class};
use super::short_label;
use crate::matching::{Fit, Sought, find};

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
        crate::classes::imagenet().into_iter().map(|label| label.name).collect()
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

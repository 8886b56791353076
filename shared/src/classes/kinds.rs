//! Kinds of classes: they are called by narrow names, and people search by wide ones.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::imagenet;

/// In the order of ILSVRC2012 the classes of a kind lie together: first and last of each run.
const CLASSES: [(&str, &[(usize, usize)]); 24] = [
    ("fish", &[(0, 6), (389, 397)]),
    ("shark", &[(2, 4)]),
    ("bird", &[(7, 24), (80, 100), (127, 146)]),
    ("frog", &[(30, 32)]),
    ("turtle", &[(33, 37)]),
    ("lizard", &[(38, 48)]),
    ("snake", &[(52, 68)]),
    ("spider", &[(72, 77)]),
    ("crab", &[(118, 121), (125, 125)]),
    ("dog", &[(151, 268)]),
    ("wolf", &[(269, 272)]),
    ("fox", &[(277, 280)]),
    ("cat", &[(281, 293)]),
    ("bear", &[(294, 297)]),
    ("insect", &[(300, 326)]),
    ("butterfly", &[(321, 326)]),
    ("rabbit", &[(330, 332)]),
    ("monkey", &[(365, 382)]),
    ("ape", &[(365, 369)]),
    ("elephant", &[(385, 386)]),
    ("flower", &[(985, 986)]),
    ("fruit", &[(948, 957)]),
    ("mushroom", &[(991, 997)]),
    // Not a kind of thing but of pattern: tiger, zebra, tabby, tiger cat, garter snake.
    ("stripe", &[(57, 57), (281, 282), (292, 292), (340, 340)]),
];

/// Whether a class is one of a kind. Classes in another order than that of ILSVRC2012 are looked up
/// there by their names.
pub fn is_class_of(class: usize, labels: &[String], kind: &str) -> bool {
    let number = match is_usual_order(labels) {
        true => Some(class),
        false => labels.get(class).and_then(|label| usual_number(label)),
    };
    let Some(number) = number else { return false };
    let runs = CLASSES.iter().filter(|(name, _)| *name == kind).flat_map(|(_, runs)| *runs);
    runs.into_iter().any(|(first, last)| (*first..=*last).contains(&number))
}

/// The first kind that a class is one of, to tell apart two of the same name.
pub fn kind_of_class(class: usize, labels: &[String]) -> Option<&'static str> {
    let kinds = CLASSES.iter().map(|(kind, _)| *kind);
    kinds.into_iter().find(|kind| is_class_of(class, labels, kind))
}

/// Whether the classes stand as in ILSVRC2012, as far as its first dog and its length tell.
fn is_usual_order(labels: &[String]) -> bool {
    labels.len() == 1000 && labels[151].starts_with("Chihuahua")
}

/// The number in the order of ILSVRC2012 of the class that has one of a label's names.
fn usual_number(label: &str) -> Option<usize> {
    // A name that two classes have, such as that of bird and machine, tells nothing.
    static NUMBERS: LazyLock<HashMap<String, Option<usize>>> = LazyLock::new(|| {
        let mut numbers = HashMap::new();
        for (number, label) in imagenet().iter().enumerate() {
            for name in names(&label.name) {
                let number_of_name = numbers.entry(name.to_owned()).or_insert(Some(number));
                *number_of_name = number_of_name.filter(|first| *first == number);
            }
        }
        numbers
    });
    names(label).find_map(|name| *NUMBERS.get(name)?)
}

/// A label's names, which commas separate.
fn names(label: &str) -> impl Iterator<Item = &str> {
    label.split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual_labels() -> Vec<String> {
        imagenet().into_iter().map(|label| label.name).collect()
    }

    #[test]
    fn the_runs_of_classes_are_those_of_ilsvrc2012() {
        let labels = usual_labels();
        let of = |class: usize, kind: &str| is_class_of(class, &labels, kind);
        for (kind, inside, outside) in [
            ("dog", ["Chihuahua", "Mexican hairless"], ["wombat", "timber wolf"]),
            ("cat", ["tabby", "cheetah"], ["Arctic fox", "brown bear"]),
            ("bird", ["cock", "albatross"], ["stingray", "grey whale"]),
            ("snake", ["thunder snake", "sidewinder"], ["triceratops", "trilobite"]),
            ("monkey", ["orangutan", "squirrel monkey"], ["three-toed sloth", "Madagascar cat"]),
            ("fish", ["barracouta", "puffer"], ["abacus", "lesser panda"]),
            ("fruit", ["Granny Smith", "pomegranate"], ["hay", "mushroom"]),
            ("stripe", ["zebra", "tiger"], ["hartebeest", "lion"]),
        ] {
            let class = |name: &str| {
                let named = |label: &String| crate::classes::short_label(label) == name;
                labels.iter().position(named).unwrap_or_else(|| panic!("no class is {name}"))
            };
            for name in inside {
                assert!(of(class(name), kind), "{name} is a {kind}");
            }
            for name in outside {
                assert!(!of(class(name), kind), "{name} is no {kind}");
            }
        }
        assert_eq!(labels.iter().enumerate().filter(|(class, _)| of(*class, "dog")).count(), 118);
    }

    #[test]
    fn two_classes_of_one_name_are_told_apart() {
        let labels = usual_labels();
        assert_eq!((labels[134].as_str(), labels[517].as_str()), ("crane", "crane"));
        assert_eq!(kind_of_class(134, &labels), Some("bird"));
        assert_eq!(kind_of_class(517, &labels), None);
    }

    #[test]
    fn classes_of_another_order_are_known_by_any_name_that_is_theirs_alone() {
        let spaniel = "cocker spaniel, English cocker spaniel, cocker";
        let labels = ["sofa", spaniel, "tiger cat", "crane"].map(str::to_owned);
        let of = |class: usize, kind: &str| is_class_of(class, &labels, kind);
        assert!(of(1, "dog") && !of(0, "dog"));
        assert!(of(2, "cat") && of(2, "stripe"));
        assert!(!of(3, "bird"), "it may be the machine");
        assert!(!of(151, "dog"));
    }
}

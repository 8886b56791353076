//! What the classes are called.

/// A class of a classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// WordNet's identifier (`n02123394`); empty where the class has none.
    pub wnid: String,
    /// Synonyms, separated by commas: `Persian cat`.
    pub name: String,
}

/// Made by `scripts/imagenet_labels.py`; its head tells source and licence.
const IMAGENET: &str = include_str!("labels/imagenet.txt");

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

#[cfg(test)]
mod tests {
    use super::*;

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

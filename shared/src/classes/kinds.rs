//! Kinds of things: pictures are called by narrow names, and people search by wide ones.

/// A kind, and words that titles of such things begin with.
const KINDS: [(&str, &[&str]); 13] = [
    (
        "dog",
        &["shepherd", "spaniel", "dingo", "dalmatian", "terrier", "retriever", "hound", "puppy"],
    ),
    ("cat", &["kitten", "tabby", "coon", "cheetah", "jaguar", "lion", "tiger", "leopard"]),
    (
        "bird",
        &[
            "penguin",
            "crane",
            "flamingo",
            "heron",
            "gosling",
            "harrier",
            "hen",
            "kingfisher",
            "lorikeet",
            "macaw",
            "nuthatch",
            "peacock",
            "pelican",
            "spoonbill",
            "swan",
            "owl",
            "toucan",
            "duck",
            "chicken",
            "parrot",
            "eagle",
            "gull",
            "aracari",
        ],
    ),
    (
        "fish",
        &[
            "angelfish",
            "anthias",
            "boarfish",
            "wrasse",
            "cichlid",
            "clownfish",
            "discus",
            "trout",
            "goldfish",
            "lionfish",
            "mullet",
            "pompano",
            "pufferfish",
            "porgy",
            "bream",
            "goldie",
            "koi",
            "seahorse",
            "perch",
            "weever",
        ],
    ),
    (
        "insect",
        &[
            "admiral",
            "bee",
            "butterfly",
            "caterpillar",
            "fritillary",
            "ladybird",
            "longwing",
            "mantis",
            "swallowtail",
        ],
    ),
    ("monkey", &["gibbon", "lemur", "macaque", "gorilla"]),
    ("bear", &["panda", "koala", "teddy"]),
    (
        "flower",
        &[
            "anemone",
            "anthurium",
            "blossom",
            "aster",
            "balsam",
            "marigold",
            "daffodil",
            "dahlia",
            "dandelion",
            "rose",
            "forget",
            "gazania",
            "gerbera",
            "hibiscus",
            "lantana",
            "petunia",
            "pigface",
            "tulip",
            "daisy",
        ],
    ),
    (
        "fruit",
        &["avocado", "orange", "citrus", "fig", "kiwi", "lemon", "lime", "mandarin", "apple"],
    ),
    ("boat", &["rowing", "sailing", "ship", "ferry"]),
    ("car", &["bus", "pickup", "truck", "engine", "dumper"]),
    ("ball", &["football", "baseball", "basketball"]),
    // Not a kind of thing but of pattern.
    ("stripe", &["tabby", "tiger", "zebra", "clownfish", "angelfish"]),
];

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

/// Whether a word of a title makes the thing one of a kind: a spaniel is a dog.
pub fn is_kind(title: &str, kind: &str) -> bool {
    let narrower = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, narrower)| *narrower);
    let title = title.to_lowercase();
    let mut words = title.split(|letter: char| !letter.is_alphanumeric());
    words.any(|word| narrower.unwrap_or_default().iter().any(|narrow| is_called(word, narrow)))
}

/// Whether a word is another or its plural. A short one may begin something else altogether: a
/// lionfish is no lion.
fn is_called(word: &str, narrow: &str) -> bool {
    match word.strip_prefix(narrow) {
        Some(rest) => 6 <= narrow.len() || rest.is_empty() || rest == "s",
        None => false,
    }
}

/// Whether a class is one of a kind. Classes in another order than that of ILSVRC2012 are judged by
/// their names.
pub fn is_class_of(class: usize, labels: &[String], kind: &str) -> bool {
    if !is_usual_order(labels) {
        return labels.get(class).is_some_and(|label| is_kind(label, kind));
    }
    let runs = CLASSES.iter().filter(|(name, _)| *name == kind).flat_map(|(_, runs)| *runs);
    runs.into_iter().any(|(first, last)| (*first..=*last).contains(&class))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn imagenet() -> Vec<String> {
        crate::classes::imagenet().into_iter().map(|label| label.name).collect()
    }

    #[test]
    fn a_spaniel_is_a_dog_and_a_hammer_is_none() {
        assert!(is_kind("Cocker spaniel", "dog") && is_kind("Shepherds", "dog"));
        assert!(!is_kind("Hammer", "dog") && !is_kind("Spaniel", "spaniel"));
        assert!(is_kind("Young lion", "cat") && !is_kind("Lionfish", "cat"));
        assert!(is_kind("Tabby cat", "stripe"));
    }

    #[test]
    fn the_runs_of_classes_are_those_of_ilsvrc2012() {
        let labels = imagenet();
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
        let labels = imagenet();
        assert_eq!((labels[134].as_str(), labels[517].as_str()), ("crane", "crane"));
        assert_eq!(kind_of_class(134, &labels), Some("bird"));
        assert_eq!(kind_of_class(517, &labels), None);
    }

    #[test]
    fn classes_of_another_order_are_judged_by_their_names() {
        let labels = ["sofa".to_owned(), "cocker spaniel".to_owned()];
        assert!(is_class_of(1, &labels, "dog") && !is_class_of(0, &labels, "dog"));
        assert!(!is_class_of(151, &labels, "dog"));
    }
}

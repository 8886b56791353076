//! Kinds of things: photographs are called by narrow names, and people search by wide ones.

/// A kind, and what words of the titles of such things begin with.
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

/// The kinds that words of a title make the thing one of: a spaniel is a dog.
pub fn of_title(title: &str) -> Vec<String> {
    let title = title.to_lowercase();
    let words: Vec<&str> = title.split(|letter: char| !letter.is_alphanumeric()).collect();
    let is_one = |narrower: &[&str]| {
        words.iter().any(|word| narrower.iter().any(|narrow| is_called(word, narrow)))
    };
    let kinds = KINDS.iter().filter(|(_, narrower)| is_one(narrower));
    kinds.map(|(kind, _)| (*kind).to_owned()).collect()
}

/// Whether a word is another or its plural. A short one may begin something else altogether: a
/// lionfish is no lion.
fn is_called(word: &str, narrow: &str) -> bool {
    match word.strip_prefix(narrow) {
        Some(rest) => 6 <= narrow.len() || rest.is_empty() || rest == "s",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use shared::format::credits;

    use super::*;
    use crate::bundle::Existing;

    #[test]
    fn a_spaniel_is_a_dog_and_a_hammer_is_none() {
        for (title, kinds) in [
            ("Cocker spaniel", &["dog"][..]),
            ("Shepherds", &["dog"]),
            ("Hammer", &[]),
            ("Young lion", &["cat"]),
            ("Lionfish", &["fish"]),
            ("Tabby cat", &["cat", "stripe"]),
        ] {
            assert_eq!(of_title(title), kinds, "{title}");
        }
    }

    #[test]
    fn the_photographs_that_ship_are_of_the_kinds_that_their_titles_say() {
        for name in ["googlenet", "efficientnet-lite0"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/bundles").join(name);
            let existing = Existing::open(&folder).unwrap();
            let gallery = existing.bundle.gallery.as_ref().unwrap();
            let bytes = existing.read(&gallery.credits).unwrap();
            for credit in credits::from_json(&bytes, gallery.sprites.count).unwrap() {
                assert_eq!(credit.kinds, of_title(&credit.title), "{name}: {}", credit.title);
            }
        }
    }
}

//! Kinds of things: pictures are called by narrow names, and people search by wide ones.

/// A kind, and words that titles of such things begin with.
const KINDS: [(&str, &[&str]); 12] = [
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
];

/// Whether a word of a title makes the thing one of a kind: a spaniel is a dog.
pub fn is_kind(word: &str, kind: &str) -> bool {
    let narrower = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, narrower)| *narrower);
    narrower.unwrap_or_default().iter().any(|narrow| word.starts_with(narrow))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spaniel_is_a_dog_and_a_hammer_is_none() {
        assert!(is_kind("spaniel", "dog") && is_kind("shepherds", "dog"));
        assert!(!is_kind("hammer", "dog") && !is_kind("spaniel", "spaniel"));
    }
}

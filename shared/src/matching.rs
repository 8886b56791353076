//! Whether a name is what was typed: one matcher for the jump box, classes, units and pictures.

use strsim::osa_distance;

/// How a name fits what was typed; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is what was typed.
    Whole,
    /// Every word typed is one of its words.
    Word,
    /// One of them only in the singular: `dogs` for a dog.
    Plural,
    /// One of them is a wider word for it: `dogs` for a spaniel.
    Kind,
    /// One of its words goes on where the typed one ends.
    Begins,
    /// The same of a short word, with which too much begins: `cat` for a cathedral.
    Opens,
    /// It is in the middle of one of its words.
    Within,
    /// Letters have to be changed: so many in the worst word.
    Slip(usize),
}

impl Fit {
    /// Whether the name means what was typed, and does not merely hold the same letters.
    pub fn is_meant(self) -> bool {
        !matches!(self, Self::Opens | Self::Within)
    }
}

/// What is looked for: words in small letters.
#[derive(Clone, Debug, PartialEq)]
pub struct Sought {
    words: Vec<Word>,
    /// All words, as names that are exactly that are written.
    whole: String,
    /// Whether slips of the finger are forgiven.
    forgiving: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Word {
    typed: String,
    /// What it may be the plural of.
    singulars: Vec<String>,
}

/// What a search finds; slips are forgiven only where nothing fits without.
pub fn find<T>(sought: &Sought, search: impl Fn(&Sought) -> Vec<T>) -> Vec<T> {
    let found = search(sought);
    if !found.is_empty() || sought.words.is_empty() {
        return found;
    }
    search(&Sought { forgiving: true, ..sought.clone() })
}

impl Sought {
    /// The words of what was typed, but for those that do not count.
    pub fn new(typed: &str, ignored: &[&str]) -> Self {
        let typed = typed.to_lowercase();
        let words: Vec<&str> = words(&typed).filter(|word| !ignored.contains(word)).collect();
        let whole = words.join(" ");
        let word = |typed: &str| Word { typed: typed.to_owned(), singulars: singulars(typed) };
        Self { words: words.into_iter().map(word).collect(), whole, forgiving: false }
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How a name fits, by its worst word; nothing if a word is missing. Fits if nothing is sought.
    ///
    /// A name may be several, separated by commas. `is_kind` says of a wider word, in the singular,
    /// whether the thing is one of those.
    pub fn fit(&self, name: &str, is_kind: impl Fn(&str) -> bool) -> Option<Fit> {
        let name = name.to_lowercase();
        let is_whole = |name: &str| words(name).eq(words(&self.whole));
        if name.split(',').any(is_whole) {
            return Some(Fit::Whole);
        }
        let of_word = |word: &Word| self.fit_of_word(word, &name, &is_kind);
        self.words.iter().try_fold(Fit::Word, |worst, word| Some(worst.max(of_word(word)?)))
    }

    fn fit_of_word(&self, word: &Word, name: &str, is_kind: impl Fn(&str) -> bool) -> Option<Fit> {
        let typed = word.typed.as_str();
        let any = |fits: &dyn Fn(&str) -> bool| words(name).any(fits);
        if any(&|part| part == typed) {
            Some(Fit::Word)
        } else if any(&|part| {
            word.singulars.iter().any(|singular| part == singular)
                || singulars(part).iter().any(|singular| singular == typed)
        }) {
            Some(Fit::Plural)
        } else if is_kind(typed) || word.singulars.iter().any(|singular| is_kind(singular)) {
            Some(Fit::Kind)
        } else if any(&|part| part.starts_with(typed)) {
            Some(if 4 <= typed.len() { Fit::Begins } else { Fit::Opens })
        } else if any(&|part| part.contains(typed)) {
            Some(Fit::Within)
        } else if self.forgiving {
            words(name).filter_map(|part| slip(word, part)).min().map(Fit::Slip)
        } else {
            None
        }
    }
}

/// The letters to change in a typed word so that it is a word of a name, if they are few: one in a
/// word of four to six letters, two in a longer one. Two neighbours that change places are one.
fn slip(word: &Word, part: &str) -> Option<usize> {
    let forms = word.singulars.iter().chain([&word.typed]);
    forms.filter_map(|form| few_slips(form, part)).min()
}

/// The letters to change in one word so that it is the other, if they are few for the shorter one.
pub fn few_slips(typed: &str, wanted: &str) -> Option<usize> {
    let shorter = typed.chars().count().min(wanted.chars().count());
    let allowed = match shorter {
        0..4 => 0,
        4..7 => 1,
        _ => 2,
    };
    // Length bounds the work: what was typed may come from anybody.
    if typed.len().abs_diff(wanted.len()) > 4 * allowed {
        return None;
    }
    Some(osa_distance(typed, wanted)).filter(|slips| *slips <= allowed)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// What a word may be the plural of: `dogs`, `buses`, `butterflies`.
fn singulars(word: &str) -> Vec<String> {
    let endings = [("s", ""), ("es", ""), ("ies", "y")];
    endings
        .into_iter()
        .filter_map(|(plural, singular)| {
            let stem = word.strip_suffix(plural).filter(|stem| 3 <= stem.len())?;
            Some(format!("{stem}{singular}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(typed: &str, name: &str) -> Option<Fit> {
        let sought = Sought::new(typed, &[]);
        let spaniel = |kind: &str| kind == "dog" && name.to_lowercase().contains("spaniel");
        find(&sought, |sought| sought.fit(name, spaniel).into_iter().collect()).pop()
    }

    #[test]
    fn a_name_fits_the_better_the_more_of_it_was_typed() {
        let label = "goldfish, Carassius auratus";
        let fits = ["Goldfish", "auratus", "goldf", "gol", "dfis", "goldfsih", "cat"]
            .map(|typed| fit(typed, label));
        assert_eq!(
            fits,
            [
                Some(Fit::Whole),
                Some(Fit::Word),
                Some(Fit::Begins),
                Some(Fit::Opens),
                Some(Fit::Within),
                Some(Fit::Slip(1)),
                None
            ]
        );
        assert_eq!(fit("carassius  AURATUS", label), Some(Fit::Whole));
        assert!(fits[..6].is_sorted());
    }

    #[test]
    fn slips_of_the_finger_are_forgiven_by_length() {
        for (typed, name) in [
            ("goldfsih", "goldfish"),
            ("volcanoe", "volcano"),
            ("dalmation", "dalmatian, coach dog, carriage dog"),
            ("dalmations", "dalmatian"),
            ("tigre", "tiger, Panthera tigris"),
            ("elefant", "African elephant"),
            ("golden retreiver", "golden retriever"),
            ("Bakery", "bakerY shop"),
        ] {
            assert!(fit(typed, name).is_some(), "{typed} is {name}");
        }
        for (typed, name) in
            [("cat", "car"), ("horses", "houseboat"), ("zzzz", "zebra"), ("bushes", "bus")]
        {
            assert_eq!(fit(typed, name), None, "{typed} is not {name}");
        }
    }

    #[test]
    fn a_slip_counts_only_where_nothing_else_fits() {
        let names = ["Horse", "House", "Brick houses"];
        let search = |typed: &str| {
            find(&Sought::new(typed, &[]), |sought| {
                names.into_iter().filter(|name| sought.fit(name, |_| false).is_some()).collect()
            })
        };
        assert_eq!(search("horse"), ["Horse"]);
        assert_eq!(search("hosre"), ["Horse"]);
        assert_eq!(search("house"), ["House", "Brick houses"]);
    }

    #[test]
    fn plurals_find_what_is_called_in_the_singular_and_short_words_only_themselves() {
        for (name, found, not) in [
            ("Butterfly", "butterflies", "butternut"),
            ("Bus", "buses", "bushes"),
            ("Yellow daisy", "daisies", "days"),
            ("Cathedral", "cathedrals", "cats"),
            ("Carpenter's hammer", "hammers", "cars"),
        ] {
            assert!(fit(found, name).is_some_and(Fit::is_meant), "{found} is {name}");
            assert!(!fit(not, name).is_some_and(Fit::is_meant), "{not} is not {name}");
        }
        assert_eq!(fit("cat", "Cathedral"), Some(Fit::Opens));
        assert_eq!(fit("horse", "Horses"), Some(Fit::Plural));
    }

    #[test]
    fn a_wider_word_finds_the_narrower() {
        assert_eq!(fit("dogs", "Cocker spaniel"), Some(Fit::Kind));
        assert_eq!(fit("small dogs", "Small spaniel"), Some(Fit::Kind));
        assert_eq!(fit("dogs", "Hot dog"), Some(Fit::Plural));
        assert!(Fit::Kind < Fit::Begins, "dogs are spaniels before they are a dogsled");
    }

    #[test]
    fn nothing_sought_fits_everything_and_no_word_is_left_out() {
        assert_eq!(fit("", "anything"), Some(Fit::Word));
        assert_eq!(fit("brown dog", "Brown bear"), None);
        let question = Sought::new("Which units like dogs?", &["which", "units", "like"]);
        assert_eq!(question, Sought::new("dogs", &[]));
    }

    #[test]
    fn endless_words_are_not_compared() {
        assert_eq!(few_slips(&"x".repeat(100_000), "goldfish"), None);
    }
}

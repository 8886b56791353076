//! Which model a call means: the first word if it is one's name, else the one that is built in.
//!
//! A misspelt name must not be taken for something else, so a word that looks like a name and is
//! nothing else that the verb knows is answered as a wrong name.

use shared::Error;
use shared::models;

use crate::built_in;
use crate::failure::WrongCall;

/// A model, and what it is to work on.
#[derive(Debug, PartialEq, Eq)]
pub struct Named<'a, Word> {
    /// The model's name in the registry.
    pub model: &'static str,
    /// The words behind it.
    pub rest: &'a [Word],
}

/// Splits the words of a call. `knows` says whether a word is something the verb works on, and
/// `kind` what that is: "a picture or folder".
///
/// # Errors
/// A wrong name, a model and nothing to do with it, or no word at all.
pub fn split<'a, Word: AsRef<std::ffi::OsStr>>(
    words: &'a [Word],
    kind: &str,
    knows: impl Fn(&Word) -> bool,
) -> anyhow::Result<Named<'a, Word>> {
    let Some((first, rest)) = words.split_first() else {
        return Err(WrongCall(format!("name {kind}")).into());
    };
    let named = models::info(&first.as_ref().to_string_lossy());
    match named {
        Ok(info) if rest.is_empty() => Err(WrongCall(format!(
            "{0} is a model; name {kind} behind it (one that is called so itself is ./{0})",
            info.name
        ))
        .into()),
        Ok(info) => Ok(Named { model: info.name, rest }),
        Err(Error::UnknownModel { name, nearest, known })
            if !knows(first) && looks_like_a_name(&name) =>
        {
            let unknown = Error::UnknownModel { nearest, known, name };
            Err(WrongCall(format!("{unknown}; nor is it {kind}")).into())
        }
        Err(_) => Ok(Named { model: default(), rest: words }),
    }
}

/// The same for verbs that work on layers and units. One of another network is said to be one.
pub fn split_layers(words: &[String]) -> anyhow::Result<Named<'_, String>> {
    let inside = models::info(built_in::MODEL)?;
    let layer = words.first().and_then(|word| word.split(':').next()).unwrap_or_default();
    if inside.layer(layer).is_err()
        && models::info(layer).is_err()
        && let Some(owner) = owner(layer)
    {
        return Err(WrongCall(format!(
            "{layer} is a layer of {owner}, not of {}: name that model before it",
            inside.name
        ))
        .into());
    }
    split(words, &format!("a layer of {}", inside.name), |word| inside.layer(word).is_ok())
}

/// The first model that has a layer of this name.
fn owner(layer: &str) -> Option<&'static str> {
    let owner = models::registry().into_iter().find(|info| info.layer(layer).is_ok())?;
    Some(owner.name)
}

/// The model that is built in, which is said.
pub fn default() -> &'static str {
    eprintln!("model: {}, which is built in (no other was named)", built_in::MODEL);
    built_in::MODEL
}

/// Whether a word is made like the models' names: no file's ending, no folder, no unit.
fn looks_like_a_name(word: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    word.chars().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split<'a>(words: &'a [&'a str]) -> Result<(&'static str, &'a [&'a str]), String> {
        let named = super::split(words, "a picture or folder", |word| *word == "photographs");
        named.map(|named| (named.model, named.rest)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_first_word_that_is_a_model_is_the_model_and_any_other_leaves_it_to_the_one_inside() {
        let cases: [(&[&str], &str, &[&str]); 6] = [
            (&["googlenet", "cat.jpg"], "googlenet", &["cat.jpg"]),
            (&["cat.jpg"], built_in::MODEL, &["cat.jpg"]),
            (&["cat.jpg", "googlenet"], built_in::MODEL, &["cat.jpg", "googlenet"]),
            (&["photographs"], built_in::MODEL, &["photographs"]),
            (&["./googlenet"], built_in::MODEL, &["./googlenet"]),
            (&["ViT-B/32", "cat.jpg"], "clip-vit-b-32", &["cat.jpg"]),
        ];
        for (words, model, rest) in cases {
            assert_eq!(split(words), Ok((model, rest)));
        }
    }

    #[test]
    fn a_misspelt_model_is_answered_as_one() {
        for word in ["googlnet", "GoogLeNet", "efficientnet-lite_0"] {
            let error = split(&[word, "cat.jpg"]).unwrap_err();
            assert!(error.contains("no model is called"), "{error}");
            assert!(error.contains("did you mean"), "{error}");
            assert!(error.ends_with("nor is it a picture or folder"), "{error}");
        }
        let error = split(&["alexnet", "cat.jpg"]).unwrap_err();
        assert!(
            !error.contains("did you mean") && error.contains("there are googlenet"),
            "{error}"
        );
    }

    #[test]
    fn a_model_with_nothing_to_do_and_a_call_of_no_words_say_what_is_missing() {
        let error = split(&["googlenet"]).unwrap_err();
        assert!(error.contains("name a picture or folder behind it"), "{error}");
        assert!(error.contains("./googlenet"), "{error}");
        assert_eq!(split(&[]).unwrap_err(), "name a picture or folder");
    }
}

//! What the gallery's pictures show, and whose they are: a part of a bundle.

use serde::Serialize;

use super::bundle::CREDITS_LIMIT;
use super::document::parse_json;
use super::field::Field;
use crate::{Error, Result};

/// The longest text of a credit, in characters.
const TEXT_LIMIT: usize = 500;

/// The most kinds that a picture is said to be of.
const KINDS_LIMIT: usize = 20;

/// The longest word for a kind, in characters.
const KIND_LIMIT: usize = 40;

/// A picture's title, author and licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credit {
    /// The file it comes from, relative to the gallery's folder: `animals/dalmatian.jpg`.
    pub file: String,
    /// What it shows: `Dalmatian`.
    pub title: String,
    /// What kind of thing that is: `animals`.
    pub category: String,
    /// Wider words for it that people search by, in the singular: `dog`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Who made it.
    pub author: String,
    /// Its licence's short name: `CC-BY-SA-3.0`.
    pub licence: String,
    /// Where the licence is, `https://`.
    pub licence_url: String,
    /// Where the picture was taken from.
    pub source: String,
    /// What was done to it.
    pub changes: String,
    /// Where its author showed it, `https://`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// What else is to be said, such as what was done to it before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Credit {
    /// Whether what the picture shows is one of a kind.
    pub fn is_kind(&self, kind: &str) -> bool {
        self.kinds.iter().any(|own| own == kind)
    }
}

/// Reads the credits of `n_pictures` pictures: JSON, a list of objects.
///
/// # Errors
/// Name the field, say what was found and what can stand there.
pub fn from_json(bytes: &[u8], n_pictures: usize) -> Result<Vec<Credit>> {
    let value = parse_json("credits", bytes, CREDITS_LIMIT as usize)?;
    let root = Field::root("credits", &value);
    let items = root.items(n_pictures)?;
    if items.len() != n_pictures {
        return Err(root.wrong(format!("{} entries for {n_pictures} pictures", items.len())));
    }
    items.iter().map(credit).collect()
}

/// The text of the credits part.
pub fn to_json(credits: &[Credit]) -> Result<String> {
    serde_json::to_string(credits)
        .map_err(|error| Error::Format { what: "credits".to_owned(), reason: error.to_string() })
}

fn credit(field: &Field<'_>) -> Result<Credit> {
    let text = |key: &str| Ok::<_, Error>(field.get(key)?.short_text(TEXT_LIMIT)?.to_owned());
    let optional = |key: &str| -> Result<Option<String>> {
        field.optional(key)?.map(|_| text(key)).transpose()
    };
    // It becomes a link, and a link can be a program.
    let address = |key: &str, address: &str| -> Result<()> {
        match address.starts_with("https://") {
            true => Ok(()),
            false => Err(field.get(key)?.wrong("expected an address that begins with https://")),
        }
    };
    let licence_url = text("licence_url")?;
    address("licence_url", &licence_url)?;
    let origin = optional("origin")?;
    origin.iter().try_for_each(|origin| address("origin", origin))?;
    Ok(Credit {
        file: text("file")?,
        title: text("title")?,
        category: text("category")?,
        kinds: kinds(field)?,
        author: text("author")?,
        licence: text("licence")?,
        licence_url,
        source: text("source")?,
        changes: text("changes")?,
        origin,
        note: optional("note")?,
    })
}

fn kinds(credit: &Field<'_>) -> Result<Vec<String>> {
    let Some(kinds) = credit.optional("kinds")? else { return Ok(Vec::new()) };
    let kind = |field: &Field<'_>| {
        let kind = field.short_text(KIND_LIMIT)?;
        match kind.chars().all(char::is_lowercase) {
            true => Ok(kind.to_owned()),
            false => Err(field.wrong("expected one word of lower-case letters")),
        }
    };
    kinds.items(KINDS_LIMIT)?.iter().map(kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credit() -> Credit {
        Credit {
            file: "animals/dalmatian.jpg".to_owned(),
            title: "Dalmatian".to_owned(),
            category: "animals".to_owned(),
            kinds: Vec::new(),
            author: "Somebody".to_owned(),
            licence: "CC0-1.0".to_owned(),
            licence_url: "https://creativecommons.org/publicdomain/zero/1.0/".to_owned(),
            source: "a package".to_owned(),
            changes: "cropped".to_owned(),
            origin: None,
            note: None,
        }
    }

    #[test]
    fn credits_survive_the_round_trip() {
        let origin = Some("https://commons.wikimedia.org/wiki/File:Loewe.jpg".to_owned());
        let note = Some("before, by others: sharpened".to_owned());
        let kinds = vec!["cat".to_owned()];
        let credits =
            vec![credit(), Credit { title: "Löwe".to_owned(), kinds, origin, note, ..credit() }];
        let text = to_json(&credits).unwrap();
        assert_eq!(from_json(text.as_bytes(), 2).unwrap(), credits);
        assert!(from_json(text.as_bytes(), 3).unwrap_err().to_string().contains("3 pictures"));
    }

    #[test]
    fn a_kind_is_a_word_that_can_be_typed() {
        for (kinds, named) in [
            (vec!["dog"; 21], "credits[0]: kinds"),
            (vec!["dog", ""], "credits[0]: kinds[1]"),
            (vec!["guide dog"], "credits[0]: kinds[0]"),
            (vec!["Dog"], "credits[0]: kinds[0]"),
        ] {
            let kinds = kinds.into_iter().map(str::to_owned).collect();
            let text = to_json(&[Credit { kinds, ..credit() }]).unwrap();
            let error = from_json(text.as_bytes(), 1).unwrap_err().to_string();
            assert!(error.contains(named), "{named}: {error}");
        }
    }

    #[test]
    fn a_link_is_no_script() {
        let script = "javascript:alert(1)".to_owned();
        for (credit, named) in [
            (Credit { licence_url: script.clone(), ..credit() }, "credits[0]: licence_url"),
            (Credit { origin: Some(script), ..credit() }, "credits[0]: origin"),
        ] {
            let error = from_json(to_json(&[credit]).unwrap().as_bytes(), 1).unwrap_err();
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}

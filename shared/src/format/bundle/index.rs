//! `index.json`: the bundles that lie in one folder, in the order they are offered.

use serde::Serialize;

use super::super::document::{json_text, parse_json, schema};
use super::super::field::Field;
use super::super::part::inner_path;
use crate::Result;

/// The longest `index.json` that is read, in bytes.
pub const INDEX_LIMIT: usize = 1 << 20;

/// The most bundles in one list.
const ENTRIES_LIMIT: usize = 1000;

/// The longest title, in characters.
const TITLE_LIMIT: usize = 100;

/// `index.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Index {
    /// `[major, minor]`, as in `bundle.json`.
    pub schema: [u32; 2],
    /// The first is the one to open.
    pub bundles: Vec<Entry>,
}

/// A bundle of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its folder, beside `index.json`.
    pub path: String,
    /// For people.
    pub title: String,
    /// Whether its weights lie with it; nothing where the list does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<bool>,
    /// Whether weights it lacks are on their way: whoever opened it may look again in a while.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub weights_coming: bool,
}

impl Index {
    /// Reads and checks `index.json`.
    ///
    /// # Errors
    /// Name the field, say what was found and what can stand there.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = parse_json("index.json", bytes, INDEX_LIMIT)?;
        let root = Field::root("index.json", &value);
        let schema = schema(&root.get("schema")?)?;
        let listed = root.get("bundles")?;
        let items = listed.items(ENTRIES_LIMIT)?;
        if items.is_empty() {
            return Err(listed.wrong(format!("has no entries, expected 1 to {ENTRIES_LIMIT}")));
        }
        let bundles: Vec<Entry> = items.iter().map(entry).collect::<Result<_>>()?;
        Ok(Self { schema, bundles })
    }

    /// The text of `index.json`.
    pub fn to_json(&self) -> Result<String> {
        json_text("index.json", self)
    }
}

fn entry(field: &Field<'_>) -> Result<Entry> {
    let title = field.get("title")?;
    let weights_coming = match field.optional("weights_coming")? {
        Some(coming) => coming.parsed()?,
        None => false,
    };
    let weights = field.optional("weights")?.map(|weights| weights.parsed()).transpose()?;
    Ok(Entry {
        path: inner_path(&field.get("path")?)?.to_owned(),
        title: title.short_text(TITLE_LIMIT)?.to_owned(),
        weights,
        weights_coming,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::bundle::SCHEMA;

    #[test]
    fn a_list_survives_the_round_trip() {
        let entry = |path: &str, weights, weights_coming| Entry {
            path: path.to_owned(),
            title: path.to_uppercase(),
            weights,
            weights_coming,
        };
        let bundles = vec![
            entry("googlenet", Some(false), true),
            entry("efficientnet-lite0", Some(true), false),
            entry("mine", None, false),
        ];
        let index = Index { schema: SCHEMA, bundles };
        assert_eq!(Index::parse(index.to_json().unwrap().as_bytes()).unwrap(), index);
    }

    #[test]
    fn entries_that_leave_the_folder_or_are_none_are_refused_by_name() {
        for (text, named) in [
            (r#"{"schema":[2,0],"bundles":[]}"#, "bundles"),
            (r#"{"schema":[2,0],"bundles":[{"path":"../a","title":"A"}]}"#, "bundles[0].path"),
            (r#"{"schema":[2,0],"bundles":[{"path":"a","title":""}]}"#, "bundles[0].title"),
            (
                r#"{"schema":[2,0],"bundles":[{"path":"a","title":"A","weights":"yes"}]}"#,
                "bundles[0].weights",
            ),
            (r#"{"schema":[1,1]}"#, "schema"),
        ] {
            let error = Index::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}

//! A site's list of bundles: the repository's, and what is known only when the site is made.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::GOOGLENET;

/// Where GoogLeNet's weights are when a site is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// In the site.
    Here,
    /// On their way.
    Coming,
    /// Elsewhere.
    Lacking,
}

/// The text of a site's `index.json`, from the repository's if there is one. Nothing where there
/// is no bundle at all. `googlenet` is nothing where its bundle is not there.
///
/// `pellucid export --list` writes the repository's list; of it only GoogLeNet's entry changes.
pub fn text(shipped: Option<&[u8]>, googlenet: Option<Availability>) -> Result<Option<String>> {
    let mut index: Value = match shipped {
        Some(bytes) => serde_json::from_slice(bytes).context("public/bundles/index.json")?,
        None => json!({ "schema": [2, 0], "bundles": [] }),
    };
    let bundles = index["bundles"]
        .as_array_mut()
        .context("public/bundles/index.json: bundles is not a list")?;
    let is_googlenet = |entry: &Value| entry["path"] == GOOGLENET;
    if googlenet.is_some() && !bundles.iter().any(is_googlenet) {
        bundles.insert(0, json!({ "path": GOOGLENET, "title": "GoogLeNet" }));
    }
    for entry in bundles.iter_mut().filter(|entry| is_googlenet(entry)) {
        if let Some(entry) = entry.as_object_mut() {
            entry.insert("weights".to_owned(), (googlenet == Some(Availability::Here)).into());
            entry.remove("weights_coming");
            if googlenet == Some(Availability::Coming) {
                entry.insert("weights_coming".to_owned(), Value::Bool(true));
            }
        }
    }
    let is_empty = bundles.is_empty();
    Ok((!is_empty).then(|| format!("{index:#}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &[u8] = br#"{"schema": [2, 0], "bundles": [
        {"path": "googlenet", "title": "GoogLeNet", "weights": false},
        {"path": "other", "title": "Other", "weights": true}]}"#;

    fn made(shipped: Option<&[u8]>, googlenet: Option<Availability>) -> Value {
        let text = text(shipped, googlenet).unwrap();
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn where_the_weights_are_is_said_of_googlenet_alone() {
        let index = made(Some(SHIPPED), Some(Availability::Coming));
        assert_eq!(index["bundles"][0]["weights_coming"], true);
        assert_eq!(index["bundles"][0]["weights"], false);
        assert_eq!(index["bundles"][1].get("weights_coming"), None);
        let index = made(Some(SHIPPED), Some(Availability::Lacking));
        assert_eq!(index, serde_json::from_slice::<Value>(SHIPPED).unwrap());
        let index = made(Some(SHIPPED), Some(Availability::Here));
        assert_eq!(index["bundles"][0]["weights"], true);
        assert_eq!(index["bundles"][0].get("weights_coming"), None);
    }

    #[test]
    fn a_bundle_made_here_is_listed_first_even_where_none_ships() {
        let index = made(None, Some(Availability::Here));
        assert_eq!(index["bundles"][0]["path"], "googlenet");
        let others = br#"{"schema": [2, 0], "bundles": [{"path": "other", "title": "Other"}]}"#;
        let index = made(Some(others), Some(Availability::Here));
        assert_eq!(index["bundles"][0]["path"], "googlenet");
        assert_eq!(index["bundles"][1]["path"], "other");
        assert_eq!(made(None, None), Value::Null);
    }

    #[test]
    fn a_list_that_is_none_is_named() {
        let error = text(Some(b"{}"), Some(Availability::Lacking)).unwrap_err().to_string();
        assert!(error.contains("index.json"), "{error}");
    }
}

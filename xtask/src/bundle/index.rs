//! A site's list of bundles: the repository's, and what is known only when the site is made.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::GOOGLENET;

/// The text of a site's `index.json`, from the repository's if there is one. Nothing where there
/// is no bundle at all.
///
/// `pellucid export --list` writes the repository's list; of it only GoogLeNet's entry changes.
pub fn text(
    shipped: Option<&[u8]>,
    has_googlenet: bool,
    weights_coming: bool,
) -> Result<Option<String>> {
    let mut index: Value = match shipped {
        Some(bytes) => serde_json::from_slice(bytes).context("public/bundles/index.json")?,
        None => json!({ "schema": [1, 0], "bundles": [] }),
    };
    let bundles = index["bundles"]
        .as_array_mut()
        .context("public/bundles/index.json: bundles is not a list")?;
    let is_googlenet = |entry: &Value| entry["path"] == GOOGLENET;
    if has_googlenet && !bundles.iter().any(is_googlenet) {
        bundles.insert(0, json!({ "path": GOOGLENET, "title": "GoogLeNet" }));
    }
    for entry in bundles.iter_mut().filter(|entry| is_googlenet(entry)) {
        if let Some(entry) = entry.as_object_mut() {
            entry.remove("weights_coming");
            if weights_coming {
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

    const SHIPPED: &[u8] = br#"{"schema": [1, 0], "bundles": [
        {"path": "googlenet", "title": "GoogLeNet"}, {"path": "other", "title": "Other"}]}"#;

    fn made(shipped: Option<&[u8]>, has_googlenet: bool, coming: bool) -> Value {
        let text = text(shipped, has_googlenet, coming).unwrap();
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn weights_on_their_way_are_said_of_googlenet_alone() {
        let index = made(Some(SHIPPED), true, true);
        assert_eq!(index["bundles"][0]["weights_coming"], true);
        assert_eq!(index["bundles"][1].get("weights_coming"), None);
        let index = made(Some(SHIPPED), true, false);
        assert_eq!(index, serde_json::from_slice::<Value>(SHIPPED).unwrap());
    }

    #[test]
    fn a_bundle_made_here_is_listed_first_even_where_none_ships() {
        let index = made(None, true, false);
        assert_eq!(index["bundles"][0]["path"], "googlenet");
        let others = br#"{"schema": [1, 0], "bundles": [{"path": "other", "title": "Other"}]}"#;
        let index = made(Some(others), true, false);
        assert_eq!(index["bundles"][0]["path"], "googlenet");
        assert_eq!(index["bundles"][1]["path"], "other");
        assert_eq!(made(None, false, true), Value::Null);
    }

    #[test]
    fn a_list_that_is_none_is_named() {
        let error = text(Some(b"{}"), true, false).unwrap_err().to_string();
        assert!(error.contains("index.json"), "{error}");
    }
}

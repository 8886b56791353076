//! A site's list of bundles: the repository's, and what is known only when the site is made.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{GOOGLENET, TRANSFORMER};

/// The networks whose weights do not ship, and their names for people.
pub const NETWORKS: [(&str, &str); 2] = [(GOOGLENET, "GoogLeNet"), (TRANSFORMER, "ViT-Ti/16")];

/// Where a network's weights are when a site is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// In the site.
    Here,
    /// On their way.
    Coming,
    /// Elsewhere.
    Lacking,
}

/// A bundle of the site whose weights may or may not be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The network, and its folder.
    pub network: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Where its weights are.
    pub weights: Availability,
}

/// The text of a site's `index.json`, from the repository's if there is one. Nothing where there
/// is no bundle at all. `known` are those bundles of which more is known than the repository's says.
///
/// `pellucid export --list` writes the repository's list; of it only these entries change.
pub fn text(shipped: Option<&[u8]>, known: &[Known]) -> Result<Option<String>> {
    let mut index: Value = match shipped {
        Some(bytes) => serde_json::from_slice(bytes).context("public/bundles/index.json")?,
        None => json!({ "schema": [2, 0], "bundles": [] }),
    };
    let bundles = index["bundles"]
        .as_array_mut()
        .context("public/bundles/index.json: bundles is not a list")?;
    for Known { network, title, weights } in known {
        let place = match bundles.iter().position(|entry| entry["path"] == *network) {
            Some(place) => place,
            None => {
                // GoogLeNet is the one to open.
                let place = if *network == GOOGLENET { 0 } else { bundles.len() };
                bundles.insert(place, json!({ "path": network, "title": title }));
                place
            }
        };
        if let Some(entry) = bundles[place].as_object_mut() {
            entry.insert("weights".to_owned(), (*weights == Availability::Here).into());
            entry.remove("weights_coming");
            if *weights == Availability::Coming {
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

    fn made(shipped: Option<&[u8]>, weights: &[Availability]) -> Value {
        let known = NETWORKS.iter().zip(weights);
        let known: Vec<Known> =
            known.map(|(&(network, title), &weights)| Known { network, title, weights }).collect();
        let text = text(shipped, &known).unwrap();
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn where_the_weights_are_is_said_of_those_that_do_not_ship_alone() {
        let index = made(Some(SHIPPED), &[Availability::Coming]);
        assert_eq!(index["bundles"][0]["weights_coming"], true);
        assert_eq!(index["bundles"][0]["weights"], false);
        assert_eq!(index["bundles"][1].get("weights_coming"), None);
        let index = made(Some(SHIPPED), &[Availability::Lacking]);
        assert_eq!(index, serde_json::from_slice::<Value>(SHIPPED).unwrap());
        let index = made(Some(SHIPPED), &[Availability::Here]);
        assert_eq!(index["bundles"][0]["weights"], true);
        assert_eq!(index["bundles"][0].get("weights_coming"), None);
    }

    #[test]
    fn a_bundle_made_here_is_listed_even_where_none_ships_and_googlenet_first() {
        let index = made(None, &[Availability::Here]);
        assert_eq!(index["bundles"][0]["path"], "googlenet");
        let others = br#"{"schema": [2, 0], "bundles": [{"path": "other", "title": "Other"}]}"#;
        let index = made(Some(others), &[Availability::Here, Availability::Lacking]);
        assert_eq!(index["bundles"][0]["path"], "googlenet");
        assert_eq!(index["bundles"][1]["path"], "other");
        assert_eq!(index["bundles"][2]["path"], TRANSFORMER);
        assert_eq!(index["bundles"][2]["weights"], false);
        assert_eq!(made(None, &[]), Value::Null);
    }

    #[test]
    fn a_list_that_is_none_is_named() {
        let error = text(Some(b"{}"), &[]).unwrap_err().to_string();
        assert!(error.contains("index.json"), "{error}");
    }
}

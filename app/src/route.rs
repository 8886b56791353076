//! The part of an address after `#`, which names a unit: `#/googlenet/mixed4a/11`.

use crate::problem::Problem;
use crate::query;

/// A layer's units, or one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The bundle's folder beside the page, or the model's name: `googlenet`.
    pub model: String,
    /// The layer, by any of its names; empty for whichever the bundle offers first.
    pub layer: String,
    /// The unit, from 0; nothing for the whole layer.
    pub channel: Option<usize>,
}

impl Route {
    /// Reads what follows `#`, with or without it. Anchors that do not begin with `/` are no routes.
    pub fn parse(hash: &str) -> Option<Result<Self, Problem>> {
        let rest = hash.strip_prefix('#').unwrap_or(hash).strip_prefix('/')?;
        let decoded = query::decode(rest);
        let mut names: Vec<&str> = decoded.split('/').filter(|name| !name.is_empty()).collect();
        // Published names of layers have slashes of their own: inception_4a/output.
        let channel = match names.last() {
            Some(last) if 3 <= names.len() => last.parse().ok(),
            _ => None,
        };
        if channel.is_some() {
            names.pop();
        }
        let model = names.first().copied().unwrap_or_default().to_owned();
        let layer = names.get(1..).unwrap_or_default().join("/");
        let plain = is_plain_word(&model) && (layer.is_empty() || is_plain_word(&layer));
        if !plain {
            return Some(Err(Problem::new(
                "the part after #",
                &decoded,
                "a model, a layer and a unit, such as #/googlenet/mixed4a/11",
            )));
        }
        Some(Ok(Self { model, layer, channel }))
    }

    /// What [`Self::parse`] reads back, starting with `#`.
    pub fn hash(&self) -> String {
        let mut hash = format!("#/{}", query::encode(&self.model));
        if !self.layer.is_empty() {
            hash.push('/');
            hash.push_str(&query::encode(&self.layer));
            if let Some(channel) = self.channel {
                hash.push_str(&format!("/{channel}"));
            }
        }
        hash
    }
}

/// Letters, digits and what layers, models and their folders are written with.
pub fn is_plain_word(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    !text.is_empty() && text.len() <= 80 && text.chars().all(plain) && !text.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(model: &str, layer: &str, channel: Option<usize>) -> Route {
        Route { model: model.to_owned(), layer: layer.to_owned(), channel }
    }

    #[test]
    fn every_route_survives_the_round_trip() {
        for (text, expected) in [
            ("#/googlenet", route("googlenet", "", None)),
            ("#/googlenet/mixed4a", route("googlenet", "mixed4a", None)),
            ("#/googlenet/mixed4a/11", route("googlenet", "mixed4a", Some(11))),
            (
                "#/googlenet/inception_4a/output/3",
                route("googlenet", "inception_4a/output", Some(3)),
            ),
        ] {
            let read = Route::parse(text).unwrap().unwrap();
            assert_eq!(read, expected, "{text}");
            assert_eq!(read.hash(), text);
        }
    }

    #[test]
    fn a_slash_too_many_does_no_harm() {
        let read = Route::parse("#/googlenet//mixed4a/11/").unwrap().unwrap();
        assert_eq!(read, route("googlenet", "mixed4a", Some(11)));
    }

    #[test]
    fn an_anchor_is_no_route() {
        assert!(Route::parse("").is_none() && Route::parse("#stage").is_none());
    }

    #[test]
    fn a_route_that_leaves_the_folder_or_names_nothing_is_reported() {
        for text in ["#/", "#/../secret/mixed4a", "#/googlenet/mixed%204a/1", "#/%2e%2e/a/1"] {
            assert!(Route::parse(text).unwrap().is_err(), "{text}");
        }
    }
}

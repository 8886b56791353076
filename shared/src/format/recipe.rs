//! What makes a picture again: the text that every PNG carries.

use serde::{Deserialize, Serialize};

use super::png::{self, Text};
use crate::image::Picture;
use crate::readout::Recorded;
use crate::visualize::Settings;
use crate::{Error, Result};

/// Keyword of the PNG text chunk that holds a recipe.
pub const KEYWORD: &str = "pellucid";

/// Everything that determines a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Version of the program that made it.
    pub version: String,
    /// `googlenet`.
    pub model: String,
    /// Of the weights file, hexadecimal.
    pub model_sha256: String,
    /// As printed.
    pub objective: String,
    /// Size, parameterisation, transforms, ...
    pub settings: Settings,
    /// For the noise it starts from and every transform after.
    pub seed: u64,
    /// Steps made.
    pub step: usize,
    /// Which of the batch.
    pub batch_index: usize,
    /// The readouts that the objective depends on. Recipes of before this was recorded have none,
    /// also where the objective names some.
    #[serde(default, skip_serializing_if = "Recorded::is_empty")]
    pub readouts: Recorded,
}

impl Recipe {
    /// Refuses what cannot have been a recipe of ours, naming it.
    pub fn validate(&self) -> Result<()> {
        self.settings.validate()?;
        if self.settings.batch <= self.batch_index {
            return Err(Error::Setting {
                name: "batch index",
                found: self.batch_index.to_string(),
                expected: format!("below the batch's {}", self.settings.batch),
            });
        }
        Ok(())
    }
}

/// A PNG file with its recipe in it, if there is one.
pub fn encode_png(picture: &Picture, recipe: Option<&Recipe>) -> Result<Vec<u8>> {
    let text = recipe.map(serde_json::to_string).transpose().map_err(|error| malformed(&error))?;
    let texts: Vec<_> = text.iter().map(|text| Text { keyword: KEYWORD, text }).collect();
    png::encode(picture.width(), picture.height(), &picture.to_rgb8(), &texts)
}

/// The recipe in a PNG file, validated; `None` for a picture that carries none.
///
/// The file is untrusted: memory is bounded, damage is an error.
pub fn recipe_from_png(bytes: &[u8]) -> Result<Option<Recipe>> {
    let Some(text) = png::text(bytes, KEYWORD)? else {
        return Ok(None);
    };
    let recipe: Recipe = serde_json::from_str(&text).map_err(|error| malformed(&error))?;
    recipe.validate()?;
    Ok(Some(recipe))
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::Format { what: "recipe".to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe {
            version: "0.1.0".to_owned(),
            model: "googlenet".to_owned(),
            model_sha256: "0f".repeat(32),
            objective: "mixed4a:11 - 0.001*tv".to_owned(),
            settings: Settings { batch: 3, learning_rate: 0.07, ..Settings::square(96) },
            seed: u64::MAX,
            step: 512,
            batch_index: 2,
            readouts: Recorded::new(),
        }
    }

    fn picture() -> Picture {
        Picture::from_rgb8(2, 1, &[0, 128, 255, 3, 2, 1]).unwrap()
    }

    #[test]
    fn a_recipe_survives_the_round_trip() {
        let bytes = encode_png(&picture(), Some(&recipe())).unwrap();
        assert_eq!(recipe_from_png(&bytes).unwrap(), Some(recipe()));
    }

    #[test]
    fn a_recipe_says_which_readouts_it_depends_on_if_any() {
        let text = serde_json::to_string(&recipe()).unwrap();
        assert!(!text.contains("readouts"), "as recipes were before there were readouts: {text}");
        let readouts = [("mixed4c/{stripes}".to_owned(), "0f".repeat(32))].into();
        let recipe = Recipe { readouts, ..recipe() };
        let bytes = encode_png(&picture(), Some(&recipe)).unwrap();
        assert_eq!(recipe_from_png(&bytes).unwrap(), Some(recipe));
    }

    #[test]
    fn a_picture_without_recipe_says_so() {
        let bytes = encode_png(&picture(), None).unwrap();
        assert_eq!(recipe_from_png(&bytes).unwrap(), None);
    }

    #[test]
    fn a_recipe_with_a_strange_field_is_named() {
        let text = serde_json::to_string(&recipe()).unwrap().replace("\"seed\"", "\"sead\"");
        let bytes = png::encode(1, 1, &[0; 3], &[Text { keyword: KEYWORD, text: &text }]).unwrap();
        let error = recipe_from_png(&bytes).unwrap_err().to_string();
        assert!(error.contains("unknown field `sead`"), "{error}");
    }

    #[test]
    fn a_recipe_for_a_gigantic_picture_is_refused() {
        let settings = Settings { width: 1 << 40, ..Settings::default() };
        let hostile = Recipe { settings, batch_index: 0, ..recipe() };
        let bytes = encode_png(&picture(), Some(&hostile)).unwrap();
        let error = recipe_from_png(&bytes).unwrap_err().to_string();
        assert!(error.starts_with("size is"), "{error}");
    }

    #[test]
    fn a_recipe_for_a_picture_outside_its_batch_is_refused() {
        let hostile = Recipe { batch_index: 3, ..recipe() };
        let bytes = encode_png(&picture(), Some(&hostile)).unwrap();
        let error = recipe_from_png(&bytes).unwrap_err().to_string();
        assert_eq!(error, "batch index is 3; it must be below the batch's 3");
    }

    #[test]
    fn what_is_no_png_is_an_error() {
        assert!(recipe_from_png(b"GIF89a, really").is_err());
        assert!(recipe_from_png(&[]).is_err());
    }
}

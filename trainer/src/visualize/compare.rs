//! One setting in several values, for figures that put them side by side.

use std::str::FromStr;

use anyhow::{Context, Result};
use shared::visualize::{SETTINGS, Setting};

use super::plan::Wish;
use crate::failure::WrongCall;

/// As typed: `parameterization=pixel,fourier`.
#[derive(Clone)]
pub struct Comparison {
    setting: &'static Setting,
    values: Vec<String>,
}

impl FromStr for Comparison {
    type Err = WrongCall;

    fn from_str(text: &str) -> Result<Self, WrongCall> {
        let wrong = |reason: &str| {
            let example = "\"parameterization=pixel,fourier\"";
            let keys: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
            let keys = keys.join(", ");
            WrongCall(format!("--compare {text:?}: {reason}; as in {example}, of {keys}"))
        };
        let (key, values) = text.split_once('=').ok_or_else(|| wrong("there is no ="))?;
        let key = key.trim();
        let setting =
            Setting::of(key).map_err(|_| wrong(&format!("there is no setting {key:?}")))?;
        let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
        if values.iter().any(String::is_empty) {
            return Err(wrong("a value is missing"));
        }
        Ok(Self { setting, values })
    }
}

impl Comparison {
    /// The wish in each of the values, in order; what sets them apart stands first.
    pub fn spread(&self, wish: &Wish) -> Result<Vec<Wish>> {
        let key = self.setting.key;
        self.values
            .iter()
            .map(|value| {
                let mut wish = wish.clone();
                self.setting
                    .set(&mut wish.making, value)
                    .with_context(|| format!("--compare {key}={value}"))?;
                wish.variant.insert(0, (key.to_owned(), value.clone()));
                Ok(wish)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use shared::visualize::objective::channel;
    use shared::visualize::settings::Parameterization;
    use shared::visualize::{Making, Preset};

    use super::*;

    fn spread(comparison: &str) -> Result<Vec<Wish>> {
        let making = Preset::Texture.making();
        let wish = Wish { objective: channel("mixed4a", 11), making, variant: Vec::new() };
        comparison.parse::<Comparison>()?.spread(&wish)
    }

    #[test]
    fn a_comparison_makes_one_wish_a_value() {
        let wishes = spread("parameterization=pixel, maco").unwrap();
        let found: Vec<_> =
            wishes.iter().map(|wish| wish.making.settings.parameterization).collect();
        assert_eq!(found, [Parameterization::Pixel, Parameterization::Maco]);
        assert_eq!(wishes[1].variant, [("parameterization".to_owned(), "maco".to_owned())]);
    }

    #[test]
    fn every_setting_can_be_compared_and_changes_what_it_names() {
        let values =
            ["96x64", "40", "7", "maco", "0.5", "0", "0.2", "pad+scale", "16", "1.75", "4"];
        let values = values.iter().chain(&["0.15", "0.4", "3", "0.25", "0.5", "3", "100"]);
        assert_eq!(values.clone().count(), SETTINGS.len());
        for (setting, value) in SETTINGS.iter().zip(values) {
            let wishes = spread(&format!("{}={value}", setting.key)).unwrap();
            let mut expected: Making = Preset::Texture.making();
            assert_ne!(wishes[0].making, expected, "{}", setting.key);
            setting.set(&mut expected, value).unwrap();
            assert_eq!(wishes[0].making, expected, "{}", setting.key);
        }
    }

    #[test]
    fn a_wrong_comparison_is_a_wrong_call_that_shows_a_right_one() {
        for text in ["parameterization", "color=red", "lr=0.1,,0.2"] {
            let error = spread(text).unwrap_err().to_string();
            assert!(error.contains("parameterization=pixel,fourier"), "{error}");
        }
        let error = spread("lr=fast").unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "--compare lr=fast: lr is fast; it must be above 0, at most 10"
        );
    }
}

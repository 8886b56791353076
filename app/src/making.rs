//! How a dream is made: every setting by name, as addresses, panes and the inspector share it.

use shared::visualize::objective::Measure;
use shared::visualize::settings::Transforms;
use shared::visualize::{Objective, Settings};

use crate::address::Problem;
use crate::query::switch;

/// Settings, seed, length and penalties of a dream.
#[derive(Clone, Debug, PartialEq)]
pub struct Making {
    /// Size, parameterisation, transforms, ...
    pub settings: Settings,
    /// For the noise it starts from and every transform after.
    pub seed: u64,
    /// Where it ends.
    pub steps: usize,
    /// Weight of total variation, subtracted.
    pub tv: f64,
    /// Weight of the squared distance from grey, subtracted.
    pub l2: f64,
    /// Weight of the likeness within a batch, subtracted.
    pub diversity: f64,
}

impl Default for Making {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            seed: 0,
            steps: 512,
            tv: 0.0,
            l2: 0.0,
            diversity: 0.0,
        }
    }
}

impl Making {
    /// Every setting's key, in the order addresses give them.
    pub const KEYS: [&str; 11] = [
        "size",
        "steps",
        "seed",
        "lr",
        "parameterization",
        "decorrelate",
        "transforms",
        "batch",
        "tv",
        "l2",
        "diversity",
    ];

    /// Sets one by its key.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Problem> {
        let wrong = |expected: &str| Problem::new(key, value, expected);
        let number = |expected: &str| value.parse::<f64>().map_err(|_| wrong(expected));
        let penalty = || match number("0 or more")? {
            weight if (0.0..=1e9).contains(&weight) => Ok(weight),
            _ => Err(wrong("0 to 1e9")),
        };
        match key {
            "size" => {
                let (width, height) = value.split_once('x').unwrap_or((value, value));
                let side = |text: &str| match text.parse() {
                    Ok(side) if (16..=2048).contains(&side) => Ok(side),
                    _ => Err(wrong("16 to 2048 pixels, or two such numbers as in 256x128")),
                };
                (self.settings.width, self.settings.height) = (side(width)?, side(height)?);
            }
            "steps" => match value.parse() {
                Ok(steps) if (1..=100_000).contains(&steps) => self.steps = steps,
                _ => return Err(wrong("1 to 100000")),
            },
            "seed" => self.seed = value.parse().map_err(|_| wrong("a whole number from 0"))?,
            "lr" => match number("above 0, at most 10")? {
                rate if 0.0 < rate && rate <= 10.0 => self.settings.learning_rate = rate,
                _ => return Err(wrong("above 0, at most 10")),
            },
            "parameterization" => {
                let parsed = value.parse().map_err(|_| wrong("pixel, fourier or maco"))?;
                self.settings.parameterization = parsed;
            }
            "decorrelate" => self.settings.decorrelate = switch(key, value)?,
            "transforms" => {
                // An unescaped `+` arrives as a space.
                let names = value.replace(' ', "+");
                let expected = "none, standard, or some of pad, jitter, scale, rotate joined by +";
                self.settings.transforms = names.parse().map_err(|_| wrong(expected))?;
            }
            "batch" => match value.parse() {
                Ok(batch) if (1..=64).contains(&batch) => self.settings.batch = batch,
                _ => return Err(wrong("1 to 64")),
            },
            "tv" => self.tv = penalty()?,
            "l2" => self.l2 = penalty()?,
            "diversity" => self.diversity = penalty()?,
            _ => return Err(Problem::new(key, value, format!("one of {}", Self::KEYS.join(", ")))),
        }
        Ok(())
    }

    /// One by its key, as [`Self::set`] reads it; empty for an unknown key.
    pub fn get(&self, key: &str) -> String {
        let settings = &self.settings;
        match key {
            "size" if settings.width == settings.height => settings.width.to_string(),
            "size" => format!("{}x{}", settings.width, settings.height),
            "steps" => self.steps.to_string(),
            "seed" => self.seed.to_string(),
            "lr" => settings.learning_rate.to_string(),
            "parameterization" => settings.parameterization.name().to_owned(),
            "decorrelate" => u8::from(settings.decorrelate).to_string(),
            "transforms" => settings.transforms.to_string(),
            "batch" => settings.batch.to_string(),
            "tv" => self.tv.to_string(),
            "l2" => self.l2.to_string(),
            "diversity" => self.diversity.to_string(),
            _ => String::new(),
        }
    }

    /// Keys and values in which this differs from another.
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, String)> {
        Self::KEYS
            .into_iter()
            .map(|key| (key, self.get(key)))
            .filter(|(key, value)| *value != other.get(key))
            .collect()
    }

    /// The objective with the penalties subtracted, as the engine reads it.
    pub fn objective(&self, typed: &str) -> String {
        let mut text = typed.trim().to_owned();
        for (weight, measure) in [(self.tv, "tv"), (self.l2, "l2")] {
            if weight > 0.0 {
                text.push_str(&format!(" - {weight}*{measure}"));
            }
        }
        if self.diversity > 0.0
            && self.settings.batch > 1
            && let Some(layer) = first_layer(typed)
        {
            text.push_str(&format!(" - {}*similar({layer})", self.diversity));
        }
        text
    }
}

/// The first layer an objective names.
pub fn first_layer(typed: &str) -> Option<String> {
    let objective: Objective = typed.parse().ok()?;
    objective.terms.into_iter().find_map(|term| match term.measure {
        Measure::Unit { layer, .. } | Measure::Direction { layer, .. } => Some(layer),
        Measure::Layer(layer) | Measure::Similar(layer) => Some(layer),
        Measure::TotalVariation | Measure::L2 => None,
    })
}

/// What a setting and its value are called in front of people.
pub fn describe(key: &str, value: &str) -> String {
    let on = value == "1";
    match key {
        "size" => format!("{value} px"),
        "steps" => format!("{value} steps"),
        "seed" => format!("Seed {value}"),
        "lr" => format!("Learning rate {value}"),
        "parameterization" => match value {
            "pixel" => "Pixels".to_owned(),
            "maco" => "MACO".to_owned(),
            _ => "Fourier".to_owned(),
        },
        "decorrelate" if on => "Colours decorrelated".to_owned(),
        "decorrelate" => "Colours as they are".to_owned(),
        "transforms" if *value == Transforms::NONE.to_string() => "No transforms".to_owned(),
        "transforms" if *value == Transforms::STANDARD.to_string() => {
            "Standard transforms".to_owned()
        }
        "transforms" => format!("Only {}", value.replace('+', ", ")),
        "batch" => format!("Batch of {value}"),
        _ => format!("{key} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_what_it_prints() {
        let mut making = Making::default();
        for (key, value) in [
            ("size", "96x64"),
            ("steps", "40"),
            ("seed", "18446744073709551615"),
            ("lr", "0.2"),
            ("parameterization", "pixel"),
            ("decorrelate", "0"),
            ("transforms", "pad+scale"),
            ("batch", "3"),
            ("tv", "0.25"),
            ("l2", "0.5"),
            ("diversity", "100"),
        ] {
            assert_eq!(making.differences(&making.clone()), []);
            making.set(key, value).unwrap();
            assert_eq!(making.get(key), value);
        }
        assert_eq!(making.differences(&Making::default()).len(), Making::KEYS.len());
    }

    #[test]
    fn what_cannot_work_is_refused_and_nothing_changes() {
        let mut making = Making::default();
        for (key, value) in [
            ("size", "15"),
            ("size", "16x4096"),
            ("steps", "0"),
            ("seed", "1.5"),
            ("lr", "NaN"),
            ("lr", "0"),
            ("tv", "-1"),
            ("tv", "inf"),
            ("batch", "65"),
            ("transforms", "twist"),
            ("colour", "1"),
        ] {
            assert!(making.set(key, value).is_err(), "{key} {value}");
        }
        assert_eq!(making, Making::default());
    }

    #[test]
    fn penalties_are_subtracted() {
        let making = Making { tv: 0.001, l2: 0.5, ..Making::default() };
        assert_eq!(making.objective(" mixed4a:11 "), "mixed4a:11 - 0.001*tv - 0.5*l2");
    }

    #[test]
    fn diversity_needs_a_batch_and_a_layer() {
        let mut making = Making { diversity: 100.0, ..Making::default() };
        assert_eq!(making.objective("mixed4a:11"), "mixed4a:11");
        making.settings.batch = 4;
        assert_eq!(making.objective("mixed4a:11"), "mixed4a:11 - 100*similar(mixed4a)");
        assert_eq!(making.objective("tv"), "tv");
    }
}

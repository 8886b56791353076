//! How a dream is made: every setting by name, as command line, addresses and panes share it.

use crate::visualize::Settings;
use crate::visualize::preset::Preset;
use crate::{Error, Result};

/// Settings, seed, length and penalties of a dream.
#[derive(Clone, Debug, PartialEq)]
pub struct Making {
    /// Size, parameterisation, transforms, ...
    pub settings: Settings,
    /// For the noise it starts from and every movement and noise after.
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

/// Lucid's.
impl Default for Making {
    fn default() -> Self {
        Preset::Classic.making()
    }
}

impl Making {
    /// Every setting's key, in the order addresses give them.
    pub const KEYS: [&str; 18] = [
        "size",
        "steps",
        "seed",
        "lr",
        "parameterization",
        "decay",
        "decorrelate",
        "transforms",
        "margin",
        "zoom",
        "views",
        "noise",
        "erosion",
        "redirected-steps",
        "batch",
        "tv",
        "l2",
        "diversity",
    ];

    /// Sets one by its key.
    ///
    /// # Errors
    /// An unknown key, or a value outside its range; then nothing changes.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let name = Self::KEYS.into_iter().find(|known| *known == key).ok_or_else(|| {
            let (found, expected) = (key.to_owned(), format!("one of {}", Self::KEYS.join(", ")));
            Error::Setting { name: "a setting", found, expected }
        })?;
        let typed = Typed { name, value: value.trim() };
        let settings = &mut self.settings;
        match name {
            "size" => (settings.width, settings.height) = typed.size()?,
            "steps" => self.steps = typed.whole(1, 1_000_000)?,
            "seed" => {
                self.seed =
                    typed.value.parse().map_err(|_| typed.wrong("a whole number from 0"))?;
            }
            "lr" => match typed.number(0.0, 10.0, "above 0, at most 10")? {
                0.0 => return Err(typed.wrong("above 0, at most 10")),
                rate => settings.learning_rate = rate,
            },
            "parameterization" => settings.parameterization = typed.value.parse()?,
            "decay" => settings.decay = typed.number(0.0, 4.0, "0 to 4")?,
            "decorrelate" => settings.decorrelate = typed.switch()?,
            "transforms" => settings.transforms = typed.value.parse()?,
            "margin" => settings.margin = typed.whole(0, 256)?,
            "zoom" => settings.zoom = typed.number(1.0, 4.0, "1 to 4")?,
            "views" => settings.views = typed.whole(1, 64)?,
            "noise" => settings.noise = typed.number(0.0, 2.0, "0 to 2")?,
            "erosion" => settings.erosion = typed.number(0.0, 1.0, "0 to 1")?,
            "redirected-steps" => settings.redirected_steps = typed.whole(0, 1_000_000)?,
            "batch" => settings.batch = typed.whole(1, 64)?,
            "tv" => self.tv = typed.penalty()?,
            "l2" => self.l2 = typed.penalty()?,
            _ => self.diversity = typed.penalty()?,
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
            "decay" => settings.decay.to_string(),
            "decorrelate" => u8::from(settings.decorrelate).to_string(),
            "transforms" => settings.transforms.to_string(),
            "margin" => settings.margin.to_string(),
            "zoom" => settings.zoom.to_string(),
            "views" => settings.views.to_string(),
            "noise" => settings.noise.to_string(),
            "erosion" => settings.erosion.to_string(),
            "redirected-steps" => settings.redirected_steps.to_string(),
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
}

/// A value for a setting, as text.
#[derive(Clone, Copy)]
struct Typed<'a> {
    name: &'static str,
    value: &'a str,
}

impl Typed<'_> {
    fn wrong(self, expected: &str) -> Error {
        let (found, expected) = (self.value.to_owned(), expected.to_owned());
        Error::Setting { name: self.name, found, expected }
    }

    fn whole(self, least: usize, most: usize) -> Result<usize> {
        let parsed = self.value.parse().ok().filter(|number| (least..=most).contains(number));
        parsed.ok_or_else(|| self.wrong(&format!("{least} to {most}")))
    }

    fn number(self, least: f64, most: f64, expected: &str) -> Result<f64> {
        let parsed = self.value.parse().ok().filter(|number| (least..=most).contains(number));
        parsed.ok_or_else(|| self.wrong(expected))
    }

    fn penalty(self) -> Result<f64> {
        self.number(0.0, 1e9, "0 to 1e9")
    }

    fn switch(self) -> Result<bool> {
        match self.value {
            "1" | "true" | "yes" => Ok(true),
            "0" | "false" | "no" => Ok(false),
            _ => Err(self.wrong("yes or no")),
        }
    }

    fn size(self) -> Result<(usize, usize)> {
        let (width, height) = self.value.split_once('x').unwrap_or((self.value, self.value));
        let side = |text: &str| text.trim().parse().ok().filter(|side| (16..=2048).contains(side));
        match (side(width), side(height)) {
            (Some(width), Some(height)) => Ok((width, height)),
            _ => Err(self.wrong("16 to 2048 pixels, or two such numbers as in 256x128")),
        }
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
            ("parameterization", "pyramid"),
            ("decay", "0.5"),
            ("decorrelate", "0"),
            ("transforms", "pad+scale"),
            ("margin", "16"),
            ("zoom", "1.5"),
            ("views", "4"),
            ("noise", "0.15"),
            ("erosion", "0.3"),
            ("redirected-steps", "3"),
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
            ("decay", "5"),
            ("margin", "257"),
            ("zoom", "0.5"),
            ("views", "0"),
            ("noise", "-0.1"),
            ("erosion", "1.5"),
            ("colour", "1"),
        ] {
            assert!(making.set(key, value).is_err(), "{key} {value}");
        }
        assert_eq!(making, Making::default());
        let error = making.set("noise", "loud").unwrap_err().to_string();
        assert_eq!(error, "noise is loud; it must be 0 to 2");
    }

    #[test]
    fn what_can_be_set_can_be_made() {
        for preset in Preset::ALL {
            preset.making().settings.validate().unwrap();
        }
    }
}

//! Every setting of a dream, in one table: addresses, the page's list, the command line and
//! comparisons read it.

use std::str::FromStr;

use crate::visualize::making::Making;
use crate::visualize::settings::{Settings, Transforms};
use crate::{Error, Result};

/// A setting: what it is called, what it may be, and where it stands in a [`Making`].
pub struct Setting {
    /// In addresses, in comparisons and, after two dashes, on the command line.
    pub key: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it does on the command line, where a switch is turned off.
    pub help: &'static str,
    /// What it may be.
    pub values: Values,
    get: fn(&Making) -> String,
    set: fn(&mut Making, Given<'_>) -> Result<()>,
}

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// Pixels of a side, or of two: `128`, `256x96`.
    Size {
        /// Of either side.
        least: usize,
        /// Of either side.
        most: usize,
    },
    /// A whole number.
    Whole {
        /// This or more.
        least: u64,
        /// This or less.
        most: u64,
    },
    /// A number.
    Number {
        /// This or more.
        least: f64,
        /// This or less.
        most: f64,
    },
    /// A number above 0.
    Positive {
        /// This or less.
        most: f64,
    },
    /// On or off: `1` or `0`, also `yes`, `true`, `no`, `false`.
    Switch,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// `none`, `standard` for all, or some of these joined by `+`.
    SomeOf(&'static [&'static str]),
}

/// Weights of penalties.
const PENALTY: Values = Values::Number { least: 0.0, most: 1e9 };

/// Longest dream, in steps.
const MOST_STEPS: u64 = 1_000_000;

/// All of them, in the order that lists and addresses give them.
pub static SETTINGS: [Setting; 18] = [
    Setting {
        key: "size",
        label: "Size",
        help: "Pixels of a side, or WxH",
        values: Values::Size { least: 16, most: 2048 },
        get: |making| match (making.settings.width, making.settings.height) {
            (width, height) if width == height => width.to_string(),
            (width, height) => format!("{width}x{height}"),
        },
        set: |making, given| {
            (making.settings.width, making.settings.height) = given.size()?;
            Ok(())
        },
    },
    Setting {
        key: "steps",
        label: "Steps",
        help: "Steps uphill",
        values: Values::Whole { least: 1, most: MOST_STEPS },
        get: |making| making.steps.to_string(),
        set: |making, given| given.whole(&mut making.steps),
    },
    Setting {
        key: "seed",
        label: "Seed",
        help: "For the noise it starts from and every movement after",
        values: Values::Whole { least: 0, most: u64::MAX },
        get: |making| making.seed.to_string(),
        set: |making, given| given.whole(&mut making.seed),
    },
    Setting {
        key: "parameterization",
        label: "Picture as",
        help: "How the picture is described: pixel, fourier, maco or pyramid",
        values: Values::OneOf(&["pyramid", "fourier", "pixel", "maco"]),
        get: |making| making.settings.parameterization.name().to_owned(),
        set: |making, given| given.named(&mut making.settings.parameterization),
    },
    Setting {
        key: "decay",
        label: "Fine grids quieter by",
        help: "How much quieter a pyramid's fine grids are, 0 to 4",
        values: Values::Number { least: 0.0, most: 4.0 },
        get: |making| making.settings.decay.to_string(),
        set: |making, given| given.number(&mut making.settings.decay),
    },
    Setting {
        key: "decorrelate",
        label: "Decorrelate colours",
        help: "Leave colour channels as correlated as they come",
        values: Values::Switch,
        get: |making| u8::from(making.settings.decorrelate).to_string(),
        set: |making, given| given.switch(&mut making.settings.decorrelate),
    },
    Setting {
        key: "lr",
        label: "Learning rate",
        help: "Adam's step size",
        values: Values::Positive { most: 10.0 },
        get: |making| making.settings.learning_rate.to_string(),
        set: |making, given| given.number(&mut making.settings.learning_rate),
    },
    Setting {
        key: "transforms",
        label: "Transforms before each look",
        help: "Random movements before each look: none, standard, or some of pad, jitter, scale, \
               rotate joined by +",
        values: Values::SomeOf(&Transforms::NAMES),
        get: |making| making.settings.transforms.to_string(),
        set: |making, given| given.named(&mut making.settings.transforms),
    },
    Setting {
        key: "margin",
        label: "Margin, cut off",
        help: "Pixels painted around the picture, seen as it moves, and cut off at the end",
        values: Values::Whole { least: 0, most: 256 },
        get: |making| making.settings.margin.to_string(),
        set: |making, given| given.whole(&mut making.settings.margin),
    },
    Setting {
        key: "zoom",
        label: "Zoom, in and out",
        help: "How far each look is enlarged or made smaller, at most: 1 is not at all",
        values: Values::Number { least: 1.0, most: 4.0 },
        get: |making| making.settings.zoom.to_string(),
        set: |making, given| given.number(&mut making.settings.zoom),
    },
    Setting {
        key: "views",
        label: "Views a step",
        help: "Looks a step, each with a movement and noise of its own",
        values: Values::Whole { least: 1, most: 64 },
        get: |making| making.settings.views.to_string(),
        set: |making, given| given.whole(&mut making.settings.views),
    },
    Setting {
        key: "noise",
        label: "Noise on what it sees",
        help: "Standard deviation of the noise on what the network sees, of colours from 0 to 1",
        values: Values::Number { least: 0.0, most: 2.0 },
        get: |making| making.settings.noise.to_string(),
        set: |making, given| given.number(&mut making.settings.noise),
    },
    Setting {
        key: "erosion",
        label: "Erosion of its paths",
        help: "How much the network's paths vary in each look, from 0, not at all, to 1",
        values: Values::Number { least: 0.0, most: 1.0 },
        get: |making| making.settings.erosion.to_string(),
        set: |making, given| given.number(&mut making.settings.erosion),
    },
    Setting {
        key: "redirected-steps",
        label: "Redirected steps",
        help: "For so many first steps, units that are off still receive a gradient",
        values: Values::Whole { least: 0, most: MOST_STEPS },
        get: |making| making.settings.redirected_steps.to_string(),
        set: |making, given| given.whole(&mut making.settings.redirected_steps),
    },
    Setting {
        key: "tv",
        label: "Total variation, less",
        help: "Weight of the total variation, to be subtracted",
        values: PENALTY,
        get: |making| making.tv.to_string(),
        set: |making, given| given.number(&mut making.tv),
    },
    Setting {
        key: "l2",
        label: "Far from grey, less",
        help: "Weight of the distance from grey, to be subtracted",
        values: PENALTY,
        get: |making| making.l2.to_string(),
        set: |making, given| given.number(&mut making.l2),
    },
    Setting {
        key: "batch",
        label: "Pictures at once",
        help: "Pictures of each objective, from different noise",
        values: Values::Whole { least: 1, most: 64 },
        get: |making| making.settings.batch.to_string(),
        set: |making, given| given.whole(&mut making.settings.batch),
    },
    Setting {
        key: "diversity",
        label: "Diversity among them",
        help: "Weight of the likeness within a batch, to be subtracted",
        values: PENALTY,
        get: |making| making.diversity.to_string(),
        set: |making, given| given.number(&mut making.diversity),
    },
];

impl Setting {
    /// The setting of this key.
    ///
    /// # Errors
    /// There is none.
    pub fn of(key: &str) -> Result<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key).ok_or_else(|| {
            let known: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
            let (found, expected) = (key.to_owned(), format!("one of {}", known.join(", ")));
            Error::Setting { name: "a setting", found, expected }
        })
    }

    /// Its value, as [`Self::set`] reads it.
    pub fn get(&self, making: &Making) -> String {
        (self.get)(making)
    }

    /// Changes it.
    ///
    /// # Errors
    /// A value that cannot be; then nothing changes.
    pub fn set(&self, making: &mut Making, value: &str) -> Result<()> {
        (self.set)(making, Given { setting: self, text: value.trim() })
    }

    /// A value in the one way that it is printed.
    ///
    /// # Errors
    /// A value that cannot be.
    pub fn printed(&self, value: &str) -> Result<String> {
        let mut making = Making::default();
        self.set(&mut making, value)?;
        Ok(self.get(&making))
    }

    /// Where it stands in the table.
    pub fn place(&self) -> usize {
        SETTINGS.iter().take_while(|setting| setting.key != self.key).count()
    }
}

impl Making {
    /// Sets one by its key.
    ///
    /// # Errors
    /// An unknown key, or a value outside its range; then nothing changes.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        Setting::of(key)?.set(self, value)
    }

    /// Keys and values in which this differs from another.
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, String)> {
        SETTINGS
            .iter()
            .map(|setting| (setting, setting.get(self)))
            .filter(|(setting, value)| *value != setting.get(other))
            .map(|(setting, value)| (setting.key, value))
            .collect()
    }
}

impl Settings {
    /// Refuses what cannot work, naming it.
    pub fn validate(&self) -> Result<()> {
        let making = Making { settings: self.clone(), ..Making::default() };
        // What is in its range can be set to what it is.
        SETTINGS
            .iter()
            .try_for_each(|setting| setting.set(&mut making.clone(), &setting.get(&making)))
    }
}

impl Values {
    /// What an error says that there could be.
    fn expected(self) -> String {
        let number = |number: f64| match number {
            1e6.. => format!("{number:e}"),
            _ => number.to_string(),
        };
        match self {
            Self::Size { least, most } => {
                format!("{least} to {most} pixels, or two such numbers as in 256x128")
            }
            Self::Whole { least, most: u64::MAX } => format!("a whole number from {least}"),
            Self::Whole { least, most } => format!("{least} to {most}"),
            Self::Number { least, most } => format!("{} to {}", number(least), number(most)),
            Self::Positive { most } => format!("above 0, at most {}", number(most)),
            Self::Switch => "yes or no".to_owned(),
            Self::OneOf(names) => match names {
                [some @ .., last] => format!("{} or {last}", some.join(", ")),
                [] => String::new(),
            },
            Self::SomeOf(names) => {
                format!("none, standard, or some of {} joined by +", names.join(", "))
            }
        }
    }
}

/// A value for a setting, as text.
#[derive(Clone, Copy)]
struct Given<'a> {
    setting: &'a Setting,
    text: &'a str,
}

impl Given<'_> {
    fn wrong(self) -> Error {
        let (found, expected) = (self.text.to_owned(), self.setting.values.expected());
        Error::Setting { name: self.setting.key, found, expected }
    }

    fn whole<T: TryFrom<u64>>(self, to: &mut T) -> Result<()> {
        let Values::Whole { least, most } = self.setting.values else { return Err(self.wrong()) };
        let number = self.text.parse().ok().filter(|number| (least..=most).contains(number));
        *to = number.and_then(|number| number.try_into().ok()).ok_or_else(|| self.wrong())?;
        Ok(())
    }

    fn number(self, to: &mut f64) -> Result<()> {
        let fits = |number: &f64| match self.setting.values {
            Values::Number { least, most } => (least..=most).contains(number),
            Values::Positive { most } => 0.0 < *number && *number <= most,
            _ => false,
        };
        *to = self.text.parse().ok().filter(fits).ok_or_else(|| self.wrong())?;
        Ok(())
    }

    fn switch(self, to: &mut bool) -> Result<()> {
        *to = match self.text {
            "1" | "true" | "yes" => true,
            "0" | "false" | "no" => false,
            _ => return Err(self.wrong()),
        };
        Ok(())
    }

    fn named<T: FromStr>(self, to: &mut T) -> Result<()> {
        *to = self.text.parse().map_err(|_| self.wrong())?;
        Ok(())
    }

    fn size(self) -> Result<(usize, usize)> {
        let Values::Size { least, most } = self.setting.values else { return Err(self.wrong()) };
        let (width, height) = self.text.split_once('x').unwrap_or((self.text, self.text));
        let side =
            |text: &str| text.trim().parse().ok().filter(|side| (least..=most).contains(side));
        side(width).zip(side(height)).ok_or_else(|| self.wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visualize::Preset;

    /// For every setting a value that no preset has.
    const OTHERS: [(&str, &str); 18] = [
        ("size", "96x64"),
        ("steps", "40"),
        ("seed", "18446744073709551615"),
        ("parameterization", "maco"),
        ("decay", "0.5"),
        ("decorrelate", "0"),
        ("lr", "0.2"),
        ("transforms", "pad+scale"),
        ("margin", "16"),
        ("zoom", "1.75"),
        ("views", "4"),
        ("noise", "0.15"),
        ("erosion", "0.4"),
        ("redirected-steps", "3"),
        ("tv", "0.25"),
        ("l2", "0.5"),
        ("batch", "3"),
        ("diversity", "100"),
    ];

    #[test]
    fn every_setting_reads_what_it_prints_and_changes_itself_alone() {
        let keys: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
        assert_eq!(OTHERS.map(|(key, _)| key).as_slice(), keys);
        for preset in Preset::ALL {
            for (key, value) in OTHERS {
                let mut making = preset.making();
                let setting = Setting::of(key).unwrap();
                setting.set(&mut making, value).unwrap();
                assert_eq!(setting.get(&making), value);
                assert_eq!(making.differences(&preset.making()), [(key, value.to_owned())]);
            }
        }
    }

    #[test]
    fn every_choice_can_be_made() {
        for setting in &SETTINGS {
            if let Values::OneOf(names) | Values::SomeOf(names) = setting.values {
                for name in names {
                    assert_eq!(setting.printed(name).unwrap(), *name);
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can_and_nothing_changes() {
        let mut making = Making::default();
        for (key, value, expected) in [
            ("size", "15", "16 to 2048 pixels, or two such numbers as in 256x128"),
            ("size", "16x4096", "16 to 2048 pixels, or two such numbers as in 256x128"),
            ("steps", "0", "1 to 1000000"),
            ("seed", "1.5", "a whole number from 0"),
            ("lr", "NaN", "above 0, at most 10"),
            ("lr", "0", "above 0, at most 10"),
            ("tv", "-1", "0 to 1e9"),
            ("tv", "inf", "0 to 1e9"),
            ("batch", "65", "1 to 64"),
            ("parameterization", "paint", "pyramid, fourier, pixel or maco"),
            (
                "transforms",
                "twist",
                "none, standard, or some of pad, jitter, scale, rotate joined by +",
            ),
            ("decorrelate", "maybe", "yes or no"),
            ("decay", "5", "0 to 4"),
            ("margin", "257", "0 to 256"),
            ("zoom", "0.5", "1 to 4"),
            ("views", "0", "1 to 64"),
            ("noise", "-0.1", "0 to 2"),
            ("erosion", "1.5", "0 to 1"),
        ] {
            let error = making.set(key, value).unwrap_err().to_string();
            assert_eq!(error, format!("{key} is {value}; it must be {expected}"));
        }
        let error = making.set("colour", "1").unwrap_err().to_string();
        assert!(error.starts_with("a setting is colour; it must be one of size, steps"), "{error}");
        assert_eq!(making, Making::default());
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_range() {
        let settings = Settings { width: 3, ..Settings::default() };
        let error = settings.validate().unwrap_err().to_string();
        assert_eq!(
            error,
            "size is 3x128; it must be 16 to 2048 pixels, or two such numbers as in 256x128"
        );
    }

    #[test]
    fn what_can_be_set_can_be_made() {
        for preset in Preset::ALL {
            preset.making().settings.validate().unwrap();
        }
    }
}

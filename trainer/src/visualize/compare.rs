//! One setting in several values, for figures that put them side by side.

use std::str::FromStr;

use anyhow::{Context, Result};

use super::plan::Task;
use crate::failure::WrongCall;

/// Settings that can be compared, as typed.
pub const KEYS: &str =
    "parameterization, decorrelate, transforms, lr, size, steps, seed, redirected-steps";

/// As typed: `parameterization=pixel,fourier`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    key: String,
    values: Vec<String>,
}

impl FromStr for Comparison {
    type Err = WrongCall;

    fn from_str(text: &str) -> Result<Self, WrongCall> {
        let wrong = |reason: &str| {
            let example = "\"parameterization=pixel,fourier\"";
            WrongCall(format!("--compare {text:?}: {reason}; as in {example}, of {KEYS}"))
        };
        let (key, values) = text.split_once('=').ok_or_else(|| wrong("there is no ="))?;
        let key = key.trim();
        if !KEYS.split(", ").any(|known| known == key) {
            return Err(wrong(&format!("there is no setting {key:?}")));
        }
        let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
        if values.iter().any(String::is_empty) {
            return Err(wrong("a value is missing"));
        }
        Ok(Self { key: key.to_owned(), values })
    }
}

impl Comparison {
    /// The task in each of the values, in order; what sets them apart stands first.
    pub fn spread(&self, task: &Task) -> Result<Vec<Task>> {
        self.values
            .iter()
            .map(|value| {
                let mut task = task.clone();
                set(&mut task, &self.key, value)
                    .with_context(|| format!("--compare {}={value}", self.key))?;
                task.variant.insert(0, (self.key.clone(), value.clone()));
                Ok(task)
            })
            .collect()
    }
}

fn set(task: &mut Task, key: &str, value: &str) -> Result<()> {
    let settings = &mut task.settings;
    match key {
        "parameterization" => settings.parameterization = value.parse()?,
        "transforms" => settings.transforms = value.parse()?,
        "decorrelate" => {
            settings.decorrelate = match value {
                "yes" | "true" => true,
                "no" | "false" => false,
                _ => return Err(WrongCall("it must be yes or no".to_owned()).into()),
            };
        }
        "size" => (settings.width, settings.height) = size(value)?,
        "lr" => settings.learning_rate = number(value)?,
        "steps" => task.steps = number(value)?,
        "seed" => task.seed = number(value)?,
        "redirected-steps" => settings.redirected_steps = number(value)?,
        _ => return Err(WrongCall(format!("there are {KEYS}")).into()),
    }
    Ok(())
}

fn number<T: FromStr>(value: &str) -> Result<T> {
    value.parse().map_err(|_| WrongCall(format!("{value:?} is not a number that fits")).into())
}

/// Width and height in pixels, from `128` or `192x128`.
pub fn size(text: &str) -> Result<(usize, usize), WrongCall> {
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    match (width.trim().parse(), height.trim().parse()) {
        (Ok(width), Ok(height)) => Ok((width, height)),
        _ => Err(WrongCall(format!("size {text:?}; it must be pixels, as in 128 or 192x128"))),
    }
}

#[cfg(test)]
mod tests {
    use shared::visualize::Settings;
    use shared::visualize::objective::channel;
    use shared::visualize::settings::Parameterization;

    use super::*;

    fn task() -> Task {
        Task {
            objective: channel("mixed4a", 11),
            settings: Settings::default(),
            seed: 0,
            steps: 512,
            snapshots: Vec::new(),
            variant: Vec::new(),
        }
    }

    #[test]
    fn a_comparison_makes_one_task_a_value() {
        let comparison: Comparison = "parameterization=pixel, maco".parse().unwrap();
        let tasks = comparison.spread(&task()).unwrap();
        let found: Vec<_> = tasks.iter().map(|task| task.settings.parameterization).collect();
        assert_eq!(found, [Parameterization::Pixel, Parameterization::Maco]);
        assert_eq!(tasks[1].variant, [("parameterization".to_owned(), "maco".to_owned())]);
    }

    #[test]
    fn every_key_changes_what_it_names() {
        for comparison in [
            "parameterization=pixel",
            "decorrelate=no",
            "transforms=pad+jitter",
            "lr=0.1",
            "size=64x96",
            "steps=10",
            "seed=7",
            "redirected-steps=0",
        ] {
            let spread = comparison.parse::<Comparison>().unwrap().spread(&task()).unwrap();
            let changed = Task { variant: Vec::new(), ..spread[0].clone() };
            assert_ne!(changed, task(), "{comparison}");
        }
        assert_eq!(KEYS.split(", ").count(), 8);
    }

    #[test]
    fn a_wrong_comparison_is_a_wrong_call_that_shows_a_right_one() {
        for text in ["parameterization", "color=red", "lr=0.1,,0.2"] {
            let error = text.parse::<Comparison>().unwrap_err().to_string();
            assert!(error.contains("parameterization=pixel,fourier"), "{error}");
        }
        let error = "lr=fast".parse::<Comparison>().unwrap().spread(&task()).unwrap_err();
        assert_eq!(format!("{error:#}"), "--compare lr=fast: \"fast\" is not a number that fits");
    }

    #[test]
    fn sizes_are_square_or_two_numbers() {
        assert_eq!(size("128").unwrap(), (128, 128));
        assert_eq!(size("192x97").unwrap(), (192, 97));
        assert!(size("big").is_err());
    }
}

//! One setting in several values, for figures that put them side by side.

use std::str::FromStr;

use anyhow::{Context, Result};
use shared::visualize::Making;

use super::plan::Task;
use crate::failure::WrongCall;

/// Settings that can be compared: all that are a picture's own.
fn keys() -> impl Iterator<Item = &'static str> {
    Making::KEYS.into_iter().filter(|key| !["batch", "tv", "l2", "diversity"].contains(key))
}

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
            let keys = keys().collect::<Vec<_>>().join(", ");
            WrongCall(format!("--compare {text:?}: {reason}; as in {example}, of {keys}"))
        };
        let (key, values) = text.split_once('=').ok_or_else(|| wrong("there is no ="))?;
        let key = key.trim();
        if !keys().any(|known| known == key) {
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
    let settings = task.settings.clone();
    let (steps, seed) = (task.steps, task.seed);
    let mut making = Making { settings, steps, seed, ..Making::default() };
    making.set(key, value)?;
    (task.settings, task.steps, task.seed) = (making.settings, making.steps, making.seed);
    Ok(())
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
            "decay=0.5",
            "margin=8",
            "zoom=1.5",
            "views=2",
            "noise=0.1",
            "erosion=0.2",
        ] {
            let spread = comparison.parse::<Comparison>().unwrap().spread(&task()).unwrap();
            let changed = Task { variant: Vec::new(), ..spread[0].clone() };
            assert_ne!(changed, task(), "{comparison}");
        }
        assert_eq!(keys().count(), 14);
    }

    #[test]
    fn a_wrong_comparison_is_a_wrong_call_that_shows_a_right_one() {
        for text in ["parameterization", "color=red", "lr=0.1,,0.2"] {
            let error = text.parse::<Comparison>().unwrap_err().to_string();
            assert!(error.contains("parameterization=pixel,fourier"), "{error}");
        }
        let error = "lr=fast".parse::<Comparison>().unwrap().spread(&task()).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "--compare lr=fast: lr is fast; it must be above 0, at most 10"
        );
    }
}

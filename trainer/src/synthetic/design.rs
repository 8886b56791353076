//! What activations from known features are drawn from: the settings of SynthSAEBench.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::failure::WrongCall;

/// The most features, and the most channels.
const LIMIT: usize = 1 << 17;

/// How features are made and how they fire (Chanin and Garriga-Alonso 2026, "SynthSAEBench",
/// arXiv:2602.14687). Defaults are theirs, with a sixteenth of the features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// How many features there are.
    pub features: usize,
    /// How wide an activation is.
    pub channels: usize,
    /// How often the most frequent feature fires, 0..1.
    pub most: f64,
    /// How often the rarest one does.
    pub least: f64,
    /// Between these, the frequency of the feature of rank r falls as r to minus this (Zipf).
    pub exponent: f64,
    /// Trees of features; a feature fires only where its parent does.
    pub trees: usize,
    /// Children of a feature that has some.
    pub branching: usize,
    /// Generations below the root of a tree.
    pub depth: usize,
    /// Of children with one parent only one fires at a time.
    pub exclusive: bool,
    /// A child's value is multiplied by its parent's, in units of the parent's mean.
    pub scaled: bool,
    /// Causes that features share: the rank of their correlation.
    pub rank: usize,
    /// How strongly a feature depends on each cause, in the mean.
    pub correlation: f64,
    /// Mean value of the first feature and of the last where they fire; linear between them.
    pub mean: [f64; 2],
    /// A feature's value has the deviation `|n|`, where n is normal with this mean and deviation.
    pub deviation: [f64; 2],
    /// Length of what is added to every activation.
    pub bias: f64,
    /// Of the features.
    pub seed: u64,
}

impl Default for Design {
    fn default() -> Self {
        Self {
            features: 1024,
            channels: 128,
            most: 0.4,
            least: 5e-4,
            exponent: 0.5,
            trees: 8,
            branching: 4,
            depth: 3,
            exclusive: true,
            scaled: true,
            rank: 25,
            correlation: 0.1,
            mean: [5.0, 4.0],
            deviation: [0.5, 0.5],
            bias: 0.5,
            seed: 0,
        }
    }
}

impl Design {
    /// Checks ranges.
    ///
    /// # Errors
    /// Name the option of `pellucid synthetic` that is wrong.
    pub fn check(&self) -> Result<()> {
        let wrong = |text: String| Err(WrongCall(text).into());
        for (option, count) in [("features", self.features), ("channels", self.channels)] {
            if !(1..=LIMIT).contains(&count) {
                return wrong(format!("--{option} is {count}; it must be 1 to {LIMIT}"));
            }
        }
        if !(0.0 < self.least && self.least <= self.most && self.most < 1.0) {
            let Self { least, most, .. } = self;
            return wrong(format!(
                "--least {least} and --most {most}: they must be more than 0 and less than 1, in \
                 this order"
            ));
        }
        let numbers =
            [("exponent", self.exponent), ("correlation", self.correlation), ("bias", self.bias)];
        for (option, number) in numbers {
            if !(number.is_finite() && 0.0 <= number) {
                return wrong(format!("--{option} is {number}; it must be 0 or more"));
            }
        }
        Ok(())
    }

    /// How often each feature should fire, the most frequent first.
    pub fn frequencies(&self) -> Vec<f64> {
        let zipf = |rank: usize| (rank as f64).powf(-self.exponent);
        let last = zipf(self.features);
        let range = (1.0 - last).max(f64::MIN_POSITIVE);
        let share = |rank| if self.exponent == 0.0 { 1.0 } else { (zipf(rank) - last) / range };
        (1..=self.features)
            .map(|rank| self.least + (self.most - self.least) * share(rank))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_fall_as_a_power_from_the_most_to_the_least() {
        let design =
            Design { features: 4, most: 0.5, least: 0.1, exponent: 1.0, ..Design::default() };
        let expected = [0.5, 0.1 + 0.4 / 3.0, 0.1 + 0.4 / 9.0, 0.1];
        for (found, expected) in design.frequencies().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        let one = Design { features: 1, ..Design::default() };
        assert!(one.frequencies()[0].is_finite());
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let cases = [
            (Design { features: 0, ..Design::default() }, "--features is 0"),
            (Design { most: 1.0, ..Design::default() }, "--most 1"),
            (Design { least: 0.5, ..Design::default() }, "--least 0.5"),
            (Design { bias: f64::NAN, ..Design::default() }, "--bias is NaN"),
        ];
        for (design, said) in cases {
            let error = design.check().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        assert!(Design::default().check().is_ok());
    }
}

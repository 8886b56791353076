//! The latents of a dictionary by what they are worth: chosen, sorted, drawn.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::evaluate::worth::Latent;
use crate::figure::chart::{Axis, Chart, Marks};

/// Bars of a histogram.
const BARS: usize = 60;

/// What latents are sorted by, the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// How often they fire.
    Frequency,
    /// Their mean where they fire.
    Value,
    /// How many of their top pictures have one label.
    Purity,
    /// How alike their partner in another seed's dictionary is.
    Stability,
    /// How alike the pictures are that excite them.
    Monosemanticity,
    /// How much they fire side by side.
    Coherence,
}

/// Which latents are wanted.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Of these decimal logarithms of frequency.
    pub log_frequency: Option<[f64; 2]>,
    /// Of these decimal logarithms of the mean value.
    pub log_value: Option<[f64; 2]>,
    /// Whose label contains this, whatever its case.
    pub label: Option<String>,
}

impl By {
    fn of(self, latent: &Latent) -> Option<f64> {
        match self {
            Self::Frequency => Some(latent.frequency),
            Self::Value => Some(latent.mean),
            Self::Purity => latent.purity,
            Self::Stability => latent.stability,
            Self::Monosemanticity => latent.monosemanticity,
            Self::Coherence => latent.coherence,
        }
    }
}

impl Choice {
    /// Those of them that fire, sorted; what a latent does not have comes last.
    pub fn of(&self, latents: &[Latent], by: By) -> Vec<Latent> {
        let within = |range: Option<[f64; 2]>, value: f64| {
            range.is_none_or(|[least, most]| (least..=most).contains(&value.log10()))
        };
        let label = self.label.as_ref().map(|label| label.to_lowercase());
        let is_called = |latent: &Latent| {
            let own = latent.label.as_ref().map(|label| label.to_lowercase()).unwrap_or_default();
            label.as_ref().is_none_or(|label| own.contains(label))
        };
        let mut chosen: Vec<Latent> = latents
            .iter()
            .filter(|latent| {
                0.0 < latent.frequency
                    && within(self.log_frequency, latent.frequency)
                    && within(self.log_value, latent.mean)
                    && is_called(latent)
            })
            .cloned()
            .collect();
        chosen.sort_by(|one, other| {
            let [one, other] =
                [one, other].map(|latent| by.of(latent).unwrap_or(f64::NEG_INFINITY));
            other.total_cmp(&one)
        });
        chosen
    }
}

/// Draws how often latents fire, and that against their mean; the files.
///
/// # Errors
/// The folder cannot be written to.
pub fn draw(folder: &Path, name: &str, latents: &[Latent]) -> Result<Vec<PathBuf>> {
    let fires: Vec<&Latent> = latents.iter().filter(|latent| 0.0 < latent.frequency).collect();
    let dead = latents.len() - fires.len();
    let subtitle = format!("{} latents, {dead} of them dead and not shown.", latents.len());
    let frequency = |latent: &&Latent| latent.frequency.log10();
    let across = Axis::over("log10 of frequency", fires.iter().map(frequency));
    let mut counts = vec![0.0; BARS];
    for latent in &fires {
        let [least, most] = across.range;
        let place = (frequency(latent) - least) / (most - least) * BARS as f64;
        counts[(place as usize).min(BARS - 1)] += 1.0;
    }
    let most = counts.iter().copied().fold(1.0, f64::max);
    let histogram = Chart {
        title: format!("{name}: how often latents fire"),
        subtitle: subtitle.clone(),
        across: across.clone(),
        up: Axis { label: "latents".to_owned(), range: [0.0, 1.05 * most] },
        marks: Marks::Bars(counts),
    };
    let value = |latent: &&Latent| latent.mean.log10();
    let scatter = Chart {
        title: format!("{name}: how often and how much"),
        subtitle,
        across,
        up: Axis::over("log10 of the mean value where they fire", fires.iter().map(value)),
        marks: Marks::Points(
            fires
                .iter()
                .map(|latent| ([frequency(latent), value(latent)], String::new()))
                .collect(),
        ),
    };
    let mut files = Vec::new();
    for (file, chart) in [("density.png", histogram), ("scatter.png", scatter)] {
        files.push(folder.join(file));
        chart.write(&folder.join(file))?;
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latent(
        latent: usize,
        frequency: f64,
        mean: f64,
        purity: Option<f64>,
        label: &str,
    ) -> Latent {
        let label = (!label.is_empty()).then(|| label.to_owned());
        Latent { latent, frequency, mean, purity, label, ..Latent::default() }
    }

    fn latents() -> Vec<Latent> {
        vec![
            latent(0, 0.1, 1.0, Some(0.2), "Tench"),
            latent(1, 0.001, 20.0, Some(0.9), "church"),
            latent(2, 0.0, 0.0, None, ""),
            latent(3, 0.01, 2.0, None, ""),
        ]
    }

    fn numbers(choice: &Choice, by: By) -> Vec<usize> {
        choice.of(&latents(), by).iter().map(|latent| latent.latent).collect()
    }

    #[test]
    fn latents_are_sorted_and_those_that_never_fire_left_out() {
        let all = Choice::default();
        assert_eq!(numbers(&all, By::Frequency), [0, 3, 1]);
        assert_eq!(numbers(&all, By::Value), [1, 3, 0]);
        assert_eq!(numbers(&all, By::Purity), [1, 0, 3]);
    }

    #[test]
    fn ranges_and_labels_choose() {
        let choice = Choice { log_frequency: Some([-2.0, -1.0]), ..Choice::default() };
        assert_eq!(numbers(&choice, By::Frequency), [0, 3]);
        let choice = Choice { log_value: Some([0.5, 2.0]), ..Choice::default() };
        assert_eq!(numbers(&choice, By::Frequency), [1]);
        let choice = Choice { label: Some("TENCH".to_owned()), ..Choice::default() };
        assert_eq!(numbers(&choice, By::Frequency), [0]);
    }

    #[test]
    fn figures_are_drawn_of_any_latents() {
        let folder = tempfile::tempdir().unwrap();
        for latents in [latents(), Vec::new()] {
            let files = draw(folder.path(), "blocks.10/sae-3k", &latents).unwrap();
            assert_eq!(files.len(), 2);
            assert!(files.iter().all(|file| file.is_file()));
        }
    }
}

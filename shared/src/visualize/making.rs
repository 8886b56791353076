//! How a dream is made: all that [`super::setting::SETTINGS`] names.

use crate::visualize::objective::{self, Objective};
use crate::visualize::settings::Settings;

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

impl Making {
    /// An objective less the penalties. Likeness, which takes a batch, is told where the first
    /// layer looks that the objective is about.
    pub fn penalized(&self, objective: Objective) -> Objective {
        let layer = objective.layers().first().map(|layer| (*layer).to_owned());
        let mut result = objective;
        if self.tv != 0.0 {
            result = result - self.tv * objective::total_variation();
        }
        if self.l2 != 0.0 {
            result = result - self.l2 * objective::l2();
        }
        if self.diversity != 0.0
            && self.settings.batch > 1
            && let Some(layer) = layer
        {
            result = result - self.diversity * objective::similar(&layer);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models;
    use crate::visualize::score::{Context, Score};

    #[test]
    fn penalties_are_subtracted() {
        let making = Making { tv: 0.001, l2: 0.5, ..Making::default() };
        let objective = making.penalized("mixed4a:11".parse().unwrap());
        assert_eq!(objective.to_string(), "mixed4a:11 - 1e-3*tv - 0.5*l2");
    }

    #[test]
    fn diversity_needs_a_batch_and_a_layer() {
        let mut making = Making { diversity: 100.0, ..Making::default() };
        let penalized =
            |making: &Making, text: &str| making.penalized(text.parse().unwrap()).to_string();
        assert_eq!(penalized(&making, "mixed4a:11"), "mixed4a:11");
        making.settings.batch = 4;
        assert_eq!(penalized(&making, "mixed4a:11"), "mixed4a:11 - 1e2*similar(mixed4a)");
        assert_eq!(penalized(&making, "tv"), "tv");
    }

    #[test]
    fn a_batch_is_spread_apart_at_a_layer_that_is_tapped_anyway() {
        let info = models::info("googlenet").unwrap();
        let mut making = Making { diversity: 1.0, ..Making::default() };
        making.settings.batch = 2;
        for text in [
            "mixed4a:11",
            "-tv + inception_4b/output:3@center - mixed4a:1",
            "2*(mixed4d - l2)",
            "-mixed3a + logits:\"goldfish\"",
        ] {
            let objective: Objective = text.parse().unwrap();
            let taps = |objective: &Objective| -> Vec<String> {
                let labels = crate::classes::imagenet().into_iter().map(|label| label.name);
                let context = Context { labels: labels.collect(), ..Context::default() };
                let score = Score::resolve(objective, &info, &context).unwrap();
                score.taps().into_iter().map(|layer| info.at(layer).name.clone()).collect()
            };
            let about = objective.layers().into_iter().map(|layer| info.layer(layer).unwrap());
            let about: Vec<_> = about.map(|layer| layer.name.clone()).collect();
            assert_eq!(taps(&objective), about, "{text}");
            let apart = making.penalized(objective.clone());
            assert_eq!(taps(&apart), about, "{text}");
            let similar = objective::similar(objective.layers()[0]);
            assert_eq!(apart.terms.last(), (-similar).terms.last(), "{text}");
        }
        // What only likeness looks at is no layer to spread apart at.
        let likeness: Objective = "tv - similar(mixed4a)".parse().unwrap();
        assert_eq!(making.penalized(likeness.clone()), likeness);
    }
}

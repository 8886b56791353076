//! An objective's value, from activations and picture.
//!
//! A [`Score`] is an [`Objective`] that has met its model: layers have their canonical names,
//! labels are class numbers, and everything that can be checked before the first step is checked.
//!
//! **Batches.** Every picture of a batch has a value of its own for every term. The score to climb
//! is the sum over the batch, so that each picture climbs exactly as it would alone (only
//! `similar` ties them together); the values to report are means over the batch, so that they
//! do not depend on its size. Ratios between weights are the same either way, and the same as in
//! Lucid, which takes the mean.

mod error;
mod measure;
mod names;
mod target;

use burn::tensor::Tensor;

pub use self::error::ScoreError;
use self::measure::Outside;
pub use self::names::Names;
use self::target::Target;
use crate::network::ModelInfo;
use crate::readout::{Derived, Looked, Readouts, Recorded};
use crate::tap::{Activations, LayerId};
use crate::visualize::Objective;
use crate::{Error, Result};

/// What an objective may refer to besides the model's layers.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Class labels, in the order of the logits.
    pub labels: Vec<String>,
    /// Layers that are read out of the model's.
    pub readouts: Readouts,
}

/// An objective that has met its model.
#[derive(Clone, Debug)]
pub struct Score {
    /// In the order typed.
    terms: Vec<Term>,
}

#[derive(Clone, Debug)]
struct Term {
    /// The measure as printed.
    name: String,
    weight: f64,
    target: Target,
}

/// What some of the terms make of one batch.
#[derive(Clone, Debug)]
pub struct Share {
    /// Weighted sum over terms and batch, differentiable: climb this.
    ///
    /// # Shapes
    /// `[1]`
    pub score: Tensor<1>,
    /// Each term's value before its weight, as a mean over the batch; outside the gradient's graph.
    ///
    /// # Shapes
    /// `[terms]`
    pub values: Tensor<1>,
}

impl Score {
    /// Finds layers, classes and readouts, and checks every number against its range.
    ///
    /// # Errors
    /// An unknown name, with the nearest existing one; a channel or class beyond the end.
    /// Places are checked at evaluation: only then is the layer's height and width known.
    pub fn resolve(objective: &Objective, model: &ModelInfo, context: &Context) -> Result<Self> {
        if objective.terms.is_empty() {
            return Err(ScoreError::Empty.into());
        }
        let names = Names {
            model: model.name,
            layers: &model.layers,
            labels: &context.labels,
            readouts: &context.readouts,
        };
        let terms = objective.terms.iter().map(|term| {
            let (name, weight) = (term.measure.to_string(), term.weight);
            if !weight.is_finite() {
                return Err(ScoreError::Weight { term: name, weight }.into());
            }
            let target = names.target(&term.measure)?;
            Ok(Term { name, weight, target })
        });
        Ok(Self { terms: terms.collect::<Result<_>>()? })
    }

    /// The layers whose activations are needed, each once.
    pub fn taps(&self) -> Vec<LayerId> {
        let mut taps = Vec::new();
        for tap in self.looked_at().map(Looked::tap) {
            if !taps.contains(&tap) {
                taps.push(tap);
            }
        }
        taps
    }

    /// The readouts that it depends on.
    pub fn readouts(&self) -> Recorded {
        let recorded = |looked: &Looked| match looked {
            Looked::AtLatents(Derived { info, sha256, .. }) => {
                Some((info.name.clone(), sha256.clone()))
            }
            Looked::AtLayer(..) => None,
        };
        self.looked_at().filter_map(recorded).collect()
    }

    fn looked_at(&self) -> impl Iterator<Item = &Looked> {
        self.terms.iter().filter_map(|term| match &term.target {
            Target::Activation { at, .. } => Some(at),
            Target::Picture(_) => None,
        })
    }

    /// The share of the terms that look at activations; `None` if there are none.
    ///
    /// # Errors
    /// A place outside its layer, or a layer that was not tapped.
    pub fn of_activations(&self, activations: &Activations) -> Result<Option<Share>> {
        let mut share = ShareBuilder::default();
        for term in &self.terms {
            if let Target::Activation { at, measure } = &term.target {
                let name = &at.info().name;
                let caught = activations
                    .get(at.tap())
                    .ok_or_else(|| Error::NotCaught { layer: name.clone() })?;
                share.add(term.weight, measure.per_picture(at.of(caught.clone()), name)?);
            }
        }
        Ok(share.finish())
    }

    /// The share of the terms that look at the picture itself, before any transform;
    /// `None` if there are none.
    ///
    /// # Shapes
    /// - `picture`: `[batch, 3, height, width]`, RGB in 0..=1
    pub fn of_picture(&self, picture: &Tensor<4>) -> Option<Share> {
        let mut share = ShareBuilder::default();
        for term in &self.terms {
            if let Target::Picture(measure) = &term.target {
                share.add(term.weight, measure.per_picture(picture.clone()));
            }
        }
        share.finish()
    }

    /// Each term as printed beside its value, in the order typed.
    ///
    /// `values` are those of [`Score::of_activations`] followed by those of [`Score::of_picture`].
    pub fn report(&self, values: &[f32]) -> Vec<(String, f32)> {
        let named = self.in_value_order().zip(values);
        let mut named: Vec<_> =
            named.map(|((position, term), &value)| (position, term.name.clone(), value)).collect();
        named.sort_by_key(|(position, ..)| *position);
        named.into_iter().map(|(_, name, value)| (name, value)).collect()
    }

    /// The whole objective as a mean over the batch, from the same values as [`Score::report`].
    pub fn total(&self, values: &[f32]) -> f32 {
        let weighted = self.in_value_order().zip(values);
        weighted.map(|((_, term), &value)| term.weight * f64::from(value)).sum::<f64>() as f32
    }

    /// Terms with their position as typed: those of activations, then those of the picture.
    fn in_value_order(&self) -> impl Iterator<Item = (usize, &Term)> {
        let of_picture = |term: &Term| matches!(term.target, Target::Picture(_));
        let typed = || self.terms.iter().enumerate();
        let activations = typed().filter(move |(_, term)| !of_picture(term));
        activations.chain(typed().filter(move |(_, term)| of_picture(term)))
    }
}

impl From<Outside> for Error {
    fn from(outside: Outside) -> Self {
        let Outside { layer, what, index, count } = outside;
        Self::OutOfRange { layer, what, index, count }
    }
}

/// Gathers a [`Share`] term by term.
#[derive(Default)]
struct ShareBuilder {
    score: Option<Tensor<1>>,
    values: Vec<Tensor<1>>,
}

impl ShareBuilder {
    /// # Shapes
    /// - `per_picture`: `[batch]`
    fn add(&mut self, weight: f64, per_picture: Tensor<1>) {
        self.values.push(per_picture.clone().inner().mean());
        let weighted = per_picture.sum() * weight;
        self.score = Some(match self.score.take() {
            Some(score) => score + weighted,
            None => weighted,
        });
    }

    fn finish(self) -> Option<Share> {
        self.score.map(|score| Share { score, values: Tensor::cat(self.values, 0) })
    }
}

#[cfg(test)]
mod tests {
    use super::names::tests::{context, model};
    use super::*;
    use crate::device;
    use crate::tap::Caught;

    const TEXT: &str =
        "2*mixed4a:1 - 3*l2 + mixed4b - 0.5*similar(mixed4a) + 0.25*tv - mixed4a/{stripes}";

    fn score(text: &str) -> Score {
        Score::resolve(&text.parse().unwrap(), &model(), &context()).unwrap()
    }

    fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        pollster::block_on(device::read(tensor)).unwrap()
    }

    fn ramp(dims: [usize; 4], slope: f32) -> Tensor<4> {
        let length = dims.iter().product::<usize>() as i64;
        let steps = Tensor::<1, burn::tensor::Int>::arange(0..length, &device::cpu()).float();
        (steps * slope).sin().reshape(dims)
    }

    fn activations(batch: usize) -> Activations {
        let caught = [ramp([batch, 4, 3, 3], 0.37), ramp([batch, 3, 2, 2], 0.71)];
        Activations((0..).map(LayerId).zip(caught.map(Caught::from)).collect())
    }

    fn one_of(activations: &Activations, picture: usize) -> Activations {
        let of = |(layer, caught): (&LayerId, &Caught)| {
            (*layer, Caught::from(caught.grid.clone().narrow(0, picture, 1)))
        };
        Activations(activations.0.iter().map(of).collect())
    }

    #[test]
    fn the_score_is_the_weighted_sum_of_the_values_over_the_batch() {
        let (batch, score) = (3, score(TEXT));
        let caught = score.of_activations(&activations(batch)).unwrap().unwrap();
        let seen = score.of_picture(&ramp([batch, 3, 4, 4], 0.11)).unwrap();
        let values = [read(caught.values), read(seen.values)].concat();
        let climbed = read(caught.score)[0] + read(seen.score)[0];
        let total = score.total(&values) * batch as f32;
        assert!((climbed - total).abs() < 1e-4 * total.abs(), "{climbed}, expected {total}");
    }

    #[test]
    fn a_report_keeps_the_order_typed() {
        let score = score(TEXT);
        let report = score.report(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let report: Vec<_> = report.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let expected = [
            ("mixed4a:1", 1.0),
            ("l2", 5.0),
            ("mixed4b", 2.0),
            ("similar(mixed4a)", 3.0),
            ("tv", 6.0),
            ("mixed4a/{stripes}", 4.0),
        ];
        assert_eq!(report, expected);
        assert_eq!(
            score.total(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            2.0 - 15.0 + 2.0 - 1.5 + 1.5 - 4.0
        );
    }

    #[test]
    fn every_picture_of_a_batch_climbs_as_if_alone() {
        let score = score("mixed4a:1 + 2*mixed4b - 0.1*mixed4a/{stripes} + mixed4b:0@center");
        let gradient = |mut caught: Activations| {
            for activation in caught.0.values_mut() {
                *activation = activation.tracked();
            }
            let share = score.of_activations(&caught).unwrap().unwrap();
            let mut gradients = share.score.backward();
            let of = |layer| {
                let caught = caught.grid(LayerId(layer)).unwrap();
                read(caught.grad_remove(&mut gradients).unwrap())
            };
            [0, 1].map(of)
        };
        let together = gradient(activations(2));
        for picture in 0..2 {
            let alone = gradient(one_of(&activations(2), picture));
            for (together, alone) in together.iter().zip(&alone) {
                let share = &together[picture * alone.len()..][..alone.len()];
                for (share, alone) in share.iter().zip(alone) {
                    assert!((share - alone).abs() < 1e-6, "{share}, alone {alone}");
                }
            }
        }
    }

    #[test]
    fn values_are_outside_the_graph() {
        let picture = ramp([1, 3, 4, 4], 0.1).autodiff().require_grad();
        let share = score("tv").of_picture(&picture).unwrap();
        assert!(share.score.is_autodiff() && !share.values.is_autodiff());
    }

    #[test]
    fn there_is_no_share_without_terms() {
        assert!(score("tv + l2").of_activations(&Activations::default()).unwrap().is_none());
        assert!(score("mixed4a:1").of_picture(&ramp([1, 3, 4, 4], 0.1)).is_none());
    }

    #[test]
    fn a_layer_that_was_not_tapped_is_named() {
        let error = score("mixed4a:1").of_activations(&Activations::default()).unwrap_err();
        assert!(error.to_string().contains("hold no mixed4a"), "{error}");
    }

    #[test]
    fn a_place_beyond_the_edge_is_an_error() {
        let error = score("mixed4a:1@3,0").of_activations(&activations(1)).unwrap_err().to_string();
        assert_eq!(error, "mixed4a has 3 rows, numbered 0 to 2; 3 is not one of them");
    }

    #[test]
    fn a_readout_has_its_parents_places() {
        let value = |text: &str| {
            let share = score(text).of_activations(&activations(2)).unwrap().unwrap();
            read(share.values)[0]
        };
        let places = (0..9).map(|place| format!("mixed4a/stripes:0@{},{}", place / 3, place % 3));
        let mean = places.map(|place| value(&place)).sum::<f32>() / 9.0;
        let whole = value("mixed4a/{stripes}");
        assert!((mean - whole).abs() < 1e-6 * whole.abs(), "{mean}, expected {whole}");
        let beyond = score("mixed4a/stripes:0@0,3").of_activations(&activations(1));
        let error = beyond.unwrap_err().to_string();
        assert!(error.starts_with("mixed4a/{stripes} has 3 columns"), "{error}");
    }
}

//! What a network sees in pictures.

use anyhow::{Result, bail};
use serde::Serialize;
use shared::burn::tensor::Device;

use crate::activations::{Narrow, Walk};
use crate::model::LoadedModel;
use crate::pictures::listing::Listing;
use crate::progress::Progress;

/// A picture and the classes it looks most like. A stable interface: scripts read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classified {
    /// As given, or found in a folder that was given.
    pub file: String,
    /// Best first.
    pub top: Vec<ClassScore>,
}

/// One class and how sure the network is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScore {
    /// From 0, the row of the logits.
    pub class: usize,
    /// Its name.
    pub label: String,
    /// Before softmax.
    pub logit: f32,
    /// 0..=1, over all classes.
    pub probability: f32,
}

/// A classification of pictures.
pub struct Classify<'a> {
    /// The network.
    pub loaded: &'a LoadedModel,
    /// Where it computes.
    pub device: &'a Device,
    /// Pictures computed together.
    pub batch: usize,
    /// Classes told of each picture.
    pub top: usize,
}

impl Classify<'_> {
    /// Hands what each picture is to `each`, in order. Those that cannot be read are named; returns
    /// how many they are.
    pub fn run(
        &self,
        listing: &Listing,
        mut each: impl FnMut(&Progress, Classified) -> Result<()>,
    ) -> Result<u64> {
        let Self { loaded, device, batch, top } = *self;
        let classes = loaded.model.info().classes()?;
        let taps = &[classes];
        let walk = Walk { name: "classify", loaded, device, taps, batch, narrow: Narrow::Kept };
        let mut unreadable = 0;
        let ended = walk.run(listing, 0, |progress, mut batch| {
            unreadable += batch.unreadable;
            if batch.pictures.is_empty() {
                return Ok(());
            }
            let (logits, [_, n_classes, ..]) = batch.take(classes)?;
            if logits.iter().any(|logit| !logit.is_finite()) {
                bail!(
                    "the network answered with values that are not finite: are its weights damaged?"
                );
            }
            for (picture, logits) in batch.pictures.into_iter().zip(logits.chunks_exact(n_classes))
            {
                let top = best(logits, &loaded.labels, top);
                each(progress, Classified { file: picture.name, top })?;
            }
            Ok(())
        })?;
        ended.whole()?;
        Ok(unreadable)
    }
}

/// The `top` largest of a row of logits with their softmax probabilities; of equals the first.
pub fn best(logits: &[f32], labels: &[String], top: usize) -> Vec<ClassScore> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
    let mut classes: Vec<usize> = (0..logits.len()).collect();
    classes.sort_by(|&one, &other| logits[other].total_cmp(&logits[one]));
    classes
        .into_iter()
        .take(top)
        .map(|class| ClassScore {
            class,
            label: labels.get(class).cloned().unwrap_or_else(|| format!("class {class}")),
            logit: logits[class],
            probability: (f64::from(logits[class] - largest).exp() / total) as f32,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_probabilities_count_every_class() {
        let labels: Vec<_> = ["cat", "dog", "owl"].map(str::to_owned).into();
        let top = best(&[1.0, 3.0, 2.0], &labels, 2);
        let classes: Vec<_> = top.iter().map(|score| (score.class, score.label.as_str())).collect();
        assert_eq!(classes, [(1, "dog"), (2, "owl")]);
        let all: f32 =
            best(&[1.0, 3.0, 2.0], &labels, 3).iter().map(|score| score.probability).sum();
        assert!((all - 1.0).abs() < 1e-6);
        // e^3 / (e + e^2 + e^3)
        assert!((top[0].probability - 0.665_241).abs() < 1e-6);
    }

    #[test]
    fn logits_that_would_overflow_an_exponential_still_give_probabilities() {
        let top = best(&[500.0, 499.0], &[], 2);
        assert!((top[0].probability - 0.731_059).abs() < 1e-6);
        assert_eq!(top[0].label, "class 0");
    }
}

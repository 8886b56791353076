//! What a network sees in pictures.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use shared::burn::tensor::Device;
use shared::image::Picture;

use crate::interrupt;
use crate::model::LoadedModel;
use crate::pictures::ahead::{Decoded, FEW, decode_ahead};
use crate::pictures::source::Source;

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

/// Classifies pictures in batches while the next ones are decoded. Hands each result, or what
/// kept the picture from being read, to `each`, in order.
pub fn classify(
    loaded: &LoadedModel,
    pictures: Vec<Source>,
    batch: usize,
    top: usize,
    device: &Device,
    mut each: impl FnMut(Result<Classified>) -> Result<()>,
) -> Result<()> {
    let preprocessing = loaded.model.info().preprocessing.clone();
    let crop = move |picture| Ok(preprocessing.classification_crop(&picture));
    let mut waiting: Vec<Decoded<Picture>> = Vec::new();
    let mut ready = decode_ahead(pictures, 0, batch.max(FEW), crop);
    loop {
        interrupt::check()?;
        let next = ready.next().transpose()?;
        let ended = next.is_none();
        waiting.extend(next);
        let decoded = waiting.iter().filter(|decoded| decoded.picture.is_ok()).count();
        if decoded < batch && !ended {
            continue;
        }
        let crops: Vec<&Picture> =
            waiting.iter().filter_map(|decoded| decoded.picture.as_ref().ok()).collect();
        let mut rows = logits(loaded, &crops, device)?.into_iter();
        for Decoded { name, picture } in waiting.drain(..) {
            let result = match picture {
                Err(unreadable) => Err(unreadable),
                Ok(_) => {
                    let row = rows.next().context("the network answered for too few pictures")?;
                    Ok(Classified { file: name, top: best(&row, &loaded.labels, top) })
                }
            };
            each(result)?;
        }
        if ended {
            return Ok(());
        }
    }
}

/// One row of logits for each picture; all pictures have the size the network classifies at,
/// except those too narrow for it, which run alone.
fn logits(loaded: &LoadedModel, crops: &[&Picture], device: &Device) -> Result<Vec<Vec<f32>>> {
    let mut rows = Vec::new();
    for group in crops.chunk_by(|one, next| size(one) == size(next)) {
        let activations = loaded.activations(group.iter().copied(), &["logits"], device)?;
        let logits = activations.get("logits").context("the network gave no logits")?;
        let classes = logits.dims()[1];
        let values = pollster::block_on(shared::device::read(logits))?;
        if values.iter().any(|value| !value.is_finite()) {
            bail!("the network answered with values that are not finite: are its weights damaged?");
        }
        rows.extend(values.chunks_exact(classes).map(<[f32]>::to_vec));
    }
    Ok(rows)
}

fn size(picture: &Picture) -> (usize, usize) {
    (picture.width(), picture.height())
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

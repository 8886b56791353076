//! What a network sees in pictures.

use anyhow::{Result, bail};
use serde::Serialize;
use shared::burn::tensor::Device;
use shared::classes::{self, ClassScore};
use shared::models::{self, ModelInfo};

use crate::activations::{ONE_PIECE, Walk};
use crate::failure::WrongCall;
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

/// That a model has classes.
///
/// # Errors
/// It has none: what it ends in instead, and which models have.
pub fn has_classes(info: &ModelInfo) -> Result<(), WrongCall> {
    if info.classes().is_ok() {
        return Ok(());
    }
    let of_others = models::registry().into_iter().filter(|other| other.classes().is_ok());
    let of_others: Vec<_> = of_others.map(|other| other.name).collect();
    let instead = info.layers.last().map_or(String::new(), |last| {
        format!("; it ends in {} values without names, its layer {}", last.channels, last.name)
    });
    let (name, others) = (info.name, of_others.join(", "));
    Err(WrongCall(format!("{name} has no classes{instead}. Models with classes: {others}")))
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
        let (taps, piece) = (&[classes], ONE_PIECE);
        let walk = Walk { name: Some("classify"), loaded, device, taps, batch, piece };
        let mut unreadable = 0;
        let ended = walk.run(listing, 0..listing.pictures, |progress, mut batch| {
            unreadable += batch.unreadable.len() as u64;
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
                let top = classes::best(logits, &loaded.labels, top);
                each(progress, Classified { file: picture.name, top })?;
            }
            Ok(())
        })?;
        ended.whole()?;
        Ok(unreadable)
    }
}

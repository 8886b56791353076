//! The photograph that excites a unit most, to hold a dream's activation against.

use std::path::Path;

use anyhow::{Context as _, Result};
use shared::burn::tensor::Device;
use shared::models::Manner;
use shared::visualize::Objective;
use shared::visualize::score::Score;

use super::plan::{about, activation};
use super::record::Against;
use crate::interrupt;
use crate::model::LoadedModel;
use crate::pictures::ahead::{FEW, decode_ahead};
use crate::pictures::source::{self, Source};
use crate::progress::{Progress, Unit};

/// For each objective, the best of a folder's photographs as a classifier sees them (resized and
/// cropped as the model declares), and how many could not be read.
///
/// All objectives share one forward pass a photograph.
pub fn best_photographs(
    loaded: &LoadedModel,
    objectives: &[Objective],
    folder: &Path,
    device: &Device,
) -> Result<(Vec<Against>, usize)> {
    let info = loaded.model.info();
    let context = loaded.context();
    let objectives: Vec<Objective> = objectives.iter().map(about).collect();
    let scores = objectives
        .iter()
        .map(|objective| Score::resolve(objective, info, &context))
        .collect::<shared::Result<Vec<_>>>()?;
    let mut taps: Vec<&str> = scores.iter().flat_map(Score::taps).collect();
    taps.sort_unstable();
    taps.dedup();

    let sources = vec![Source::new(folder).context("--against")?];
    let listing = source::list(&sources)?;
    let what = Unit::Count("photographs");
    let mut progress = Progress::new("photographs", Some(listing.pictures), what);
    let mut best: Vec<Option<(f32, String)>> = vec![None; scores.len()];
    let (mut seen, mut unreadable) = (0, 0);
    let preprocessing = info.preprocessing.clone();
    let crop = move |picture| Ok(preprocessing.classification_crop(&picture));
    for decoded in decode_ahead(sources, 0, FEW, crop) {
        interrupt::check()?;
        progress.advance(1);
        let decoded = decoded?;
        let crop = match decoded.picture {
            Ok(crop) => crop,
            Err(error) => {
                unreadable += 1;
                progress.note(&format!("skipped: {error:#}"));
                continue;
            }
        };
        seen += 1;
        let input = info.preprocessing.apply(crop.to_tensor(device));
        let activations = loaded.model.forward(input, &taps, Manner::default())?;
        for ((objective, score), best) in objectives.iter().zip(&scores).zip(&mut best) {
            let Some(share) = score.of_activations(&activations)? else { continue };
            let values = pollster::block_on(shared::device::read(share.values))?;
            let value = activation(objective, &score.report(&values));
            if best.as_ref().is_none_or(|(most, _)| *most < value) {
                *best = Some((value, decoded.name.clone()));
            }
        }
    }
    progress.finish();
    let found = best
        .into_iter()
        .map(|best| {
            let (best, file) = best.context("no photograph has an activation to compare with")?;
            Ok(Against { folder: folder.display().to_string(), pictures: seen, best, file })
        })
        .collect::<Result<_>>()?;
    Ok((found, unreadable))
}

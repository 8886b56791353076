//! The photograph that excites a unit most, to hold a dream's activation against.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use shared::burn::tensor::Device;
use shared::ops::ReluGradient;
use shared::visualize::Objective;
use shared::visualize::score::Score;

use super::plan::{about, activation};
use super::record::Against;
use crate::cache::LoadedModel;
use crate::progress::{Progress, Unit};
use crate::{images, interrupt};

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

    let paths = images::find(&[folder.to_owned()])?;
    let mut progress =
        Progress::new("photographs", Some(paths.len() as u64), Unit::Count("photographs"));
    let mut best: Vec<Option<(f32, PathBuf)>> = vec![None; scores.len()];
    let (mut seen, mut unreadable) = (0, 0);
    let preprocessing = info.preprocessing.clone();
    let crops =
        images::read_ahead(paths, move |picture| preprocessing.classification_crop(&picture));
    for (path, crop) in crops {
        interrupt::check()?;
        progress.advance(1);
        let crop = match crop {
            Ok(crop) => crop,
            Err(error) => {
                unreadable += 1;
                progress.note(&format!("skipped: {error:#}"));
                continue;
            }
        };
        seen += 1;
        let input = info.preprocessing.apply(crop.to_tensor(device));
        let activations = loaded.model.forward(input, &taps, ReluGradient::Exact)?;
        for ((objective, score), best) in objectives.iter().zip(&scores).zip(&mut best) {
            let Some(share) = score.of_activations(&activations)? else { continue };
            let values = pollster::block_on(shared::device::read(share.values))?;
            let value = activation(objective, &score.report(&values));
            if best.as_ref().is_none_or(|(most, _)| *most < value) {
                *best = Some((value, path.clone()));
            }
        }
    }
    progress.finish();
    let found = best
        .into_iter()
        .map(|best| {
            let (best, path) = best.context("no photograph has an activation to compare with")?;
            let file = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            Ok(Against { folder: folder.display().to_string(), pictures: seen, best, file })
        })
        .collect::<Result<_>>()?;
    Ok((found, unreadable))
}

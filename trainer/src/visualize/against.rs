//! The photograph that excites a unit most, to hold a dream's activation against.

use std::path::Path;

use anyhow::{Context as _, Result};
use shared::burn::tensor::Device;
use shared::tap::LayerId;
use shared::visualize::Objective;
use shared::visualize::score::Score;

use super::plan::activation;
use super::report::Against;
use crate::activations::{Numbered, ONE_PIECE, Walk};
use crate::model::LoadedModel;
use crate::pictures::listing::Listing;
use crate::pictures::source::Source;

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
    let objectives: Vec<Objective> = objectives.iter().map(Objective::about).collect();
    let scores = objectives
        .iter()
        .map(|objective| Score::resolve(objective, info, &context))
        .collect::<shared::Result<Vec<_>>>()?;
    let mut taps: Vec<LayerId> = scores.iter().flat_map(Score::taps).collect();
    taps.sort_unstable();
    taps.dedup();

    let listing = Listing::of(vec![Source::new(folder).context("--against")?])?;
    let mut best: Vec<Option<(f32, String)>> = vec![None; scores.len()];
    let (mut seen, mut unreadable) = (0, 0);
    // One by one: a score is of everything that the network saw together.
    let (name, taps, batch, piece) = (Some("photographs"), taps.as_slice(), 1, ONE_PIECE);
    let walk = Walk { name, loaded, device, taps, batch, piece };
    let ended = walk.run(&listing, 0..listing.pictures, |_, batch| {
        unreadable += batch.unreadable.len();
        let [Numbered { name, .. }] = batch.pictures.as_slice() else { return Ok(()) };
        seen += 1;
        for ((objective, score), best) in objectives.iter().zip(&scores).zip(&mut best) {
            let Some(share) = score.of_activations(&batch.activations)? else { continue };
            let values = pollster::block_on(shared::device::read(share.values))?;
            let value = activation(objective, &score.report(&values));
            if best.as_ref().is_none_or(|(most, _)| *most < value) {
                *best = Some((value, name.clone()));
            }
        }
        Ok(())
    })?;
    ended.whole()?;
    let found = best
        .into_iter()
        .map(|best| {
            let (best, file) = best.context("no photograph has an activation to compare with")?;
            Ok(Against { folder: folder.display().to_string(), pictures: seen, best, file })
        })
        .collect::<Result<_>>()?;
    Ok((found, unreadable))
}

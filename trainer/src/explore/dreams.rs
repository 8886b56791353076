//! What a choice of latents looks for.

use std::path::Path;

use anyhow::Result;
use shared::burn::tensor::Device;
use shared::visualize::{Objective, Preset};

use crate::model::LoadedModel;
use crate::visualize::plan::{Plan, Wish};
use crate::visualize::{Out, Visualize, readouts};

/// The side of a picture, which is how large a bundle keeps one.
const SIDE: usize = 96;

/// Makes the pictures that are not there yet.
///
/// # Errors
/// As [`Visualize::run`].
pub fn make(
    layer: &str,
    latents: &[usize],
    folder: &Path,
    loaded: &LoadedModel,
    device: &Device,
) -> Result<()> {
    if latents.is_empty() {
        eprintln!("no latent fires as often as --log-freq-range asks for: none is dreamed");
        return Ok(());
    }
    let info = loaded.model.info();
    let mut tasks = Vec::new();
    for latent in latents {
        let objective: Objective =
            format!("{layer}:{latent}").parse().map_err(shared::Error::from)?;
        let mut making = Preset::of(&objective, &info.layers).making();
        (making.settings.width, making.settings.height) = (SIDE, SIDE);
        tasks.push(Wish { objective, making, variant: Vec::new() }.task(Vec::new())?);
    }
    let mut plan = Plan {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        model: info.name.to_owned(),
        model_sha256: loaded.sha256.clone(),
        directions_sha256: None,
        tasks,
        sheet: None,
    };
    readouts::note(&mut plan, info, &loaded.context(), false)?;
    let out = Out::Folder(folder.to_owned());
    Visualize { plan: &plan, out: &out, only: None, against: None }.run(loaded, device)?;
    Ok(())
}

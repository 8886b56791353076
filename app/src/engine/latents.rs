//! Layers that a bundle's dictionaries make of the network's; each is fetched when it is first asked
//! for.

use shared::format::bundle::Layer;
use shared::readout::{Looked, Readouts};
use shared::visualize::Objective;

use super::bundle;
use super::core::Core;
use super::host::Host;
use super::loaded::{Dictionaries, LoadedModel};
use super::voice::{Ending, Voice};
use crate::failure;

/// A layer of the network, or of the latents of a dictionary of its bundle.
pub async fn looked_at<H: Host, A>(
    core: &Core<H>,
    voice: &Voice<A>,
    loaded: &LoadedModel,
    name: &str,
) -> Result<Looked, Ending> {
    fetch(core, voice, loaded, name).await?;
    let info = loaded.model.info();
    let here = loaded.dictionaries.here.borrow();
    Ok(Looked::find(info.name, &info.layers, &here, name).map_err(failure::of)?)
}

/// What an objective's layers are read out by.
pub async fn readouts<H: Host, A>(
    core: &Core<H>,
    voice: &Voice<A>,
    loaded: &LoadedModel,
    objective: &Objective,
) -> Result<Readouts, Ending> {
    for term in &objective.terms {
        if let Some(name) = term.measure.layer() {
            fetch(core, voice, loaded, name).await?;
        }
    }
    Ok(loaded.dictionaries.here.borrow().clone())
}

/// Fetches the dictionary whose latents a layer's name means, unless it is here or means none.
async fn fetch<H: Host, A>(
    core: &Core<H>,
    voice: &Voice<A>,
    loaded: &LoadedModel,
    name: &str,
) -> Result<(), Ending> {
    let info = loaded.model.info();
    let Dictionaries { url, bundle, here, .. } = &loaded.dictionaries;
    let Some((parent, own)) = name.rsplit_once('/') else { return Ok(()) };
    let Ok(parent) = info.layer(parent) else { return Ok(()) };
    if here.borrow().contains_key(&(parent.name.clone(), own.to_owned())) {
        return Ok(());
    }
    let Some(layer) = bundle.layer(&format!("{}/{own}", parent.name)) else { return Ok(()) };
    let Layer { dictionary: Some(files), .. } = layer else { return Ok(()) };
    let quiet = |_, _| {};
    let config = bundle::fetched(core, voice, "dictionary", url, &files.config, &quiet).await?;
    let weights = bundle::fetched(core, voice, "dictionary", url, &files.weights, &quiet).await?;
    let unusable = |error| failure::of_bundle("The bundle's dictionary", error);
    let found = layer.readouts(info, &config, &weights, &loaded.device).map_err(unusable)?;
    here.borrow_mut().extend(found);
    Ok(())
}

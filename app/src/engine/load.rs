//! Devices and models: opened, built, moved from one to the other.

use shared::format::bundle::{Bundle, Part, labels_from_bytes};
use shared::models::{self, ModelInfo};

use super::bundle;
use super::core::{Core, Open};
use super::host::Host;
use super::loaded::{Dictionaries, LoadedModel, WeightsFile};
use super::order::Turn;
use super::voice::{Ending, Voice};
use crate::failure;
use crate::files::Files;
use crate::protocol::{
    Building, DeviceReport, Failure, FailureKind, LoadKept, LoadModel, ModelReport, OpenDevice,
    TakeWeights,
};

/// All of a model but its weights.
struct Described {
    url: String,
    bundle: Bundle,
    info: ModelInfo,
    labels: Vec<String>,
}

/// Opens a device and moves the model to it, if there is one.
pub async fn open_device<H: Host>(
    core: &Core<H>,
    voice: &Voice<DeviceReport>,
    OpenDevice(choice): OpenDevice,
) -> Result<(), Ending> {
    // A browser's device that is half open cannot be abandoned, so this cannot be stopped.
    let (device, report) = core.host.open_device(choice).await?;
    let open = Open { device, report };
    let loaded = core.model.borrow().clone();
    if let Some(loaded) = loaded.filter(|loaded| loaded.choice != open.report.device) {
        let moved = loaded
            .moved(&open.device, open.report.device)
            .map_err(|error| core.blame(&loaded, error))?;
        *core.model.borrow_mut() = Some(moved.into());
    }
    *core.device.borrow_mut() = Some(open.clone());
    voice.say(open.report, Vec::new());
    Ok(())
}

/// Fetches a bundle's parts at once, then builds its model when its turn comes.
pub async fn load_model<H: Host>(
    core: &Core<H>,
    voice: &Voice<Building>,
    LoadModel { bundle_url }: LoadModel,
    turn: &Turn,
) -> Result<(), Ending> {
    let described = described(core, voice, &bundle_url).await?;
    let Some(part) = &described.bundle.weights else {
        return Err(Failure::new(
            FailureKind::NotReady,
            format!("{} is here without its weights.", described.info.title),
            "This bundle holds what was made with them, not the weights themselves.",
            "Give the weights as a file, or choose another network.",
        )
        .into());
    };
    let weights = bundle::part(core, voice, "weights", &bundle_url, part).await?;
    let sha256 = part.sha256.clone();
    let weights = WeightsFile::of_bundle(weights);

    voice.unless_stopped(turn.comes()).await?;
    let loaded = build(core, &described, weights, sha256, failure::of)?;
    put_to_use(core, voice, described, loaded);
    Ok(())
}

/// Builds a bundle's model from weights that the visitor gave, and keeps them.
pub async fn take_weights<H: Host>(
    core: &Core<H>,
    voice: &Voice<Building>,
    TakeWeights { bundle_url }: TakeWeights,
    buffers: Vec<Vec<u8>>,
    turn: &Turn,
) -> Result<(), Ending> {
    let described = described(core, voice, &bundle_url).await?;
    let bytes = buffers.into_iter().next().unwrap_or_default();
    let sha256 = sha256(&bytes);
    let weights = WeightsFile::own(bytes);

    voice.unless_stopped(turn.comes()).await?;
    let title = described.info.title;
    let misfit = |error| failure::of_own_weights(title, error);
    let loaded = build(core, &described, weights, sha256, misfit)?;
    core.host.files().keep(&loaded.weights_sha256, &loaded.weights.bytes).await;
    put_to_use(core, voice, described, loaded);
    Ok(())
}

/// Builds a bundle's model from weights that the visitor gave once and that were kept.
pub async fn load_kept<H: Host>(
    core: &Core<H>,
    voice: &Voice<Building>,
    LoadKept { bundle_url, sha256: wanted }: LoadKept,
    turn: &Turn,
) -> Result<(), Ending> {
    let described = described(core, voice, &bundle_url).await?;
    let title = described.info.title;
    let bytes = voice.unless_stopped(core.host.files().cached(&wanted)).await?;
    let is_damaged = bytes.as_ref().is_some_and(|bytes| sha256(bytes) != wanted);
    if is_damaged {
        core.host.files().forget(&wanted).await;
    }
    let bytes = bytes.filter(|_| !is_damaged).ok_or_else(|| {
        let why = match is_damaged {
            true => "The browser's copy was damaged and has been dropped.",
            false => "The browser has not kept them, or has dropped them to make room.",
        };
        let what = format!("The weights of {title} are not here any more.");
        Failure::new(FailureKind::NotReady, what, why, "Give the file again.")
    })?;
    let weights = WeightsFile::own(bytes);

    voice.unless_stopped(turn.comes()).await?;
    let misfit = |error| failure::of_own_weights(title, error);
    let loaded = build(core, &described, weights, wanted, misfit)?;
    put_to_use(core, voice, described, loaded);
    Ok(())
}

/// Reads a bundle as far as it describes its model.
async fn described<H: Host>(
    core: &Core<H>,
    voice: &Voice<Building>,
    bundle_url: &str,
) -> Result<Described, Ending> {
    let bundle = bundle::read(core, voice, bundle_url).await?;
    let info = models::info(&bundle.model).map_err(failure::of)?;
    // Another network must not answer what is asked of this one, should it not come.
    core.model.borrow_mut().take_if(|loaded| loaded.model.info().name != info.name);
    let n_classes = info.layers.last().map_or(0, |logits| logits.channels);
    let labels = bundle::part(core, voice, "labels", bundle_url, &bundle.labels).await?;
    let labels = labels_from_bytes(&labels, n_classes).map_err(failure::of)?;
    Ok(Described { url: bundle_url.to_owned(), bundle, info, labels })
}

/// The model on the device in use. One of the same network stays until this replaces it.
fn build<H: Host>(
    core: &Core<H>,
    described: &Described,
    weights: WeightsFile,
    weights_sha256: String,
    failure: impl FnOnce(shared::Error) -> Failure,
) -> Result<LoadedModel, Failure> {
    let open = core.open()?;
    let (model, note) = weights.build(described.info.name, &open.device).map_err(failure)?;
    let loaded = LoadedModel {
        model,
        note,
        device: open.device,
        labels: described.labels.clone(),
        weights_sha256,
        weights,
        choice: open.report.device,
        dictionaries: Dictionaries::new(&described.url, &described.bundle),
    };
    core.healthy(&loaded)?;
    Ok(loaded)
}

fn put_to_use<H: Host>(
    core: &Core<H>,
    voice: &Voice<Building>,
    described: Described,
    loaded: LoadedModel,
) {
    let report = ModelReport {
        name: described.info.name.to_owned(),
        title: described.info.title.to_owned(),
        layers: described.info.layers,
        labels: described.labels,
        weights_sha256: loaded.weights_sha256.clone(),
        note: loaded.note.clone(),
    };
    *core.model.borrow_mut() = Some(loaded.into());
    voice.say(Building::Model(report), Vec::new());
}

fn sha256(bytes: &[u8]) -> String {
    Part::of("weights", bytes).sha256
}

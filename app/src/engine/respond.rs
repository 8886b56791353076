//! Where and how strongly a unit answers to pictures.

use shared::device;
use shared::image::Picture;
use shared::network::{Pass, Start};
use shared::readout::Looked;
use shared::tap::LayerInfo;

use super::core::Core;
use super::host::Host;
use super::latents;
use super::loaded::LoadedModel;
use super::picture;
use super::voice::{Ending, Voice};
use crate::failure;
use crate::protocol::{PictureSize, Respond, Responded};

/// Shows the pictures to the unit, one after the other.
pub async fn respond<H: Host>(
    core: &Core<H>,
    voice: &Voice<Responded>,
    Respond { layer, channel, pictures }: Respond,
    buffers: Vec<Vec<u8>>,
) -> Result<(), Ending> {
    let loaded = core.loaded()?;
    core.healthy(&loaded)?;
    let info = loaded.model.info();
    let looked = latents::looked_at(core, voice, &loaded, &layer).await?;
    let LayerInfo { name, channels: count, .. } = looked.info();
    if *count <= channel {
        return Err(failure::of(shared::Error::OutOfRange {
            layer: name.clone(),
            what: "channels",
            index: channel,
            count: *count,
        })
        .into());
    }
    let mut buffers = buffers.into_iter();
    for (picture, size) in pictures.into_iter().enumerate() {
        let bytes = buffers.next().unwrap_or_default();
        let shown = picture::cut(size, bytes, &info.preprocessing)?;
        let map = look(&loaded, &shown, &looked, channel).await;
        let map = map.map_err(|error| core.blame(&loaded, error))?;
        core.healthy(&loaded)?;
        if !map.values.iter().all(|value| value.is_finite()) {
            return Err(failure::no_numbers().into());
        }
        voice.check_stopped()?;
        let responded = Responded { picture, map: map.size, mean: map.mean(), max: map.max() };
        voice.say(responded, vec![picture::map_bytes(&map.values)]);
        core.host.breathe().await;
        voice.check_stopped()?;
    }
    Ok(())
}

/// A unit's activations over a picture.
struct Map {
    /// `[height, width]`
    values: Vec<f32>,
    size: PictureSize,
}

impl Map {
    fn mean(&self) -> f32 {
        self.values.iter().sum::<f32>() / self.values.len() as f32
    }

    fn max(&self) -> f32 {
        self.values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

async fn look(
    loaded: &LoadedModel,
    picture: &Picture,
    looked: &Looked,
    channel: usize,
) -> shared::Result<Map> {
    let info = loaded.model.info();
    let input = info.preprocessing.apply(picture.to_tensor(&loaded.device));
    let tap = looked.tap();
    let caught = loaded.model.forward(Start::Picture(input), &Pass::to(&[tap]))?;
    let caught = caught.get(tap).ok_or_else(|| info.not_caught(tap))?;
    let activation = looked.of(caught.clone()).grid;
    let [_, _, height, width] = activation.dims();
    // Only the unit's own channel is worth the way from the device.
    let values = device::read(activation.narrow(1, channel, 1)).await?;
    Ok(Map { values, size: PictureSize { width, height } })
}

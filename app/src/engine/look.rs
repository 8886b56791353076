//! What the network sees in a picture: classes, and the channels that are most active.

use shared::classes;
use shared::device;
use shared::image::Picture;
use shared::network::{Pass, Start};
use shared::readout::Looked;
use shared::tap::Caught;

use super::core::Core;
use super::host::Host;
use super::latents;
use super::loaded::LoadedModel;
use super::picture;
use super::voice::{Ending, Voice};
use crate::failure;
use crate::protocol::{ChannelActivation, Classified, Classify, PictureSize};

/// How many classes are named.
const TOP: usize = 5;

/// Looks at a picture and says what it sees.
pub async fn classify<H: Host>(
    core: &Core<H>,
    voice: &Voice<Classified>,
    Classify { picture: size, layer, channels }: Classify,
    buffers: Vec<Vec<u8>>,
) -> Result<(), Ending> {
    let loaded = core.loaded()?;
    core.healthy(&loaded)?;
    let info = loaded.model.info();
    let looked = latents::looked_at(core, voice, &loaded, &layer).await?;
    let bytes = buffers.into_iter().next().unwrap_or_default();
    let picture = picture::read(size, bytes, info.preprocessing.resize.side())?;
    let crop = info.preprocessing.classification_crop(&picture);
    drop(picture);

    let began = core.host.now();
    let outputs =
        look(&loaded, &crop, &looked).await.map_err(|error| core.blame(&loaded, error))?;
    core.healthy(&loaded)?;
    voice.check_stopped()?;
    let milliseconds = core.host.now() - began;
    if !outputs.logits.iter().chain(&outputs.activation).all(|value| value.is_finite()) {
        return Err(failure::no_numbers().into());
    }

    let ranked = most_active(&outputs, channels);
    let mut sent = vec![crop.to_rgba8()];
    sent.extend(ranked.iter().map(|channel| picture::map_bytes(outputs.map(channel.channel))));
    let classified = Classified {
        top: classes::best(&outputs.logits, &loaded.labels, TOP),
        crop: PictureSize { width: crop.width(), height: crop.height() },
        layer: looked.info().name.clone(),
        map: outputs.size,
        channels: ranked,
        milliseconds,
    };
    voice.say(classified, sent);
    Ok(())
}

/// A forward pass, read back.
struct Outputs {
    /// Empty where the network has no classes.
    logits: Vec<f32>,
    /// `[channels, height, width]`
    activation: Vec<f32>,
    size: PictureSize,
    /// A value a channel, where the layer has a class token.
    class_token: Option<Vec<f32>>,
}

impl Outputs {
    fn area(&self) -> usize {
        self.size.width * self.size.height
    }

    fn map(&self, channel: usize) -> &[f32] {
        &self.activation[channel * self.area()..][..self.area()]
    }
}

async fn look(loaded: &LoadedModel, crop: &Picture, looked: &Looked) -> shared::Result<Outputs> {
    let info = loaded.model.info();
    let tap = looked.tap();
    // One that ends with an embedding has none.
    let classes = info.classes().ok();
    let taps: Vec<_> = std::iter::once(tap).chain(classes).collect();
    let input = info.preprocessing.apply(crop.to_tensor(&loaded.device));
    let caught = loaded.model.forward(Start::Picture(input), &Pass::to(&taps))?;
    let missing = |layer| info.not_caught(layer);
    let logits = match classes {
        Some(classes) => {
            device::read(caught.grid(classes).ok_or_else(|| missing(classes))?).await?
        }
        None => Vec::new(),
    };
    let caught = caught.get(tap).ok_or_else(|| missing(tap))?.clone();
    let Caught { grid, extra } = looked.of(caught);
    let [_, _, height, width] = grid.dims();
    let class_token = match extra {
        Some(extra) => Some(device::read(extra.narrow(2, 0, 1)).await?),
        None => None,
    };
    let size = PictureSize { width, height };
    Ok(Outputs { logits, activation: device::read(grid).await?, size, class_token })
}

fn most_active(outputs: &Outputs, count: usize) -> Vec<ChannelActivation> {
    let area = outputs.area();
    let mut channels: Vec<_> = outputs
        .activation
        .chunks_exact(area)
        .enumerate()
        .map(|(channel, map)| ChannelActivation {
            channel,
            mean: map.iter().sum::<f32>() / area as f32,
            max: map.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            class_token: outputs.class_token.as_ref().and_then(|token| token.get(channel).copied()),
        })
        .collect();
    channels.sort_by(|one, other| other.mean.total_cmp(&one.mean));
    channels.truncate(count);
    channels
}

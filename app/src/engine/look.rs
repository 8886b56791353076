//! What the network sees in a picture: classes, and the channels that are most active.

use std::collections::{HashMap, HashSet};
use std::iter;

use shared::classes;
use shared::device;
use shared::image::Picture;
use shared::network::{Pass, Start};
use shared::readout::{Explained, Looked};
use shared::tap::Caught;

use super::core::Core;
use super::host::Host;
use super::latents;
use super::loaded::LoadedModel;
use super::picture;
use super::voice::{Ending, Voice};
use crate::failure;
use crate::protocol::{ChannelActivation, Classified, Classify, NOBODY, PictureSize};

/// How many classes are named.
const TOP: usize = 5;

/// Looks at a picture and says what it sees.
pub async fn classify<H: Host>(
    core: &Core<H>,
    voice: &Voice<Classified>,
    Classify { picture: size, layer, channels, at_each_place }: Classify,
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
    let explained = outputs.explained.iter().flat_map(|explained| &explained.shares);
    let mut numbers = outputs.logits.iter().chain(&outputs.activation).chain(explained);
    if !numbers.all(|value| value.is_finite()) {
        return Err(failure::no_numbers().into());
    }

    let strongest = strongest(&outputs, at_each_place);
    let ranked = most_active(&outputs, channels, &strongest);
    let mut sent = vec![crop.to_rgba8(), places(&ranked, &strongest, at_each_place)];
    sent.extend(outputs.explained.iter().map(|explained| picture::map_bytes(&explained.shares)));
    sent.extend(ranked.iter().map(|channel| picture::map_bytes(outputs.map(channel.channel))));
    let classified = Classified {
        top: classes::best(&outputs.logits, &loaded.labels, TOP),
        crop: PictureSize { width: crop.width(), height: crop.height() },
        layer: looked.info().name.clone(),
        map: outputs.size,
        channels: ranked,
        explained: outputs.explained.map(|explained| explained.whole),
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
    /// Of latents.
    explained: Option<Shares>,
}

/// How much latents explain of their layer.
struct Shares {
    /// At each place.
    shares: Vec<f32>,
    /// Over all places.
    whole: f32,
}

impl Shares {
    /// Less than nothing is explained where silence would be nearer; of a layer that is just what
    /// silence amounts to, everything.
    fn of(left: &[f32], whole: &[f32]) -> Self {
        let share = |left: f32, whole: f32| if 0.0 < whole { 1.0 - left / whole } else { 1.0 };
        let shares = left.iter().zip(whole).map(|(&left, &whole)| share(left, whole)).collect();
        Self { shares, whole: share(left.iter().sum(), whole.iter().sum()) }
    }
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
    let activation = caught.grid.clone();
    let Caught { grid, extra } = looked.of(caught);
    let explained = match looked.explains(activation, grid.clone()) {
        Some(Explained { left, whole }) => {
            Some(Shares::of(&device::read(left).await?, &device::read(whole).await?))
        }
        None => None,
    };
    let [_, _, height, width] = grid.dims();
    let class_token = match extra {
        Some(extra) => Some(device::read(extra.narrow(2, 0, 1)).await?),
        None => None,
    };
    let size = PictureSize { width, height };
    let activation = device::read(grid).await?;
    Ok(Outputs { logits, activation, size, class_token, explained })
}

/// The channels that are strongest at each place, the strongest first; nobody where no more are above
/// zero. `[places, count]`
fn strongest(outputs: &Outputs, count: usize) -> Vec<Vec<usize>> {
    let channels = outputs.activation.len() / outputs.area().max(1);
    let at = |place: usize| {
        let value = |channel: usize| outputs.activation[channel * outputs.area() + place];
        let mut firing: Vec<_> = (0..channels).filter(|&channel| 0.0 < value(channel)).collect();
        let stronger = |one: &usize, other: &usize| value(*other).total_cmp(&value(*one));
        if count < firing.len() {
            firing.select_nth_unstable_by(count, stronger);
            firing.truncate(count);
        }
        firing.sort_by(stronger);
        firing
    };
    match count {
        0 => Vec::new(),
        _ => (0..outputs.area()).map(at).collect(),
    }
}

/// The same by their places among `ranked`, as they travel.
fn places(ranked: &[ChannelActivation], strongest: &[Vec<usize>], count: usize) -> Vec<u8> {
    let among: HashMap<_, _> =
        ranked.iter().zip(0_u32..).map(|(ranked, place)| (ranked.channel, place)).collect();
    let listed = |channels: &Vec<usize>| {
        let found = channels.iter().filter_map(|channel| among.get(channel).copied());
        found.chain(iter::repeat(NOBODY)).take(count).flat_map(u32::to_le_bytes).collect::<Vec<_>>()
    };
    strongest.iter().flat_map(listed).collect()
}

/// The `count` most active channels and all of `others`, most active first.
fn most_active(outputs: &Outputs, count: usize, others: &[Vec<usize>]) -> Vec<ChannelActivation> {
    let others: HashSet<_> = others.iter().flatten().copied().collect();
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
    let ranked = channels.into_iter().enumerate();
    let wanted = ranked.filter(|(rank, it)| *rank < count || others.contains(&it.channel));
    wanted.map(|(_, channel)| channel).collect()
}

//! What the network sees in a picture: classes, and the channels that are most active.

use shared::device;
use shared::image::Picture;
use shared::ops::ReluGradient;

use super::answer::{Answer, Ending};
use super::host::Host;
use super::load::Loaded;
use super::{Core, failure};
use crate::protocol::{
    ChannelActivation, ClassScore, Classified, Failure, FailureKind, PictureSize,
};

/// Longest side of a picture that is accepted, in pixels.
const LONGEST_SIDE: usize = 8192;

/// How many classes are named.
const TOP: usize = 5;

/// Looks at a picture and says what it sees.
pub async fn classify<H: Host>(
    core: &Core<H>,
    answer: &Answer,
    size: PictureSize,
    buffers: Vec<Vec<u8>>,
    layer: &str,
    channels: usize,
) -> Result<(), Ending> {
    let loaded = core.loaded()?;
    core.healthy(&loaded)?;
    let info = loaded.model.info();
    let layer = info.layer(layer).map_err(failure::of)?.name.clone();
    let picture = read_picture(size, buffers, info.preprocessing.resize_shorter_side)?;
    let crop = info.preprocessing.classification_crop(&picture);
    drop(picture);

    let began = core.host.now();
    let seen = look(&loaded, &crop, &layer).await.map_err(|error| core.blame(&loaded, error))?;
    core.healthy(&loaded)?;
    answer.check_stopped()?;
    let milliseconds = core.host.now() - began;
    if !seen.logits.iter().chain(&seen.activation).all(|value| value.is_finite()) {
        return Err(failure::of(shared::Error::Device {
            device: "compute".to_owned(),
            reason: "the network's answer holds values that are no numbers".to_owned(),
        })
        .into());
    }

    let ranked = most_active(&seen, channels);
    let mut sent = vec![crop.to_rgba8()];
    sent.extend(ranked.iter().map(|channel| bytes(seen.map(channel.channel))));
    let classified = Classified {
        top: best_classes(&seen.logits, &loaded.labels),
        crop: PictureSize { width: crop.width(), height: crop.height() },
        layer,
        map: seen.size,
        channels: ranked,
        milliseconds,
    };
    answer.classified(classified, sent);
    Ok(())
}

/// A forward pass, read back.
struct Seen {
    logits: Vec<f32>,
    /// `[channels, height, width]`
    activation: Vec<f32>,
    size: PictureSize,
}

impl Seen {
    fn area(&self) -> usize {
        self.size.width * self.size.height
    }

    fn map(&self, channel: usize) -> &[f32] {
        &self.activation[channel * self.area()..][..self.area()]
    }
}

async fn look(loaded: &Loaded, crop: &Picture, layer: &str) -> shared::Result<Seen> {
    let info = loaded.model.info();
    let logits = info.layers.last().map_or("logits", |last| last.name.as_str());
    let missing = |name: &str| shared::Error::UnknownLayer {
        model: info.name.to_owned(),
        name: name.to_owned(),
        nearest: info.nearest_layer(name),
    };
    let input = info.preprocessing.apply(crop.to_tensor(&loaded.device));
    let taps = loaded.model.forward(input, &[layer, logits], ReluGradient::default())?;
    let activation = taps.get(layer).ok_or_else(|| missing(layer))?;
    let [_, _, height, width] = activation.dims();
    Ok(Seen {
        logits: device::read(taps.get(logits).ok_or_else(|| missing(logits))?).await?,
        activation: device::read(activation).await?,
        size: PictureSize { width, height },
    })
}

fn most_active(seen: &Seen, count: usize) -> Vec<ChannelActivation> {
    let area = seen.area();
    let mut channels: Vec<_> = seen
        .activation
        .chunks_exact(area)
        .enumerate()
        .map(|(channel, map)| ChannelActivation {
            channel,
            mean: map.iter().sum::<f32>() / area as f32,
            max: map.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        })
        .collect();
    channels.sort_by(|one, other| other.mean.total_cmp(&one.mean));
    channels.truncate(count);
    channels
}

fn best_classes(logits: &[f32], labels: &[String]) -> Vec<ClassScore> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |logit: f32| f64::from(logit - largest).exp();
    let total: f64 = logits.iter().map(|&logit| weight(logit)).sum();
    let mut classes: Vec<_> = logits.iter().copied().enumerate().collect();
    classes.sort_by(|one, other| other.1.total_cmp(&one.1));
    classes
        .into_iter()
        .take(TOP)
        .map(|(class, logit)| ClassScore {
            class,
            label: labels.get(class).cloned().unwrap_or_default(),
            logit,
            probability: (weight(logit) / total) as f32,
        })
        .collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The picture in a request. Much larger ones than the network needs are shrunk while they are
/// bytes, because as numbers they take four times the room.
fn read_picture(
    size: PictureSize,
    buffers: Vec<Vec<u8>>,
    wanted_side: usize,
) -> Result<Picture, Failure> {
    let PictureSize { width, height } = size;
    let unusable = |why: String| {
        let next = "Choose another picture, or a smaller copy of this one.";
        Failure::new(FailureKind::Picture, "This picture cannot be used.", why, next)
    };
    if width == 0 || height == 0 || LONGEST_SIDE < width.max(height) {
        return Err(unusable(format!(
            "It has {width}x{height} pixels; each side must have 1 to {LONGEST_SIDE}."
        )));
    }
    let needed = 4 * width * height;
    let bytes = buffers.into_iter().next().unwrap_or_default();
    if bytes.len() != needed {
        return Err(unusable(format!(
            "{width}x{height} pixels need {needed} bytes, found {}.",
            bytes.len()
        )));
    }
    let shrink = width.min(height) / (4 * wanted_side.max(1));
    if shrink < 2 {
        return Picture::from_rgba8(width, height, &bytes).map_err(failure::of);
    }
    let (width, height, bytes) = shrunk(width, height, &bytes, shrink);
    Picture::from_rgb8(width, height, &bytes).map_err(failure::of)
}

/// Means over squares of `factor` pixels of RGBA on white, as RGB; a rest at the edges is cut off.
fn shrunk(width: usize, height: usize, rgba: &[u8], factor: usize) -> (usize, usize, Vec<u8>) {
    let (columns, rows) = (width / factor, height / factor);
    let mut rgb = Vec::with_capacity(3 * columns * rows);
    for row in 0..rows {
        let mut sums = vec![[0_u32; 3]; columns];
        for line in rgba.chunks_exact(4 * width).skip(row * factor).take(factor) {
            let squares = line.chunks_exact(4 * factor);
            for (sum, square) in sums.iter_mut().zip(squares) {
                for pixel in square.chunks_exact(4) {
                    let alpha = u32::from(pixel[3]);
                    for (sum, &value) in sum.iter_mut().zip(pixel) {
                        *sum += (alpha * u32::from(value) + (255 - alpha) * 255 + 127) / 255;
                    }
                }
            }
        }
        let area = (factor * factor) as u32;
        rgb.extend(sums.iter().flatten().map(|sum| ((sum + area / 2) / area) as u8));
    }
    (columns, rows, rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_means_over_squares_and_shows_white_through() {
        // Black and white columns, then clear ones; the fifth column is cut off.
        let line = [[0, 0, 0, 255], [255, 255, 255, 255], [9, 9, 9, 0], [9, 9, 9, 0], [1; 4]];
        let rgba: Vec<u8> = line.iter().cycle().take(10).flatten().copied().collect();
        let (width, height, rgb) = shrunk(5, 2, &rgba, 2);
        assert_eq!((width, height), (2, 1));
        assert_eq!(rgb, [128, 128, 128, 255, 255, 255]);
    }

    #[test]
    fn a_large_photograph_keeps_its_look() {
        let size = PictureSize { width: 2100, height: 2050 };
        let grey = vec![200; 4 * size.width * size.height];
        let opaque: Vec<u8> =
            grey.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect();
        let picture = read_picture(size, vec![opaque], 256).unwrap();
        assert_eq!((picture.width(), picture.height()), (1050, 1025));
        assert!(picture.planes().iter().all(|value| (value - 200.0 / 255.0).abs() < 1e-6));
    }

    #[test]
    fn probabilities_are_those_of_softmax() {
        let labels: Vec<String> = (0..7).map(|class| format!("class {class}")).collect();
        let top = best_classes(&[0.0, 3.0, -1.0, 2.0, 900.0, 2.5, 1.0], &labels);
        assert_eq!(top.iter().map(|score| score.class).collect::<Vec<_>>(), [4, 1, 5, 3, 6]);
        assert_eq!((top[0].label.as_str(), top[0].probability), ("class 4", 1.0));
        let halves = best_classes(&[1.5, 1.5], &labels);
        assert!(halves.iter().all(|score| (score.probability - 0.5).abs() < 1e-6));
    }
}

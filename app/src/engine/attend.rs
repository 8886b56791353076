//! Where the tokens of a block look in a picture.

use shared::burn::tensor::Tensor;
use shared::device;
use shared::image::Picture;
use shared::network::{Pass, Start};
use shared::ops::attention_weights;
use shared::tap::{Caught, LayerId};

use super::core::Core;
use super::host::Host;
use super::loaded::LoadedModel;
use super::picture;
use super::voice::{Ending, Voice};
use crate::attention::compared;
use crate::failure;
use crate::protocol::{Attend, Attended, Failure, FailureKind, PictureSize};

/// Runs the network to a block and says how much each of its tokens attends to each other.
pub async fn attend<H: Host>(
    core: &Core<H>,
    voice: &Voice<Attended>,
    Attend { picture: size, block }: Attend,
    buffers: Vec<Vec<u8>>,
) -> Result<(), Ending> {
    let loaded = core.loaded()?;
    core.healthy(&loaded)?;
    let info = loaded.model.info();
    let Some((layer, heads)) = compared(&info.layers).nth(block) else {
        return Err(match compared(&info.layers).count() {
            0 => without(info.title),
            blocks => beyond(info.title, block, blocks),
        }
        .into());
    };
    let bytes = buffers.into_iter().next().unwrap_or_default();
    let picture = picture::read(size, bytes, info.preprocessing.resize.side())?;
    let crop = info.preprocessing.classification_crop(&picture);
    drop(picture);

    let began = core.host.now();
    let looked = look(&loaded, &crop, layer, heads).await;
    let looked = looked.map_err(|error| core.blame(&loaded, error))?;
    core.healthy(&loaded)?;
    voice.check_stopped()?;
    let milliseconds = core.host.now() - began;
    if !looked.weights.iter().all(|value| value.is_finite()) {
        return Err(failure::no_numbers().into());
    }
    let Looked { weights, extra, patches } = looked;
    let attended = Attended { block, heads, extra, patches, milliseconds };
    voice.say(attended, vec![picture::map_bytes(&weights)]);
    Ok(())
}

fn without(model: &str) -> Failure {
    Failure::new(
        FailureKind::Input,
        "This network has no attention to show.",
        format!("Nothing in {model} attends to anything."),
        "Choose a vision transformer.",
    )
}

fn beyond(model: &str, block: usize, blocks: usize) -> Failure {
    Failure::new(
        FailureKind::Input,
        "This network has no such block.",
        format!("It is block {block}, and {model} has blocks 0 to {}.", blocks - 1),
        "Choose one that exists.",
    )
}

/// What heads make of a forward pass to what they compare, read back.
struct Looked {
    /// `[heads, tokens, tokens]`
    weights: Vec<f32>,
    extra: usize,
    patches: PictureSize,
}

async fn look(
    loaded: &LoadedModel,
    crop: &Picture,
    layer: LayerId,
    heads: usize,
) -> shared::Result<Looked> {
    let info = loaded.model.info();
    let input = info.preprocessing.apply(crop.to_tensor(&loaded.device));
    let caught = loaded.model.forward(Start::Picture(input), &Pass::to(&[layer]))?;
    let Caught { grid, extra } = caught.get(layer).ok_or_else(|| info.not_caught(layer))?.clone();
    let [batch, channels, height, width] = grid.dims();
    let places = grid.reshape([batch, channels, 1, height * width]);
    let (tokens, extra) = match extra {
        Some(extra) => {
            let [.., count] = extra.dims();
            let extra = extra.reshape([batch, channels, 1, count]);
            (Tensor::cat(vec![extra, places], 3), count)
        }
        None => (places, 0),
    };
    let weights = device::read(attention_weights(tokens, heads)).await?;
    Ok(Looked { weights, extra, patches: PictureSize { width, height } })
}

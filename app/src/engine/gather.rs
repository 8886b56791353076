//! What a layer gives for pictures, kept for a dictionary to learn from.

use std::rc::Rc;

use shared::device;
use shared::network::{Pass, Start};

use super::activations::Activations;
use super::core::Core;
use super::host::Host;
use super::picture;
use super::voice::{Ending, Voice};
use crate::failure;
use crate::protocol::{Failure, FailureKind, Gather, Gathered, PictureSize};

/// Looks at a picture and keeps what the layer gives for it.
pub async fn gather<H: Host>(
    core: &Core<H>,
    voice: &Voice<Gathered>,
    Gather { picture: size, layer, number, count }: Gather,
    buffers: Vec<Vec<u8>>,
) -> Result<(), Ending> {
    let loaded = core.loaded()?;
    core.healthy(&loaded)?;
    let info = loaded.model.info();
    let tap = info.layer_id(&layer).map_err(failure::of)?;
    let bytes = buffers.into_iter().next().unwrap_or_default();
    let crop = picture::cut(size, bytes, &info.preprocessing)?;

    let blame = |error| core.blame(&loaded, error);
    let input = info.preprocessing.apply(crop.to_tensor(&loaded.device));
    let caught = loaded.model.forward(Start::Picture(input), &Pass::to(&[tap])).map_err(blame)?;
    let grid = caught.get(tap).ok_or_else(|| blame(info.not_caught(tap)))?.grid.clone();
    let [_, channels, height, width] = grid.dims();
    let values = device::read(grid).await.map_err(blame)?;
    core.healthy(&loaded)?;
    voice.check_stopped()?;
    if !values.iter().all(|value| value.is_finite()) {
        return Err(failure::no_numbers().into());
    }

    let grid = PictureSize { width, height };
    let layer = info.at(tap).name.clone();
    let begin = || Activations::new(&loaded.weights_sha256, &layer, [channels, count], grid);
    let gathered = {
        let mut kept = core.gathered.borrow_mut();
        let before = kept.take().filter(|before| {
            number != 0 && before.layer == layer && before.weights_sha256 == loaded.weights_sha256
        });
        let mut gathered = before.unwrap_or_else(begin);
        if gathered.pictures.len() != number {
            return Err(out_of_order().into());
        }
        let area = width * height;
        let at = |&place: &u32| (0..channels).map(move |channel| channel * area + place as usize);
        let places = gathered.places.iter();
        let of_picture = places.flat_map(|place| at(place).map(|index| values[index])).collect();
        gathered.pictures.push(Rc::new(of_picture));
        let said = Gathered { places: gathered.count(), grid };
        *kept = Some(gathered);
        said
    };
    voice.say(gathered, Vec::new());
    core.host.breathe().await;
    Ok(())
}

fn out_of_order() -> Failure {
    Failure::new(
        FailureKind::NotReady,
        "The pictures gathered before are not here any more.",
        "The network, its layer or its device has changed in between.",
        "Begin with the first picture again.",
    )
}

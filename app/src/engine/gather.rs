//! What a layer gives for pictures, kept for a dictionary to learn from.

use std::rc::Rc;

use shared::device;
use shared::network::{Pass, Start};

use super::core::Core;
use super::host::Host;
use super::picture;
use super::voice::{Ending, Voice};
use crate::failure;
use crate::protocol::{Failure, FailureKind, Gather, Gathered, PictureSize};

/// The most places of a picture that are kept.
const PLACES: usize = 256;

/// The most numbers that are kept of all pictures.
const NUMBERS: usize = 24 << 20;

/// What a layer gave for pictures, each at the same places.
#[derive(Clone, Debug)]
pub struct Activations {
    /// Of the network's weights, hexadecimal.
    pub weights_sha256: String,
    /// The layer's canonical name.
    pub layer: String,
    /// Of the layer.
    pub channels: usize,
    /// Which of its places are kept, row by row.
    pub places: Rc<Vec<u32>>,
    /// Of each picture, `[places, channels]`.
    pub pictures: Vec<Rc<Vec<f32>>>,
}

impl Activations {
    /// Places of all pictures together.
    pub fn count(&self) -> usize {
        self.pictures.len() * self.places.len()
    }

    /// What was given at one of these, `[channels]`.
    pub fn at(&self, index: usize) -> &[f32] {
        let [picture, place] = [index / self.places.len(), index % self.places.len()];
        &self.pictures[picture][place * self.channels..][..self.channels]
    }
}

/// Places that lie evenly over a grid, so many at most.
fn evenly(grid: PictureSize, most: usize) -> Vec<u32> {
    let apart = (1..)
        .find(|apart| grid.width.div_ceil(*apart) * grid.height.div_ceil(*apart) <= most.max(1));
    let apart = apart.unwrap_or(1);
    let along = |side: usize| (apart / 2..side).step_by(apart);
    let at = |row: usize, column: usize| (row * grid.width + column) as u32;
    along(grid.height)
        .flat_map(|row| along(grid.width).map(move |column| at(row, column)))
        .collect()
}

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
    let begin = || Activations {
        weights_sha256: loaded.weights_sha256.clone(),
        layer: layer.clone(),
        channels,
        places: Rc::new(evenly(grid, PLACES.min(NUMBERS / (channels * count.max(1))))),
        pictures: Vec::new(),
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_grid_is_kept_whole_and_a_large_one_evenly() {
        let side = |side| PictureSize { width: side, height: side };
        assert_eq!(evenly(side(3), 256), (0..9).collect::<Vec<_>>());
        let kept = evenly(side(56), 256);
        assert_eq!(kept.len(), 14 * 14);
        assert_eq!(kept[..2], [2 * 56 + 2, 2 * 56 + 6]);
        assert!(kept.iter().all(|place| *place < 56 * 56));
        assert_eq!(evenly(side(7), 0).len(), 1);
    }
}

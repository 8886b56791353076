//! What a layer gave for pictures.

use std::rc::Rc;

use crate::protocol::PictureSize;

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
    /// None yet, of so many channels and of so many pictures that will come.
    pub fn new(
        weights_sha256: &str,
        layer: &str,
        [channels, count]: [usize; 2],
        grid: PictureSize,
    ) -> Self {
        let most = PLACES.min(NUMBERS / channels.saturating_mul(count).max(1));
        Self {
            weights_sha256: weights_sha256.to_owned(),
            layer: layer.to_owned(),
            channels,
            places: Rc::new(evenly(grid, most)),
            pictures: Vec::new(),
        }
    }

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

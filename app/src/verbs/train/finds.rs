//! What latents were found in, as the engine says it.

use crate::protocol::{NOBODY, PictureSize, SHOWN};
use crate::sprite::Square;

/// Bytes of a latent.
const RECORD: usize = 4 + 12 * SHOWN;

/// Side of what is shown around a place, in sides of the picture.
const AROUND: f64 = 0.36;

/// Where a latent is strongest in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Find {
    /// Which picture, from 0.
    pub picture: usize,
    /// Row and column.
    pub place: [usize; 2],
    /// The latent's value there.
    pub value: f32,
}

/// What all latents were found in.
#[derive(Clone, Debug, PartialEq)]
pub struct Finds {
    bytes: Vec<u8>,
    grid: PictureSize,
}

impl Finds {
    /// From the bytes that [`crate::protocol::Learned`] describes, of a layer of this size.
    pub fn new(bytes: Vec<u8>, grid: PictureSize) -> Self {
        Self { bytes, grid }
    }

    /// How many latents there are.
    pub fn latents(&self) -> usize {
        self.bytes.len() / RECORD
    }

    fn number(&self, place: usize) -> Option<[u8; 4]> {
        self.bytes.get(place..place + 4)?.try_into().ok()
    }

    fn value(&self, place: usize) -> f32 {
        self.number(place).map_or(0.0, f32::from_le_bytes)
    }

    /// The share of places where a latent fires.
    pub fn share(&self, latent: usize) -> f32 {
        self.value(latent * RECORD)
    }

    /// Where a latent is strongest, the strongest first.
    pub fn of(&self, latent: usize) -> Vec<Find> {
        let start = latent * RECORD + 4;
        let found = (0..SHOWN).map(|index| start + 12 * index).map_while(|at| {
            let picture = u32::from_le_bytes(self.number(at)?);
            let place = u32::from_le_bytes(self.number(at + 4)?) as usize;
            let place = [place / self.grid.width.max(1), place % self.grid.width.max(1)];
            let value = self.value(at + 8);
            (picture != NOBODY).then_some(Find { picture: picture as usize, place, value })
        });
        found.collect()
    }

    /// The latents that fire, the strongest first: what all pictures have is seldom strong.
    pub fn firing(&self) -> Vec<usize> {
        let strongest = |latent: usize| self.value(latent * RECORD + 12);
        let mut firing: Vec<_> = (0..self.latents()).filter(|it| 0.0 < self.share(*it)).collect();
        firing.sort_by(|one, other| strongest(*other).total_cmp(&strongest(*one)));
        firing
    }

    /// What is shown around a place, inside the picture.
    pub fn around(&self, [row, column]: [usize; 2]) -> Square {
        let centre = |index: usize, count: usize| (index as f64 + 0.5) / count.max(1) as f64;
        let from = |centre: f64| (centre - AROUND / 2.0).clamp(0.0, 1.0 - AROUND);
        Square {
            left: from(centre(column, self.grid.width)),
            top: from(centre(row, self.grid.height)),
            side: AROUND,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds() -> Finds {
        let mut bytes = Vec::new();
        for (share, shown) in [(0.25_f32, vec![(3_u32, 5_u32, 2.5_f32)]), (0.0, vec![])] {
            bytes.extend(share.to_le_bytes());
            for index in 0..SHOWN {
                let (picture, place, value) = shown.get(index).copied().unwrap_or((NOBODY, 0, 0.0));
                bytes.extend(picture.to_le_bytes());
                bytes.extend(place.to_le_bytes());
                bytes.extend(value.to_le_bytes());
            }
        }
        Finds::new(bytes, PictureSize { width: 4, height: 2 })
    }

    #[test]
    fn latents_are_read_as_they_were_written() {
        let finds = finds();
        assert_eq!((finds.latents(), finds.share(0), finds.firing()), (2, 0.25, vec![0]));
        assert_eq!(finds.of(0), [Find { picture: 3, place: [1, 1], value: 2.5 }]);
        assert_eq!(finds.of(1), []);
        assert_eq!(finds.of(7), [], "cut short");
    }

    #[test]
    fn what_is_shown_lies_inside_the_picture() {
        let Square { left, top, side } = finds().around([0, 3]);
        assert!((top - 0.07).abs() < 1e-9, "{top}");
        assert!((left + side - 1.0).abs() < 1e-9, "{left}");
    }
}

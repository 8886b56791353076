//! Batches of pictures to what layers answer: the one loop of every job that looks at pictures.
//!
//! Three things go on at a time: pictures are decoded, the network computes with a batch of them,
//! and whoever asked works on what it answered to the batch before.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, Error, Result, anyhow};
use shared::burn::tensor::Device;
use shared::image::Picture;
use shared::readout::Looked;
use shared::tap::{Activations, Caught, LayerId};

use crate::interrupt;
use crate::model::LoadedModel;
use crate::pictures::ahead::FEW;
use crate::pictures::listing::Listing;
use crate::progress::{Counted, Progress};

/// A network's way over pictures, as a classifier sees them: resized and cropped as it declares.
pub struct Walk<'a> {
    /// What its progress is called; nothing, where it is a part of what shows its own.
    pub name: Option<&'static str>,
    /// The network.
    pub loaded: &'a LoadedModel,
    /// Where it computes.
    pub device: &'a Device,
    /// Layers to be caught.
    pub taps: &'a [LayerId],
    /// Pictures computed together.
    pub batch: usize,
    /// No batch goes on over a multiple of this: what is kept in pieces of so many pictures is the
    /// same wherever a run began. [`ONE_PIECE`] where nothing is.
    pub piece: u64,
}

/// All pictures are one piece.
pub const ONE_PIECE: u64 = u64::MAX;

/// A batch that went through the network.
pub struct Batch {
    /// Pictures that are done with it, from the first of all.
    pub done: u64,
    /// In the order of the tensors.
    pub pictures: Vec<Numbered>,
    /// Others up to its end, which could not be read.
    pub unreadable: Vec<Numbered>,
    /// What was caught; empty where there are no pictures.
    pub activations: Activations,
}

/// Which picture of all it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// From 0, in the order of the walk.
    pub number: u64,
    /// As [`crate::pictures::found::Found::name`].
    pub name: String,
}

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// Every picture was looked at.
    Whole,
    /// Ctrl-C was pressed.
    Stopped,
}

impl Ended {
    /// An error if Ctrl-C was pressed, for jobs that have nothing left to save.
    pub fn whole(self) -> Result<()> {
        if self == Self::Stopped { interrupt::check() } else { Ok(()) }
    }
}

impl Batch {
    /// What a token without a place holds in a layer, the class token being number 0.
    ///
    /// # Shapes
    /// - returns: `[pictures, channels]`
    ///
    /// # Errors
    /// The layer is none of those to be caught or has no such token, or its device fails.
    pub fn token(&self, looked: &Looked, number: usize) -> Result<Vec<f32>> {
        let extra = self.caught(looked)?.extra.filter(|extra| number < extra.dims()[2]);
        let token = extra.context("this layer has no such token")?.narrow(2, number, 1);
        Ok(pollster::block_on(shared::device::read(token))?)
    }

    /// The values at the places of a layer, and their shape.
    ///
    /// # Shapes
    /// - returns: `[pictures, channels, rows, columns]`
    ///
    /// # Errors
    /// The layer is none of those to be caught, or its device fails.
    pub fn places(&self, looked: &Looked) -> Result<(Vec<f32>, [usize; 4])> {
        let Caught { grid, .. } = self.caught(looked)?;
        let shape = grid.dims();
        Ok((pollster::block_on(shared::device::read(grid))?, shape))
    }

    fn caught(&self, looked: &Looked) -> Result<Caught> {
        let caught = self.activations.get(looked.tap()).context("this layer was not caught")?;
        Ok(looked.of(caught.clone()))
    }

    /// The values that a layer answered, and their shape.
    ///
    /// # Shapes
    /// - returns: `[pictures, channels, rows, columns]`
    ///
    /// # Errors
    /// The layer is none of those to be caught, or its device fails.
    pub fn take(&mut self, layer: LayerId) -> Result<(Vec<f32>, [usize; 4])> {
        let caught = self.activations.0.remove(&layer).context("this layer was not caught")?;
        let shape = caught.grid.dims();
        Ok((pollster::block_on(shared::device::read(caught.grid))?, shape))
    }
}

/// A batch on its way, and why pictures up to its end are not in it.
type Computed = (Batch, Vec<Error>);

impl Walk<'_> {
    /// Hands every batch of some pictures, by their numbers, to `each`, in order. Pictures that
    /// cannot be read are named.
    ///
    /// # Errors
    /// The first of `each`, of the network or of the walk; pictures that changed since they were
    /// listed.
    pub fn run(
        &self,
        listing: &Listing,
        pictures: Range<u64>,
        each: impl FnMut(&Progress, Batch) -> Result<()>,
    ) -> Result<Ended> {
        let (give, take) = sync_channel(0);
        thread::scope(|scope| {
            let computed = pictures.clone();
            let network = scope.spawn(move || self.compute(listing, computed, &give));
            self.hand_on(pictures, take, each)?;
            network.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Runs the network until nobody takes the results or Ctrl-C is pressed.
    fn compute(
        &self,
        listing: &Listing,
        numbers: Range<u64>,
        give: &SyncSender<Computed>,
    ) -> Result<Ended> {
        let preprocessing = self.loaded.model.info().preprocessing.clone();
        let crop = move |picture: Picture| Ok(preprocessing.classification_crop(&picture));
        let mut ahead = listing.decode_ahead(numbers.start, self.batch.max(FEW), crop);
        let mut done = numbers.start;
        while done < numbers.end {
            if interrupt::requested() {
                return Ok(Ended::Stopped);
            }
            let piece_end = (done / self.piece + 1).saturating_mul(self.piece).min(numbers.end);
            let (mut pictures, mut crops) = (Vec::new(), Vec::new());
            let (mut unreadable, mut skipped) = (Vec::new(), Vec::new());
            while crops.len() < self.batch && done < piece_end {
                let Some(decoded) = ahead.next().transpose()? else {
                    return Err(changed(listing, done));
                };
                let picture = Numbered { number: done, name: decoded.name };
                match decoded.picture {
                    Ok(crop) => {
                        pictures.push(picture);
                        crops.push(crop);
                    }
                    Err(error) => {
                        unreadable.push(picture);
                        skipped.push(error);
                    }
                }
                done += 1;
            }
            let activations = match crops.as_slice() {
                [] => Activations::default(),
                crops => self.loaded.activations(crops, self.taps, self.device)?,
            };
            let batch = Batch { done, pictures, unreadable, activations };
            if give.send((batch, skipped)).is_err() {
                // Whoever took them has the reason.
                return Ok(Ended::Stopped);
            }
        }
        if done == listing.pictures && ahead.next().transpose()?.is_some() {
            return Err(changed(listing, done + 1));
        }
        Ok(Ended::Whole)
    }

    /// Hands on what the network computes, as it comes.
    fn hand_on(
        &self,
        numbers: Range<u64>,
        take: Receiver<Computed>,
        mut each: impl FnMut(&Progress, Batch) -> Result<()>,
    ) -> Result<()> {
        let counted = Counted::Things("pictures");
        let mut progress = match self.name {
            Some(name) => Progress::resumed(name, numbers.start, Some(numbers.end), counted),
            None => Progress::hidden(),
        };
        let mut done = numbers.start;
        for (batch, skipped) in take {
            skipped.iter().for_each(|error| progress.note(&format!("skipped: {error:#}")));
            let more = batch.done - done;
            done = batch.done;
            each(&progress, batch)?;
            progress.advance(more);
        }
        progress.finish();
        Ok(())
    }
}

/// What is said of pictures that became more or fewer.
fn changed(listing: &Listing, found: u64) -> Error {
    anyhow!(
        "{} held {} pictures at first and {found} later: did it change?",
        listing.name(),
        listing.pictures
    )
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;
    use crate::built_in;
    use crate::pictures::source::Source;

    /// Five pictures, the second broken.
    fn five() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..5_u8 {
            let path = folder.path().join(format!("{number}.png"));
            image::RgbImage::from_pixel(9, 7, image::Rgb([50 * number, 9, 90]))
                .save(&path)
                .unwrap();
        }
        std::fs::write(folder.path().join("1.png"), "prose").unwrap();
        folder
    }

    /// What comes of each batch: pictures done, those in it, the others, and the values.
    type Handed = (u64, Vec<u64>, Vec<u64>, Vec<f32>);

    fn run(numbers: Range<u64>, batch: usize, piece: u64) -> Result<Vec<Handed>> {
        let folder = five();
        let listing = Listing::of(vec![Source::new(folder.path()).unwrap()]).unwrap();
        let device = shared::device::cpu();
        let loaded = LoadedModel::load(built_in::MODEL, None, &device).unwrap();
        let stem = loaded.model.info().layer_id("stem").unwrap();
        let taps = &[stem];
        let walk =
            Walk { name: Some("test"), loaded: &loaded, device: &device, taps, batch, piece };
        let mut handed = Vec::new();
        let ended = walk.run(&listing, numbers.clone(), |_, mut batch| {
            let seen: Vec<u64> = batch.pictures.iter().map(|picture| picture.number).collect();
            let mut values = Vec::new();
            if !seen.is_empty() {
                let (all, shape) = batch.take(stem)?;
                assert_eq!((shape[0], shape.iter().product()), (seen.len(), all.len()));
                values
                    .extend(all.chunks(all.len() / seen.len()).map(|one| one.iter().sum::<f32>()));
            }
            if seen.contains(&3) && batch.done == 4 && numbers.start == 3 {
                bail!("enough");
            }
            let unreadable = batch.unreadable.iter().map(|picture| picture.number).collect();
            handed.push((batch.done, seen, unreadable, values));
            Ok(())
        })?;
        assert_eq!(ended, Ended::Whole);
        Ok(handed)
    }

    #[test]
    fn batches_come_in_order_with_what_could_not_be_read_between() {
        let one_by_one = run(0..5, 1, ONE_PIECE).unwrap();
        let numbers: Vec<_> = one_by_one
            .iter()
            .map(|(done, numbers, bad, _)| (*done, numbers.clone(), bad.clone()))
            .collect();
        let expected = [
            (1, vec![0], vec![]),
            (3, vec![2], vec![1]),
            (4, vec![3], vec![]),
            (5, vec![4], vec![]),
        ];
        assert_eq!(numbers, expected);
        let values = |handed: &[Handed]| -> Vec<f32> {
            handed.iter().flat_map(|(.., values)| values.clone()).collect()
        };
        for batch in [2, 3, 9] {
            let handed = run(0..5, batch, ONE_PIECE).unwrap();
            assert_eq!(handed.last().unwrap().0, 5);
            for (one, other) in values(&one_by_one).iter().zip(values(&handed)) {
                assert!((one - other).abs() <= 1e-4 * one.abs(), "{one} beside {other}");
            }
        }
    }

    #[test]
    fn a_pass_goes_on_from_any_picture_and_ends_at_the_first_error() {
        let handed = run(2..5, 2, ONE_PIECE).unwrap();
        let numbers: Vec<u64> = handed.into_iter().flat_map(|(_, numbers, ..)| numbers).collect();
        assert_eq!(numbers, [2, 3, 4]);
        assert_eq!(run(3..5, 1, ONE_PIECE).unwrap_err().to_string(), "enough");
    }

    #[test]
    fn batches_end_with_their_piece_wherever_a_pass_began_and_ends() {
        let seen = |numbers, batch| -> Vec<(u64, Vec<u64>)> {
            let handed = run(numbers, batch, 2).unwrap();
            handed.into_iter().map(|(done, seen, ..)| (done, seen)).collect()
        };
        let all = [(2, vec![0]), (4, vec![2, 3]), (5, vec![4])];
        assert_eq!(seen(0..5, 9), all);
        assert_eq!(seen(2..5, 9), all[1..]);
        assert_eq!(seen(0..4, 9), all[..2]);
        assert_eq!(seen(2..3, 9), [(3, vec![2])]);
    }
}

//! Batches of pictures to what layers answer: the one loop of every job that looks at pictures.
//!
//! Three things go on at a time: pictures are decoded, the network computes with a batch of them,
//! and whoever asked works on what it answered to the batch before.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, Error, Result, bail};
use shared::burn::tensor::Device;
use shared::image::Picture;
use shared::tap::{Activations, LayerId};

use crate::interrupt;
use crate::model::LoadedModel;
use crate::pictures::ahead::FEW;
use crate::pictures::listing::Listing;
use crate::progress::{Counted, Progress};

/// A network's way over pictures, as a classifier sees them: resized and cropped as it declares.
pub struct Walk<'a> {
    /// What its progress is called.
    pub name: &'static str,
    /// The network.
    pub loaded: &'a LoadedModel,
    /// Where it computes.
    pub device: &'a Device,
    /// Layers to be caught.
    pub taps: &'a [LayerId],
    /// Pictures computed together.
    pub batch: usize,
    /// What becomes of pictures too narrow for the network's crop.
    pub narrow: Narrow,
}

/// What becomes of pictures too narrow for the network's crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Narrow {
    /// They are computed as they are, with those of the same size.
    Kept,
    /// They count as unreadable: every picture has the same positions.
    Refused,
}

/// A batch that went through the network. Its pictures are of one size.
pub struct Batch {
    /// Pictures that are done with it, from the first of all.
    pub done: u64,
    /// In the order of the tensors.
    pub pictures: Vec<Numbered>,
    /// How many others up to its end could not be read.
    pub unreadable: u64,
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
    /// The values that a layer answered, and their shape.
    ///
    /// # Shapes
    /// - returns: `[pictures, channels, rows, columns]`
    ///
    /// # Errors
    /// The layer is none of those to be caught, or its device fails.
    pub fn take(&mut self, layer: LayerId) -> Result<(Vec<f32>, [usize; 4])> {
        let caught = self.activations.0.remove(&layer).context("this layer was not caught")?;
        let shape = caught.dims();
        Ok((pollster::block_on(shared::device::read(caught))?, shape))
    }
}

/// A batch on its way, and why pictures up to its end are not in it.
type Computed = (Batch, Vec<Error>);

impl Walk<'_> {
    /// Hands every batch from picture number `from` on to `each`, in order. Pictures that cannot be
    /// read are named.
    ///
    /// # Errors
    /// The first of `each`, of the network or of the walk; pictures that changed since they were
    /// listed.
    pub fn run(
        &self,
        listing: &Listing,
        from: u64,
        each: impl FnMut(&Progress, Batch) -> Result<()>,
    ) -> Result<Ended> {
        let (give, take) = sync_channel(0);
        thread::scope(|scope| {
            let network = scope.spawn(move || self.compute(listing, from, &give));
            let done = self.hand_on(listing, from, take, each)?;
            let ended = network.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            if ended == Ended::Whole && done != listing.pictures {
                bail!(
                    "{} held {} pictures at first and {done} later: did it change?",
                    listing.name(),
                    listing.pictures
                );
            }
            Ok(ended)
        })
    }

    /// Runs the network until nobody takes the results or Ctrl-C is pressed.
    fn compute(&self, listing: &Listing, from: u64, give: &SyncSender<Computed>) -> Result<Ended> {
        let preprocessing = self.loaded.model.info().preprocessing.clone();
        let narrow = self.narrow;
        let crop = move |picture: Picture| {
            let crop = preprocessing.classification_crop(&picture);
            if narrow == Narrow::Refused && size(&crop) != (preprocessing.crop, preprocessing.crop)
            {
                bail!("{}x{} pixels are too few to crop", picture.width(), picture.height());
            }
            Ok(crop)
        };
        let mut ahead = listing.decode_ahead(from, self.batch.max(FEW), crop);
        let mut number = from;
        // A picture of another size than those before it begins the next batch.
        let mut waiting: Option<(Numbered, Picture)> = None;
        while !interrupt::requested() {
            let (mut pictures, mut crops): (Vec<_>, Vec<_>) = waiting.take().into_iter().unzip();
            let mut skipped = Vec::new();
            while crops.len() < self.batch && waiting.is_none() {
                let Some(decoded) = ahead.next().transpose()? else { break };
                let numbered = Numbered { number, name: decoded.name };
                number += 1;
                match decoded.picture {
                    Err(error) => skipped.push(error),
                    Ok(crop) if crops.first().is_none_or(|first| size(first) == size(&crop)) => {
                        pictures.push(numbered);
                        crops.push(crop);
                    }
                    Ok(crop) => waiting = Some((numbered, crop)),
                }
            }
            if crops.is_empty() && skipped.is_empty() {
                return Ok(Ended::Whole);
            }
            let activations = match crops.as_slice() {
                [] => Activations::default(),
                crops => self.loaded.activations(crops, self.taps, self.device)?,
            };
            let done = number - u64::from(waiting.is_some());
            let unreadable = skipped.len() as u64;
            let batch = Batch { done, pictures, unreadable, activations };
            if give.send((batch, skipped)).is_err() {
                // Whoever took them has the reason.
                break;
            }
        }
        Ok(Ended::Stopped)
    }

    /// Hands on what the network computes, as it comes; returns how many pictures are done.
    fn hand_on(
        &self,
        listing: &Listing,
        from: u64,
        take: Receiver<Computed>,
        mut each: impl FnMut(&Progress, Batch) -> Result<()>,
    ) -> Result<u64> {
        let counted = Counted::Things("pictures");
        let mut progress = Progress::resumed(self.name, from, Some(listing.pictures), counted);
        let mut done = from;
        for (batch, skipped) in take {
            skipped.iter().for_each(|error| progress.note(&format!("skipped: {error:#}")));
            let more = batch.done - done;
            done = batch.done;
            each(&progress, batch)?;
            progress.advance(more);
        }
        progress.finish();
        Ok(done)
    }
}

fn size(picture: &Picture) -> (usize, usize) {
    (picture.width(), picture.height())
}

//! Activations straight from pictures: the network computes what a buffer has room for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use shared::burn::tensor::Device;
use shared::format::shards::{Array, Named, TokenKind};
use shared::image::Picture;
use shared::tap::{LayerId, LayerInfo};

use super::supply::Supply;
use crate::activations::{ONE_PIECE, Walk};
use crate::exemplars::label::Labels;
use crate::failure::WrongCall;
use crate::hash;
use crate::model::LoadedModel;
use crate::pictures::apart::Apart;
use crate::pictures::listing::Listing;
use crate::record::tokens::Answer;

/// What a layer of a network answers to pictures, computed whenever it is asked for.
pub struct Live<'a> {
    loaded: &'a LoadedModel,
    device: &'a Device,
    layer: &'a LayerInfo,
    tap: LayerId,
    tokens: TokenKind,
    /// Pictures computed together.
    batch: usize,
    array: Array,
    pictures: Apart,
    labels: &'a Labels,
    sha256: String,
    /// Names of those that could not be read so far.
    unreadable: Mutex<BTreeSet<String>>,
}

impl<'a> Live<'a> {
    /// Of a layer; `batch` pictures are computed together.
    ///
    /// # Errors
    /// The layer has no such tokens, or pictures lie in a .tar file.
    pub fn new(
        (loaded, device): (&'a LoadedModel, &'a Device),
        layer: &'a LayerInfo,
        (listing, labels): (&Listing, &'a Labels),
        tokens: TokenKind,
        batch: usize,
    ) -> Result<Self> {
        let info = loaded.model.info();
        let tap = info.layer_id(&layer.name)?;
        // What the layer answers to a black picture tells its shape.
        let side = info.preprocessing.crop;
        let black = Picture::from_planes(side, side, vec![0.0; 3 * side * side])?;
        let mut activations = loaded.activations([&black], &[tap], device)?;
        let array = Answer::take(&mut activations, tap)?.array(tokens).map_err(|reason| {
            WrongCall(format!("--tokens {} of {}: {reason}", tokens.name(), layer.name))
        })?;
        let named = Named {
            model: info.name.to_owned(),
            weights_sha256: loaded.sha256.clone(),
            preprocessing: info.preprocessing.clone(),
            pictures_sha256: listing.sha256.clone(),
            titles_sha256: labels.sha256().map(str::to_owned),
        };
        let sha256 = hash::sha256(&serde_json::to_vec(&(named, tokens, &layer.name))?);
        let (pictures, unreadable) = (Apart::of(listing)?, Mutex::default());
        Ok(Self {
            loaded,
            device,
            layer,
            tap,
            tokens,
            batch,
            array,
            pictures,
            labels,
            sha256,
            unreadable,
        })
    }

    /// How many pictures there are, and how many of those looked at so far could not be read.
    pub fn unreadable(&self) -> [usize; 2] {
        let unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        [self.pictures.names().count(), unreadable.len()]
    }

    /// Hands what the layer answers to some pictures to `take`, with their places among these; those
    /// that cannot be read are left out.
    fn compute(&self, numbers: &[u64], mut take: impl FnMut(usize, &[f32])) -> Result<()> {
        let Self { loaded, device, batch, .. } = *self;
        let taps = &[self.tap];
        let walk = Walk { name: None, loaded, device, taps, batch, piece: ONE_PIECE };
        let listing = self.pictures.drawn(numbers);
        let (size, layer) = (self.array.layer_numbers(), &self.layer.name);
        let mut tokens = Vec::with_capacity(size);
        let ended = walk.run(&listing, 0..listing.pictures, |_, mut batch| {
            let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
            unreadable.extend(batch.unreadable.into_iter().map(|picture| picture.name));
            drop(unreadable);
            if batch.pictures.is_empty() {
                return Ok(());
            }
            let answer = Answer::take(&mut batch.activations, self.tap)?;
            for (place, picture) in batch.pictures.iter().enumerate() {
                tokens.clear();
                answer.append(place, self.tokens, &mut tokens);
                if tokens.len() != size {
                    bail!("{layer} has another shape on {} than before", picture.name);
                }
                if !tokens.iter().all(|value| value.is_finite()) {
                    bail!("{layer} gave values that are not finite on {}", picture.name);
                }
                take(picture.number as usize, &tokens);
            }
            Ok(())
        })?;
        ended.whole()
    }

    /// What the layer answers to the first of all pictures that can be read.
    fn first(&self) -> Result<Vec<f32>> {
        for few in self.examples().chunks(self.batch) {
            let mut first = None;
            self.compute(few, |_, tokens| {
                first.get_or_insert_with(|| tokens.to_vec());
            })?;
            if let Some(first) = first {
                return Ok(first);
            }
        }
        bail!("none of the pictures can be read")
    }
}

impl Supply for Live<'_> {
    fn name(&self) -> &'static str {
        "--stream"
    }

    fn made_with(&self) -> [&str; 2] {
        [self.loaded.model.info().name, &self.loaded.sha256]
    }

    fn sha256(&self) -> &str {
        &self.sha256
    }

    fn kind(&self) -> &'static str {
        self.tokens.name()
    }

    fn layers(&self) -> Vec<&str> {
        vec![&self.layer.name]
    }

    fn shape(&self, layer: &str) -> Option<[usize; 2]> {
        (layer == self.layer.name).then_some([self.array.tokens, self.array.channels])
    }

    fn examples(&self) -> Vec<u64> {
        (0..self.pictures.names().count() as u64).collect()
    }

    fn labels(&self) -> Result<BTreeMap<u64, String>> {
        let labels = self.pictures.names().map(|name| self.labels.label(name));
        Ok((0..).zip(labels).filter(|(_, label)| !label.is_empty()).collect())
    }

    /// In the place of a picture that cannot be read stands the one before it, by number: where an
    /// activation comes must not depend on what is in files.
    fn read(&self, _layer: &str, examples: &[u64], values: &mut [f32]) -> Result<()> {
        let size = self.array.layer_numbers();
        // By number, so that the same pictures are the same batches whatever their order.
        let mut places: Vec<(u64, usize)> = examples.iter().copied().zip(0..).collect();
        places.sort_unstable();
        let (numbers, places): (Vec<u64>, Vec<usize>) = places.into_iter().unzip();
        let mut is_read = vec![false; places.len()];
        self.compute(&numbers, |number, tokens| {
            values[places[number] * size..][..size].copy_from_slice(tokens);
            is_read[number] = true;
        })?;
        let mut before = match is_read.iter().position(|is_read| *is_read) {
            Some(first) => places[first],
            None => {
                values[..size].copy_from_slice(&self.first()?);
                0
            }
        };
        for (place, is_read) in places.into_iter().zip(is_read) {
            match is_read {
                true => before = place,
                false => values.copy_within(before * size..(before + 1) * size, place * size),
            }
        }
        Ok(())
    }
}

//! Activations in an order that is drawn, in batches, for as long as anybody asks.
//!
//! An epoch has every activation once. Its examples are drawn in an order without replacement; as
//! many as a buffer has room for are read or computed, and all their activations are drawn in an
//! order again. Where the buffer holds all of them that is a shuffle without any restriction; where
//! it is smaller, a batch mixes the activations of as many examples as the buffer has. The order
//! depends on seed and buffer alone, so that a run goes on anywhere without what came before.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::supply::Supply;
use crate::failure::WrongCall;

/// A layer as activations in an order.
pub struct Stream<'a> {
    supply: &'a dyn Supply,
    layer: String,
    /// Those that are there, ascending.
    examples: Vec<u64>,
    /// Activations of an example.
    tokens: usize,
    channels: usize,
    /// Examples in a buffer.
    buffer: usize,
    seed: u64,
    /// What a sample was drawn from, for whoever reads on.
    held: Mutex<Option<Buffer>>,
}

/// Activations side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[activations, channels]`
    pub values: Vec<f32>,
    /// Of which example each is.
    pub examples: Vec<u64>,
}

impl<'a> Stream<'a> {
    /// Of a layer, with a buffer of so many bytes.
    ///
    /// # Errors
    /// There is no such layer, or none of its examples are there.
    pub fn new(supply: &'a dyn Supply, layer: &str, buffer: u64, seed: u64) -> Result<Self> {
        let [tokens, channels] = supply.shape(layer).ok_or_else(|| {
            let (name, layers) = (supply.name(), supply.layers().join(", "));
            WrongCall(format!("{name} has no layer {layer:?}, only {layers}"))
        })?;
        let examples = supply.examples();
        if examples.is_empty() || tokens == 0 {
            bail!("{} has no activations yet", supply.name());
        }
        let bytes = (tokens * channels * size_of::<f32>()) as u64;
        let buffer = (buffer / bytes).clamp(1, examples.len() as u64) as usize;
        let (layer, held) = (layer.to_owned(), Mutex::default());
        Ok(Self { supply, layer, examples, tokens, channels, buffer, seed, held })
    }

    /// Activations in an epoch.
    pub fn activations(&self) -> u64 {
        self.examples.len() as u64 * self.tokens as u64
    }

    /// Examples of which some are in a buffer.
    pub fn mixed(&self) -> usize {
        self.buffer
    }

    /// Activations of an example.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Width of an activation.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The first activations of all. What they were drawn from is kept for the batches that come next.
    ///
    /// # Errors
    /// As of [`Batches::batch`].
    pub fn sample(&self, count: usize) -> Result<Vec<f32>> {
        let mut batches = self.batches(0, count);
        let sample = batches.batch()?.values;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = batches.buffer;
        Ok(sample)
    }

    /// Batches from an activation on.
    pub fn batches(&self, from: u64, size: usize) -> Batches<'_> {
        Batches { stream: self, size, position: from, order: (0, Vec::new()), buffer: None }
    }

    /// How evenly batches have all classes: the mean entropy of the classes of a batch's
    /// activations, over some batches, and that of all, both in bits. Nothing where there are no
    /// labels.
    ///
    /// # Errors
    /// The lists of pictures cannot be read.
    pub fn entropy(&self, size: usize, batches: usize) -> Result<Option<[f64; 2]>> {
        let labels = self.supply.labels()?;
        if labels.len() < self.examples.len() {
            return Ok(None);
        }
        let entropy = |examples: &mut dyn Iterator<Item = &u64>| {
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            examples.for_each(|example| *counts.entry(&labels[example]).or_default() += 1);
            bits(counts.values().copied())
        };
        let mut all = self.batches(0, size);
        let mut sum = 0.0;
        for _ in 0..batches {
            sum += entropy(&mut all.drawn()?.iter());
        }
        Ok(Some([sum / batches as f64, entropy(&mut self.examples.iter())]))
    }

    fn random(&self, epoch: u64, what: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(epoch.wrapping_mul(1 << 32).wrapping_add(what));
        random
    }
}

/// Entropy of counts, none of them 0, in bits.
fn bits(counts: impl Iterator<Item = u64> + Clone) -> f64 {
    let all: u64 = counts.clone().sum();
    counts.map(|count| count as f64 / all as f64).map(|share| -share * share.log2()).sum()
}

/// Where each of these lies among those, if they are the same in another order.
fn places(there: &[u64], these: &[u64]) -> Option<Vec<usize>> {
    let known: BTreeMap<u64, usize> = there.iter().copied().zip(0..).collect();
    let places = these.iter().map(|example| known.get(example).copied());
    places.collect::<Option<_>>().filter(|_| there.len() == these.len())
}

/// What is read at a time.
#[derive(Debug)]
struct Buffer {
    /// Which activations of all epochs these are.
    range: Range<u64>,
    examples: Vec<u64>,
    /// `[activations, channels]`, example by example; empty where only the order is asked for.
    values: Vec<f32>,
    /// Which activation comes when.
    rows: Vec<u32>,
}

/// Batches, one after the other.
pub struct Batches<'a> {
    stream: &'a Stream<'a>,
    size: usize,
    position: u64,
    /// An epoch, and its examples in their order.
    order: (u64, Vec<u64>),
    buffer: Option<Buffer>,
}

impl Batches<'_> {
    /// The next one.
    ///
    /// # Errors
    /// Activations cannot be read or computed.
    pub fn batch(&mut self) -> Result<Batch> {
        let channels = self.stream.channels;
        let mut batch = Batch {
            values: Vec::with_capacity(self.size * channels),
            examples: Vec::with_capacity(self.size),
        };
        self.each(true, |buffer, row, example| {
            batch.values.extend_from_slice(&buffer.values[row * channels..][..channels]);
            batch.examples.push(example);
        })?;
        Ok(batch)
    }

    /// Of which examples the next one's activations are; nothing is read.
    fn drawn(&mut self) -> Result<Vec<u64>> {
        let mut examples = Vec::with_capacity(self.size);
        self.each(false, |_, _, example| examples.push(example))?;
        Ok(examples)
    }

    fn each(&mut self, reads: bool, mut take: impl FnMut(&Buffer, usize, u64)) -> Result<()> {
        let mut left = self.size as u64;
        while 0 < left {
            let held = || self.stream.held.lock().unwrap_or_else(PoisonError::into_inner).take();
            let held = if reads { self.buffer.take().or_else(held) } else { self.buffer.take() };
            // An old one goes before a new one comes.
            let buffer = match held {
                Some(kept) if kept.range.contains(&self.position) => kept,
                kept => self.fill(reads, kept)?,
            };
            let first = (self.position - buffer.range.start) as usize;
            let count = left.min(buffer.range.end - self.position);
            for &row in &buffer.rows[first..first + count as usize] {
                let row = row as usize;
                take(&buffer, row, buffer.examples[row / self.stream.tokens]);
            }
            self.position += count;
            left -= count;
            self.buffer = Some(buffer);
        }
        Ok(())
    }

    /// The buffer that the next activation is in.
    fn fill(&mut self, reads: bool, old: Option<Buffer>) -> Result<Buffer> {
        let stream = self.stream;
        let (tokens, channels) = (stream.tokens, stream.channels);
        let epoch = self.position / stream.activations();
        if self.order.1.is_empty() || self.order.0 != epoch {
            let mut order = stream.examples.clone();
            order.shuffle(&mut stream.random(epoch, 0));
            self.order = (epoch, order);
        }
        let of_epoch = self.position % stream.activations();
        let number = of_epoch / (stream.buffer * tokens) as u64;
        let first = number as usize * stream.buffer;
        let drawn = self.order.1.iter().skip(first).take(stream.buffer);
        let examples: Vec<u64> = drawn.copied().collect();
        let count = examples.len() * tokens;
        let mut rows: Vec<u32> = (0..u32::try_from(count).context("too large a buffer")?).collect();
        rows.shuffle(&mut stream.random(epoch, number + 1));
        let start = self.position - of_epoch + (first * tokens) as u64;
        let range = start..start + count as u64;
        if !reads {
            return Ok(Buffer { range, examples, values: Vec::new(), rows });
        }
        // All of them again, as where the buffer has room for every one: only their order is new.
        if let Some(old) = old
            && let Some(places) = places(&old.examples, &examples)
        {
            let moved = |&row: &u32| {
                let (place, token) = (row as usize / tokens, row as usize % tokens);
                (places[place] * tokens + token) as u32
            };
            let rows = rows.iter().map(moved).collect();
            return Ok(Buffer { range, rows, ..old });
        }
        let mut values = vec![0.0; count * channels];
        stream.supply.read(&stream.layer, &examples, &mut values)?;
        Ok(Buffer { range, examples, values, rows })
    }
}

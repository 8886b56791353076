//! Activations of a store in an order that is drawn, in batches, for as long as anybody asks.
//!
//! An epoch has every activation once. Its examples are drawn in an order without replacement; as
//! many as a buffer has room for are read, and all their activations are drawn in an order again.
//! Where the buffer holds the whole store that is a shuffle without any restriction; where it is
//! smaller, a batch mixes the activations of as many examples as the buffer has. The order depends
//! on seed and buffer alone, so that a run goes on anywhere without what came before.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::failure::WrongCall;
use crate::shards::Store;

/// A layer of a store as activations in an order.
#[derive(Debug)]
pub struct Stream<'a> {
    store: &'a Store,
    layer: [usize; 2],
    /// Those that are there, ascending.
    examples: Vec<u64>,
    /// Activations of an example.
    tokens: usize,
    channels: usize,
    /// Examples in a buffer.
    buffer: usize,
    seed: u64,
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
    /// The store has no such layer, or none of its examples are there.
    pub fn new(store: &'a Store, layer: &str, buffer: u64, seed: u64) -> Result<Self> {
        let layout = store.layout();
        let place = layout.find(layer).ok_or_else(|| {
            let layers = layout.layers().collect::<Vec<_>>().join(", ");
            WrongCall(format!("the store has no layer {layer:?}, only {layers}"))
        })?;
        let array = &layout.arrays[place[0]];
        let (tokens, channels) = (array.tokens, array.channels);
        let examples: Vec<u64> = store.examples().collect();
        if examples.is_empty() || tokens == 0 {
            bail!("the store has no activations yet");
        }
        let bytes = (tokens * channels * size_of::<f32>()) as u64;
        let buffer = (buffer / bytes).clamp(1, examples.len() as u64) as usize;
        Ok(Self { store, layer: place, examples, tokens, channels, buffer, seed })
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

    /// Batches from an activation on.
    pub fn batches(&self, from: u64, size: usize) -> Batches<'_> {
        Batches { stream: self, size, position: from, order: (0, Vec::new()), buffer: None }
    }

    /// How evenly batches have all classes: the mean entropy of the classes of a batch's
    /// activations, over some batches, and that of the whole store, both in bits. Nothing where the
    /// store has no labels.
    ///
    /// # Errors
    /// The store's lists of pictures cannot be read.
    pub fn entropy(&self, size: usize, batches: usize) -> Result<Option<[f64; 2]>> {
        let labels = self.store.labels()?;
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
#[derive(Debug)]
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
    /// A shard cannot be read.
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
            // The old one goes before the new one comes.
            let kept = self.buffer.take().filter(|kept| kept.range.contains(&self.position));
            let buffer = match kept {
                Some(buffer) => buffer,
                None => self.fill(reads)?,
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
    fn fill(&mut self, reads: bool) -> Result<Buffer> {
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
        let examples: Vec<u64> =
            self.order.1.iter().skip(first).take(stream.buffer).copied().collect();
        let count = examples.len() * tokens;
        let mut rows: Vec<u32> = (0..u32::try_from(count).context("too large a buffer")?).collect();
        rows.shuffle(&mut stream.random(epoch, number + 1));
        let mut values = Vec::new();
        if reads {
            values.resize(count * channels, 0.0);
            let blocks = values.par_chunks_exact_mut(tokens * channels).zip(&examples);
            blocks.try_for_each(|(block, &example)| {
                let found = stream.store.tokens(stream.layer, example)?;
                let found = found.with_context(|| format!("example {example} went away"))?;
                block.copy_from_slice(&found);
                anyhow::Ok(())
            })?;
        }
        let start = self.position - of_epoch + (first * tokens) as u64;
        Ok(Buffer { range: start..start + count as u64, examples, values, rows })
    }
}

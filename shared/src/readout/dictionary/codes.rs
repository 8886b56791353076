//! Which latents examples use: few of many, so only these are kept.

use std::ops::Range;

use super::normalization::Frame;

/// A latent that an example uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Use {
    /// Which.
    pub latent: u32,
    /// What the encoder gives for it, with its bias; of a gated dictionary without.
    pub pre: f32,
}

/// The latents that examples use, one example's after the other's, each's ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Codes {
    /// Where each example's end.
    pub ends: Vec<usize>,
    /// Of all of them.
    pub uses: Vec<Use>,
    /// What brings each example back, where the dictionary normalizes examples; else empty.
    pub frames: Vec<Frame>,
}

impl Codes {
    /// Those of some examples that lie side by side.
    pub fn of(&self, examples: Range<usize>) -> &[Use] {
        let start = |example: usize| example.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.uses[start(examples.start)..start(examples.end)]
    }

    /// Adds an example.
    pub fn push(&mut self, uses: impl IntoIterator<Item = Use>) {
        self.uses.extend(uses);
        self.ends.push(self.uses.len());
    }

    /// Adds the examples of others.
    pub fn append(&mut self, other: Self) {
        let before = self.uses.len();
        self.uses.extend(other.uses);
        self.ends.extend(other.ends.into_iter().map(|end| before + end));
        self.frames.extend(other.frames);
    }

    /// Leaves those of which this is true.
    pub fn retain(&mut self, keep: impl Fn(&Use) -> bool) {
        let mut kept = Self { frames: std::mem::take(&mut self.frames), ..Self::default() };
        for example in 0..self.ends.len() {
            kept.push(self.of(example..example + 1).iter().copied().filter(&keep));
        }
        *self = kept;
    }
}

/// Uses in the order of latents.
pub struct ByLatent {
    /// Where each latent's begin, and where the last one's end.
    starts: Vec<usize>,
    /// Example, and place among all uses.
    uses: Vec<(u32, u32)>,
}

impl ByLatent {
    /// Of so many latents.
    pub fn new(codes: &Codes, latents: usize) -> Self {
        let mut starts = vec![0; latents + 1];
        codes.uses.iter().for_each(|used| starts[used.latent as usize + 1] += 1);
        for latent in 0..latents {
            starts[latent + 1] += starts[latent];
        }
        let mut next = starts.clone();
        let mut uses = vec![(0, 0); codes.uses.len()];
        let mut begin = 0;
        for (example, &end) in codes.ends.iter().enumerate() {
            for index in begin..end {
                let place = &mut next[codes.uses[index].latent as usize];
                uses[*place] = (example as u32, index as u32);
                *place += 1;
            }
            begin = end;
        }
        Self { starts, uses }
    }

    /// Example, and place among all uses, of each use of a latent.
    pub fn of(&self, latent: usize) -> impl Iterator<Item = (usize, usize)> {
        let uses = &self.uses[self.starts[latent]..self.starts[latent + 1]];
        uses.iter().map(|&(example, index)| (example as usize, index as usize))
    }
}

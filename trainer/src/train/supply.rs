//! Where activations come from.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use rayon::prelude::*;

use crate::shards::Store;

/// Activations of examples, by the examples' numbers.
pub trait Supply: Sync {
    /// What people call it: `the store`.
    fn name(&self) -> &'static str;

    /// The model, and SHA-256 of its weights, hexadecimal.
    fn made_with(&self) -> [&str; 2];

    /// SHA-256 of everything that the activations depend on, hexadecimal.
    fn sha256(&self) -> &str;

    /// Which tokens an example has: `patches`.
    fn kind(&self) -> &'static str;

    /// Its layers.
    fn layers(&self) -> Vec<&str>;

    /// Tokens and channels of an example in a layer; nothing where there is no such layer.
    fn shape(&self, layer: &str) -> Option<[usize; 2]>;

    /// The numbers of its examples, ascending.
    fn examples(&self) -> Vec<u64>;

    /// What examples are labelled as; those without a label are left out.
    ///
    /// # Errors
    /// They cannot be read.
    fn labels(&self) -> Result<BTreeMap<u64, String>>;

    /// What a layer answers to some examples, in their order.
    ///
    /// # Shapes
    /// - `values`: `[examples, tokens, channels]`
    ///
    /// # Errors
    /// It cannot be read or computed.
    fn read(&self, layer: &str, examples: &[u64], values: &mut [f32]) -> Result<()>;
}

impl Supply for Store {
    fn name(&self) -> &'static str {
        "the store"
    }

    fn made_with(&self) -> [&str; 2] {
        self.made_with()
    }

    fn sha256(&self) -> &str {
        self.sha256()
    }

    fn kind(&self) -> &'static str {
        self.layout().tokens.name()
    }

    fn layers(&self) -> Vec<&str> {
        self.layout().layers().collect()
    }

    fn shape(&self, layer: &str) -> Option<[usize; 2]> {
        let array = &self.layout().arrays[self.layout().find(layer)?[0]];
        Some([array.tokens, array.channels])
    }

    fn examples(&self) -> Vec<u64> {
        self.examples().collect()
    }

    fn labels(&self) -> Result<BTreeMap<u64, String>> {
        self.labels()
    }

    fn read(&self, layer: &str, examples: &[u64], values: &mut [f32]) -> Result<()> {
        let place = self.layout().find(layer).context("the store has no such layer")?;
        let size = values.len() / examples.len().max(1);
        let blocks = values.par_chunks_exact_mut(size).zip(examples);
        blocks.try_for_each(|(block, &example)| {
            let found = self.tokens(place, example)?;
            let found = found.with_context(|| format!("example {example} went away"))?;
            block.copy_from_slice(&found);
            anyhow::Ok(())
        })
    }
}

//! What pictures are to an independent network.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::failure::WrongCall;
use crate::shards::Store;

/// What every picture is called by another network: a vector of length 1 each.
pub struct Embeddings {
    /// Numbers of a vector.
    pub width: usize,
    /// By picture.
    pub of: BTreeMap<u64, Vec<f32>>,
}

impl Embeddings {
    /// The first layer of a store that keeps a token a picture.
    ///
    /// # Errors
    /// It keeps more, or is of other pictures.
    pub fn read(store: &Store, like: &Store) -> Result<Self> {
        let layout = store.layout();
        let array = layout.arrays.first().context("the store has no layers")?;
        if array.tokens != 1 || layout.examples != like.layout().examples {
            let wrong = "--embedding: expected a store of the same pictures with a token of each: \
                         record it with --tokens pooled or cls";
            return Err(WrongCall(wrong.to_owned()).into());
        }
        let mut of = BTreeMap::new();
        for example in store.examples() {
            let Some(mut vector) = store.tokens([0, 0], example)? else { continue };
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            vector.iter_mut().for_each(|value| *value /= length.max(f32::MIN_POSITIVE));
            of.insert(example, vector);
        }
        Ok(Self { width: array.channels, of })
    }
}

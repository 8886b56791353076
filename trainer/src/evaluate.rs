//! Dictionaries judged on a store: how much of it they explain, with how many latents, and what each
//! latent is worth.

pub mod choice;
pub mod embeddings;
pub mod floor;
pub mod other_seed;
mod place;
pub mod recovered;
pub mod stability;
mod tally;
pub mod truth;
pub mod worth;

use std::path::Path;

use anyhow::{Context, Result, bail};
use shared::readout::dictionary::Dictionary;
use shared::readout::dictionary::k_means::KMeans;

use crate::interrupt;
use crate::output;
use crate::progress::{Counted, Progress};
use crate::shards::Store;
use embeddings::Embeddings;
use floor::Moments;
use place::place;
use tally::Tally;
use truth::Against;
use worth::{Evaluation, Latent};

/// The file of an [`Evaluation`], beside the dictionary.
pub const EVALUATION: &str = "evaluation.json";

/// The file of [`Latent`]s, a line each.
pub const LATENTS: &str = "latents.jsonl";

/// Activations that are encoded together, about.
const TOGETHER: usize = 4096;

/// Judges a dictionary on a layer of a store, beside centroids of the same.
///
/// # Errors
/// The layer is not in the store or of another width, or a shard cannot be read.
pub fn evaluate(
    dictionary: &Dictionary,
    store: &Store,
    layer: &str,
    embeddings: Option<&Embeddings>,
    centroids: Option<&KMeans>,
) -> Result<(Evaluation, Vec<Latent>)> {
    let place = place(store, layer, dictionary)?;
    let array = &store.layout().arrays[place[0]];
    let mut tally = Tally::new(dictionary.config(), array, embeddings);
    let mut of_centroids = centroids.map(|_| 0.0);
    let mut against = Against::beside(store, dictionary)?;
    let examples: Vec<u64> = store.examples().collect();
    if examples.is_empty() {
        bail!("the store has no activations yet");
    }
    let mut progress =
        Progress::new("evaluate", Some(examples.len() as u64), Counted::Things("pictures"));
    for some in examples.chunks((TOGETHER / array.tokens).max(1)) {
        interrupt::check()?;
        let mut values = Vec::new();
        for &example in some {
            let found = store.tokens(place, example)?;
            values.extend(found.with_context(|| format!("example {example} went away"))?);
        }
        let codes = dictionary.codes(&values);
        let made = dictionary.decode(&codes);
        tally.add(some, &values, &codes, &made);
        if let (Some(sum), Some(centroids)) = (&mut of_centroids, centroids) {
            *sum += centroids.squared_error(&values);
        }
        if let Some(against) = &mut against {
            against.add(store, some, (&values, &made), &codes)?;
        }
        progress.advance(some.len() as u64);
    }
    progress.clear();
    let labels = store.labels()?;
    let (mut evaluation, mut latents) = tally.finish(store, dictionary, &labels, of_centroids)?;
    if let Some((truth, found)) = against.map(Against::finish) {
        evaluation.truth = Some(truth);
        latents.iter_mut().zip(found).for_each(|(latent, found)| latent.truth = Some(found));
    }
    Ok((evaluation, latents))
}

/// The normalized MSE on a store's first examples.
///
/// # Errors
/// As [`evaluate`].
pub fn glance(dictionary: &Dictionary, store: &Store, layer: &str) -> Result<f64> {
    let place = place(store, layer, dictionary)?;
    let tokens = store.layout().arrays[place[0]].tokens;
    let mut values = Vec::new();
    for example in store.examples().take((TOGETHER / tokens).max(2)) {
        values.extend(store.tokens(place, example)?.unwrap_or_default());
    }
    let mut moments = Moments::new(dictionary.config().channels);
    moments.add(&values);
    let made = dictionary.decode(&dictionary.codes(&values));
    let pairs = values.iter().zip(&made);
    let error: f64 = pairs.map(|(one, other)| f64::from(one - other).powi(2)).sum();
    Ok(error / moments.variance().max(f64::MIN_POSITIVE))
}

/// Writes what was found beside a dictionary.
pub fn write(folder: &Path, evaluation: &Evaluation, latents: &[Latent]) -> Result<()> {
    output::write_whole(&folder.join(LATENTS), |out| {
        latents
            .iter()
            .try_for_each(|latent| Ok(writeln!(out, "{}", serde_json::to_string(latent)?)?))
    })?;
    let text = serde_json::to_string_pretty(evaluation)?;
    output::write_whole(&folder.join(EVALUATION), |out| Ok(writeln!(out, "{text}")?))
}

/// What was found of a dictionary, if it was evaluated.
///
/// # Errors
/// Its files are missing or damaged.
pub fn read(folder: &Path) -> Result<(Evaluation, Vec<Latent>)> {
    let file = |name: &str| {
        let path = folder.join(name);
        let mend = || format!("reading {}: `pellucid evaluate` writes it", path.display());
        std::fs::read_to_string(&path).with_context(mend)
    };
    let wrong = |name: &str| format!("in {}", folder.join(name).display());
    let evaluation = serde_json::from_str(&file(EVALUATION)?).with_context(|| wrong(EVALUATION))?;
    let text = file(LATENTS)?;
    let latents = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    Ok((evaluation, latents.with_context(|| wrong(LATENTS))?))
}

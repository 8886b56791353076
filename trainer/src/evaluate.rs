//! Dictionaries judged on a store: how much of it they explain, with how many latents, and what each
//! latent is worth.

pub mod choice;
pub mod floor;
pub mod recovered;
pub mod stability;
mod tally;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use shared::readout::dictionary::Dictionary;

use crate::failure::WrongCall;
use crate::interrupt;
use crate::output;
use crate::progress::{Counted, Progress};
use crate::shards::Store;
use floor::Moments;
use recovered::Recovered;
use tally::Tally;

/// The file of an [`Evaluation`], beside the dictionary.
pub const EVALUATION: &str = "evaluation.json";

/// The file of [`Latent`]s, a line each.
pub const LATENTS: &str = "latents.jsonl";

/// Activations that are encoded together, about.
const TOGETHER: usize = 4096;

/// A latent that fires more often than this is dense.
const DENSE: f64 = 0.1;

/// One that fires, but less often than this, is of the ultra-low-frequency cluster (Bricken et al.
/// 2023).
const RARE: f64 = 1e-5;

/// What a dictionary is worth. A stable interface: scripts read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Squared error over the squared distance from the mean of all activations, both summed
    /// (saev): 0 is perfect, 1 no better than the mean.
    pub normalized_mse: f64,
    /// One less that.
    pub explained_variance: f64,
    /// Of an activation and its reconstruction, in the mean.
    pub cosine: f64,
    /// Latents of an activation, in the mean.
    pub l0: f64,
    /// Part of the latents that fire on no activation.
    pub dead_share: f64,
    /// Part of them that fire on more than a tenth.
    pub dense_share: f64,
    /// Part of them that fire on less than one in 100,000.
    pub rare_share: f64,
    /// How much of what a network without the layer loses, the reconstruction brings back: 1 is as
    /// good as the layer, 0 as bad as zeros in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_recovered: Option<f64>,
    /// The same of the part of pictures that the network classifies right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_recovered: Option<f64>,
    /// What these two are about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<Recovered>,
    /// Mean cosine of a latent's decoder row with its partner's in the dictionary of another seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<f64>,
    /// Mean of the latents that fire, as those below: [`Latent::purity`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purity: Option<f64>,
    /// [`Latent::coherence`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coherence: Option<f64>,
    /// [`Latent::monosemanticity`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monosemanticity: Option<f64>,
    /// Normalized MSE of as many principal components as an activation has latents.
    pub pca_normalized_mse: f64,
    /// What all this is about.
    pub activations: u64,
    /// Of so many pictures.
    pub pictures: u64,
    /// SHA-256 of the store's description, hexadecimal.
    pub store_sha256: String,
}

/// What a latent is worth. A stable interface: scripts read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latent {
    /// Which.
    pub latent: usize,
    /// On which part of the activations it fires.
    pub frequency: f64,
    /// Its mean where it fires.
    pub mean: f64,
    /// The largest.
    pub max: f32,
    /// The largest part of its top pictures that have one label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purity: Option<f64>,
    /// That label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The part of the four places around one where it fires, where it fires too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coherence: Option<f64>,
    /// How alike the pictures that excite it are, by an independent network: the mean cosine of pairs
    /// of their embeddings, weighed with the product of its values (Pach et al. 2025).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monosemanticity: Option<f64>,
    /// Cosine of its decoder row with its partner's in the dictionary of another seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<f64>,
    /// That partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<usize>,
    /// The latents whose decoder rows are most alike, best first.
    pub nearest: Vec<usize>,
    /// Numbers of the pictures that excite it most, best first.
    pub top: Vec<u64>,
}

/// What every picture is called by another network: a vector of length 1 each.
pub struct Embeddings {
    width: usize,
    of: BTreeMap<u64, Vec<f32>>,
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

/// Judges a dictionary on a layer of a store.
///
/// # Errors
/// The layer is not in the store or of another width, or a shard cannot be read.
pub fn evaluate(
    dictionary: &Dictionary,
    store: &Store,
    layer: &str,
    embeddings: Option<&Embeddings>,
) -> Result<(Evaluation, Vec<Latent>)> {
    let place = place(store, layer, dictionary)?;
    let array = &store.layout().arrays[place[0]];
    let mut tally = Tally::new(dictionary.config(), array, embeddings);
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
        tally.add(some, &values, &codes, &dictionary.decode(&codes));
        progress.advance(some.len() as u64);
    }
    progress.clear();
    let labels = store.labels()?;
    tally.finish(store, dictionary, &labels)
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

/// Where a layer is in a store, for a dictionary of it.
fn place(store: &Store, layer: &str, dictionary: &Dictionary) -> Result<[usize; 2]> {
    let layout = store.layout();
    let place = layout.find(layer).ok_or_else(|| {
        let layers = layout.layers().collect::<Vec<_>>().join(", ");
        WrongCall(format!("the store has no layer {layer:?}, only {layers}"))
    })?;
    let (found, expected) = (dictionary.config().channels, layout.arrays[place[0]].channels);
    if found != expected {
        let wrong = format!("the dictionary takes {found} channels; {layer} has {expected}");
        return Err(WrongCall(wrong).into());
    }
    Ok(place)
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

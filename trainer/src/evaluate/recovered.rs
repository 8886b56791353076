//! How well a network goes on from what a dictionary makes of a layer.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use shared::burn::tensor::{Device, Tensor, TensorData};
use shared::classes;
use shared::format::shards::Array;
use shared::network::{Pass, Start};
use shared::readout::dictionary::Dictionary;
use shared::tap::{Caught, LayerId};

use super::place::place;
use crate::interrupt;
use crate::model::LoadedModel;
use crate::progress::{Counted, Progress};
use crate::shards::Store;

/// Pictures that are looked at, evenly spread over the store.
const PICTURES: usize = 500;

/// Pictures that go through the network together.
const TOGETHER: usize = 8;

/// What was recovered, of what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recovered {
    /// Cross-entropy, in nats: as it is, with the reconstruction, with zeros.
    pub losses: [f64; 3],
    /// Part of the pictures that are classified right: likewise.
    pub accuracies: [f64; 3],
    /// Whether right is what pictures are labelled as; else what the network says as it is.
    pub is_labelled: bool,
    /// Over so many pictures.
    pub pictures: u64,
}

impl Recovered {
    /// The part of what zeros lose that the reconstruction does not: loss and accuracy. Nothing
    /// where zeros lose nothing.
    pub fn shares(&self) -> [Option<f64>; 2] {
        [self.losses, self.accuracies].map(|[as_it_is, made, zeros]| {
            let all = as_it_is - zeros;
            (all != 0.0).then(|| (made - zeros) / all)
        })
    }
}

/// Lets a network go on from a layer of a store, and from what a dictionary makes of it.
///
/// # Errors
/// The store does not hold all of the layer, the network cannot start behind it or has no classes.
pub fn recovered(
    dictionary: &Dictionary,
    store: &Store,
    layer: &str,
    loaded: &LoadedModel,
    device: &Device,
) -> Result<Recovered> {
    let [of_array, of_layer] = place(store, layer, dictionary)?;
    let array = &store.layout().arrays[of_array];
    let info = loaded.model.info();
    let id = info.layer_id(layer)?;
    let classes = info.layers.iter().position(|layer| layer.is_classes());
    let classes = classes.context("the network has no classes")?;
    let logits = info.layer_id(&info.layers[classes].name)?;
    let count = info.layers[classes].channels;
    let truth = truth(&store.labels()?, &loaded.labels);
    let examples: Vec<u64> = store.examples().collect();
    let step = examples.len().div_ceil(PICTURES).max(1);
    let some: Vec<u64> = examples.into_iter().step_by(step).collect();
    let is_labelled = some.iter().all(|example| truth.contains_key(example));
    let mut found = Recovered { is_labelled, pictures: some.len() as u64, ..Recovered::default() };
    let mut progress =
        Progress::new("recovered", Some(some.len() as u64), Counted::Things("pictures"));
    for batch in some.chunks(TOGETHER) {
        interrupt::check()?;
        let mut values = Vec::new();
        for &example in batch {
            let tokens = store.tokens([of_array, of_layer], example)?;
            values.extend(tokens.with_context(|| format!("example {example} went away"))?);
        }
        let made = dictionary.decode(&dictionary.codes(&values));
        let zeros = vec![0.0; values.len()];
        let mut right: Vec<usize> = Vec::new();
        for (place, values) in [values, made, zeros].into_iter().enumerate() {
            let start = Start::After(id, caught(&values, array, batch.len(), device)?);
            let answers = answer(loaded, start, logits)?;
            if place == 0 {
                right = match is_labelled {
                    true => batch.iter().map(|example| truth[example]).collect(),
                    false => answers.chunks_exact(count).map(largest).collect(),
                };
            }
            for (logits, &right) in answers.chunks_exact(count).zip(&right) {
                found.losses[place] += cross_entropy(logits, right);
                found.accuracies[place] += f64::from(u8::from(largest(logits) == right));
            }
        }
        progress.advance(batch.len() as u64);
    }
    progress.clear();
    let all = found.pictures as f64;
    found.losses.iter_mut().chain(&mut found.accuracies).for_each(|sum| *sum /= all);
    Ok(found)
}

/// The class that each picture is labelled as: its number in ImageNet, or a name of its own.
fn truth(pictures: &BTreeMap<u64, String>, labels: &[String]) -> BTreeMap<u64, usize> {
    let numbered = classes::for_classes(labels.len());
    let mut known: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for (&picture, label) in pictures {
        let class = *known.entry(label).or_insert_with(|| {
            let of_number = numbered.iter().position(|class| class.wnid == *label);
            of_number.or_else(|| match classes::named(label, labels)[..] {
                [class] => Some(class),
                _ => None,
            })
        });
        found.extend(class.map(|class| (picture, class)));
    }
    found
}

/// Tokens as a layer gives them.
///
/// # Shapes
/// - `tokens`: `[pictures, tokens, channels]`
fn caught(tokens: &[f32], array: &Array, pictures: usize, device: &Device) -> Result<Caught> {
    let Some([rows, columns]) = array.grid else {
        bail!("the store has one token of each picture; a network goes on from all places");
    };
    let (channels, extra) = (array.channels, array.extra);
    let data = TensorData::new::<f32, _>(tokens.to_vec(), [pictures, array.tokens, channels]);
    let by_channel = Tensor::<3>::from_data(data, device).swap_dims(1, 2);
    let grid = by_channel.clone().narrow(2, extra, rows * columns);
    let grid = grid.reshape([pictures, channels, rows, columns]);
    let extra = (0 < extra).then(|| by_channel.narrow(2, 0, extra));
    Ok(Caught { grid, extra })
}

fn answer(loaded: &LoadedModel, start: Start, logits: LayerId) -> Result<Vec<f32>> {
    let mut activations = loaded.model.forward(start, &Pass::to(&[logits]))?;
    let caught = activations.0.remove(&logits).context("the classes were not caught")?;
    Ok(pollster::block_on(shared::device::read(caught.grid))?)
}

fn largest(logits: &[f32]) -> usize {
    let numbered = logits.iter().enumerate();
    numbered.max_by(|one, other| one.1.total_cmp(other.1)).map_or(0, |(class, _)| class)
}

fn cross_entropy(logits: &[f32], right: usize) -> f64 {
    let most = logits[largest(logits)];
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - most).exp()).sum();
    sum.ln() - f64::from(logits[right] - most)
}

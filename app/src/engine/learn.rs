//! A dictionary that learns in this tab, from what was gathered.

use std::rc::Rc;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use shared::format::dictionary::{self, Files, Made};
use shared::readout::dictionary::training::{Options, Training, scale, variance};
use shared::readout::dictionary::{Activation, Config, Dictionary, Revival};
use shared::tap::LayerInfo;
use shared::weights::Precision;

use super::activations::Activations;
use super::core::Core;
use super::host::Host;
use super::loaded::{LoadedModel, Own};
use super::voice::{Ending, Next, Voice};
use crate::failure;
use crate::protocol::{Failure, FailureKind, Learn, Learned, NOBODY, Recall, SHOWN};

/// Activations of a step.
const BATCH: usize = 1024;

/// Activations that the scale is measured on, and that latents begin as, at least.
const SAMPLE: usize = 1 << 14;

/// Activations that are looked at while it learns, about.
const GLANCE: usize = 1 << 14;

/// How many times as long as looking takes it then learns, at least.
const PATIENCE: f64 = 6.0;

/// The shortest time between two looks, in milliseconds.
const PAUSE: f64 = 1000.0;

/// Pictures looked at before others may go first.
const BREATH: usize = 16;

/// The most latents.
const LATENTS: usize = 4096;

/// Learns from what was gathered, until all steps are made.
pub async fn learn<H: Host>(
    core: &Core<H>,
    voice: &Voice<Learned>,
    Learn { latents, k, steps, seed }: Learn,
) -> Result<(), Ending> {
    let loaded = core.loaded()?;
    core.healthy(&loaded)?;
    let gathered = gathered(core, &loaded)?;
    if latents == 0 || LATENTS < latents {
        return Err(failure::of(shared::Error::Setting {
            name: "latents",
            found: latents.to_string(),
            expected: format!("1 to {LATENTS}"),
        })
        .into());
    }
    let channels = gathered.channels;
    let mut order = Order::new(gathered.count(), seed);
    let mut sample = order.batch(&gathered, latents.max(SAMPLE).min(gathered.count()));
    let scale = scale(&sample, channels).ok_or_else(failure::no_numbers)?;
    let scaled = |values: &mut Vec<f32>| values.iter_mut().for_each(|value| *value *= scale);
    scaled(&mut sample);
    let config = Config {
        channels,
        latents,
        activation: Activation::TopK { k },
        centred: true,
        prefixes: vec![latents],
        revival: Some(Revival::AuxK {
            k: Revival::usual_k(channels, latents),
            coefficient: Revival::COEFFICIENT,
            normalized: false,
        }),
    };
    let options = Options::of_run(steps as u64, steps as u64 * BATCH as u64);
    let training = Training::new(config, options, steps as u64, seed, &sample);
    let mut training = training.map_err(failure::of)?;
    drop(sample);
    core.host.breathe().await;

    let recipe = json!({
        "kind": "topk", "k": k, "latents": latents, "batch": BATCH, "steps": steps, "seed": seed,
    });
    let made = |training: &Training| Made {
        model: loaded.model.info().name.to_owned(),
        weights_sha256: loaded.weights_sha256.clone(),
        layer: gathered.layer.clone(),
        tokens: "patches".to_owned(),
        scale,
        seed,
        recipe: recipe.clone(),
        examples: training.step * BATCH as u64,
        ..Made::default()
    };
    let few = (gathered.count() / GLANCE).max(1);
    let mut said: Option<Learned> = None;
    let (mut seconds, mut looked) = (0.0, [core.host.now(), 0.0]);
    while training.step < training.steps {
        match voice.next() {
            Next::Step => {}
            Next::Stop => return Err(Ending::Cancelled),
            Next::Wait => {
                // Whoever pauses can use what there is.
                if let Some(learned) = said.take() {
                    let now = Dictionary::of(&training, scale).map_err(failure::of)?;
                    let survey = survey(core, voice, &now, &gathered, few).await?;
                    let (layer, archive) = put(core, &gathered, &now, &made(&training))?;
                    let layer = Some(layer);
                    voice.say(Learned { layer, ..learned }, vec![survey.bytes(), archive]);
                }
                voice.until_wanted().await;
                continue;
            }
        }
        voice.step_begins();
        let began = core.host.now();
        let mut batch = order.batch(&gathered, BATCH);
        scaled(&mut batch);
        let variance = variance(&batch, channels);
        let report = training.step(&batch).map_err(failure::of)?;
        // Browsers round their clocks, so that a step may seem to take no time.
        seconds += ((core.host.now() - began) / 1000.0).max(1e-4);
        let learned = Learned {
            step: training.step as usize,
            steps,
            latents,
            normalized_mse: report.normalized_mse(variance),
            l0: report.losses.l0,
            dead: report.dead,
            rate: training.step as f64 / seconds,
            layer: None,
        };
        let now = core.host.now();
        if PAUSE.max(PATIENCE * looked[1]) < now - looked[0] && training.step < training.steps {
            let dictionary = Dictionary::of(&training, scale).map_err(failure::of)?;
            let survey = survey(core, voice, &dictionary, &gathered, few).await?;
            looked = [core.host.now(), core.host.now() - now];
            voice.say(learned.clone(), vec![survey.bytes()]);
        } else {
            voice.say(learned.clone(), Vec::new());
        }
        said = Some(learned);
        core.host.breathe().await;
    }
    let dictionary = Dictionary::of(&training, scale).map_err(failure::of)?;
    let survey = survey(core, voice, &dictionary, &gathered, 1).await?;
    let (layer, archive) = put(core, &gathered, &dictionary, &made(&training))?;
    if let Some(learned) = said {
        let learned = Learned { layer: Some(layer), dead: survey.silent(), ..learned };
        voice.say(learned, vec![survey.bytes(), archive]);
    }
    Ok(())
}

/// Takes a dictionary from its files, and looks at what was gathered through it.
pub async fn recall<H: Host>(
    core: &Core<H>,
    voice: &Voice<Learned>,
    Recall: Recall,
    buffers: Vec<Vec<u8>>,
) -> Result<(), Ending> {
    let loaded = core.loaded()?;
    core.healthy(&loaded)?;
    let gathered = gathered(core, &loaded)?;
    let archive = buffers.into_iter().next().unwrap_or_default();
    let read = || {
        let files = Files::unpacked(&archive)?;
        dictionary::read(files.config.as_bytes(), &files.weights)
    };
    let (dictionary, made) = read().map_err(failure::of_dictionary)?;
    let of = [made.model.as_str(), made.layer.as_str()];
    let here = [loaded.model.info().name, gathered.layer.as_str()];
    let fits = of.iter().zip(here).all(|(of, here)| of.is_empty() || *of == here);
    let channels = dictionary.config().channels;
    if !fits || channels != gathered.channels {
        let [model, layer] =
            of.map(|name| if name.is_empty() { "somewhere unknown" } else { name });
        return Err(Failure::new(
            FailureKind::Input,
            "This dictionary is of another layer.",
            format!(
                "It takes {channels} channels, of {layer} ({model}); this is {} ({}), which has {}.",
                here[1], here[0], gathered.channels
            ),
            "Choose its layer, then open it again.",
        )
        .into());
    }
    let latents = dictionary.config().latents;
    let survey = survey(core, voice, &dictionary, &gathered, 1).await?;
    let normalized_mse = normalized_mse(core, voice, &dictionary, &gathered).await?;
    let (layer, archive) = put(core, &gathered, &dictionary, &made)?;
    let learned = Learned {
        step: 0,
        steps: 0,
        latents,
        normalized_mse,
        l0: survey.fired as f64 / survey.seen.max(1) as f64,
        dead: survey.silent(),
        rate: 0.0,
        layer: Some(layer),
    };
    voice.say(learned, vec![survey.bytes(), archive]);
    Ok(())
}

/// What the network in use has gathered.
fn gathered<H: Host>(core: &Core<H>, loaded: &LoadedModel) -> Result<Rc<Activations>, Failure> {
    let gathered = core.gathered.borrow().clone();
    let gathered = gathered.filter(|it| it.weights_sha256 == loaded.weights_sha256);
    gathered.map(Rc::new).ok_or_else(nothing_gathered)
}

fn nothing_gathered() -> Failure {
    Failure::new(
        FailureKind::NotReady,
        "There is nothing to learn from yet.",
        "No pictures were gathered for this network.",
        "Gather some first.",
    )
}

/// Puts a dictionary to use as a layer of the network, in place of the one before; its files in an
/// archive.
fn put<H: Host>(
    core: &Core<H>,
    gathered: &Activations,
    dictionary: &Dictionary,
    made: &Made,
) -> Result<(LayerInfo, Vec<u8>), Failure> {
    let files = dictionary::write(dictionary, made, Precision::F32).map_err(failure::of)?;
    let sha256 = dictionary::sha256(files.config.as_bytes(), &files.weights);
    let own = Own { parent: gathered.layer.clone(), dictionary: dictionary.clone(), sha256 };
    // It may have moved to another device meanwhile.
    let loaded = core.loaded()?;
    if loaded.weights_sha256 != gathered.weights_sha256 {
        return Err(nothing_gathered());
    }
    let layer = loaded.take_own(own).map_err(failure::of)?;
    Ok((layer, files.packed().map_err(failure::of)?))
}

/// The order in which activations are learned from: all of them, shuffled, again and again.
struct Order {
    places: Vec<u32>,
    next: usize,
    random: ChaCha8Rng,
}

impl Order {
    fn new(count: usize, seed: u64) -> Self {
        let mut order = Self {
            places: (0..count as u32).collect(),
            next: 0,
            random: ChaCha8Rng::seed_from_u64(seed),
        };
        order.places.shuffle(&mut order.random);
        order
    }

    /// The next so many, `[count, channels]`.
    fn batch(&mut self, gathered: &Activations, count: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(count * gathered.channels);
        for _ in 0..count {
            if self.next == self.places.len() {
                self.places.shuffle(&mut self.random);
                self.next = 0;
            }
            values.extend_from_slice(gathered.at(self.places[self.next] as usize));
            self.next += 1;
        }
        values
    }
}

/// Where a latent is strongest in a picture.
#[derive(Clone, Copy)]
struct Strongest {
    picture: u32,
    place: u32,
    value: f32,
}

/// What latents were found in.
struct Survey {
    /// Of each latent, the strongest first.
    found: Vec<Vec<Strongest>>,
    /// Places that each fired at.
    counts: Vec<u32>,
    /// Places that were looked at.
    seen: usize,
    /// Latents that fired, over all of them.
    fired: usize,
}

impl Survey {
    fn new(latents: usize) -> Self {
        Self { found: vec![Vec::new(); latents], counts: vec![0; latents], seen: 0, fired: 0 }
    }

    fn add(&mut self, dictionary: &Dictionary, gathered: &Activations, picture: usize) {
        let codes = dictionary.codes(&gathered.pictures[picture]);
        let mut best: Vec<Option<Strongest>> = vec![None; self.found.len()];
        for (index, &place) in gathered.places.iter().enumerate() {
            for used in codes.of(index..index + 1) {
                let latent = used.latent as usize;
                self.counts[latent] += 1;
                self.fired += 1;
                if best[latent].is_none_or(|best| best.value < used.pre) {
                    let picture = picture as u32;
                    best[latent] = Some(Strongest { picture, place, value: used.pre });
                }
            }
        }
        self.seen += gathered.places.len();
        for (found, best) in self.found.iter_mut().zip(best) {
            let Some(best) = best else { continue };
            let place = found.partition_point(|other| best.value <= other.value);
            found.insert(place, best);
            found.truncate(SHOWN);
        }
    }

    /// Latents that never fired.
    fn silent(&self) -> usize {
        self.counts.iter().filter(|count| **count == 0).count()
    }

    /// As [`Learned`] says.
    fn bytes(&self) -> Vec<u8> {
        let nobody = Strongest { picture: NOBODY, place: 0, value: 0.0 };
        let mut bytes = Vec::with_capacity(self.found.len() * (4 + 12 * SHOWN));
        for (found, count) in self.found.iter().zip(&self.counts) {
            let share = *count as f32 / self.seen.max(1) as f32;
            bytes.extend(share.to_le_bytes());
            let padding = std::iter::repeat_n(&nobody, SHOWN - found.len());
            for Strongest { picture, place, value } in found.iter().chain(padding) {
                bytes.extend(picture.to_le_bytes());
                bytes.extend(place.to_le_bytes());
                bytes.extend(value.to_le_bytes());
            }
        }
        bytes
    }
}

/// Looks for latents in every so manieth picture.
async fn survey<H: Host>(
    core: &Core<H>,
    voice: &Voice<Learned>,
    dictionary: &Dictionary,
    gathered: &Activations,
    every: usize,
) -> Result<Survey, Ending> {
    let mut survey = Survey::new(dictionary.config().latents);
    for (count, picture) in (0..gathered.pictures.len()).step_by(every).enumerate() {
        survey.add(dictionary, gathered, picture);
        if count % BREATH == BREATH - 1 {
            core.host.breathe().await;
            voice.check_stopped()?;
        }
    }
    Ok(survey)
}

/// The squared error of all that was gathered over its variance.
async fn normalized_mse<H: Host>(
    core: &Core<H>,
    voice: &Voice<Learned>,
    dictionary: &Dictionary,
    gathered: &Activations,
) -> Result<f64, Ending> {
    let (mut left, mut squares, mut sums) = (0.0, 0.0, vec![0.0; gathered.channels]);
    for (count, picture) in gathered.pictures.iter().enumerate() {
        let made = dictionary.decode(&dictionary.codes(picture));
        left += picture
            .iter()
            .zip(made)
            .map(|(one, other)| f64::from(one - other).powi(2))
            .sum::<f64>();
        for example in picture.chunks_exact(gathered.channels) {
            for (sum, &value) in sums.iter_mut().zip(example) {
                *sum += f64::from(value);
                squares += f64::from(value).powi(2);
            }
        }
        if count % BREATH == BREATH - 1 {
            core.host.breathe().await;
            voice.check_stopped()?;
        }
    }
    let of_mean = sums.iter().map(|sum| sum * sum).sum::<f64>() / gathered.count().max(1) as f64;
    let whole = squares - of_mean;
    Ok(if 0.0 < whole { left / whole } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(count: usize) -> Activations {
        Activations {
            weights_sha256: String::new(),
            layer: String::new(),
            channels: 1,
            places: Rc::new(vec![0, 1]),
            pictures: (0..count).map(|at| Rc::new(vec![at as f32, at as f32 + 0.5])).collect(),
        }
    }

    #[test]
    fn each_activation_comes_once_before_any_comes_twice() {
        let gathered = gathered(3);
        let mut order = Order::new(gathered.count(), 1);
        for _ in 0..2 {
            let mut values = order.batch(&gathered, 6);
            values.sort_by(f32::total_cmp);
            assert_eq!(values, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
        }
    }
}

//! Dictionaries on their way into a bundle, with what was measured of them, and the layers that they
//! make.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use shared::format::bundle::{DictionaryFiles, Layer};
use shared::format::dictionary::{CONFIG, Files as Kept, WEIGHTS, sha256};
use shared::format::worth::{self, Measure, Worth};
use shared::models::ModelInfo;
use shared::tap::LayerInfo;

use super::existing::Existing;
use super::files::Files;
use super::map;
use crate::dictionary::{self, Named, Opened};
use crate::evaluate::worth::{Evaluation, Latent};
use crate::evaluate::{self, EVALUATION};
use crate::failure::WrongCall;

/// A dictionary, and the layer of its latents.
#[derive(Debug)]
pub struct Shipped {
    /// What can be said of its latents.
    pub layer: LayerInfo,
    /// Of its files, the numbers' first, hexadecimal.
    pub sha256: String,
    kept: Kept,
    /// What was measured of it, if it was; of one that is taken over, the other bundle has it.
    measured: Option<Measured>,
}

/// What is known of a dictionary that was evaluated.
#[derive(Debug)]
struct Measured {
    evaluation: Evaluation,
    /// Each latent by itself, and where it is on the map.
    latents: Vec<(Latent, [f32; 2])>,
}

/// Latents on a page.
const PAGE: usize = 1024;

impl Shipped {
    fn new(layer: LayerInfo, kept: Kept, measured: Option<Measured>) -> Self {
        let sha256 = sha256(kept.config.as_bytes(), &kept.weights);
        Self { layer, sha256, kept, measured }
    }

    /// Whether these are its files.
    pub fn is(&self, files: &DictionaryFiles) -> bool {
        let Kept { config, weights } = &self.kept;
        files.config.check(config.as_bytes()).is_ok() && files.weights.check(weights).is_ok()
    }

    /// Puts its files into the bundle.
    pub fn add(&self, files: &mut Files) -> DictionaryFiles {
        let folder = &self.layer.name;
        DictionaryFiles {
            config: files.add(&format!("{folder}/{CONFIG}"), self.kept.config.clone().into_bytes()),
            weights: files.add(&format!("{folder}/{WEIGHTS}"), self.kept.weights.clone()),
        }
    }

    /// Puts what its latents are worth into the bundle, if it was measured.
    pub fn add_worth(&self, files: &mut Files) -> Option<Worth> {
        let Measured { evaluation, latents } = self.measured.as_ref()?;
        let is_measured =
            |measure: &Measure| latents.iter().any(|(latent, _)| of(latent, *measure).is_some());
        let nearest = latents.iter().map(|(latent, _)| latent.nearest.len()).max().unwrap_or(0);
        let worth = Worth {
            activations: evaluation.activations,
            normalized_mse: evaluation.normalized_mse as f32,
            l0: evaluation.l0 as f32,
            measured: Measure::ALL.into_iter().filter(is_measured).collect(),
            mapped: true,
            nearest,
            units: latents.len(),
            page: PAGE,
            records: Vec::new(),
        };
        let laid_out: Vec<worth::Latent> = latents
            .iter()
            .map(|(latent, place)| worth::Latent {
                measures: Measure::ALL.map(|measure| of(latent, measure).unwrap_or(0.0)),
                place: *place,
                partner: latent.partner,
                nearest: latent.nearest.clone(),
            })
            .collect();
        let folder = &self.layer.name;
        Some(worth.write(&laid_out, |page, bytes| {
            files.add(&format!("{folder}/latents-{page}.bin"), bytes)
        }))
    }
}

/// A measure of a latent, where it was taken.
fn of(latent: &Latent, measure: Measure) -> Option<f32> {
    let narrow = |number: f64| number as f32;
    match measure {
        Measure::Frequency => Some(narrow(latent.frequency)),
        Measure::Mean => Some(narrow(latent.mean)),
        Measure::Max => Some(latent.max),
        Measure::Purity => latent.purity.map(narrow),
        Measure::Coherence => latent.coherence.map(narrow),
        Measure::Stability => latent.stability.map(narrow),
        Measure::Monosemanticity => latent.monosemanticity.map(narrow),
    }
}

/// What `pellucid evaluate` left beside a dictionary, and a map of what fired there.
fn measured(opened: &Opened) -> Result<Measured> {
    let (evaluation, latents) = evaluate::read(&opened.folder)?;
    let (found, expected) = (latents.len(), opened.dictionary.config().latents);
    if found != expected {
        let folder = opened.folder.display();
        bail!("{folder}: {found} latents were measured, it has {expected}");
    }
    let fires: Vec<bool> = latents.iter().map(|latent| 0.0 < latent.frequency).collect();
    let places = map::places(&opened.dictionary, &fires)?;
    Ok(Measured { evaluation, latents: latents.into_iter().zip(places).collect() })
}

/// By the names of their layers: those that were given, and those of the bundle it is made from.
///
/// # Errors
/// A dictionary that is none or not of this network, two of one name.
pub fn gather(
    given: &[String],
    from: Option<&Existing>,
    info: &ModelInfo,
) -> Result<BTreeMap<String, Shipped>> {
    let mut shipped = BTreeMap::new();
    for text in given {
        let Named { layer, opened, .. } = dictionary::named(text, info)?;
        let measured = match opened.folder.join(EVALUATION).is_file() {
            true => Some(measured(&opened)?),
            false => None,
        };
        let found = Shipped::new(layer, opened.as_saelens()?, measured);
        if let Some(other) = shipped.insert(found.layer.name.clone(), found) {
            let name = other.layer.name;
            return Err(WrongCall(format!("--dictionary: two are called {name}")).into());
        }
    }
    for (from, old) in
        from.iter().flat_map(|from| from.bundle.layers.iter().map(move |l| (from, l)))
    {
        let Layer { name, dictionary: Some(parts), .. } = old else { continue };
        if !shipped.contains_key(name) {
            let (config, weights) = (from.read(&parts.config)?, from.read(&parts.weights)?);
            let kept = Kept { config: String::from_utf8(config)?, weights };
            shipped.insert(name.clone(), Shipped::new(old.info(info)?, kept, None));
        }
    }
    Ok(shipped)
}

//! What a bundle holds of a layer: dreams made beforehand, exemplars, and of a dictionary's latents
//! what computes them.

use burn::tensor::Device;
use serde::Serialize;
use serde_json::Value;

use super::super::dictionary::{self, CONFIG_LIMIT};
use super::super::exemplars::Exemplars;
use super::super::field::Field;
use super::super::part::{Part, WEIGHTS_LIMIT};
use super::super::worth::Worth;
use super::sprites::Sprites;
use crate::models::ModelInfo;
use crate::readout::dictionary::Dictionary;
use crate::readout::{Derived, Readouts};
use crate::tap::LayerInfo;
use crate::visualize::{Objective, Settings};
use crate::{Error, Result};

/// The most layers.
const LAYERS_LIMIT: usize = 1000;

/// The most latents of a readout.
const LATENTS_LIMIT: u64 = 1 << 20;

/// The longest name of a readout, in bytes.
const READOUT_LIMIT: usize = 40;

/// The longest list of penalties, in characters.
const PENALTIES_LIMIT: usize = 200;

/// What was made beforehand of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Its canonical name; for a readout of another layer that layer's, a slash and its own:
    /// `block8/sae-2k`.
    pub name: String,
    /// How many latents it has, where it is a readout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latents: Option<usize>,
    /// What computes its latents, where it is a dictionary's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dictionary: Option<DictionaryFiles>,
    /// What its latents are worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worth: Option<Worth>,
    /// What its units look for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dreams: Option<Dreams>,
    /// Which of the gallery's pictures excite its units most, and where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemplars: Option<Exemplars>,
}

/// A dictionary as SAELens keeps one: the files of one folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DictionaryFiles {
    /// Its `cfg.json`.
    pub config: Part,
    /// Its `sae_weights.safetensors`.
    pub weights: Part,
}

/// Small pictures of what units look for, and how they were made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dreams {
    /// Ranges of units, `[from, to)`, ascending; their pictures follow each other in that order.
    pub units: Vec<[usize; 2]>,
    /// The pictures.
    pub sprites: Sprites,
    /// What they were made with.
    pub settings: Settings,
    /// Steps of ascent.
    pub steps: usize,
    /// The seed.
    pub seed: u64,
    /// What was subtracted from each unit: ` - 1e-3*tv`, or nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub penalties: String,
}

impl Dreams {
    /// Every unit that has a picture, in the order of the pictures.
    pub fn all_units(&self) -> impl Iterator<Item = usize> + '_ {
        self.units.iter().flat_map(|&[from, to]| from..to)
    }

    /// The number of a unit's picture, if it has one.
    pub fn picture(&self, unit: usize) -> Option<usize> {
        let mut before = 0;
        for &[from, to] in &self.units {
            if (from..to).contains(&unit) {
                return Some(before + unit - from);
            }
            before += to - from;
        }
        None
    }
}

impl Layer {
    /// Nothing made beforehand of a layer of the model.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            latents: None,
            dictionary: None,
            worth: None,
            dreams: None,
            exemplars: None,
        }
    }

    /// What can be said of the layer, which is one of the model's or is read out of one.
    pub fn info(&self, model: &ModelInfo) -> Result<LayerInfo> {
        let Some(latents) = self.latents else { return Ok(model.layer(&self.name)?.clone()) };
        let (parent, own) = parent(&self.name).ok_or_else(|| Error::Format {
            what: self.name.clone(),
            reason: NO_READOUT.to_owned(),
        })?;
        Ok(model.layer(parent)?.of_latents(own, latents))
    }

    /// The dictionary in the bytes of its two parts, which are untrusted.
    ///
    /// # Errors
    /// It is none, or one that takes or finds another number than this layer's.
    pub fn dictionary(
        &self,
        model: &ModelInfo,
        config: &[u8],
        weights: &[u8],
    ) -> Result<Dictionary> {
        let wrong = |reason: String| Error::Format { what: self.name.clone(), reason };
        let (parent, _) = parent(&self.name).ok_or_else(|| wrong(NO_READOUT.to_owned()))?;
        let parent = model.layer(parent)?;
        let (dictionary, _) = dictionary::read(config, weights)?;
        let (channels, latents) = (dictionary.config().channels, dictionary.config().latents);
        if channels != parent.channels {
            let expected = format!("{} has {}", parent.name, parent.channels);
            return Err(wrong(format!("its dictionary takes {channels} channels; {expected}")));
        }
        if Some(latents) != self.latents {
            let said = self.latents.map_or("none".to_owned(), |latents| latents.to_string());
            return Err(wrong(format!("its dictionary has {latents} latents, the bundle {said}")));
        }
        Ok(dictionary)
    }

    /// The same as what a network's layers are looked up in.
    ///
    /// # Errors
    /// As [`Self::dictionary`].
    pub fn readouts(
        &self,
        model: &ModelInfo,
        config: &[u8],
        weights: &[u8],
        device: &Device,
    ) -> Result<Readouts> {
        let dictionary = self.dictionary(model, config, weights)?;
        let (parent, own) = parent(&self.name).unwrap_or_default();
        let id = model.layer_id(parent)?;
        let sha256 = dictionary::sha256(config, weights);
        let derived = Derived::new((id, model.at(id)), own, dictionary.on(device), &sha256);
        Ok([((model.at(id).name.clone(), own.to_owned()), derived)].into())
    }

    /// Every part, in the order of `bundle.json`.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        let dictionary = self.dictionary.iter().flat_map(|files| [&files.config, &files.weights]);
        let dreams = self.dreams.iter().flat_map(|dreams| &dreams.sprites.sheets);
        let worth = self.worth.iter().flat_map(|worth| &worth.records);
        dictionary
            .chain(worth)
            .chain(dreams)
            .chain(self.exemplars.iter().flat_map(Exemplars::parts))
    }
}

/// What a name of latents is answered with that is none.
const NO_READOUT: &str = "expected the name of a layer, a slash and one of 1 to 40 lower-case \
    letters, digits and '-': block8/sae-2k";

/// A readout's layer and its own name.
fn parent(name: &str) -> Option<(&str, &str)> {
    let (layer, own) = name.rsplit_once('/')?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    ((1..=READOUT_LIMIT).contains(&own.len()) && own.bytes().all(plain)).then_some((layer, own))
}

pub(super) fn read(field: &Field<'_>, info: &ModelInfo, n_pictures: usize) -> Result<Vec<Layer>> {
    let mut layers: Vec<Layer> = Vec::new();
    for item in field.items(LAYERS_LIMIT)? {
        let layer = read_layer(&item, info, n_pictures)?;
        if layers.iter().any(|other| other.name == layer.name) {
            return Err(item.get("name")?.wrong(format!("{:?} is there already", layer.name)));
        }
        layers.push(layer);
    }
    Ok(layers)
}

fn read_layer(field: &Field<'_>, info: &ModelInfo, n_pictures: usize) -> Result<Layer> {
    let name = field.get("name")?;
    let (called, latents) = match field.optional("latents")? {
        Some(latents) => {
            let (layer, own) = parent(name.text()?).ok_or_else(|| name.wrong(NO_READOUT))?;
            let layer = info.layer(layer).map_err(|error| name.wrong(error))?;
            (format!("{}/{own}", layer.name), Some(latents.positive(LATENTS_LIMIT)?))
        }
        None => {
            let layer = info.layer(name.text()?).map_err(|error| name.wrong(error))?;
            (layer.name.clone(), None)
        }
    };
    let mut layer = Layer { latents, ..Layer::new(&called) };
    let of_model = layer.info(info)?;
    let channels = of_model.channels;
    if let Some(files) = field.optional("dictionary")? {
        if latents.is_none() {
            return Err(files.wrong("its layer has no latents"));
        }
        layer.dictionary = Some(DictionaryFiles {
            config: Part::read(&files.get("config")?, CONFIG_LIMIT as u64)?,
            weights: Part::read(&files.get("weights")?, WEIGHTS_LIMIT)?,
        });
    }
    if let Some(worth) = field.optional("worth")? {
        let Some(latents) = latents else { return Err(worth.wrong("its layer has no latents")) };
        layer.worth = Some(Worth::read(&worth, latents)?);
    }
    let dreams = field.optional("dreams")?;
    layer.dreams = dreams.map(|field| read_dreams(&field, &called, channels)).transpose()?;
    let exemplars = field.optional("exemplars")?;
    if let Some(exemplars) = exemplars.as_ref().filter(|_| n_pictures == 0) {
        return Err(exemplars.wrong("there is no gallery for them to come from"));
    }
    layer.exemplars = exemplars.map(|field| Exemplars::read(&field, &of_model)).transpose()?;
    Ok(layer)
}

fn read_dreams(field: &Field<'_>, layer: &str, channels: usize) -> Result<Dreams> {
    let listed = field.get("units")?;
    let mut units: Vec<[usize; 2]> = Vec::new();
    for range in listed.items(channels)? {
        let ends = range.items(2)?;
        let ends = ends.iter().map(|end| end.number(channels as u64));
        let ends: Vec<usize> = ends.map(|end| Ok(end? as usize)).collect::<Result<_>>()?;
        let first = units.last().map_or(0, |[_, to]| *to);
        match ends[..] {
            [from, to] if first <= from && from < to => units.push([from, to]),
            _ => {
                return Err(range.wrong(format!(
                    "expected [from, to] with from below to, not before unit {first}"
                )));
            }
        }
    }
    let sprites = Sprites::read(&field.get("sprites")?)?;
    let n_units: usize = units.iter().map(|[from, to]| to - from).sum();
    if n_units != sprites.count {
        return Err(listed.wrong(format!("{n_units} units for {} pictures", sprites.count)));
    }
    let penalties = match field.optional("penalties")? {
        Some(penalties) => {
            let text = penalties.short_text(PENALTIES_LIMIT)?;
            let parsed: std::result::Result<Objective, _> = format!("{layer}:0{text}").parse();
            parsed.map_err(|error| penalties.wrong(error))?;
            text.to_owned()
        }
        None => String::new(),
    };
    Ok(Dreams {
        units,
        sprites,
        settings: settings(&field.get("settings")?)?,
        steps: field.get("steps")?.number(1_000_000)? as usize,
        seed: field.get("seed")?.number(u64::MAX)?,
        penalties,
    })
}

/// Settings a later minor version has added are left out, like all fields nobody knows.
fn settings(field: &Field<'_>) -> Result<Settings> {
    let mut found: serde_json::Map<String, Value> = field.parsed()?;
    if let Ok(Value::Object(known)) = serde_json::to_value(Settings::default()) {
        found.retain(|key, _| known.contains_key(key));
    }
    let settings: Settings =
        serde_json::from_value(Value::Object(found)).map_err(|error| field.wrong(error))?;
    settings.validate().map_err(|error| field.wrong(error))?;
    Ok(settings)
}

//! What a bundle holds of a layer: dreams made beforehand, and exemplars.

use serde::Serialize;
use serde_json::Value;

use super::field::Field;
use super::part::Part;
use super::sprites::Sprites;
use crate::Result;
use crate::models::ModelInfo;
use crate::visualize::{Objective, Settings};

/// The largest list of exemplars that is accepted, in bytes.
pub const EXEMPLARS_LIMIT: u64 = 64 << 20;

/// The largest set of heat maps that is accepted, in bytes.
const HEAT_LIMIT: u64 = 256 << 20;

/// The longest list of penalties, in characters.
const PENALTIES_LIMIT: usize = 200;

/// What was made beforehand of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Its canonical name.
    pub name: String,
    /// What its units look for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dreams: Option<Dreams>,
    /// Which of the gallery's pictures excite its units most: [`crate::format::exemplars`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemplars: Option<Part>,
    /// Where in those pictures they do: a byte a place, for each unit, exemplar, row and column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heat: Option<Part>,
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
    /// Every part, in the order of `bundle.json`.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        let dreams = self.dreams.iter().flat_map(|dreams| &dreams.sprites.sheets);
        dreams.chain(&self.exemplars).chain(&self.heat)
    }
}

pub(super) fn read(field: &Field<'_>, info: &ModelInfo, n_pictures: usize) -> Result<Vec<Layer>> {
    let mut layers: Vec<Layer> = Vec::new();
    for item in field.items(info.layers.len())? {
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
    let known = info.layer(name.text()?).map_err(|error| name.wrong(error))?;
    let dreams = field.optional("dreams")?;
    let dreams = dreams.map(|dreams| read_dreams(&dreams, &known.name, known.channels));
    let exemplars = field.optional("exemplars")?;
    if let Some(exemplars) = exemplars.as_ref().filter(|_| n_pictures == 0) {
        return Err(exemplars.wrong("there is no gallery for them to come from"));
    }
    let exemplars = exemplars.map(|field| Part::read(&field, EXEMPLARS_LIMIT)).transpose()?;
    let heat = field.optional("heat")?;
    if let Some(heat) = heat.as_ref().filter(|_| exemplars.is_none()) {
        return Err(heat.wrong("there are no exemplars for it to lie on"));
    }
    Ok(Layer {
        name: known.name.clone(),
        dreams: dreams.transpose()?,
        exemplars,
        heat: heat.map(|field| Part::read(&field, HEAT_LIMIT)).transpose()?,
    })
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

//! Which pictures excite the units of a layer most, and how their activations are distributed:
//! a part of a bundle.

use serde::{Deserialize, Serialize};

use super::bundle::{EXEMPLARS_LIMIT, Field, parse_json};
use crate::{Error, Result};

/// The most exemplars of a unit.
pub const TOP_LIMIT: usize = 100;

/// The longest side of a heat map.
const HEAT_SIDE_LIMIT: u64 = 64;

/// Shares of all activations that lie below the quantiles that are kept.
pub const QUANTILES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];

/// Bars of a unit's histogram: equally wide, from the smallest activation to the largest.
pub const BARS: usize = 24;

/// What a picture's exciting a unit is measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statistic {
    /// The mean over all positions.
    #[default]
    Mean,
    /// The largest of all positions.
    Max,
}

/// What excites the units of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exemplars {
    /// The layer's canonical name.
    pub layer: String,
    /// What pictures are ranked by.
    pub statistic: Statistic,
    /// How many pictures were looked at.
    pub pictures: usize,
    /// Rows and columns of positions that the layer has on a picture.
    pub positions: [usize; 2],
    /// Rows and columns of a heat map: positions, or the largest of some neighbouring ones.
    pub heat: [usize; 2],
    /// One for each channel.
    pub units: Vec<UnitExemplars>,
    /// How much other pictures excite the same units; where it is not there, nobody has looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// What pictures that a bundle does not hold excite in a layer's units: measured by it, a gallery
/// that has little of what a unit looks for is told from a unit that never answers much.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reference {
    /// How many pictures were looked at.
    pub pictures: usize,
    /// For each unit the largest statistic.
    pub best: Vec<f32>,
}

/// What excites a unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitExemplars {
    /// The most exciting pictures, best first.
    pub top: Vec<Exemplar>,
    /// Activations, over all positions of all pictures, below which the shares in [`QUANTILES`]
    /// lie. Good to one or two per cent.
    pub quantiles: Vec<f32>,
    /// How many in a thousand of all activations that are not exactly zero fall into each of
    /// [`BARS`] bars from the first quantile to the last.
    pub histogram: Vec<u32>,
    /// The share of activations that are exactly zero, 0..=1.
    pub zero_share: f32,
}

/// A picture that excites a unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(into = "(usize, f32, usize, usize)")]
pub struct Exemplar {
    /// Its number in the gallery.
    pub picture: usize,
    /// Its statistic.
    pub value: f32,
    /// Where the largest activation is.
    pub row: usize,
    /// Where the largest activation is.
    pub column: usize,
}

impl From<Exemplar> for (usize, f32, usize, usize) {
    fn from(Exemplar { picture, value, row, column }: Exemplar) -> Self {
        (picture, value, row, column)
    }
}

impl Exemplars {
    /// Reads the exemplars of a layer of `channels` channels from a gallery of `n_pictures`.
    ///
    /// # Errors
    /// Name the field, say what was found and what can stand there.
    pub fn from_json(
        bytes: &[u8],
        layer: &str,
        channels: usize,
        n_pictures: usize,
    ) -> Result<Self> {
        let value = parse_json("exemplars", bytes, EXEMPLARS_LIMIT as usize)?;
        let root = Field::root("exemplars", &value);
        let name = root.get("layer")?;
        if name.text()? != layer {
            return Err(name.wrong(format!("expected {layer:?}")));
        }
        let positions = sides(&root.get("positions")?, 65_536)?;
        let heat = sides(&root.get("heat")?, HEAT_SIDE_LIMIT)?;
        let listed = root.get("units")?;
        let items = listed.items(channels)?;
        if items.len() != channels {
            return Err(listed.wrong(format!("{} units, {layer} has {channels}", items.len())));
        }
        let bounds = Bounds { n_pictures, positions };
        let reference = root.optional("reference")?;
        Ok(Self {
            layer: layer.to_owned(),
            statistic: root.get("statistic")?.parsed()?,
            pictures: root.get("pictures")?.number(u64::from(u32::MAX))? as usize,
            positions,
            heat,
            units: items.iter().map(|item| unit(item, &bounds)).collect::<Result<_>>()?,
            reference: reference.map(|field| read_reference(&field, channels)).transpose()?,
        })
    }

    /// The text of an exemplars part.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Format {
            what: "exemplars".to_owned(),
            reason: error.to_string(),
        })
    }

    /// Bytes of the heat maps that belong to these exemplars: for each unit, exemplar, row and
    /// column one. 255 is the largest activation in any of the unit's exemplars, 0 nothing or less.
    pub fn heat_length(&self) -> usize {
        self.units.iter().map(|unit| unit.top.len()).sum::<usize>() * self.heat[0] * self.heat[1]
    }

    /// Where in the heat maps those of a unit's exemplar begin.
    pub fn heat_start(&self, unit: usize, exemplar: usize) -> usize {
        let before: usize = self.units[..unit].iter().map(|unit| unit.top.len()).sum();
        (before + exemplar) * self.heat[0] * self.heat[1]
    }
}

/// Numbers that exemplars must stay below.
struct Bounds {
    n_pictures: usize,
    positions: [usize; 2],
}

fn sides(field: &Field<'_>, limit: u64) -> Result<[usize; 2]> {
    let items = field.items(2)?;
    let sides = items.iter().map(|side| Ok(side.number(limit)? as usize));
    let sides: Vec<usize> = sides.collect::<Result<_>>()?;
    match sides[..] {
        [rows, columns] if 0 < rows && 0 < columns => Ok([rows, columns]),
        _ => Err(field.wrong("expected [rows, columns], both at least 1")),
    }
}

fn unit(field: &Field<'_>, bounds: &Bounds) -> Result<UnitExemplars> {
    let top = field.get("top")?.items(TOP_LIMIT)?;
    let quantiles: Vec<f32> =
        numbers(&field.get("quantiles")?, QUANTILES.len(), |field| field.float())?;
    if !quantiles.is_sorted() {
        return Err(field.get("quantiles")?.wrong("must ascend"));
    }
    let bar = |bar: &Field<'_>| bar.number(1000).map(|bar| bar as u32);
    let zero_share = field.get("zero_share")?;
    Ok(UnitExemplars {
        top: top.iter().map(|item| exemplar(item, bounds)).collect::<Result<_>>()?,
        quantiles,
        histogram: numbers(&field.get("histogram")?, BARS, bar)?,
        zero_share: match zero_share.float()? {
            share if (0.0..=1.0).contains(&share) => share,
            share => return Err(zero_share.wrong(format!("is {share}, expected 0 to 1"))),
        },
    })
}

fn read_reference(field: &Field<'_>, channels: usize) -> Result<Reference> {
    Ok(Reference {
        pictures: field.get("pictures")?.number(u64::from(u32::MAX))? as usize,
        best: numbers(&field.get("best")?, channels, |field| field.float())?,
    })
}

fn numbers<T>(
    field: &Field<'_>,
    count: usize,
    read: impl Fn(&Field<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let items = field.items(count)?;
    if items.len() != count {
        return Err(field.wrong(format!("{} numbers, expected {count}", items.len())));
    }
    items.iter().map(read).collect()
}

fn exemplar(field: &Field<'_>, bounds: &Bounds) -> Result<Exemplar> {
    let items = field.items(4)?;
    let [picture, value, row, column] = &items[..] else {
        return Err(field.wrong("expected [picture, value, row, column]"));
    };
    let below = |field: &Field<'_>, count: usize| {
        let number = field.number(u64::from(u32::MAX))? as usize;
        if number < count {
            return Ok(number);
        }
        Err(field.wrong(format!("is {number}, expected below {count}")))
    };
    Ok(Exemplar {
        picture: below(picture, bounds.n_pictures)?,
        value: value.float()?,
        row: below(row, bounds.positions[0])?,
        column: below(column, bounds.positions[1])?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn exemplars() -> Exemplars {
        let unit = |value: f32| UnitExemplars {
            top: vec![
                Exemplar { picture: 3, value, row: 13, column: 0 },
                Exemplar { picture: 0, value: value / 2.0, row: 0, column: 13 },
            ],
            quantiles: (0..QUANTILES.len()).map(|step| step as f32 * value).collect(),
            histogram: vec![40; BARS],
            zero_share: 0.25,
        };
        Exemplars {
            layer: "mixed4a".to_owned(),
            statistic: Statistic::Mean,
            pictures: 4,
            positions: [14, 14],
            heat: [7, 7],
            units: vec![unit(2.5), unit(1.0)],
            reference: Some(Reference { pictures: 700, best: vec![2.75, 9.0] }),
        }
    }

    fn read(value: &Value) -> Result<Exemplars> {
        Exemplars::from_json(value.to_string().as_bytes(), "mixed4a", 2, 4)
    }

    #[test]
    fn exemplars_survive_the_round_trip() {
        let text = exemplars().to_json().unwrap();
        assert_eq!(Exemplars::from_json(text.as_bytes(), "mixed4a", 2, 4).unwrap(), exemplars());
        let alone = Exemplars { reference: None, ..exemplars() };
        let text = alone.to_json().unwrap();
        assert!(!text.contains("reference"), "{text}");
        assert_eq!(Exemplars::from_json(text.as_bytes(), "mixed4a", 2, 4).unwrap(), alone);
    }

    #[test]
    fn every_wrong_field_is_named() {
        for (pointer, wrong, named) in [
            ("/layer", json!("mixed4b"), "layer"),
            ("/statistic", json!("median"), "statistic"),
            ("/positions", json!([14]), "positions"),
            ("/heat", json!([7, 0]), "heat"),
            ("/units/1/top/0", json!([4, 1.0, 0, 0]), "units[1].top[0][0]"),
            ("/units/1/top/0", json!([0, 1.0, 14, 0]), "units[1].top[0][2]"),
            ("/units/1/top/0", json!([0, 1e300, 0, 0]), "units[1].top[0][1]"),
            ("/units/0/quantiles", json!([1, 2]), "units[0].quantiles"),
            ("/units/0/quantiles/0", json!(100.0), "units[0].quantiles"),
            ("/units/0/histogram/0", json!(1001), "units[0].histogram[0]"),
            ("/units/0/zero_share", json!(1.5), "units[0].zero_share"),
            ("/units", json!([]), "units"),
            ("/reference/pictures", json!(-1), "reference.pictures"),
            ("/reference/best", json!([1.0]), "reference.best"),
            ("/reference/best/1", json!("9"), "reference.best[1]"),
        ] {
            let mut value = serde_json::to_value(exemplars()).unwrap();
            *value.pointer_mut(pointer).unwrap() = wrong;
            let error = read(&value).unwrap_err().to_string();
            assert!(error.contains(named), "{named}: {error}");
        }
    }

    #[test]
    fn heat_maps_follow_each_other() {
        let exemplars = exemplars();
        assert_eq!(exemplars.heat_length(), 4 * 49);
        assert_eq!(exemplars.heat_start(1, 1), 3 * 49);
    }
}

//! Which pictures excite the units of a layer most, and how their activations are distributed:
//! tables of a bundle, of which `docs/bundle.md` tells the layout.

mod record;
mod whole;

use serde::{Deserialize, Serialize};

pub use self::record::{Heat, Records};
pub use self::whole::{Reference, Whole};
use super::field::Field;
use super::part::Part;
use super::table::{Kind, PAGE_LIMIT, Shape, UNITS_LIMIT};
use crate::{Error, Result};

/// The most exemplars of a unit.
pub const TOP_LIMIT: usize = 100;

/// The longest side of a heat map.
const HEAT_SIDE_LIMIT: u64 = 64;

/// The most rows or columns of positions.
const POSITIONS_LIMIT: u64 = 65_536;

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

/// What `bundle.json` says of a layer's exemplars: what all units have in common, and where the
/// tables are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exemplars {
    /// What pictures are ranked by.
    pub statistic: Statistic,
    /// How many pictures were looked at.
    pub pictures: usize,
    /// Rows and columns of positions that the layer has on a picture.
    pub positions: [usize; 2],
    /// Rows and columns of a heat map: positions, or the largest of some neighbouring ones.
    pub heat: [usize; 2],
    /// The most exemplars that a unit has.
    pub top: usize,
    /// How many other pictures were looked at for what they excite in the same units
    /// ([`UnitExemplars::elsewhere`]); where it is not there, nobody has looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<usize>,
    /// The median over the units of what their best picture excites.
    pub usual: f32,
    /// How many units there are: the layer's channels.
    pub units: usize,
    /// Units on a page; the last may have fewer.
    pub page: usize,
    /// Pages of [`Records`].
    pub records: Vec<Part>,
    /// Pages of [`Heat`]; none where nobody has looked where the units answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<Part>,
}

/// What excites a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitExemplars {
    /// The most exciting pictures, best first.
    pub top: Vec<Exemplar>,
    /// Activations, over all positions of all pictures, below which the shares in [`QUANTILES`]
    /// lie. Good to one or two per cent.
    pub quantiles: [f32; QUANTILES.len()],
    /// How many in a thousand of all activations that are not exactly zero fall into each of
    /// [`BARS`] bars from the first quantile to the last.
    pub histogram: [u16; BARS],
    /// The share of activations that are exactly zero, 0..=1.
    pub zero_share: f32,
    /// The largest statistic among pictures that the bundle need not hold: measured by it, a
    /// gallery that has little of what a unit looks for is told from a unit that never answers
    /// much.
    pub elsewhere: Option<f32>,
}

/// A picture that excites a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
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

impl Exemplars {
    /// Reads the description of the exemplars of a layer of `channels` channels.
    ///
    /// # Errors
    /// Name the field, say what was found and what can stand there.
    pub(super) fn read(field: &Field<'_>, channels: usize) -> Result<Self> {
        let counted = |field: Field<'_>| field.number(u64::from(u32::MAX)).map(|n| n as usize);
        let units = field.get("units")?;
        if units.number(u64::MAX)? != channels as u64 {
            return Err(units.wrong(format!("expected the layer's {channels}")));
        }
        let mut exemplars = Self {
            statistic: field.get("statistic")?.parsed()?,
            pictures: counted(field.get("pictures")?)?,
            positions: sides(&field.get("positions")?, POSITIONS_LIMIT)?,
            heat: sides(&field.get("heat")?, HEAT_SIDE_LIMIT)?,
            top: field.get("top")?.positive(TOP_LIMIT as u64)?,
            reference: field.optional("reference")?.map(counted).transpose()?,
            usual: field.get("usual")?.float()?,
            units: channels,
            page: field.get("page")?.positive(UNITS_LIMIT as u64)?,
            records: Vec::new(),
            maps: Vec::new(),
        };
        exemplars.records = exemplars.pages(&field.get("records")?, Kind::Exemplars)?;
        if let Some(maps) = field.optional("maps")? {
            exemplars.maps = exemplars.pages(&maps, Kind::Heat)?;
        }
        Ok(exemplars)
    }

    /// The pages of its tables.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.records.iter().chain(&self.maps)
    }

    /// How many pages a table has.
    pub fn n_pages(&self) -> usize {
        self.units.div_ceil(self.page)
    }

    /// The page that a unit is on.
    pub fn page_of(&self, unit: usize) -> usize {
        unit / self.page
    }

    /// What a page of a table must be.
    pub fn shape(&self, kind: Kind, page: usize) -> Shape {
        let first = page * self.page;
        let record = match kind {
            Kind::Exemplars => record::length(self),
            Kind::Heat => self.top * self.heat[0] * self.heat[1],
        };
        Shape { kind, first, count: self.page.min(self.units.saturating_sub(first)), record }
    }

    /// As many pages as the units need, each as long as its records.
    fn pages(&self, field: &Field<'_>, kind: Kind) -> Result<Vec<Part>> {
        let needed = self.n_pages();
        let items = field.items(needed)?;
        if items.len() != needed {
            let (found, page, units) = (items.len(), self.page, self.units);
            return Err(field.wrong(format!(
                "has {found} pages; {units} units, {page} on each, need {needed}"
            )));
        }
        let read = |(number, item): (usize, &Field<'_>)| {
            let part = Part::read(item, PAGE_LIMIT)?;
            let expected = self.shape(kind, number).length();
            if part.size != expected {
                return Err(item
                    .get("size")?
                    .wrong(format!("is {}, its records are {expected} bytes long", part.size)));
            }
            Ok(part)
        };
        items.iter().enumerate().map(read).collect()
    }
}

fn sides(field: &Field<'_>, limit: u64) -> Result<[usize; 2]> {
    match &field.items(2)?[..] {
        [rows, columns] => Ok([rows.positive(limit)?, columns.positive(limit)?]),
        _ => Err(field.wrong("expected [rows, columns]")),
    }
}

/// An error about a unit's record.
fn wrong(unit: usize, reason: String) -> Error {
    Error::Format { what: format!("unit {unit}"), reason }
}

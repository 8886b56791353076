//! What `bundle.json` says of a layer's exemplars.

use serde::Serialize;

use super::super::field::Field;
use super::super::part::Part;
use super::super::table::{PAGE_LIMIT, Shape, UNITS_LIMIT};
use super::statistic::Statistic;
use super::unit;
use crate::Result;
use crate::tap::LayerInfo;

/// The most exemplars of a unit.
pub const TOP_LIMIT: usize = 100;

/// The longest side of a heat map.
const HEAT_SIDE_LIMIT: u64 = 64;

/// The most rows or columns of positions.
const POSITIONS_LIMIT: u64 = 65_536;

/// What a table of a layer's exemplars holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Which pictures excite a unit, and how its activations are distributed.
    Exemplars,
    /// Where in those pictures it answers.
    Heat,
}

impl Kind {
    fn code(self) -> [u8; 4] {
        match self {
            Self::Exemplars => *b"exem",
            Self::Heat => *b"heat",
        }
    }
}

/// What all units have in common, and where the tables are.
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
    /// ([`super::UnitExemplars::elsewhere`]); where it is not there, nobody has looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<usize>,
    /// The median over the units of what their best picture excites.
    pub usual: f32,
    /// How many units there are: the layer's channels.
    pub units: usize,
    /// Units on a page; the last may have fewer.
    pub page: usize,
    /// Pages of [`super::Records`].
    pub records: Vec<Part>,
    /// Pages of [`super::Heat`]; none where nobody has looked where the units answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<Part>,
}

impl Exemplars {
    /// Reads the description of a layer's exemplars.
    ///
    /// # Errors
    /// Name the field, say what was found and what can stand there.
    pub(in crate::format) fn read(field: &Field<'_>, layer: &LayerInfo) -> Result<Self> {
        let channels = layer.channels;
        let counted = |field: Field<'_>| field.number(u64::from(u32::MAX)).map(|n| n as usize);
        let units = field.get("units")?;
        if units.number(u64::MAX)? != channels as u64 {
            return Err(units.wrong(format!("expected the layer's {channels}")));
        }
        let statistic = field.get("statistic")?;
        let mut exemplars = Self {
            statistic: statistic.parsed()?,
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
        let fits = exemplars.statistic.check(layer, exemplars.positions);
        fits.map_err(|error| statistic.wrong(error))?;
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
            Kind::Exemplars => unit::length(self.top),
            Kind::Heat => self.top * self.heat[0] * self.heat[1],
        };
        let kind = kind.code();
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

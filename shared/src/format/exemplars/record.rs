//! What the tables' pages hold of a unit: fields at fixed places.

use super::super::table::{Kind, Page};
use super::{BARS, Exemplar, Exemplars, QUANTILES, UnitExemplars, wrong};
use crate::{Error, Result};

/// Bytes of an exemplar: picture, value, row and column.
const EXEMPLAR: usize = 12;

/// Bytes of a record before its exemplars: how many there are, the share of zeros, what other
/// pictures reach, quantiles and histogram.
const BEFORE_TOP: usize = 12 + 4 * QUANTILES.len() + 2 * BARS;

/// Bytes of a unit's record.
pub(super) fn length(exemplars: &Exemplars) -> usize {
    BEFORE_TOP + exemplars.top * EXEMPLAR
}

/// A page of records, each of which was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Records {
    page: Page,
    has_reference: bool,
}

impl Records {
    /// Takes a page's bytes; pictures are those of a gallery of `n_pictures`.
    ///
    /// # Errors
    /// Name the unit, say what was found and what can stand there.
    pub fn open(
        exemplars: &Exemplars,
        n_pictures: usize,
        page: usize,
        bytes: Vec<u8>,
    ) -> Result<Self> {
        let page = Page::open(exemplars.shape(Kind::Exemplars, page), bytes)?;
        let records = Self { page, has_reference: exemplars.reference.is_some() };
        for unit in records.page.units() {
            records.check(exemplars, n_pictures, unit)?;
        }
        Ok(records)
    }

    /// What excites a unit; nothing where it is on another page.
    pub fn unit(&self, unit: usize) -> Option<UnitExemplars> {
        let record = Record(self.page.record(unit)?);
        Some(UnitExemplars {
            top: record.top().collect(),
            quantiles: std::array::from_fn(|place| record.quantile(place)),
            histogram: std::array::from_fn(|bar| record.bar(bar)),
            zero_share: record.float(4),
            elsewhere: self.has_reference.then(|| record.float(8)),
        })
    }

    /// The pictures that excite a unit most, best first; none where it is on another page.
    pub fn top(&self, unit: usize) -> impl Iterator<Item = Exemplar> + '_ {
        self.page.record(unit).into_iter().flat_map(|record| Record(record).top())
    }

    /// The units of this page.
    pub fn units(&self) -> std::ops::Range<usize> {
        self.page.units()
    }

    fn check(&self, exemplars: &Exemplars, n_pictures: usize, unit: usize) -> Result<()> {
        let record = Record(self.page.record(unit).unwrap_or_default());
        let [rows, columns] = exemplars.positions;
        let count = record.count();
        if exemplars.top < count {
            return Err(wrong(unit, format!("has {count} exemplars, at most {}", exemplars.top)));
        }
        for (rank, exemplar) in record.top().enumerate() {
            let Exemplar { picture, value, row, column } = exemplar;
            let bounds =
                [("picture", picture, n_pictures), ("row", row, rows), ("column", column, columns)];
            if let Some((what, found, bound)) =
                bounds.into_iter().find(|(_, found, bound)| bound <= found)
            {
                let reason = format!("exemplar {rank}: {what} {found}, expected below {bound}");
                return Err(wrong(unit, reason));
            }
            finite(unit, &format!("the value of exemplar {rank}"), value)?;
        }
        let quantiles: [f32; QUANTILES.len()] = std::array::from_fn(|place| record.quantile(place));
        quantiles.into_iter().try_for_each(|quantile| finite(unit, "a quantile", quantile))?;
        if !quantiles.is_sorted() {
            return Err(wrong(unit, "its quantiles must ascend".to_owned()));
        }
        if let Some(bar) = (0..BARS).map(|bar| record.bar(bar)).find(|bar| 1000 < *bar) {
            return Err(wrong(unit, format!("a bar of {bar} in 1000")));
        }
        if !(0.0..=1.0).contains(&record.float(4)) {
            let found = record.float(4);
            return Err(wrong(unit, format!("a share of zeros of {found}, expected 0 to 1")));
        }
        finite(unit, "what other pictures reach", record.float(8))
    }
}

/// A page of heat maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heat {
    page: Page,
    map: usize,
}

impl Heat {
    /// Takes a page's bytes.
    ///
    /// # Errors
    /// Bytes that are no such page.
    pub fn open(exemplars: &Exemplars, page: usize, bytes: Vec<u8>) -> Result<Self> {
        let map = exemplars.heat[0] * exemplars.heat[1];
        Ok(Self { page: Page::open(exemplars.shape(Kind::Heat, page), bytes)?, map })
    }

    /// Where a unit answers in one of its exemplars, row by row: 255 is the largest activation in
    /// any of them, 0 nothing or less. Nothing where it is on another page.
    pub fn map(&self, unit: usize, exemplar: usize) -> Option<&[u8]> {
        self.page.record(unit)?.chunks_exact(self.map).nth(exemplar)
    }
}

/// A unit's bytes, all of them there.
#[derive(Clone, Copy)]
struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    fn bytes<const N: usize>(self, start: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.0[start..start + N]);
        bytes
    }

    fn number(self, start: usize) -> usize {
        u32::from_le_bytes(self.bytes(start)) as usize
    }

    fn float(self, start: usize) -> f32 {
        f32::from_le_bytes(self.bytes(start))
    }

    fn short(self, start: usize) -> u16 {
        u16::from_le_bytes(self.bytes(start))
    }

    fn count(self) -> usize {
        self.number(0)
    }

    fn quantile(self, place: usize) -> f32 {
        self.float(12 + 4 * place)
    }

    fn bar(self, bar: usize) -> u16 {
        self.short(12 + 4 * QUANTILES.len() + 2 * bar)
    }

    fn top(self) -> impl Iterator<Item = Exemplar> + 'a {
        (0..self.count()).map(move |rank| {
            let start = BEFORE_TOP + rank * EXEMPLAR;
            Exemplar {
                picture: self.number(start),
                value: self.float(start + 4),
                row: self.short(start + 8).into(),
                column: self.short(start + 10).into(),
            }
        })
    }
}

/// A unit as its record of `length` bytes.
pub(super) fn encode(unit: &UnitExemplars, length: usize) -> Vec<u8> {
    let mut record = (unit.top.len() as u32).to_le_bytes().to_vec();
    record.extend(unit.zero_share.to_le_bytes());
    record.extend(unit.elsewhere.unwrap_or(0.0).to_le_bytes());
    record.extend(unit.quantiles.iter().flat_map(|quantile| quantile.to_le_bytes()));
    record.extend(unit.histogram.iter().flat_map(|bar| bar.to_le_bytes()));
    for exemplar in &unit.top {
        record.extend((exemplar.picture as u32).to_le_bytes());
        record.extend(exemplar.value.to_le_bytes());
        record.extend((exemplar.row as u16).to_le_bytes());
        record.extend((exemplar.column as u16).to_le_bytes());
    }
    record.resize(length, 0);
    record
}

fn finite(unit: usize, what: &str, value: f32) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err::<(), Error>(wrong(unit, format!("{what} is {value}, expected a finite number")))
}

//! A table's pages, checked as they come.

use super::super::table::Page;
use super::described::{Exemplars, Kind};
use super::unit::{BARS, Exemplar, QUANTILES, Record, UnitExemplars};
use crate::{Error, Result};

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
            zero_share: record.zero_share(),
            elsewhere: self.has_reference.then(|| record.elsewhere()),
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
        if !(0.0..=1.0).contains(&record.zero_share()) {
            let found = record.zero_share();
            return Err(wrong(unit, format!("a share of zeros of {found}, expected 0 to 1")));
        }
        finite(unit, "what other pictures reach", record.elsewhere())
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

fn finite(unit: usize, what: &str, value: f32) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err::<(), Error>(wrong(unit, format!("{what} is {value}, expected a finite number")))
}

/// An error about a unit's record.
fn wrong(unit: usize, reason: String) -> Error {
    Error::Format { what: format!("unit {unit}"), reason }
}

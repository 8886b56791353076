//! Many small pictures on a few large ones.

use serde::Serialize;

use super::super::field::Field;
use super::super::part::Part;
use crate::Result;

/// The largest sheet that is accepted, in bytes.
pub const SHEET_LIMIT: u64 = 16 << 20;

/// The longest side of a sheet, in pixels: what every browser can decode.
const SHEET_SIDE_LIMIT: u64 = 8192;

/// The most pictures in one set.
const COUNT_LIMIT: u64 = 100_000;

/// Square pictures of one size, laid out row by row on sheets (JPEG, PNG or WebP files).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sprites {
    /// Side of a picture, in pixels.
    pub side: usize,
    /// Pictures in a row.
    pub columns: usize,
    /// Rows on a sheet; the last sheet may have fewer.
    pub rows: usize,
    /// Pictures in all.
    pub count: usize,
    /// As many as the pictures need.
    pub sheets: Vec<Part>,
}

/// Where a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnSheet {
    /// Which sheet.
    pub sheet: usize,
    /// Pixels to its left.
    pub left: usize,
    /// Pixels above it.
    pub top: usize,
}

impl Sprites {
    /// Where the picture of this number is; nothing beyond the last.
    pub fn place(&self, index: usize) -> Option<OnSheet> {
        let on_sheet = index % (self.columns * self.rows);
        let place = OnSheet {
            sheet: index / (self.columns * self.rows),
            left: on_sheet % self.columns * self.side,
            top: on_sheet / self.columns * self.side,
        };
        (index < self.count).then_some(place)
    }

    /// Pixels across and down of a sheet.
    pub fn sheet_size(&self, sheet: usize) -> [usize; 2] {
        let before = sheet * self.columns * self.rows;
        let here = self.count.saturating_sub(before).min(self.columns * self.rows);
        [self.columns * self.side, here.div_ceil(self.columns) * self.side]
    }

    pub(super) fn read(field: &Field<'_>) -> Result<Self> {
        let side = field.get("side")?.positive(1024)?;
        let limit = SHEET_SIDE_LIMIT / side as u64;
        let columns = field.get("columns")?.positive(limit)?;
        let rows = field.get("rows")?.positive(limit)?;
        let count = field.get("count")?.positive(COUNT_LIMIT)?;
        let listed = field.get("sheets")?;
        let needed = count.div_ceil(columns * rows);
        let sheets = listed.items(needed)?;
        if sheets.len() != needed {
            return Err(listed.wrong(format!(
                "has {} sheets; {count} pictures, {columns} x {rows} on each, need {needed}",
                sheets.len()
            )));
        }
        let sheets = sheets.iter().map(|sheet| Part::read(sheet, SHEET_LIMIT));
        Ok(Self { side, columns, rows, count, sheets: sheets.collect::<Result<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_fill_rows_then_sheets() {
        let sheets = ["a", "b"].map(|path| Part::of(path, b"sheet")).into();
        let sprites = Sprites { side: 96, columns: 3, rows: 2, count: 8, sheets };
        assert_eq!(sprites.place(0), Some(OnSheet { sheet: 0, left: 0, top: 0 }));
        assert_eq!(sprites.place(5), Some(OnSheet { sheet: 0, left: 192, top: 96 }));
        assert_eq!(sprites.place(7), Some(OnSheet { sheet: 1, left: 96, top: 0 }));
        assert_eq!(sprites.place(8), None);
        assert_eq!((sprites.sheet_size(0), sprites.sheet_size(1)), ([288, 192], [288, 96]));
    }
}

//! Pages of a table: records of one length, one a unit, each at a place that its number tells.
//!
//! So a page is never parsed: who wants a unit looks at its bytes. `docs/bundle.md` ("Tables") is
//! normative.

use crate::{Error, Result};

/// What every page begins with.
const MAGIC: [u8; 8] = *b"pellucid";

/// The version of the layout.
const VERSION: u32 = 1;

/// Bytes before the first record.
const HEADER: usize = 28;

/// The longest page, in bytes.
pub const PAGE_LIMIT: u64 = 4 << 20;

/// The most units on a page.
pub const UNITS_LIMIT: usize = 4096;

/// What a page must be: it says so itself, and is held to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What its records are, in four letters.
    pub kind: [u8; 4],
    /// The unit of its first record.
    pub first: usize,
    /// How many records it has.
    pub count: usize,
    /// Bytes of a record.
    pub record: usize,
}

impl Shape {
    /// Bytes of the whole page.
    pub fn length(&self) -> u64 {
        HEADER as u64 + self.count as u64 * self.record as u64
    }

    fn header(&self) -> Vec<u8> {
        let mut header = [&MAGIC[..], &self.kind].concat();
        for number in [VERSION as usize, self.first, self.count, self.record] {
            // All are bounded far below: units by a layer's channels, records by a page's bytes.
            header.extend((number as u32).to_le_bytes());
        }
        header
    }
}

/// A page that is what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    shape: Shape,
    bytes: Vec<u8>,
}

impl Page {
    /// Takes the bytes of a page.
    ///
    /// # Errors
    /// Bytes of another length, or whose header says something else than `shape`.
    pub fn open(shape: Shape, bytes: Vec<u8>) -> Result<Self> {
        let wrong = |reason| Err(Error::Format { what: "table".to_owned(), reason });
        if bytes.len() as u64 != shape.length() {
            let (found, expected) = (bytes.len(), shape.length());
            return wrong(format!("is {found} bytes long, expected {expected}"));
        }
        let expected = shape.header();
        if let Some(place) = (0..HEADER).find(|place| bytes[*place] != expected[*place]) {
            let field = match place {
                0..8 => "magic",
                8..12 => "kind",
                12..16 => "version",
                16..20 => "first unit",
                20..24 => "number of units",
                _ => "length of a record",
            };
            let [found, expected] = [&bytes[..HEADER], &expected].map(hexadecimal);
            return wrong(format!("its {field} is another: found {found}, expected {expected}"));
        }
        Ok(Self { shape, bytes })
    }

    /// Lays records out, which must be as many and as long as `shape` says.
    pub fn of(shape: Shape, records: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let bytes = shape.header().into_iter().chain(records.into_iter().flatten()).collect();
        Self { shape, bytes }
    }

    /// The record of a unit; nothing where it is on another page.
    pub fn record(&self, unit: usize) -> Option<&[u8]> {
        let place = unit.checked_sub(self.shape.first)?;
        let start = HEADER + place.checked_mul(self.shape.record)?;
        self.bytes.get(start..start + self.shape.record)
    }

    /// The units of its records.
    pub fn units(&self) -> std::ops::Range<usize> {
        self.shape.first..self.shape.first + self.shape.count
    }

    /// The file's bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape { kind: *b"heat", first: 512, count: 2, record: 3 }
    }

    fn page() -> Vec<u8> {
        Page::of(shape(), [vec![1, 2, 3], vec![4, 5, 6]]).into_bytes()
    }

    #[test]
    fn a_page_is_these_bytes() {
        let numbers: Vec<u8> = [1_u32, 512, 2, 3].into_iter().flat_map(u32::to_le_bytes).collect();
        assert_eq!(page(), [b"pellucidheat", &numbers[..], &[1, 2, 3, 4, 5, 6]].concat());
    }

    #[test]
    fn records_are_found_by_their_units() {
        let page = Page::open(shape(), page()).unwrap();
        assert_eq!(page.record(513), Some(&[4, 5, 6][..]));
        assert_eq!(
            (page.record(511), page.record(514), page.record(usize::MAX)),
            (None, None, None)
        );
        assert_eq!(page.units(), 512..514);
    }

    #[test]
    fn a_page_of_something_else_is_refused_by_what_differs() {
        let other = |place: usize| {
            let mut bytes = page();
            bytes[place] ^= 1;
            Page::open(shape(), bytes).unwrap_err().to_string()
        };
        for (place, field) in [
            (0, "magic"),
            (8, "kind"),
            (12, "version"),
            (17, "first unit"),
            (20, "number of units"),
            (24, "length of a record"),
        ] {
            assert!(other(place).contains(field), "{}", other(place));
        }
        let short = Page::open(shape(), page()[..33].to_vec()).unwrap_err().to_string();
        assert!(short.contains("33 bytes long, expected 34"), "{short}");
    }
}

//! What a dictionary's latents are worth, in a bundle: how often and how strongly each fires, and what
//! else was measured of it. `docs/bundle.md` ("Tables") is normative.

use serde::{Deserialize, Serialize};

use super::field::Field;
use super::part::Part;
use super::table::{PAGE_LIMIT, Page, Shape, UNITS_LIMIT};
use crate::{Error, Result};

/// The most neighbours of a latent.
const NEAREST_LIMIT: u64 = 32;

/// Bytes of a record without neighbours: a number for each measure, a place, a partner.
const FIXED: usize = 4 * (Measure::ALL.len() + 3);

/// The number of a partner or neighbour that there is none of.
const NONE: u32 = u32::MAX;

/// What is measured of a latent, one number each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The share of activations on which it fires.
    Frequency,
    /// Its mean where it fires.
    Mean,
    /// Its largest value.
    Max,
    /// The largest part of its best pictures that have one label.
    Purity,
    /// How much it fires side by side.
    Coherence,
    /// The cosine of its decoder row and its partner's in the dictionary of another seed.
    Stability,
    /// How alike the pictures are that excite it (Pach et al. 2025).
    Monosemanticity,
}

impl Measure {
    /// In the order of a record.
    pub const ALL: [Self; 7] = [
        Self::Frequency,
        Self::Mean,
        Self::Max,
        Self::Purity,
        Self::Coherence,
        Self::Stability,
        Self::Monosemanticity,
    ];
}

/// What all latents have in common, and where the table is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worth {
    /// Activations that they were measured on.
    pub activations: u64,
    /// The dictionary's squared error over the distance from the mean, both summed.
    pub normalized_mse: f32,
    /// Latents of an activation, in the mean.
    pub l0: f32,
    /// What was measured; a record has zeros for the rest.
    pub measured: Vec<Measure>,
    /// Whether latents have places on a map.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mapped: bool,
    /// Neighbours of a latent: those whose decoder rows are most alike.
    pub nearest: usize,
    /// How many latents there are.
    pub units: usize,
    /// Latents on a page; the last may have fewer.
    pub page: usize,
    /// Pages of [`Latents`].
    pub records: Vec<Part>,
}

/// What a latent is worth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latent {
    /// By [`Measure::ALL`]; 0 where it was not measured.
    pub measures: [f32; Measure::ALL.len()],
    /// Where it is on the map, each number from -1 to 1, first across, then up; zeros for one that
    /// never fires, which is on none, and where there is no map.
    pub place: [f32; 2],
    /// Its partner in the dictionary of another seed.
    pub partner: Option<usize>,
    /// Those of this dictionary most alike, the most alike first.
    pub nearest: Vec<usize>,
}

impl Worth {
    /// Reads the description of what `units` latents are worth.
    ///
    /// # Errors
    /// Name the field, say what was found and what can stand there.
    pub(super) fn read(field: &Field<'_>, units: usize) -> Result<Self> {
        let said = field.get("units")?;
        if said.number(u64::MAX)? != units as u64 {
            return Err(said.wrong(format!("expected the layer's {units}")));
        }
        let mapped = field.optional("mapped")?.map(|field| field.parsed()).transpose()?;
        let mut worth = Self {
            activations: field.get("activations")?.number(u64::MAX)?,
            normalized_mse: field.get("normalized_mse")?.float()?,
            l0: field.get("l0")?.float()?,
            measured: Vec::new(),
            mapped: mapped.unwrap_or(false),
            nearest: field.get("nearest")?.number(NEAREST_LIMIT)? as usize,
            units,
            page: field.get("page")?.positive(UNITS_LIMIT as u64)?,
            records: Vec::new(),
        };
        for item in field.get("measured")?.items(Measure::ALL.len())? {
            worth.measured.push(item.parsed()?);
        }
        let listed = field.get("records")?;
        let needed = units.div_ceil(worth.page);
        let items = listed.items(needed)?;
        if items.len() != needed {
            return Err(listed.wrong(format!("has {} pages, expected {needed}", items.len())));
        }
        for (page, item) in items.iter().enumerate() {
            let part = Part::read(item, PAGE_LIMIT)?;
            let expected = worth.shape(page).length();
            if part.size != expected {
                let reason = format!("is {}, its records are {expected} bytes long", part.size);
                return Err(item.get("size")?.wrong(reason));
            }
            worth.records.push(part);
        }
        Ok(worth)
    }

    /// Lays latents out on pages, described by `add`; `self` says the rest.
    pub fn write(self, latents: &[Latent], mut add: impl FnMut(usize, Vec<u8>) -> Part) -> Self {
        let mut worth = Self { units: latents.len(), records: Vec::new(), ..self };
        for (page, latents) in latents.chunks(worth.page).enumerate() {
            let records = latents.iter().map(|latent| worth.record(latent));
            let bytes = Page::of(worth.shape(page), records).into_bytes();
            worth.records.push(add(page, bytes));
        }
        worth
    }

    fn record(&self, latent: &Latent) -> Vec<u8> {
        let numbers = latent.measures.iter().chain(&latent.place);
        let word = |other: Option<&usize>| other.map_or(NONE, |other| *other as u32);
        let nearest = (0..self.nearest).map(|rank| word(latent.nearest.get(rank)));
        let others = std::iter::once(word(latent.partner.as_ref())).chain(nearest);
        let numbers = numbers.flat_map(|number| number.to_le_bytes());
        numbers.chain(others.flat_map(u32::to_le_bytes)).collect()
    }

    fn shape(&self, page: usize) -> Shape {
        let first = page * self.page;
        let count = self.page.min(self.units.saturating_sub(first));
        Shape { kind: *b"late", first, count, record: FIXED + 4 * self.nearest }
    }
}

/// A page of latents, each of which was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latents {
    page: Page,
    nearest: usize,
}

impl Latents {
    /// Takes a page's bytes.
    ///
    /// # Errors
    /// Name the latent, say what was found and what can stand there.
    pub fn open(worth: &Worth, page: usize, bytes: Vec<u8>) -> Result<Self> {
        let page = Page::open(worth.shape(page), bytes)?;
        let latents = Self { page, nearest: worth.nearest };
        for unit in latents.page.units() {
            let wrong = |reason| Err(Error::Format { what: format!("latent {unit}"), reason });
            let Some(latent) = latents.latent(unit) else { continue };
            if let Some(number) = latent.measures.iter().find(|number| !number.is_finite()) {
                return wrong(format!("a measure is {number}, expected a finite number"));
            }
            let mut place = latent.place.iter();
            if let Some(number) = place.find(|number| !(-1.0..=1.0).contains(*number)) {
                return wrong(format!("its place has {number}, expected -1 to 1"));
            }
            if let Some(other) = latent.nearest.iter().find(|other| worth.units <= **other) {
                return wrong(format!("neighbour {other}, expected below {}", worth.units));
            }
        }
        Ok(latents)
    }

    /// What a latent is worth; nothing where it is on another page.
    pub fn latent(&self, unit: usize) -> Option<Latent> {
        let record = self.page.record(unit)?;
        let word = |place: usize| {
            record.get(4 * place..4 * place + 4)?.try_into().ok().map(u32::from_le_bytes)
        };
        let measured = Measure::ALL.len();
        let number = |place| word(place).map_or(0.0, f32::from_bits);
        let other = |place| word(place).filter(|other| *other != NONE).map(|other| other as usize);
        Some(Latent {
            measures: std::array::from_fn(number),
            place: std::array::from_fn(|axis| number(measured + axis)),
            partner: other(measured + 2),
            nearest: (0..self.nearest).filter_map(|rank| other(FIXED / 4 + rank)).collect(),
        })
    }

    /// The latents of this page.
    pub fn units(&self) -> std::ops::Range<usize> {
        self.page.units()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn latents() -> Vec<Latent> {
        let latent = |unit: usize| Latent {
            measures: std::array::from_fn(|place| unit as f32 + place as f32 / 8.0),
            place: [1.0 - unit as f32, -0.75],
            partner: (unit != 1).then_some(unit * 2),
            nearest: if unit == 2 { vec![0] } else { vec![unit + 1, 2 - unit] },
        };
        (0..3).map(latent).collect()
    }

    fn worth() -> (Worth, Vec<Vec<u8>>) {
        let mut pages = Vec::new();
        let worth = Worth {
            activations: 980_000,
            normalized_mse: 0.157,
            l0: 32.0,
            measured: vec![Measure::Frequency, Measure::Stability],
            mapped: true,
            nearest: 2,
            units: 0,
            page: 2,
            records: Vec::new(),
        };
        let worth = worth.write(&latents(), |page, bytes| {
            let part = Part::of(&format!("latents-{page}.bin"), &bytes);
            pages.push(bytes);
            part
        });
        (worth, pages)
    }

    fn read(value: &Value) -> Result<Worth> {
        Worth::read(&Field::root("worth", value), 3)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (worth, pages) = worth();
        assert_eq!(read(&serde_json::to_value(&worth).unwrap()).unwrap(), worth);
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [28 + 2 * 48, 28 + 48]);
        let mut found = Vec::new();
        for (page, bytes) in pages.into_iter().enumerate() {
            let latents = Latents::open(&worth, page, bytes).unwrap();
            found.extend(latents.units().filter_map(|unit| latents.latent(unit)));
        }
        assert_eq!(found, latents());
    }

    #[test]
    fn wrong_fields_are_named() {
        let good = serde_json::to_value(worth().0).unwrap();
        for (field, value) in [
            ("units", json!(4)),
            ("measured", json!(["weight"])),
            ("nearest", json!(33)),
            ("page", json!(0)),
            ("records", json!([])),
            ("normalized_mse", json!(1e300)),
        ] {
            let mut wrong = good.clone();
            wrong[field] = value.clone();
            let error = read(&wrong).unwrap_err().to_string();
            assert!(error.contains(field), "{value}: {error}");
        }
        let mut fewer = good.clone();
        fewer["page"] = json!(3);
        assert!(read(&fewer).unwrap_err().to_string().contains("records: has 2"));
        let mut long = good;
        long["records"][0]["size"] = json!(7);
        assert!(read(&long).unwrap_err().to_string().contains("records[0].size"));
    }

    #[test]
    fn a_latent_that_makes_no_sense_is_named() {
        let (worth, pages) = worth();
        let told = |place: usize, number: [u8; 4]| {
            let mut bytes = pages[0].clone();
            // Of the second latent.
            let start = 28 + 48 + 4 * place;
            bytes[start..start + 4].copy_from_slice(&number);
            Latents::open(&worth, 0, bytes).unwrap_err().to_string()
        };
        assert!(told(0, f32::NAN.to_le_bytes()).contains("latent 1: a measure is NaN"));
        assert!(told(6, f32::INFINITY.to_le_bytes()).contains("latent 1: a measure is inf"));
        for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0001, -2.0] {
            for axis in [7, 8] {
                let told = told(axis, number.to_le_bytes());
                let expected = format!("latent 1: its place has {number}, expected -1 to 1");
                assert!(told.contains(&expected), "{told}");
            }
        }
        assert!(told(11, 3_u32.to_le_bytes()).contains("neighbour 3, expected below 3"));
        assert!(Latents::open(&worth, 1, pages[0].clone()).is_err());
    }
}

//! All that is known of a layer's exemplars, as it is written into a bundle.

use super::super::part::Part;
use super::super::table::{PAGE_LIMIT, Page};
use super::described::{Exemplars, Kind};
use super::pages::{Heat, Records};
use super::statistic::Statistic;
use super::unit::{self, UnitExemplars};

/// Units on a page where nothing asks for fewer.
const PAGE: usize = 256;

/// A layer's exemplars, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// What pictures are ranked by.
    pub statistic: Statistic,
    /// How many pictures were looked at.
    pub pictures: usize,
    /// Rows and columns of positions that the layer has on a picture.
    pub positions: [usize; 2],
    /// Rows and columns of a heat map.
    pub heat: [usize; 2],
    /// How many other pictures were looked at for [`UnitExemplars::elsewhere`].
    pub reference: Option<usize>,
    /// One for each channel.
    pub units: Vec<UnitExemplars>,
    /// For each unit its heat maps, one after another; none where nobody has looked.
    pub maps: Vec<Vec<u8>>,
}

/// How much other pictures excite the same units.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// How many pictures were looked at.
    pub pictures: usize,
    /// For each unit the largest statistic.
    pub best: Vec<f32>,
}

impl Whole {
    /// Writes the tables, page by page through `write`, which gives the part that it has made of a
    /// kind's page; and the description that belongs to them.
    pub fn write(&self, mut write: impl FnMut(Kind, usize, Vec<u8>) -> Part) -> Exemplars {
        let mut exemplars = Exemplars {
            statistic: self.statistic,
            pictures: self.pictures,
            positions: self.positions,
            heat: self.heat,
            top: self.units.iter().map(|unit| unit.top.len()).max().unwrap_or(0).max(1),
            reference: self.reference,
            usual: self.usual(),
            units: self.units.len(),
            page: PAGE,
            records: Vec::new(),
            maps: Vec::new(),
        };
        let lengths = [Kind::Exemplars, Kind::Heat].map(|kind| exemplars.shape(kind, 0).record);
        let longest = lengths.into_iter().fold(1, usize::max);
        exemplars.page = PAGE.min((PAGE_LIMIT as usize / 2 / longest).max(1));
        for page in 0..exemplars.n_pages() {
            let shape = exemplars.shape(Kind::Exemplars, page);
            let units = &self.units[shape.first..shape.first + shape.count];
            let records = units.iter().map(|one| unit::encode(one, shape.record));
            let bytes = Page::of(shape, records).into_bytes();
            exemplars.records.push(write(Kind::Exemplars, page, bytes));
            let shape = exemplars.shape(Kind::Heat, page);
            if let Some(maps) = self.maps.get(shape.first..shape.first + shape.count) {
                let filled = maps.iter().map(|maps| {
                    let mut maps = maps.clone();
                    maps.resize(shape.record, 0);
                    maps
                });
                let bytes = Page::of(shape, filled).into_bytes();
                exemplars.maps.push(write(Kind::Heat, page, bytes));
            }
        }
        exemplars
    }

    /// Reads the tables that a description names, page by page through `read`.
    ///
    /// # Errors
    /// Those of `read`, and of [`Records::open`] and [`Heat::open`].
    pub fn read<E: From<crate::Error>>(
        exemplars: &Exemplars,
        n_pictures: usize,
        mut read: impl FnMut(&Part) -> std::result::Result<Vec<u8>, E>,
    ) -> std::result::Result<Self, E> {
        let (mut units, mut maps) = (Vec::new(), Vec::new());
        for (page, part) in exemplars.records.iter().enumerate() {
            let records = Records::open(exemplars, n_pictures, page, read(part)?)?;
            units.extend(records.units().filter_map(|unit| records.unit(unit)));
        }
        for (page, part) in exemplars.maps.iter().enumerate() {
            let heat = Heat::open(exemplars, page, read(part)?)?;
            let of = |unit: usize| {
                let top = units.get(unit).map_or(0, |unit: &UnitExemplars| unit.top.len());
                (0..top)
                    .filter_map(|exemplar| heat.map(unit, exemplar))
                    .flatten()
                    .copied()
                    .collect()
            };
            let shape = exemplars.shape(Kind::Heat, page);
            maps.extend((shape.first..shape.first + shape.count).map(of));
        }
        let Exemplars { statistic, pictures, positions, heat, reference, .. } = *exemplars;
        Ok(Self { statistic, pictures, positions, heat, reference, units, maps })
    }

    /// The same, measured by how much other pictures excite the units.
    pub fn measured_by(mut self, reference: Reference) -> Self {
        self.reference = Some(reference.pictures);
        for (unit, best) in self.units.iter_mut().zip(reference.best) {
            unit.elsewhere = Some(best);
        }
        self
    }

    /// The median over the units of what their best picture excites; nothing excites no units.
    fn usual(&self) -> f32 {
        let best = |unit: &UnitExemplars| unit.top.first().map_or(0.0, |best| best.value);
        let mut all: Vec<f32> = self.units.iter().map(best).collect();
        all.sort_by(f32::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::unit::{BARS, Exemplar};
    use super::*;
    use crate::{Error, Result};

    /// Units of different strength, the last without exemplars; as many maps as exemplars.
    fn whole() -> Whole {
        let unit = |value: f32| UnitExemplars {
            top: vec![
                Exemplar { picture: 3, value, row: 13, column: 0 },
                Exemplar { picture: 0, value: value / 2.0, row: 0, column: 13 },
            ],
            quantiles: std::array::from_fn(|step| step as f32 * value),
            histogram: [40; BARS],
            zero_share: 0.25,
            elsewhere: None,
        };
        let mut units: Vec<_> = (1..300).map(|unit_value| unit(unit_value as f32)).collect();
        units.push(UnitExemplars { top: Vec::new(), ..unit(0.0) });
        let map = |unit: &UnitExemplars| (0..unit.top.len() as u8 * 4).collect();
        Whole {
            statistic: Statistic::Max,
            pictures: 4,
            positions: [14, 14],
            heat: [2, 2],
            reference: None,
            maps: units.iter().map(map).collect(),
            units,
        }
    }

    /// The tables' bytes by their paths.
    type Files = Vec<(String, Vec<u8>)>;

    fn written(whole: &Whole) -> (Exemplars, Files) {
        let mut files = Files::new();
        let exemplars = whole.write(|kind, page, bytes| {
            let path = format!("{kind:?}-{page}");
            let part = Part::of(&path, &bytes);
            files.push((path, bytes));
            part
        });
        (exemplars, files)
    }

    fn read(exemplars: &Exemplars, n_pictures: usize, files: &Files) -> Result<Whole> {
        Whole::read(exemplars, n_pictures, |part| {
            let (_, bytes) = files.iter().find(|(path, _)| *path == part.path).unwrap();
            Ok::<_, Error>(bytes.clone())
        })
    }

    #[test]
    fn exemplars_survive_the_round_trip() {
        let reference = Reference { pictures: 700, best: vec![9.5; 300] };
        let without_maps = Whole { maps: Vec::new(), ..whole() };
        for whole in [whole(), whole().measured_by(reference), without_maps] {
            let (exemplars, files) = written(&whole);
            assert_eq!(exemplars.records.len(), 2);
            assert_eq!(exemplars.usual, 150.0);
            assert_eq!(read(&exemplars, 4, &files).unwrap(), whole);
        }
    }

    #[test]
    fn a_unit_is_found_on_its_page_with_its_maps() {
        let whole = whole();
        let (exemplars, files) = written(&whole);
        assert_eq!((exemplars.page_of(255), exemplars.page_of(299)), (0, 1));
        let bytes = |path: &str| files.iter().find(|file| file.0 == path).unwrap().1.clone();
        let records = Records::open(&exemplars, 4, 1, bytes("Exemplars-1")).unwrap();
        assert_eq!(records.unit(298), Some(whole.units[298].clone()));
        assert_eq!((records.unit(255), records.unit(300)), (None, None));
        assert!(records.top(298).eq(whole.units[298].top.iter().copied()));
        let heat = Heat::open(&exemplars, 1, bytes("Heat-1")).unwrap();
        assert_eq!(heat.map(298, 1), Some(&[4, 5, 6, 7][..]));
        assert_eq!((heat.map(298, 2), heat.map(255, 0)), (None, None));
    }

    #[test]
    fn what_cannot_be_is_refused_by_the_unit() {
        type Change = fn(&mut UnitExemplars);
        let wrong: [(&str, Change); 9] = [
            ("picture 4", |unit| unit.top[0].picture = 4),
            ("row 14", |unit| unit.top[1].row = 14),
            ("column 14", |unit| unit.top[0].column = 14),
            ("value", |unit| unit.top[0].value = f32::NAN),
            ("quantile", |unit| unit.quantiles[8] = f32::INFINITY),
            ("ascend", |unit| unit.quantiles[0] = 1e9),
            ("1001", |unit| unit.histogram[23] = 1001),
            ("zeros", |unit| unit.zero_share = 1.5),
            ("other pictures", |unit| unit.elsewhere = Some(f32::NAN)),
        ];
        for (named, change) in wrong {
            let mut whole = whole();
            change(&mut whole.units[257]);
            let (exemplars, files) = written(&whole);
            let error = read(&exemplars, 4, &files).unwrap_err().to_string();
            assert!(error.contains("unit 257") && error.contains(named), "{named}: {error}");
        }
        let (exemplars, files) = written(&whole());
        let fewer = Exemplars { top: 1, ..exemplars };
        let record = fewer.shape(Kind::Exemplars, 0).record;
        let mut bytes = files[0].1.clone();
        // As long as one exemplar needs, and says that it has two.
        bytes.truncate(28 + 256 * record);
        bytes[24..28].copy_from_slice(&(record as u32).to_le_bytes());
        let error = Records::open(&fewer, 4, 0, bytes).unwrap_err().to_string();
        assert!(error.contains("unit 0: has 2 exemplars, at most 1"), "{error}");
    }

    #[test]
    fn pages_of_long_records_have_fewer_units() {
        let mut whole = whole();
        whole.heat = [64, 64];
        whole.maps = vec![vec![0; 2 * 64 * 64]; 300];
        let (exemplars, files) = written(&whole);
        assert_eq!(exemplars.page, 256);
        for unit in &mut whole.units {
            unit.top = vec![Exemplar { picture: 0, value: 0.0, row: 0, column: 0 }; 100];
        }
        let (long, long_files) = written(&whole);
        assert_eq!(long.page, 5);
        for (_, bytes) in files.iter().chain(&long_files) {
            assert!(bytes.len() as u64 <= PAGE_LIMIT);
        }
    }
}

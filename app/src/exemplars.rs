//! What a unit's exemplars say of it: what its strongest places see, where it answers and how often.

use shared::format::exemplars::{BARS, Heat, QUANTILES, UnitExemplars};
use shared::tap::LayerInfo;

use crate::heatmap::Map;
use crate::numbers::value;
use crate::sprite::Square;

/// The square that a layer's position sees, in a picture of `side` pixels; moved inside where it
/// would reach beyond an edge.
pub fn crop(layer: &LayerInfo, row: usize, column: usize, side: usize) -> Square {
    let whole = side.max(1) as f64;
    let seen = layer.sees.pixels().map_or(whole, |field| (field as f64).min(whole));
    let stride = layer.grid.stride().unwrap_or_default();
    let from = |position: usize| {
        let middle = (position as f64 + 0.5) * stride as f64;
        (middle - seen / 2.0).clamp(0.0, whole - seen) / whole
    };
    Square { left: from(column), top: from(row), side: seen / whole }
}

/// The baked heat map of a unit's exemplar, in shares of the unit's largest, `columns` wide;
/// nothing where there is none.
pub fn map(heat: &Heat, columns: usize, unit: usize, exemplar: usize) -> Option<Map> {
    let bytes = heat.map(unit, exemplar)?;
    Some(Map { columns, values: bytes.iter().map(|byte| f32::from(*byte) / 255.0).collect() })
}

/// A bar of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its height as a share of the highest, 0..=1. What is not nothing is at least visible.
    pub height: f64,
    /// What it says: "3.1 to 3.4: 12 in 1000".
    pub title: String,
}

/// A unit's histogram as bars.
pub fn bars(unit: &UnitExemplars) -> Vec<Bar> {
    let (low, high) = ends(unit);
    let width = (high - low) / BARS as f32;
    let highest = unit.histogram.iter().copied().max().unwrap_or(0).max(1);
    unit.histogram
        .iter()
        .enumerate()
        .map(|(index, &count)| {
            let from = low + width * index as f32;
            let share = f64::from(count) / f64::from(highest);
            Bar {
                // A square root keeps the few strong answers visible beside the many weak ones.
                height: if count == 0 { 0.0 } else { share.sqrt().max(0.02) },
                title: format!("{} to {}: {count} in 1000", value(from), value(from + width)),
            }
        })
        .collect()
}

/// The smallest and the largest activation of a unit.
pub fn ends(unit: &UnitExemplars) -> (f32, f32) {
    let [low, .., high] = unit.quantiles;
    (low, high)
}

/// The activation below which this share of all lies, if it is one of those kept.
pub fn quantile(unit: &UnitExemplars, share: f64) -> Option<f32> {
    let place = QUANTILES.iter().position(|kept| *kept == share)?;
    unit.quantiles.get(place).copied()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use shared::format::credits::Credit;
    use std::sync::Arc;

    use shared::format::bundle::Part;
    use shared::format::exemplars::{Exemplar, Exemplars, Kind, Records, Statistic, Whole};
    use shared::tap::{Grid, Role, Sees};

    pub(crate) fn credit(file: &str, title: &str) -> Credit {
        Credit {
            file: file.to_owned(),
            title: title.to_owned(),
            category: file.split('/').next().unwrap_or_default().to_owned(),
            kinds: Vec::new(),
            author: "Somebody".to_owned(),
            licence: "CC0-1.0".to_owned(),
            licence_url: "https://example.org/".to_owned(),
            source: "a package".to_owned(),
            changes: "none".to_owned(),
            origin: None,
            note: None,
        }
    }

    pub(crate) fn dog(file: &str, title: &str) -> Credit {
        Credit { kinds: vec!["dog".to_owned()], ..credit(file, title) }
    }

    pub(crate) fn credits() -> Vec<Credit> {
        vec![
            dog("animals/dogs/beagle.jpg", "Beagle"),
            dog("animals/dogs/poodle.jpg", "Poodle"),
            credit("animals/cat.jpg", "Cat"),
            credit("food/hotdog.jpg", "Sausage"),
        ]
    }

    pub(crate) fn unit(top: &[(usize, f32)]) -> UnitExemplars {
        let exemplar = |&(picture, value)| Exemplar { picture, value, row: 0, column: 0 };
        let mut histogram = [0; BARS];
        histogram[0] = 900;
        histogram[23] = 1;
        UnitExemplars {
            top: top.iter().map(exemplar).collect(),
            quantiles: std::array::from_fn(|place| place as f32 * 3.0),
            histogram,
            zero_share: 0.5,
            elsewhere: None,
        }
    }

    /// Tables of these units, over the four pictures of [`credits`], with maps of 1 x 2.
    pub(crate) fn tables(units: Vec<UnitExemplars>) -> (Exemplars, Vec<Arc<Records>>, Vec<Heat>) {
        let maps = units.iter().map(|unit| (0..2 * unit.top.len() as u8).collect()).collect();
        let whole = Whole {
            statistic: Statistic::Mean,
            pictures: 4,
            positions: [14, 14],
            heat: [1, 2],
            reference: None,
            units,
            maps,
        };
        let mut pages = Vec::new();
        let exemplars = whole.write(|kind, page, bytes| {
            let part = Part::of("page", &bytes);
            pages.push((kind, page, bytes));
            part
        });
        let (mut records, mut heat) = (Vec::new(), Vec::new());
        for (kind, page, bytes) in pages {
            match kind {
                Kind::Exemplars => {
                    records.push(Arc::new(Records::open(&exemplars, 4, page, bytes).unwrap()));
                }
                Kind::Heat => heat.push(Heat::open(&exemplars, page, bytes).unwrap()),
            }
        }
        (exemplars, records, heat)
    }

    /// Three units that animals and a sausage excite.
    pub(crate) fn units() -> Vec<UnitExemplars> {
        vec![unit(&[(2, 9.0), (0, 3.0)]), unit(&[(0, 1.0), (1, 0.9)]), unit(&[(3, 5.0), (2, 4.0)])]
    }

    #[test]
    fn a_position_sees_the_square_around_it() {
        let layer = |stride, seen| LayerInfo {
            name: "layer".to_owned(),
            aliases: Vec::new(),
            channels: 1,
            grid: Grid::Convolutional { stride },
            sees: Sees::Pixels(seen),
            role: Role::Features,
        };
        let pixels =
            |square: Square| [square.left, square.top, square.side].map(|s| (s * 224.0).round());
        assert_eq!(pixels(crop(&layer(16, 100), 7, 3, 224)), [6.0, 70.0, 100.0]);
        // At the edge it is moved inside; what sees more than everything sees everything.
        assert_eq!(pixels(crop(&layer(16, 100), 13, 0, 224)), [0.0, 124.0, 100.0]);
        assert_eq!(crop(&layer(32, 907), 3, 3, 224), Square::WHOLE);
        let classes = LayerInfo { grid: Grid::None, sees: Sees::Everything, ..layer(1, 1) };
        assert_eq!(crop(&classes, 0, 0, 224), Square::WHOLE);
    }

    #[test]
    fn heat_maps_are_found_by_unit_and_exemplar_and_missing_ones_are_missing() {
        let (_, _, heat) = tables(units());
        let found = map(&heat[0], 2, 1, 1).unwrap();
        assert_eq!((found.columns, found.values), (2, vec![2.0 / 255.0, 3.0 / 255.0]));
        assert_eq!((map(&heat[0], 2, 1, 2), map(&heat[0], 2, 3, 0)), (None, None));
    }

    #[test]
    fn a_bar_of_one_in_a_thousand_can_be_seen() {
        let bars = bars(&unit(&[]));
        assert_eq!((bars[0].height, bars[1].height), (1.0, 0.0));
        assert!(bars[23].height >= 0.02, "{bars:?}");
        assert_eq!(bars[0].title, "0 to 1.00: 900 in 1000");
        assert_eq!(quantile(&unit(&[]), 0.5), Some(12.0));
    }
}

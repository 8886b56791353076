//! What a unit's exemplars say of it: which units like dogs, how many kinds of thing excite one.

use std::collections::BTreeMap;

use shared::format::credits::Credit;
use shared::format::exemplars::{BARS, Exemplars, QUANTILES, UnitExemplars};
use shared::tap::LayerInfo;

use crate::heatmap::Map;
use crate::kinds::is_kind;
use crate::numbers::value;
use crate::sprite::Square;

/// A unit that was searched for, and why it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// From 0.
    pub unit: usize,
    /// How many of its exemplars match; nothing if it was found by its number.
    pub matches: Option<usize>,
}

/// Words of a question that no picture is called by.
const ASKING: [&str; 12] =
    ["which", "units", "unit", "like", "likes", "the", "a", "an", "for", "that", "what", "show"];

/// The units that match what was typed: first the one of that number, then those with the most
/// exemplars whose title, category or file matches every word, those more excited by them first.
///
/// Finds `dogs` where a picture is called `dog`, and takes a question: which units like dogs?
pub fn search(typed: &str, exemplars: &Exemplars, credits: &[Credit]) -> Vec<Found> {
    let typed = typed.to_lowercase();
    let words: Vec<&str> = typed
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty() && !ASKING.contains(word))
        .collect();
    let mut found = Vec::new();
    if let [word] = words[..]
        && let Ok(unit) = word.parse::<usize>()
        && unit < exemplars.units.len()
    {
        found.push(Found { unit, matches: None });
    }
    if words.is_empty() {
        return found;
    }
    let wanted: Vec<bool> = credits.iter().map(|credit| matches(credit, &words)).collect();
    let is_wanted = |picture: usize| wanted.get(picture).copied().unwrap_or(false);
    let mut ranked: Vec<(usize, f32, usize)> = Vec::new();
    for (unit, UnitExemplars { top, .. }) in exemplars.units.iter().enumerate() {
        let matching = top.iter().filter(|exemplar| is_wanted(exemplar.picture));
        let count = matching.clone().count();
        if count != 0 {
            // Units differ in scale: a picture counts by its share of the unit's best.
            let best = top.first().map_or(1.0, |best| best.value).max(f32::MIN_POSITIVE);
            ranked.push((count, matching.map(|exemplar| exemplar.value / best).sum(), unit));
        }
    }
    ranked.sort_by(|one, other| {
        other.0.cmp(&one.0).then(other.1.total_cmp(&one.1)).then(one.2.cmp(&other.2))
    });
    found.extend(ranked.into_iter().map(|(count, _, unit)| Found { unit, matches: Some(count) }));
    found
}

/// Whether a picture is called by every word, in the singular or the plural, or is of that kind.
pub fn matches(credit: &Credit, words: &[&str]) -> bool {
    let names = format!("{} {} {}", credit.title, credit.category, credit.file).to_lowercase();
    let names: Vec<&str> = names.split(|letter: char| !letter.is_alphanumeric()).collect();
    words.iter().all(|word| {
        let stems = singulars(word);
        let is_called =
            |name: &&str| stems.iter().any(|stem| begins(name, stem) || is_kind(name, stem));
        names.iter().any(is_called)
    })
}

/// A word, and what it may be the plural of: `dogs`, `buses`, `butterflies`.
fn singulars(word: &str) -> Vec<String> {
    let mut stems = vec![word.to_owned()];
    let endings = [("s", ""), ("es", ""), ("ies", "y")];
    for (plural, singular) in endings {
        let stem = word.strip_suffix(plural).filter(|stem| 3 <= stem.len());
        stems.extend(stem.map(|stem| format!("{stem}{singular}")));
    }
    stems
}

/// Whether a name is a word or begins with it. Too much begins with a short one: a cathedral and a
/// caterpillar with `cat`.
fn begins(name: &str, word: &str) -> bool {
    match name.strip_prefix(word) {
        Some(rest) => 4 <= word.len() || rest.is_empty() || rest == "s",
        None => false,
    }
}

/// How many of a unit's exemplars are one kind of thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Purity {
    /// The most frequent category.
    pub category: String,
    /// Exemplars of that category.
    pub count: usize,
    /// Exemplars in all.
    pub of: usize,
    /// The category's share of the whole gallery: what chance would give.
    pub by_chance: f32,
}

/// The most frequent category among a unit's exemplars; nothing without exemplars.
pub fn purity(unit: &UnitExemplars, credits: &[Credit]) -> Option<Purity> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for credit in unit.top.iter().filter_map(|exemplar| credits.get(exemplar.picture)) {
        *counts.entry(&credit.category).or_default() += 1;
    }
    let (category, count) =
        counts.into_iter().max_by(|one, other| one.1.cmp(&other.1).then(other.0.cmp(one.0)))?;
    let in_gallery = credits.iter().filter(|credit| credit.category == category).count();
    Some(Purity {
        category: category.to_owned(),
        count,
        of: unit.top.len(),
        by_chance: in_gallery as f32 / credits.len().max(1) as f32,
    })
}

/// The square that a layer's position sees, in a picture of `side` pixels; moved inside where it
/// would reach beyond an edge.
pub fn crop(layer: &LayerInfo, row: usize, column: usize, side: usize) -> Square {
    let whole = side.max(1) as f64;
    let seen = match layer.receptive_field {
        0 => whole,
        field => (field as f64).min(whole),
    };
    let from = |position: usize| {
        let middle = (position as f64 + 0.5) * layer.stride as f64;
        (middle - seen / 2.0).clamp(0.0, whole - seen) / whole
    };
    Square { left: from(column), top: from(row), side: seen / whole }
}

/// The baked heat map of a unit's exemplar, in shares of the unit's largest; nothing where the
/// bytes end before it.
pub fn heat(exemplars: &Exemplars, bytes: &[u8], unit: usize, exemplar: usize) -> Option<Map> {
    let [rows, columns] = exemplars.heat;
    let start = exemplars.heat_start(unit, exemplar);
    let bytes = bytes.get(start..start + rows * columns)?;
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
    let at = |place: usize| unit.quantiles.get(place).copied().unwrap_or(0.0);
    (at(0), at(QUANTILES.len() - 1))
}

/// The activation below which this share of all lies, if it is one of those kept.
pub fn quantile(unit: &UnitExemplars, share: f64) -> Option<f32> {
    let place = QUANTILES.iter().position(|kept| *kept == share)?;
    unit.quantiles.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::format::exemplars::{Exemplar, Statistic};
    use shared::tap::Nonlinearity;

    fn credit(file: &str, title: &str) -> Credit {
        Credit {
            file: file.to_owned(),
            title: title.to_owned(),
            category: file.split('/').next().unwrap_or_default().to_owned(),
            author: "Somebody".to_owned(),
            licence: "CC0-1.0".to_owned(),
            licence_url: "https://example.org/".to_owned(),
            source: "a package".to_owned(),
            changes: "none".to_owned(),
            origin: None,
            note: None,
        }
    }

    fn credits() -> Vec<Credit> {
        vec![
            credit("animals/dogs/beagle.jpg", "Beagle"),
            credit("animals/dogs/poodle.jpg", "Poodle"),
            credit("animals/cat.jpg", "Cat"),
            credit("food/hotdog.jpg", "Sausage"),
        ]
    }

    fn unit(top: &[(usize, f32)]) -> UnitExemplars {
        let exemplar = |&(picture, value)| Exemplar { picture, value, row: 0, column: 0 };
        let mut histogram = vec![0; BARS];
        histogram[0] = 900;
        histogram[23] = 1;
        UnitExemplars {
            top: top.iter().map(exemplar).collect(),
            quantiles: (0..QUANTILES.len()).map(|place| place as f32 * 3.0).collect(),
            histogram,
            zero_share: 0.5,
        }
    }

    fn exemplars() -> Exemplars {
        Exemplars {
            layer: "mixed4a".to_owned(),
            statistic: Statistic::Mean,
            pictures: 4,
            positions: [14, 14],
            heat: [1, 2],
            units: vec![
                unit(&[(2, 9.0), (0, 3.0)]),
                unit(&[(0, 1.0), (1, 0.9)]),
                unit(&[(3, 5.0), (2, 4.0)]),
            ],
        }
    }

    fn units(typed: &str) -> Vec<usize> {
        search(typed, &exemplars(), &credits()).into_iter().map(|found| found.unit).collect()
    }

    #[test]
    fn units_are_ranked_by_how_many_of_their_exemplars_match() {
        assert_eq!(units("dogs"), [1, 0]);
        assert_eq!(units("Which units like dogs?"), [1, 0]);
        assert_eq!(units("cat"), [0, 2]);
        let spaniel = credit("animals/spaniel.jpg", "Spaniel");
        assert!(matches(&spaniel, &["dogs"]) && !matches(&spaniel, &["cats"]));
        assert_eq!(units("animals"), [1, 0, 2]);
        assert!(units("brown dogs").is_empty());
    }

    #[test]
    fn plurals_find_what_is_called_in_the_singular_and_short_words_only_themselves() {
        for (title, found, not) in [
            ("Butterfly", "butterflies", "butternut"),
            ("Bus", "buses", "bushes"),
            ("Yellow daisy", "daisies", "days"),
            ("Cathedral", "cathedrals", "cats"),
            ("Carpenter's hammer", "hammers", "cars"),
        ] {
            let credit = credit("things/1.jpg", title);
            assert!(matches(&credit, &[found]), "{found} is {title}");
            assert!(!matches(&credit, &[not]), "{not} is not {title}");
        }
    }

    #[test]
    fn a_number_is_a_unit_and_nothing_typed_finds_nothing() {
        assert_eq!(search("2", &exemplars(), &credits())[0], Found { unit: 2, matches: None });
        assert!(units("3").is_empty() && units("  ").is_empty() && units("which?").is_empty());
    }

    #[test]
    fn purity_counts_the_most_frequent_category_beside_chance() {
        let purity = purity(&exemplars().units[1], &credits()).unwrap();
        assert_eq!((purity.category.as_str(), purity.count, purity.of), ("animals", 2, 2));
        assert_eq!(purity.by_chance, 0.75);
        assert_eq!(super::purity(&unit(&[]), &credits()), None);
    }

    #[test]
    fn a_tie_is_decided_by_the_alphabet() {
        let purity = purity(&exemplars().units[2], &credits()).unwrap();
        assert_eq!((purity.category.as_str(), purity.count), ("animals", 1));
    }

    #[test]
    fn a_position_sees_the_square_around_it() {
        let layer = |stride, receptive_field| LayerInfo {
            name: "layer".to_owned(),
            aliases: Vec::new(),
            channels: 1,
            stride,
            receptive_field,
            nonlinearity: Nonlinearity::After,
        };
        let pixels =
            |square: Square| [square.left, square.top, square.side].map(|s| (s * 224.0).round());
        assert_eq!(pixels(crop(&layer(16, 100), 7, 3, 224)), [6.0, 70.0, 100.0]);
        // At the edge it is moved inside; what sees more than everything sees everything.
        assert_eq!(pixels(crop(&layer(16, 100), 13, 0, 224)), [0.0, 124.0, 100.0]);
        assert_eq!(crop(&layer(32, 907), 3, 3, 224), Square::WHOLE);
        assert_eq!(crop(&layer(0, 0), 0, 0, 224), Square::WHOLE);
    }

    #[test]
    fn heat_maps_are_found_by_unit_and_exemplar_and_missing_ones_are_missing() {
        let exemplars = exemplars();
        let bytes: Vec<u8> = (0..12).map(|byte| byte * 15).collect();
        let map = heat(&exemplars, &bytes, 1, 1).unwrap();
        assert_eq!((map.columns, map.values), (2, vec![90.0 / 255.0, 105.0 / 255.0]));
        assert_eq!(heat(&exemplars, &bytes[..11], 2, 1), None);
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

//! Units by their number, their class's name, or what excites them: which units like dogs?

use std::sync::Arc;

use shared::classes;
use shared::format::credits::Credit;
use shared::format::exemplars::Records;
use shared::matching::{Fit, Sought, find};

use crate::unit::split_number;

/// A unit that was searched for, and why it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// From 0.
    pub unit: usize,
    /// How many of its exemplars match; nothing if it was found by its number or its name.
    pub matches: Option<usize>,
}

impl Found {
    /// A unit that nobody searched for.
    pub fn unasked(unit: usize) -> Self {
        Self { unit, matches: None }
    }
}

/// The layer whose units are searched.
#[derive(Clone, Copy, Debug)]
pub struct Searched<'a> {
    /// Its canonical name.
    pub layer: &'a str,
    /// How many units it has.
    pub units: usize,
}

/// Words of a question that no picture is called by.
const ASKING: [&str; 12] =
    ["which", "units", "unit", "like", "likes", "the", "a", "an", "for", "that", "what", "show"];

/// What is looked for in names and titles.
pub fn sought(typed: &str) -> Sought {
    Sought::new(typed, &ASKING)
}

/// The units that match what was typed: first the one of that number, which may stand after the
/// layer's name; then classes called so; then those with the most exemplars whose title, category
/// or file matches every word, those more excited by them first.
///
/// `labels` are the classes' names, where the layer's units are classes; of `records` those pages
/// are searched that are here.
pub fn search(
    typed: &str,
    layer: Searched<'_>,
    records: &[Arc<Records>],
    labels: &[String],
    credits: &[Credit],
) -> Vec<Found> {
    if let Some(unit) = numbered(typed, layer) {
        let called = Found { unit, matches: None };
        let excited = excited_by(&sought(typed), records, credits);
        return [called].into_iter().chain(excited).collect();
    }
    let sought = sought(typed);
    if sought.is_empty() {
        return Vec::new();
    }
    find(&sought, |sought| {
        let mut named = classes::fitting(sought, labels);
        named.retain(|(fit, unit)| fit.is_meant() && *unit < layer.units);
        named.sort_by_key(|(fit, _)| *fit);
        let named: Vec<usize> = named.into_iter().map(|(_, unit)| unit).collect();
        let excited = excited_by(sought, records, credits);
        let others = excited.into_iter().filter(|found| !named.contains(&found.unit));
        let by_name = named.iter().map(|unit| Found { unit: *unit, matches: None });
        by_name.chain(others).collect()
    })
}

/// The unit whose number was typed, alone or after a name of the layer.
fn numbered(typed: &str, searched: Searched<'_>) -> Option<usize> {
    let unit = match split_number(typed) {
        (layer, Some(unit)) if searched.layer.contains(&layer.to_lowercase()) => unit,
        (number, _) => number.parse().ok()?,
    };
    (unit < searched.units).then_some(unit)
}

/// Units by how many of their exemplars match, and how strongly those excite them.
fn excited_by(sought: &Sought, records: &[Arc<Records>], credits: &[Credit]) -> Vec<Found> {
    let wanted: Vec<bool> = credits.iter().map(|credit| matches(sought, credit)).collect();
    let is_wanted = |picture: usize| wanted.get(picture).copied().unwrap_or(false);
    let mut ranked: Vec<(usize, f32, usize)> = Vec::new();
    for (page, unit) in records.iter().flat_map(|page| page.units().map(move |unit| (page, unit))) {
        let matching = page.top(unit).filter(|exemplar| is_wanted(exemplar.picture));
        let (count, sum) =
            matching.fold((0, 0.0), |(count, sum), exemplar| (count + 1, sum + exemplar.value));
        if count != 0 {
            // Units differ in scale: a picture counts by its share of the unit's best.
            let best = page.top(unit).next().map_or(1.0, |best| best.value);
            ranked.push((count, sum / best.max(f32::MIN_POSITIVE), unit));
        }
    }
    ranked.sort_by(|one, other| {
        other.0.cmp(&one.0).then(other.1.total_cmp(&one.1)).then(one.2.cmp(&other.2))
    });
    ranked.into_iter().map(|(count, _, unit)| Found { unit, matches: Some(count) }).collect()
}

/// Whether a picture is called by every word, or is of that kind.
pub fn matches(sought: &Sought, credit: &Credit) -> bool {
    let names = format!("{} {} {}", credit.title, credit.category, credit.file);
    sought.fit(&names, |kind| credit.is_kind(kind)).is_some_and(Fit::is_meant)
}

/// The pictures that match what was typed, in their order; all of them if nothing was.
pub fn pictures(typed: &str, credits: &[Credit]) -> Vec<usize> {
    find(&sought(typed), |sought| {
        let pictures = credits.iter().enumerate();
        pictures.filter(|(_, credit)| matches(sought, credit)).map(|(index, _)| index).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exemplars::tests::{credits, dog, tables, units as of_units};

    fn units(typed: &str) -> Vec<usize> {
        found(typed).into_iter().map(|found| found.unit).collect()
    }

    fn found(typed: &str) -> Vec<Found> {
        among(typed, &[])
    }

    fn among(typed: &str, labels: &[String]) -> Vec<Found> {
        let (exemplars, records, _) = tables(of_units());
        let layer = Searched { layer: "mixed4a", units: exemplars.units };
        search(typed, layer, &records, labels, &credits())
    }

    #[test]
    fn units_are_ranked_by_how_many_of_their_exemplars_match() {
        assert_eq!(units("dogs"), [1, 0]);
        assert_eq!(units("Which units like dogs?"), [1, 0]);
        assert_eq!(units("cat"), [0, 2]);
        assert_eq!(units("beegle"), [1, 0], "a slip");
        let spaniel = dog("animals/spaniel.jpg", "Spaniel");
        assert!(matches(&sought("dogs"), &spaniel) && !matches(&sought("cats"), &spaniel));
        assert_eq!(units("animals"), [1, 0, 2]);
        assert!(units("brown dogs").is_empty());
    }

    #[test]
    fn a_number_is_a_unit_after_its_layer_too_and_nothing_typed_finds_nothing() {
        for typed in ["2", "mixed4a 2", "mixed4a:2", "4a 2"] {
            assert_eq!(found(typed)[0], Found { unit: 2, matches: None }, "{typed}");
        }
        for typed in ["3", "mixed4b 2", "  ", "which?"] {
            assert!(units(typed).is_empty(), "{typed}");
        }
    }

    #[test]
    fn classes_are_found_by_their_names_before_what_excites_them() {
        let labels = ["cat, house cat", "beagle", "tench"].map(str::to_owned);
        let found = among("cats", &labels);
        let of = |unit, matches| Found { unit, matches };
        assert_eq!(found, [of(0, None), of(2, Some(1))]);
        assert_eq!(among("tenhc", &labels), [of(2, None)]);
    }

    #[test]
    fn a_gallery_is_searched_with_the_same_forgiveness() {
        assert_eq!(pictures("poodels", &credits()), [1]);
        assert_eq!(pictures("dog", &credits()), [0, 1]);
        assert_eq!(pictures("", &credits()), [0, 1, 2, 3]);
        assert!(pictures("ship", &credits()).is_empty());
    }
}

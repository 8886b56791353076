//! What can be said of a unit in words: what excites it, and what the gallery lacks.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::classes;
use shared::format::credits::Credit;
use shared::format::exemplars::{Exemplars, Records, UnitExemplars};
use shared::matching::{Fit, Sought};

use crate::numbers::{percent, value};

/// Units below which nothing is usual in a layer.
const FEW_UNITS: usize = 16;

/// "It answers in 3.1 % of all places. Mostly animals: 8 of its 9 best pictures, ..."
pub fn of_unit(unit: &UnitExemplars, credits: &[Credit]) -> String {
    let mut said = Vec::new();
    if 0.0 < unit.zero_share {
        said.push(format!("It answers in {} of all places.", percent(1.0 - unit.zero_share)));
    }
    if let Some(found) = purity(unit, credits) {
        said.push(found.sentence());
    }
    said.join(" ")
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

impl Purity {
    fn sentence(&self) -> String {
        let Self { category, count, of, by_chance } = self;
        let chance = chance(*by_chance);
        let share = *count as f32 / (*of).max(1) as f32;
        if count == of && *by_chance < 1.0 {
            format!(
                "All {category}: each of its {of} best pictures, where {chance} would be chance."
            )
        } else if 0.5 < share && 1.5 * by_chance < share {
            format!(
                "Mostly {category}: {count} of its {of} best pictures, where {chance} would be chance."
            )
        } else {
            format!(
                "No kind of picture stands out: {count} of its {of} best are {category}, where {chance} would be chance."
            )
        }
    }
}

/// "1 in 4", "7 in 10".
fn chance(share: f32) -> String {
    match share {
        rare if rare < 0.4 => format!("1 in {:.0}", 1.0 / rare.max(1e-4)),
        often if often < 0.95 => format!("{:.0} in 10", 10.0 * often),
        _ => "nearly all".to_owned(),
    }
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

/// Why a class's exemplars may not be of it: no picture is called like it ([`is_shown`]), and the
/// network itself takes each of them for something else. Nothing where there is no sign of it.
///
/// `records` are those of all classes.
pub fn lack_of_class(records: &[Arc<Records>], class: usize, labels: &[String]) -> Option<String> {
    let strongest = strongest(records);
    let top = records.iter().flat_map(|page| page.top(class));
    let taken_for =
        top.map(|exemplar| strongest.get(&exemplar.picture).map_or(class, |best| best.0));
    let taken_for: Vec<usize> = taken_for.collect();
    if taken_for.contains(&class) {
        return None;
    }
    let other = classes::title(*taken_for.first()?, labels);
    Some(format!(
        "The gallery seems to have no {}: no picture is called so, and in each of these the network sees something else more, in the first {other}.",
        classes::title(class, labels)
    ))
}

/// Whether any picture is called like a class.
pub fn is_shown(label: &str, credits: &[Credit]) -> bool {
    credits.iter().any(|credit| is_called(credit, label))
}

/// Whether a picture has one of a class's names: more than the name, or only the last of its words.
fn is_called(credit: &Credit, label: &str) -> bool {
    let titles = format!("{} {}", credit.title, credit.file);
    let fits = |sought: &str, name: &str| {
        Sought::new(sought, &[]).fit(name, |_| false).is_some_and(Fit::is_meant)
    };
    label.split(',').any(|name| fits(name, &titles) || fits(&credit.title, name))
}

/// The class that answers most to each picture, among those it is an exemplar of, and how much.
fn strongest(records: &[Arc<Records>]) -> BTreeMap<usize, (usize, f32)> {
    let mut strongest: BTreeMap<usize, (usize, f32)> = BTreeMap::new();
    for (page, class) in records.iter().flat_map(|page| page.units().map(move |unit| (page, unit)))
    {
        for exemplar in page.top(class) {
            let best = strongest.entry(exemplar.picture).or_insert((class, exemplar.value));
            if best.1 < exemplar.value {
                *best = (class, exemplar.value);
            }
        }
    }
    strongest
}

/// Why a unit's exemplars may not be what it looks for: its best picture excites it less than half
/// as much as one of the reference's; where there is no reference, less than half as much as is
/// usual in its layer.
pub fn lack_of_excitement(exemplars: &Exemplars, unit: &UnitExemplars) -> Option<String> {
    let reached = unit.top.first().map(|best| best.value).filter(|reached| 0.0 < *reached)?;
    let (has, elsewhere, where_so) = match (exemplars.reference, unit.elsewhere) {
        (Some(pictures), Some(elsewhere)) => {
            ("has", elsewhere, format!("one of {pictures} others reaches {}", value(elsewhere)))
        }
        _ => {
            let usual = Some(exemplars.usual).filter(|_| FEW_UNITS <= exemplars.units)?;
            let where_so = format!("half of the layer's units reach {} or more", value(usual));
            ("may have", usual, where_so)
        }
    };
    (2.0 * reached < elsewhere).then(|| {
        format!(
            "The gallery {has} little of what it looks for: the best of its pictures reaches {}, where {where_so}.",
            value(reached),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exemplars::tests::{credit, credits, tables, unit, units};

    fn purity_of(count: usize, of: usize, by_chance: f32) -> String {
        Purity { category: "animals".to_owned(), count, of, by_chance }.sentence()
    }

    #[test]
    fn a_units_sentence_reads_like_a_persons() {
        for (count, of, by_chance, said) in [
            (8, 9, 0.27, "Mostly animals: 8 of its 9 best pictures, where 1 in 4 would be chance."),
            (9, 9, 0.27, "All animals: each of its 9 best pictures, where 1 in 4 would be chance."),
            (
                3,
                9,
                0.27,
                "No kind of picture stands out: 3 of its 9 best are animals, where 1 in 4 would be chance.",
            ),
            (
                7,
                9,
                0.72,
                "No kind of picture stands out: 7 of its 9 best are animals, where 7 in 10 would be chance.",
            ),
            (
                5,
                9,
                0.01,
                "Mostly animals: 5 of its 9 best pictures, where 1 in 100 would be chance.",
            ),
        ] {
            assert_eq!(purity_of(count, of, by_chance), said);
        }
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let silent = UnitExemplars { zero_share: 0.0, ..unit(&[]) };
        assert_eq!(of_unit(&silent, &[]), "");
        let rare = UnitExemplars { zero_share: 0.969, ..unit(&[(0, 1.0)]) };
        assert_eq!(of_unit(&rare, &[]), "It answers in 3.1 % of all places.");
    }

    #[test]
    fn purity_counts_the_most_frequent_category_beside_chance() {
        let purity = purity(&units()[1], &credits()).unwrap();
        assert_eq!((purity.category.as_str(), purity.count, purity.of), ("animals", 2, 2));
        assert_eq!(purity.by_chance, 0.75);
        assert_eq!(super::purity(&unit(&[]), &credits()), None);
    }

    #[test]
    fn a_tie_is_decided_by_the_alphabet() {
        let purity = purity(&units()[2], &credits()).unwrap();
        assert_eq!((purity.category.as_str(), purity.count), ("animals", 1));
    }

    /// Three classes over the four pictures: two dogs, a cat, a hotdog.
    fn classes() -> (Vec<UnitExemplars>, Vec<String>) {
        let units =
            vec![unit(&[(0, 9.0), (1, 8.0)]), unit(&[(0, 7.0), (2, 3.0)]), unit(&[(2, 4.0)])];
        (units, ["beagle", "tench, Tinca tinca", "tiger cat"].map(str::to_owned).to_vec())
    }

    #[test]
    fn a_class_that_no_picture_is_called_and_the_network_sees_nowhere_is_lacking() {
        let (units, labels) = classes();
        let shown = |class: usize| is_shown(&labels[class], &credits());
        assert!(shown(0), "a picture is called beagle");
        assert!(shown(2), "a cat may be a tiger cat");
        assert!(!shown(1));
        let tench = lack_of_class(&tables(units).1, 1, &labels).unwrap();
        assert!(tench.starts_with("The gallery seems to have no tench:"), "{tench}");
        assert!(tench.ends_with("in the first beagle."), "{tench}");
    }

    #[test]
    fn a_class_that_the_network_sees_first_in_one_of_its_pictures_is_there() {
        let (mut units, labels) = classes();
        units[1].top[0].value = 11.0;
        assert_eq!(lack_of_class(&tables(units).1, 1, &labels), None);
    }

    #[test]
    fn a_class_is_called_by_any_of_its_names_or_the_last_word_of_one() {
        for (title, label, called) in [
            ("Goldfish", "goldfish, Carassius auratus", true),
            ("Two goldfish", "goldfish", true),
            ("Lemur", "Madagascar cat, ring-tailed lemur, Lemur catta", true),
            ("Spaniel", "golden retriever", false),
            ("Hen", "tench, Tinca tinca", false),
        ] {
            assert_eq!(is_called(&credit("things/1.jpg", title), label), called, "{title} {label}");
        }
    }

    #[test]
    fn a_unit_that_hardly_answers_to_the_gallery_says_so() {
        let many = tables((0..20).map(|_| unit(&[(0, 30.0)])).collect()).0;
        let said = lack_of_excitement(&many, &unit(&[(1, 14.0)])).unwrap();
        assert!(said.contains("pictures reaches 14.0") && said.contains("reach 30.0"), "{said}");
        assert_eq!(lack_of_excitement(&many, &unit(&[(1, 16.0)])), None);
        let eight = tables((0..8).map(|_| unit(&[(0, 30.0)])).collect()).0;
        assert_eq!(lack_of_excitement(&eight, &unit(&[(1, 14.0)])), None, "eight make no rule");
    }

    #[test]
    fn other_pictures_tell_what_the_gallery_has_little_of_from_what_never_answers_much() {
        let many = tables((0..20).map(|_| unit(&[(0, 30.0)])).collect()).0;
        let measured = Exemplars { reference: Some(700), ..many };
        let said = |reached, elsewhere| {
            let unit = UnitExemplars { elsewhere: Some(elsewhere), ..unit(&[(1, reached)]) };
            lack_of_excitement(&measured, &unit)
        };
        assert_eq!(said(3.0, 5.5), None, "nothing excites it much");
        let little = said(30.0, 61.0).unwrap();
        assert!(little.contains("reaches 30.0, where one of 700 others reaches 61.0"), "{little}");
    }
}

//! What can be said of a unit in words: what excites it, and what the gallery lacks.

use std::collections::BTreeMap;

use shared::classes;
use shared::format::credits::Credit;
use shared::format::exemplars::{Exemplars, Reference, UnitExemplars};
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

/// Why a unit's exemplars may not be what it looks for: the gallery has little of that. Nothing
/// where there is no sign of it.
///
/// `labels` are the classes' names, where the layer's units are classes.
pub fn lack(
    exemplars: &Exemplars,
    channel: usize,
    labels: Option<&[String]>,
    credits: &[Credit],
) -> Option<String> {
    match labels {
        Some(labels) => lack_of_class(exemplars, channel, labels, credits),
        None => lack_of_excitement(exemplars, channel),
    }
}

/// No picture is called like the class, and the network itself takes its exemplars for others.
fn lack_of_class(
    exemplars: &Exemplars,
    channel: usize,
    labels: &[String],
    credits: &[Credit],
) -> Option<String> {
    let (unit, label) = (exemplars.units.get(channel)?, labels.get(channel)?);
    if credits.is_empty() || credits.iter().any(|credit| is_called(credit, label)) {
        return None;
    }
    let strongest = strongest(exemplars);
    let taken_for =
        |picture: usize| strongest.get(&picture).map(|(class, _)| *class).unwrap_or(channel);
    if unit.top.iter().any(|exemplar| taken_for(exemplar.picture) == channel) {
        return None;
    }
    let other = classes::title(taken_for(unit.top.first()?.picture), labels);
    Some(format!(
        "The gallery seems to have no {}: no picture is called so, and in each of these the network sees something else more, in the first {other}.",
        classes::title(channel, labels)
    ))
}

/// Whether a picture has one of a class's names: more than the name, or only the last of its words.
fn is_called(credit: &Credit, label: &str) -> bool {
    let titles = format!("{} {}", credit.title, credit.file);
    let fits = |sought: &str, name: &str| {
        Sought::new(sought, &[]).fit(name, |_| false).is_some_and(Fit::is_meant)
    };
    label.split(',').any(|name| fits(name, &titles) || fits(&credit.title, name))
}

/// The class that answers most to each picture, among those it is an exemplar of.
fn strongest(exemplars: &Exemplars) -> BTreeMap<usize, (usize, f32)> {
    let mut strongest: BTreeMap<usize, (usize, f32)> = BTreeMap::new();
    for (class, unit) in exemplars.units.iter().enumerate() {
        for exemplar in &unit.top {
            let best = strongest.entry(exemplar.picture).or_insert((class, exemplar.value));
            if best.1 < exemplar.value {
                *best = (class, exemplar.value);
            }
        }
    }
    strongest
}

/// Its best picture excites it less than half as much as one of the reference's; where there is no
/// reference, less than half as much as is usual in its layer.
fn lack_of_excitement(exemplars: &Exemplars, channel: usize) -> Option<String> {
    let best = |unit: &UnitExemplars| unit.top.first().map_or(0.0, |best| best.value);
    let reached = exemplars.units.get(channel).map(best).filter(|reached| 0.0 < *reached)?;
    let (has, elsewhere, where_so) = match &exemplars.reference {
        Some(Reference { pictures, best }) => {
            let elsewhere = *best.get(channel)?;
            ("has", elsewhere, format!("one of {pictures} others reaches {}", value(elsewhere)))
        }
        None => {
            let mut all: Vec<f32> = exemplars.units.iter().map(best).collect();
            all.sort_by(f32::total_cmp);
            let usual = all.get(all.len() / 2).copied().filter(|_| FEW_UNITS <= all.len())?;
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
    use crate::exemplars::tests::{credit, credits, exemplars, unit};

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

    /// Three classes over the four pictures: two dogs, a cat, a hotdog.
    fn classes() -> (Exemplars, Vec<String>) {
        let mut exemplars = exemplars();
        exemplars.layer = "logits".to_owned();
        exemplars.units =
            vec![unit(&[(0, 9.0), (1, 8.0)]), unit(&[(0, 7.0), (2, 3.0)]), unit(&[(2, 4.0)])];
        (exemplars, ["beagle", "tench, Tinca tinca", "tiger cat"].map(str::to_owned).to_vec())
    }

    #[test]
    fn a_class_that_no_picture_is_called_and_the_network_sees_nowhere_is_lacking() {
        let (exemplars, labels) = classes();
        let said = |channel| lack(&exemplars, channel, Some(&labels), &credits());
        assert_eq!(said(0), None, "a picture is called beagle");
        let tench = said(1).unwrap();
        assert!(tench.starts_with("The gallery seems to have no tench:"), "{tench}");
        assert!(tench.ends_with("in the first beagle."), "{tench}");
        assert_eq!(said(2), None, "a cat may be a tiger cat");
        assert_eq!(
            lack(&exemplars, 1, Some(&[]), &credits()),
            None,
            "nothing is known of its name"
        );
    }

    #[test]
    fn a_class_that_the_network_sees_first_in_one_of_its_pictures_is_there() {
        let (mut exemplars, labels) = classes();
        exemplars.units[1].top[0].value = 11.0;
        assert_eq!(lack(&exemplars, 1, Some(&labels), &credits()), None);
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
        let mut exemplars = exemplars();
        exemplars.units = (0..20).map(|_| unit(&[(0, 30.0)])).collect();
        exemplars.units[3] = unit(&[(1, 14.0)]);
        exemplars.units[4] = unit(&[(1, 16.0)]);
        let said = lack(&exemplars, 3, None, &credits()).unwrap();
        assert!(said.contains("pictures reaches 14.0") && said.contains("reach 30.0"), "{said}");
        assert_eq!(lack(&exemplars, 4, None, &credits()), None);
        exemplars.units.truncate(8);
        assert_eq!(lack(&exemplars, 3, None, &credits()), None, "eight units make no rule");
    }

    #[test]
    fn other_pictures_tell_what_the_gallery_has_little_of_from_what_never_answers_much() {
        let mut exemplars = exemplars();
        exemplars.units = (0..20).map(|_| unit(&[(0, 30.0)])).collect();
        exemplars.units[3] = unit(&[(1, 3.0)]);
        let mut best = vec![30.0; 20];
        (best[3], best[4]) = (5.5, 61.0);
        exemplars.reference = Some(Reference { pictures: 700, best });
        let said = |channel| lack(&exemplars, channel, None, &credits());
        assert_eq!(said(3), None, "nothing excites it much");
        let little = said(4).unwrap();
        assert!(little.contains("reaches 30.0, where one of 700 others reaches 61.0"), "{little}");
    }
}

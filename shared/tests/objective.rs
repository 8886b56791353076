//! Properties of the objective's grammar that must hold for everything, not only for examples.
#![cfg(not(target_family = "wasm"))]
// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use shared::visualize::Objective;
use shared::visualize::objective::{Channel, Measure, Place, Term};

/// Names such as `inception_4a/output`, `blocks.-2` and `conv1/7x7_s2`.
fn layer() -> impl Strategy<Value = String> {
    "[A-Za-z_][A-Za-z0-9_]{0,8}((\\.|/|-|\\.-)[A-Za-z0-9_]{1,6}){0,3}"
        .prop_filter("reserved", |name| !["tv", "l2", "similar", "only"].contains(&name.as_str()))
}

/// Tidy ones, which have forms of their own, and any other finite number.
fn weight() -> impl Strategy<Value = f64> {
    let any = any::<f64>().prop_filter("finite", |weight| weight.is_finite());
    prop_oneof![prop::sample::select(vec![1.0, -1.0, 0.5, -1e-3, 1e2, 0.0, -0.0]), any]
}

fn place() -> impl Strategy<Value = Place> {
    let at = any::<(usize, usize)>().prop_map(|(row, column)| Place::At { row, column });
    prop_oneof![
        Just(Place::Center),
        Just(Place::Class),
        (0..16_usize).prop_map(Place::Register),
        at
    ]
}

fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![any::<usize>().prop_map(Channel::Index), any::<String>().prop_map(Channel::Label)]
}

fn measure() -> impl Strategy<Value = Measure> {
    let unit = (layer(), channel(), option::of(place()))
        .prop_map(|(layer, channel, place)| Measure::Unit { layer, channel, place });
    let name = any::<String>().prop_filter("empty", |name| !name.is_empty());
    let direction = (layer(), name).prop_map(|(layer, name)| Measure::Direction { layer, name });
    let only = (layer(), channel(), option::of(place()))
        .prop_map(|(layer, channel, place)| Measure::Only { layer, channel, place });
    prop_oneof![
        4 => unit,
        2 => only,
        1 => layer().prop_map(Measure::Layer),
        2 => direction,
        1 => layer().prop_map(Measure::Similar),
        1 => Just(Measure::TotalVariation),
        1 => Just(Measure::L2),
    ]
}

fn objective() -> impl Strategy<Value = Objective> {
    let term = (weight(), measure()).prop_map(|(weight, measure)| Term { weight, measure });
    vec(term, 1..6).prop_map(|terms| Objective { terms })
}

/// Pieces of the grammar in any order: nearly objectives, now and then one.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "mixed4a", "logits", "tv", "l2", "similar(", ")", "only", ":", "11", "@", "center", ",",
        "/{", "}", "+", "-", " ", "*", "0.5", "1e", ".", "/", "\"", "\\", "\\u{e9}", "é", "\u{a0}",
        "1e999",
    ]);
    vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn check_text(text: &str) -> Result<(), TestCaseError> {
    match text.parse::<Objective>() {
        Ok(objective) => {
            let printed = objective.to_string();
            prop_assert_eq!(printed.parse::<Objective>(), Ok(objective.clone()));
            prop_assert_eq!(printed.parse::<Objective>().unwrap().to_string(), printed);
        }
        Err(error) => {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{error}")
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(objective in objective()) {
        let printed = objective.to_string();
        let parsed = printed.parse::<Objective>();
        prop_assert_eq!(parsed.as_ref(), Ok(&objective), "{}", printed);
        // Zeros are equal whatever their sign, so that equality alone would not notice a lost one.
        for (parsed, term) in parsed.unwrap().terms.iter().zip(&objective.terms) {
            prop_assert_eq!(parsed.weight.to_bits(), term.weight.to_bits());
        }
    }

    #[test]
    fn a_measure_parses_as_it_prints(measure in measure()) {
        prop_assert_eq!(measure.to_string().parse::<Measure>(), Ok(measure));
    }

    #[test]
    fn any_text_is_an_objective_or_an_error_within_it(text in any::<String>()) {
        check_text(&text)?;
    }

    #[test]
    fn nearly_an_objective_is_one_or_an_error_within_it(text in nearly()) {
        check_text(&text)?;
    }
}

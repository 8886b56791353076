//! Objectives as typed on the command line, where `mixed4a:0..10` stands for ten.

use anyhow::{Context, Result};
use shared::visualize::Objective;

use crate::failure::WrongCall;

/// Most objectives one range may stand for: more than any layer has channels.
const LONGEST_RANGE: usize = 100_000;

/// One objective for most texts; one for each channel of a range `layer:first..end`, which leaves
/// out its end and may be followed by a place.
pub fn expand(text: &str) -> Result<Vec<Objective>> {
    let Some((layer, first, end, place)) = range(text) else {
        let objective: Objective = text
            .parse()
            .map_err(shared::Error::from)
            .with_context(|| format!("objective {text:?}"))?;
        return Ok(vec![objective]);
    };
    if end <= first || LONGEST_RANGE < end - first {
        let wanted = format!("the end above the start and at most {LONGEST_RANGE} channels");
        return Err(WrongCall(format!("the range {text:?} needs {wanted}")).into());
    }
    (first..end)
        .map(|channel| {
            let text = format!("{layer}:{channel}{place}");
            let objective = text.parse().map_err(shared::Error::from);
            objective.with_context(|| format!("objective {text:?}"))
        })
        .collect()
}

/// The pieces of `mixed4a:0..10@center`: layer, first, end, and the place with its `@`.
fn range(text: &str) -> Option<(&str, usize, usize, &str)> {
    let (layer, rest) = text.trim().split_once(':')?;
    let (first, rest) = rest.split_once("..")?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (end, place) = rest.split_at(digits);
    if !place.is_empty() && !place.starts_with('@') {
        return None;
    }
    Some((layer, first.parse().ok()?, end.parse().ok()?, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let objectives: Vec<_> = expand(text).unwrap().iter().map(Objective::to_string).collect();
        assert_eq!(objectives, expected);
    }

    #[test]
    fn a_range_leaves_out_its_end() {
        check("mixed4a:8..11", &["mixed4a:8", "mixed4a:9", "mixed4a:10"]);
    }

    #[test]
    fn a_range_may_have_a_place() {
        check("mixed4a:0..2@center", &["mixed4a:0@center", "mixed4a:1@center"]);
        check("mixed4a:0..1@3,4", &["mixed4a:0@3,4"]);
    }

    #[test]
    fn anything_else_is_one_objective() {
        check("mixed4a:11 - 0.5*logits:1", &["mixed4a:11 - 0.5*logits:1"]);
        check("inception_4a/output:3", &["inception_4a/output:3"]);
    }

    #[test]
    fn a_range_that_ends_before_it_starts_is_a_wrong_call() {
        for text in ["mixed4a:10..10", "mixed4a:10..3", "mixed4a:0..99999999999"] {
            let error = expand(text).unwrap_err();
            assert!(error.is::<WrongCall>(), "{text}: {error:#}");
        }
    }

    #[test]
    fn a_mistake_is_answered_with_the_text_and_its_column() {
        let error = format!("{:#}", expand("mixed4a:").unwrap_err());
        assert!(error.starts_with("objective \"mixed4a:\": column 9"), "{error}");
    }
}

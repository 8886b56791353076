//! Forms, looser writings, mistakes.

use super::*;

fn parse(text: &str) -> Objective {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_form_prints_as_it_was_typed() {
    for text in [
        "mixed4a:11",
        "mixed4a:11@center",
        "mixed4a:11@3,4",
        "inception_4a/output:3",
        "inception4a.branch1.conv:2",
        "blocks.-2:7",
        "conv1/7x7_s2",
        "logits:543",
        "logits:\"dumbbell\"",
        r#"logits:"a \"quoted\" label\\""#,
        "mixed4d",
        "mixed4c/{stripes}",
        r"mixed4c/{zig\}zag}",
        "mixed4c/{two words}",
        "tv",
        "-l2",
        "similar(mixed4a)",
        "only(mixed4d/sae-8k:421)",
        "only(logits:\"crane\") - 0.5*only(blocks.10:3@cls)",
        "mixed4a:11 + 0.5*mixed4b:3 - logits:1",
        "mixed4a:1 - 1e-3*tv - 1e-4*l2 - 1e2*similar(mixed4a)",
    ] {
        assert_eq!(parse(text).to_string(), text);
    }
}

#[test]
fn looser_writings_print_canonically() {
    for (typed, printed) in [
        (" + mixed4a : 11@ center ", "mixed4a:11@center"),
        ("mixed4a:1-mixed4b:2", "mixed4a:1 - mixed4b:2"),
        ("mixed4a:1 -mixed4b:2", "mixed4a:1 - mixed4b:2"),
        ("-mixed4d - mixed4c", "-mixed4d - mixed4c"),
        ("mixed4d-mixed4c", "mixed4d-mixed4c"),
        ("mixed4d -mixed4c", "mixed4d - mixed4c"),
        ("-1e-3 * tv+.50*l2", "-1e-3*tv + 0.5*l2"),
        ("2.*tv + 1*l2", "2*tv + l2"),
        ("- -2*tv + -1*l2", "2*tv - l2"),
        ("similar( mixed4a )", "similar(mixed4a)"),
        ("only ( mixed4a : 1 @ 3 , 4 )", "only(mixed4a:1@3,4)"),
        ("mixed4a:011@ 3 , 04", "mixed4a:11@3,4"),
        ("mixed4c /{a}-mixed4c", "mixed4c/{a} - mixed4c"),
        (r#"logits:"\u{e9}\n""#, r#"logits:"é\n""#),
        ("1000*tv", "1e3*tv"),
    ] {
        assert_eq!(parse(typed).to_string(), printed, "{typed}");
        assert_eq!(parse(typed), parse(printed));
    }
}

#[test]
fn brackets_are_multiplied_out() {
    for (typed, printed) in [
        ("2*(mixed4a:1 + mixed4b:2)", "2*mixed4a:1 + 2*mixed4b:2"),
        ("mixed4a:1 - 0.5*(mixed4b:2 - tv)", "mixed4a:1 - 0.5*mixed4b:2 + 0.5*tv"),
        ("(mixed4d)", "mixed4d"),
        ("-( mixed4a:1@center - 2*( l2 - -3*tv ) )", "-mixed4a:1@center + 2*l2 + 6*tv"),
        ("2*(3*(similar(mixed4a)))", "6*similar(mixed4a)"),
        ("(logits:\"a (b)\") + (mixed4c/{c)})", "logits:\"a (b)\" + mixed4c/{c)}"),
    ] {
        assert_eq!(parse(typed).to_string(), printed, "{typed}");
        assert_eq!(parse(typed), parse(printed));
    }
}

#[test]
fn brackets_that_do_not_fit_are_answered_with_their_column() {
    for (typed, column, expected, found) in [
        ("2*(mixed4a:1", 13, "`+`, `-` or `)`", "the end"),
        ("2*(mixed4d tv)", 12, "`:`, `/{`, `+`, `-` or the end", "`tv`"),
        ("(mixed4a:1))", 12, "`+`, `-` or the end", "`)`"),
        ("mixed4d)", 8, "`:`, `/{`, `+`, `-` or the end", "`)`"),
        ("()", 2, MEASURE, "`)`"),
        ("(tv)*2", 5, "`+`, `-` or the end", "`*`"),
        ("1e200*(1e200*tv)", 8, "a finite weight", "`1e200`"),
    ] {
        let error = typed.parse::<Objective>().unwrap_err();
        let wanted = ParseError { column, expected: expected.to_owned(), found: found.to_owned() };
        assert_eq!(error, wanted, "{typed}");
    }
    let nested = |depth: usize| format!("{}tv{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(parse(&nested(MAX_DEPTH)).to_string(), "tv");
    let error = nested(MAX_DEPTH + 1).parse::<Objective>().unwrap_err();
    assert_eq!(error.expected, "at most 32 brackets inside each other");
}

#[test]
fn a_mistake_is_answered_with_its_column() {
    for (typed, column, expected, found) in [
        ("", 1, MEASURE, "the end"),
        ("   ", 4, MEASURE, "the end"),
        ("mixed4a:", 9, "a channel's number or a \"label\"", "the end"),
        ("mixed4a:x", 9, "a channel's number or a \"label\"", "`x`"),
        ("mixed4a:-1", 9, "a channel's number or a \"label\"", "`-`"),
        ("mixed4a:1 +", 12, MEASURE, "the end"),
        ("mixed4a:1 + + tv", 13, MEASURE, "`+`"),
        ("mixed4a:1 mixed4b:2", 11, "`+`, `-` or the end", "`mixed4b`"),
        ("mixed4a 11", 9, "`:`, `/{`, `+`, `-` or the end", "`11`"),
        ("mixed4a:1e3", 10, "`+`, `-` or the end", "`e3`"),
        ("mixed4a:1@", 11, "`center`, `cls` or a row's number", "the end"),
        ("mixed4a:1@centre", 11, "`center`, `cls` or a row's number", "`centre`"),
        ("mixed4a:1@3", 12, "`,`", "the end"),
        ("mixed4a:1@3,", 13, "a column's number", "the end"),
        ("0.5", 4, "`*` after the weight", "the end"),
        ("0.5 mixed4a", 5, "`*` after the weight", "`mixed4a`"),
        ("2*3*tv", 3, MEASURE, "`3`"),
        ("1e999*tv", 1, "a finite weight", "`1e999`"),
        ("nan*tv", 4, "`:`, `/{`, `+`, `-` or the end", "`*`"),
        ("1e*tv", 2, "`*` after the weight", "`e`"),
        ("similar", 8, "`(`", "the end"),
        ("similar()", 9, "a layer", "`)`"),
        ("similar(tv)", 9, "a layer", "`tv`"),
        ("similar(mixed4a", 16, "`)`", "the end"),
        ("only", 5, "`(`", "the end"),
        ("only(mixed4d/sae-8k)", 20, "`:`", "`)`"),
        ("only(tv)", 6, "a layer", "`tv`"),
        ("only(mixed4d:1 + tv)", 16, "`)`", "`+`"),
        ("only(mixed4d:1@0,)", 18, "a column's number", "`)`"),
        ("tv:3", 3, "`+`, `-` or the end", "`:`"),
        ("mixed4c/{}", 10, "a direction's name", "`}`"),
        ("mixed4c/{stripes", 17, "`}`", "the end"),
        ("logits:\"dumb", 13, "`\"`", "the end"),
        ("mixed4a/", 8, "`:`, `/{`, `+`, `-` or the end", "`/`"),
        ("é:3", 1, MEASURE, "`é`"),
        ("logits:\"é\" ?", 12, "`+`, `-` or the end", "`?`"),
        (r#"logits:"\q""#, 9, r#"one of \\ \" \{ \} \n \r \t \u{..}"#, "`\\`"),
        (r#"logits:"\u{d800}""#, 9, r#"one of \\ \" \{ \} \n \r \t \u{..}"#, "`\\`"),
        ("m:99999999999999999999999", 3, "a smaller number", "`99999999999999999999999`"),
    ] {
        let error = typed.parse::<Objective>().unwrap_err();
        let wanted = ParseError { column, expected: expected.to_owned(), found: found.to_owned() };
        assert_eq!(error, wanted, "{typed}");
    }
}

#[test]
fn a_measure_is_read_alone() {
    let measure = Measure::Similar("mixed4a".to_owned());
    assert_eq!("similar(mixed4a)".parse(), Ok(measure));
    let error = "tv + l2".parse::<Measure>().unwrap_err();
    assert_eq!(error.to_string(), "column 4: expected the end, found `+`");
}

#[test]
fn endless_input_is_refused_before_it_is_read() {
    let error = "x".repeat(MAX_LENGTH + 1).parse::<Objective>().unwrap_err();
    assert_eq!(error.expected, "at most 16384 bytes");
    let error = format!("tv{}", " + tv".repeat(MAX_TERMS)).parse::<Objective>().unwrap_err();
    assert_eq!(error.expected, "at most 256 terms");
    assert_eq!(parse(&format!("tv{}", " + tv".repeat(MAX_TERMS - 1))).terms.len(), MAX_TERMS);
}

/// White space in a direction's name is the name's own.
#[test]
fn a_direction_may_be_called_by_white_space() {
    for name in [" ", "\u{2000}", " stripes "] {
        let expected = Measure::Direction { layer: "A".to_owned(), name: name.to_owned() };
        assert_eq!(format!("A/{{{name}}}").parse::<Measure>(), Ok(expected), "{name:?}");
    }
}

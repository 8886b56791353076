//! Objectives as text. Printing is canonical: equal objectives print the same.

use std::fmt::{Display, Formatter, Result, Write};

use super::{Channel, Measure, Objective, Place};

impl Display for Objective {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        for (position, term) in self.terms.iter().enumerate() {
            formatter.write_str(match (position, term.weight.is_sign_negative()) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            })?;
            let size = term.weight.abs();
            if size != 1.0 {
                write!(formatter, "{}*", shortest(size))?;
            }
            write!(formatter, "{}", term.measure)?;
        }
        Ok(())
    }
}

impl Display for Measure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::Unit { layer, channel, place } => write_unit(formatter, layer, channel, *place),
            Self::Only { layer, channel, place } => {
                formatter.write_str("only(")?;
                write_unit(formatter, layer, channel, *place)?;
                formatter.write_char(')')
            }
            Self::Layer(layer) => formatter.write_str(layer),
            Self::Direction { layer, name } => {
                write!(formatter, "{layer}/{{")?;
                write_escaped(formatter, name, &['{', '}'])?;
                formatter.write_char('}')
            }
            Self::TotalVariation => formatter.write_str("tv"),
            Self::L2 => formatter.write_str("l2"),
            Self::Similar(layer) => write!(formatter, "similar({layer})"),
        }
    }
}

fn write_unit(
    formatter: &mut Formatter<'_>,
    layer: &str,
    channel: &Channel,
    place: Option<Place>,
) -> Result {
    write!(formatter, "{layer}:{channel}")?;
    place.map_or(Ok(()), |place| write!(formatter, "@{place}"))
}

impl Display for Channel {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::Index(index) => write!(formatter, "{index}"),
            Self::Label(label) => {
                formatter.write_char('"')?;
                write_escaped(formatter, label, &['"'])?;
                formatter.write_char('"')
            }
        }
    }
}

impl Display for Place {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::Center => formatter.write_str("center"),
            Self::At { row, column } => write!(formatter, "{row},{column}"),
            Self::Class => formatter.write_str("cls"),
            Self::Register(number) => write!(formatter, "reg{number}"),
        }
    }
}

/// The shortest decimal that reads back as exactly this number.
///
/// Of two equally short ones, what people write: `0.01` rather than `1e-2`, `1e2` rather than `100`.
fn shortest(number: f64) -> String {
    let (plain, scientific) = (number.to_string(), format!("{number:e}"));
    let plain_wins =
        if number < 1.0 { plain.len() <= scientific.len() } else { plain.len() < scientific.len() };
    if plain_wins { plain } else { scientific }
}

/// Text whose delimiters, backslashes and control characters are escaped.
fn write_escaped(formatter: &mut Formatter<'_>, text: &str, delimiters: &[char]) -> Result {
    for character in text.chars() {
        match character {
            '\n' => formatter.write_str("\\n")?,
            '\r' => formatter.write_str("\\r")?,
            '\t' => formatter.write_str("\\t")?,
            '\\' => formatter.write_str("\\\\")?,
            _ if delimiters.contains(&character) => write!(formatter, "\\{character}")?,
            _ if character.is_control() => write!(formatter, "\\u{{{:x}}}", u32::from(character))?,
            _ => formatter.write_char(character)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_short() {
        for (number, printed) in [
            (0.5, "0.5"),
            (0.01, "0.01"),
            (0.001, "1e-3"),
            (3.0, "3"),
            (100.0, "1e2"),
            (150.0, "150"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        ] {
            assert_eq!(shortest(number), printed);
            assert_eq!(printed.parse(), Ok(number));
        }
    }

    #[test]
    fn a_weight_of_zero_keeps_its_sign() {
        let nothing = -(0.0 * crate::visualize::objective::l2());
        assert_eq!(nothing.to_string(), "-0*l2");
    }

    #[test]
    fn delimiters_in_labels_and_names_are_escaped() {
        let label = Channel::Label("a \"b\"\\\n\u{7} {c}".to_owned());
        assert_eq!(label.to_string(), r#""a \"b\"\\\n\u{7} {c}""#);
        let direction = Measure::Direction { layer: "m".to_owned(), name: "a}\"".to_owned() };
        assert_eq!(direction.to_string(), r#"m/{a\}"}"#);
    }
}

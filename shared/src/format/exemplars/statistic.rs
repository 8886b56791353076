//! What pictures are ranked by.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::tap::LayerInfo;
use crate::visualize::objective::Place;
use crate::visualize::score::ScoreError;
use crate::{Error, Result};

/// What a picture's exciting a unit is measured by. Written as `mean`, `max`, or what stands behind
/// the `@` of a unit: `cls`, `reg0`, `center`, `3,14`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Statistic {
    /// The mean over all positions.
    #[default]
    Mean,
    /// The largest of all positions.
    Max,
    /// At one position, or of a token that has none.
    At(Place),
}

impl Statistic {
    /// The number of the token without a place that is asked, the class token first.
    pub fn token(self) -> Option<usize> {
        match self {
            Self::At(Place::Class) => Some(0),
            Self::At(Place::Register(number)) => Some(1 + number),
            Self::Mean | Self::Max | Self::At(Place::Center | Place::At { .. }) => None,
        }
    }

    /// The position that is asked, of so many rows and columns, counted row by row.
    pub fn position(self, [rows, columns]: [usize; 2]) -> Option<usize> {
        match self {
            Self::At(Place::Center) => Some(rows / 2 * columns + columns / 2),
            Self::At(Place::At { row, column }) => Some(row * columns + column),
            Self::Mean | Self::Max | Self::At(Place::Class | Place::Register(_)) => None,
        }
    }

    /// That a layer with so many rows and columns of positions has what is asked.
    ///
    /// # Errors
    /// It has no such token or position.
    pub fn check(self, layer: &LayerInfo, [rows, columns]: [usize; 2]) -> Result<()> {
        let name = || layer.name.clone();
        let beyond = |what, index, count| {
            let layer = name();
            Err(Error::OutOfRange { layer, what, index, count })
        };
        let extra = layer.grid.extra();
        match self {
            Self::At(Place::Class) if extra == 0 => {
                Err(ScoreError::NoClassToken { layer: name() }.into())
            }
            Self::At(Place::Register(number)) if extra <= 1 + number => {
                let registers = extra.saturating_sub(1);
                Err(ScoreError::NoRegister { layer: name(), number, registers }.into())
            }
            Self::At(Place::At { row, .. }) if rows <= row => beyond("rows", row, rows),
            Self::At(Place::At { column, .. }) if columns <= column => {
                beyond("columns", column, columns)
            }
            Self::Mean | Self::Max | Self::At(_) => Ok(()),
        }
    }

    /// What it is of a unit's activation, for people: `mean over the picture`, `in the class token`.
    pub fn words(self) -> String {
        match self {
            Self::Mean => "mean over the picture".to_owned(),
            Self::Max => "largest in the picture".to_owned(),
            Self::At(Place::Center) => "in the middle of the picture".to_owned(),
            Self::At(Place::At { row, column }) => format!("at row {row}, column {column}"),
            Self::At(Place::Class) => "in the class token".to_owned(),
            Self::At(Place::Register(number)) => format!("in register {number}"),
        }
    }
}

impl Display for Statistic {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => formatter.write_str("mean"),
            Self::Max => formatter.write_str("max"),
            Self::At(place) => place.fmt(formatter),
        }
    }
}

impl FromStr for Statistic {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |digits: &str| digits.trim().parse().ok();
        let register = text.strip_prefix("reg").and_then(number).map(Place::Register);
        let position = text.split_once(',').and_then(|(row, column)| {
            Some(Place::At { row: number(row)?, column: number(column)? })
        });
        match text {
            "mean" => Ok(Self::Mean),
            "max" => Ok(Self::Max),
            "center" => Ok(Self::At(Place::Center)),
            "cls" => Ok(Self::At(Place::Class)),
            _ => register.or(position).map(Self::At).ok_or_else(|| Error::Setting {
                name: "statistic",
                found: text.chars().take(SHOWN).collect(),
                expected: "mean, max, cls, reg0, center or a position's ROW,COLUMN".to_owned(),
            }),
        }
    }
}

/// Characters shown of what is none. It may come from anybody.
const SHOWN: usize = 60;

impl TryFrom<String> for Statistic {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Statistic> for String {
    fn from(statistic: Statistic) -> Self {
        statistic.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for text in ["mean", "max", "cls", "reg0", "reg3", "center", "0,0", "3,14"] {
            let statistic: Statistic = text.parse().unwrap();
            assert_eq!(statistic.to_string(), text);
            let json = serde_json::to_string(&statistic).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Statistic>(&json).unwrap(), statistic);
        }
        for wrong in ["", "median", "class", "reg", "reg-1", "3", "3,", "-1,2", "1,2,3", "Mean"] {
            let error = wrong.parse::<Statistic>().unwrap_err().to_string();
            assert!(error.contains("mean, max, cls, reg0, center"), "{error}");
        }
    }

    #[test]
    fn a_place_that_a_layer_does_not_have_is_named() {
        let layer = |model: &str, name: &str| {
            crate::models::info(model).unwrap().layer(name).unwrap().clone()
        };
        let convolution = layer("googlenet", "mixed4a");
        let tokens = layer("dinov2-vit-s-14-reg4", "blocks.3");
        let pooled = layer("dinov2-vit-s-14-reg4", "pooled");
        let check = |text: &str, layer: &LayerInfo, positions| {
            let statistic: Statistic = text.parse().unwrap();
            statistic.check(layer, positions).map_err(|error| error.to_string())
        };
        for text in ["mean", "max", "center", "13,0"] {
            check(text, &convolution, [14, 14]).unwrap();
        }
        for text in ["mean", "max", "center", "15,15", "cls", "reg0", "reg3"] {
            check(text, &tokens, [16, 16]).unwrap();
        }
        for (text, layer, positions, expected) in [
            ("cls", &convolution, [14, 14], "mixed4a has no class token"),
            ("cls", &pooled, [1, 1], "pooled has no class token"),
            ("reg0", &convolution, [14, 14], "mixed4a has 0 registers"),
            ("reg4", &tokens, [16, 16], "blocks.3 has 4 registers, counted from 0; 4 is not"),
            ("14,0", &convolution, [14, 14], "mixed4a has 14 rows"),
            ("0,16", &tokens, [16, 16], "blocks.3 has 16 columns"),
        ] {
            let error = check(text, layer, positions).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_middle_is_where_objectives_have_it() {
        let position =
            |text: &str, positions| text.parse::<Statistic>().unwrap().position(positions);
        assert_eq!(position("center", [14, 14]), Some(7 * 14 + 7));
        assert_eq!(position("center", [1, 1]), Some(0));
        assert_eq!(position("2,3", [7, 9]), Some(21));
        assert_eq!(position("max", [7, 9]), None);
    }
}

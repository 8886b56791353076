//! Which attention lies over a picture, as addresses write it: `11`, `11:2`, `11:2@6,7`.

use std::fmt;
use std::str::FromStr;

use crate::heatmap::{Place, place_text, read_place};

/// A block, a head of it, and the token that looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attending {
    /// The block, from 0.
    pub block: usize,
    /// The head, from 0; nothing for the mean over all.
    pub head: Option<usize>,
    /// Row and column of the patch that looks; nothing for the class token.
    pub from: Option<Place>,
}

/// The text names no attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl FromStr for Attending {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let number = |text: &str| text.parse::<u16>().map(usize::from).map_err(|_| Unreadable);
        let (looked, from) = match text.split_once('@') {
            Some((looked, from)) => (looked, Some(read_place(from).ok_or(Unreadable)?)),
            None => (text, None),
        };
        let (block, head) = match looked.split_once(':') {
            Some((block, head)) => (block, Some(number(head)?)),
            None => (looked, None),
        };
        Ok(Self { block: number(block)?, head, from })
    }
}

impl fmt::Display for Attending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.block)?;
        if let Some(head) = self.head {
            write!(formatter, ":{head}")?;
        }
        match self.from {
            Some(from) => write!(formatter, "@{}", place_text(from)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["0", "11", "11:2", "11@6,7", "11:0@0,13"] {
            assert_eq!(text.parse::<Attending>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "x", "-1", "1:", ":1", "1:x", "1@2", "1@2,", "1@a,b", "70000", "1@1,2,3"] {
            assert_eq!(text.parse::<Attending>(), Err(Unreadable), "{text}");
        }
    }
}

//! An objective as somebody typed it: read once, and kept also where it cannot be read.

use super::parse::{self, Spot};
use super::{Objective, ParseError};

/// A text, and the objective that it says. Two are the same if their texts are.
#[derive(Clone, Debug)]
pub struct Typed {
    text: String,
    /// With where each of its terms stands.
    read: Result<(Objective, Vec<Spot>), ParseError>,
}

impl Typed {
    /// Reads what was typed; white space around it does not count.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        Self { text: text.to_owned(), read: parse::read(text) }
    }

    /// As typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What it says, if it can be read.
    pub fn objective(&self) -> Option<&Objective> {
        self.read.as_ref().ok().map(|(objective, _)| objective)
    }

    /// What it says, with where each term stands.
    pub(in crate::visualize) fn read(&self) -> Result<(&Objective, &[Spot]), &ParseError> {
        self.read.as_ref().map(|(objective, spots)| (objective, spots.as_slice()))
    }
}

impl Default for Typed {
    fn default() -> Self {
        Self::new("")
    }
}

impl PartialEq for Typed {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl From<String> for Typed {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl std::fmt::Display for Typed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_whether_it_can_be_read_or_not() {
        let typed = Typed::new("  mixed4a:11+tv ");
        assert_eq!(typed.text(), "mixed4a:11+tv");
        assert_eq!(typed.objective().map(Objective::to_string).as_deref(), Some("mixed4a:11 + tv"));
        let broken = Typed::new("mixed4a:");
        assert_eq!((broken.text(), broken.objective()), ("mixed4a:", None));
        assert!(Typed::default().is_empty() && Typed::default().objective().is_none());
    }
}

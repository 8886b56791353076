//! What a walk over pictures passes by, and why.

use std::fmt;

/// Why something is passed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Systems and editors keep copies and thumbnails under such names.
    Hidden,
    /// A link to a folder around it: following it would never end.
    Circle,
    /// What is being made lies among the pictures.
    Results,
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Hidden => "names that begin with a dot, and __MACOSX",
            Self::Circle => "a link that leads back to a folder around it",
            Self::Results => "results go there",
        })
    }
}

/// What was passed by, by reason: the first name, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(Vec<(Why, String, u64)>);

impl LeftOut {
    /// One more.
    pub fn add(&mut self, why: Why, name: &str) {
        match self.0.iter_mut().find(|(known, ..)| *known == why) {
            Some((.., count)) => *count += 1,
            None => self.0.push((why, name.to_owned(), 1)),
        }
    }

    /// A line for each reason, for people.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(why, first, count)| match count {
            1 => format!("left out: {first} ({why})"),
            count => format!("left out: {first} and {} more ({why})", count - 1),
        })
    }
}

/// Whether a file or folder of this name is passed by wherever it is come across.
pub fn is_hidden(name: &[u8]) -> bool {
    let is_here = matches!(name, b"." | b"..");
    !is_here && (name.starts_with(b".") || name == b"__MACOSX")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_said_once_with_how_many_there_are() {
        let mut left_out = LeftOut::default();
        for name in ["._cat.jpg", ".ipynb_checkpoints", "a/__MACOSX"] {
            left_out.add(Why::Hidden, name);
        }
        left_out.add(Why::Results, "found");
        let lines: Vec<_> = left_out.lines().collect();
        assert_eq!(
            lines,
            [
                "left out: ._cat.jpg and 2 more (names that begin with a dot, and __MACOSX)",
                "left out: found (results go there)"
            ]
        );
    }

    #[test]
    fn what_systems_and_editors_keep_is_hidden() {
        for (name, hidden) in [
            ("._cat.jpg", true),
            (".ipynb_checkpoints", true),
            ("__MACOSX", true),
            (".", false),
            ("..", false),
            ("cat.jpg", false),
            ("__init__", false),
        ] {
            assert_eq!(is_hidden(name.as_bytes()), hidden, "{name}");
        }
    }
}

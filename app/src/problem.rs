//! What is wrong with a value in an address.

/// A value in an address that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key.
    pub key: String,
    /// What it was set to.
    pub found: String,
    /// What could stand there.
    pub expected: String,
}

impl Problem {
    /// A key whose value is not what it must be.
    pub fn new(key: &str, found: &str, expected: impl Into<String>) -> Self {
        Self { key: key.to_owned(), found: found.to_owned(), expected: expected.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "The address sets {} to “{}”; it must be {}. The default is used.",
            self.key, self.found, self.expected
        )
    }
}

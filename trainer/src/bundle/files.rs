//! The bytes of a bundle's parts, on their way into its folder.

use shared::format::bundle::Part;

/// Parts by their path.
#[derive(Debug, Default)]
pub struct Files(Vec<(String, Vec<u8>)>);

impl Files {
    /// Keeps a part's bytes, in place of what was under its path, and describes them.
    pub fn add(&mut self, path: &str, bytes: Vec<u8>) -> Part {
        self.0.retain(|(held, _)| held != path);
        let part = Part::of(path, &bytes);
        self.0.push((path.to_owned(), bytes));
        part
    }

    /// A part's bytes.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.iter().find(|(held, _)| held == path).map(|(_, bytes)| bytes.as_slice())
    }

    /// Every file, with one more at the end.
    pub fn finished_by(mut self, path: &str, bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
        self.0.push((path.to_owned(), bytes));
        self.0
    }
}

//! A bundle that is here already, to take parts from.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use shared::format::bundle::{Bundle, MANIFEST_LIMIT, Part};

use super::files::Files;

/// The name of the file that makes a folder a bundle.
pub const MANIFEST: &str = "bundle.json";

/// A bundle's folder and its description.
#[derive(Debug)]
pub struct Existing {
    folder: PathBuf,
    /// What `bundle.json` says.
    pub bundle: Bundle,
}

impl Existing {
    /// Reads and checks `bundle.json`; parts are read when they are taken.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let reading = || format!("reading {}", path.display());
        let file = fs::File::open(&path).with_context(reading)?;
        let mut bytes = Vec::new();
        // One more than is accepted, so that what is longer is refused for that.
        file.take(MANIFEST_LIMIT as u64 + 1).read_to_end(&mut bytes).with_context(reading)?;
        let bundle = Bundle::parse(&bytes).with_context(reading)?;
        Ok(Self { folder: folder.to_owned(), bundle })
    }

    /// Reads a part, byte for byte what `bundle.json` says it is.
    pub fn read(&self, part: &Part) -> Result<Vec<u8>> {
        let path = self.folder.join(&part.path);
        let reading = || format!("reading {}", path.display());
        let file = fs::File::open(&path).with_context(reading)?;
        let mut bytes = Vec::new();
        // One more than it should have, so that what is longer is refused for that.
        file.take(part.size + 1).read_to_end(&mut bytes).with_context(reading)?;
        part.check(&bytes).with_context(reading)?;
        Ok(bytes)
    }

    /// Takes a part over.
    pub fn take(&self, part: &Part, files: &mut Files) -> Result<Part> {
        Ok(files.add(&part.path, self.read(part)?))
    }
}

#[cfg(test)]
mod tests {
    use shared::models;

    use super::*;

    #[test]
    fn a_part_that_is_not_what_the_description_says_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let info = models::info("googlenet").unwrap();
        let bundle = Bundle::new(&info, None, Part::of("labels.txt", b"tench\n"));
        fs::write(folder.path().join(MANIFEST), bundle.to_json().unwrap()).unwrap();
        let existing = Existing::open(folder.path()).unwrap();
        let labels = &existing.bundle.labels;

        let missing = format!("{:#}", existing.read(labels).unwrap_err());
        assert!(missing.contains("labels.txt"), "{missing}");
        fs::write(folder.path().join("labels.txt"), "trench\n").unwrap();
        let changed = format!("{:#}", existing.read(labels).unwrap_err());
        assert!(changed.contains("labels.txt: is 7 bytes long"), "{changed}");
        fs::write(folder.path().join("labels.txt"), "tench\n").unwrap();
        let mut files = Files::default();
        assert_eq!(existing.take(labels, &mut files).unwrap(), *labels);
        assert_eq!(files.get("labels.txt"), Some(&b"tench\n"[..]));
    }

    #[test]
    fn a_folder_without_a_description_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Existing::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("bundle.json"), "{error}");
    }
}

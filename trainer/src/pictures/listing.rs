//! Which pictures there are: counted and fingerprinted before any is decoded.

use std::ops::ControlFlow;

use anyhow::{Result, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use shared::image::Picture;

use super::ahead::{Ahead, decode_ahead};
use super::decode::ENDINGS;
use super::found::Found;
use super::left_out::LeftOut;
use super::name;
use super::source::Source;
use crate::interrupt;
use crate::job::Data;
use crate::progress::{Counted, Progress};

/// Sources with what can be said of them without decoding.
#[derive(Clone, Debug)]
pub struct Listing {
    sources: Vec<Source>,
    /// How many pictures there are.
    pub pictures: u64,
    /// SHA-256 of all names and sizes in their order, hexadecimal.
    pub sha256: String,
    /// Sources without any picture.
    pub empty: usize,
}

impl Listing {
    /// Counts the pictures of sources.
    ///
    /// # Errors
    /// A folder that cannot be read, or no picture at all.
    pub fn of(sources: Vec<Source>) -> Result<Self> {
        let mut progress = Progress::new("looking for pictures", None, Counted::Things("pictures"));
        let mut hasher = Sha256::new();
        let (mut pictures, mut left_out, mut empty) = (0, LeftOut::default(), Vec::new());
        for source in &sources {
            let before = pictures;
            let mut count = |found: Found<'_>| {
                interrupt::check()?;
                hasher.update(found.name.as_bytes());
                hasher.update([0]);
                hasher.update(found.size.to_le_bytes());
                pictures += 1;
                progress.advance(1);
                Ok(ControlFlow::Continue(()))
            };
            source.walk_past(&mut left_out, &mut count).map(drop)?;
            if pictures == before {
                empty.push(name::text(source.root().as_os_str()));
            }
        }
        progress.clear();
        left_out.lines().for_each(|line| eprintln!("{line}"));
        let endings = ENDINGS.join(", ");
        let nothing =
            |name: &str| format!("{name} holds no picture ({endings}; also in .tar files)");
        if pictures == 0 {
            bail!(nothing(&empty.join(", ")));
        }
        empty.iter().for_each(|name| eprintln!("{}", nothing(name)));
        let sha256 = HEXLOWER.encode(&hasher.finalize());
        Ok(Self { sources, pictures, sha256, empty: empty.len() })
    }

    /// Pictures that were chosen of another listing, each a source of its own; their fingerprint is
    /// that listing's.
    pub(super) fn drawn(sources: Vec<Source>, sha256: &str) -> Self {
        let (pictures, sha256) = (sources.len() as u64, sha256.to_owned());
        Self { sources, pictures, sha256, empty: 0 }
    }

    /// Where they are.
    pub(super) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// What a job over these pictures depends on.
    pub fn data(&self) -> Data {
        let kind = "pictures".to_owned();
        Data { kind, count: self.pictures, sha256: self.sha256.clone() }
    }

    /// The pictures from number `from` on, as [`decode_ahead`] gives them.
    pub fn decode_ahead<T: Send + 'static>(
        &self,
        from: u64,
        ahead: usize,
        prepare: impl Fn(Picture) -> Result<T> + Send + Sync + 'static,
    ) -> Ahead<T> {
        decode_ahead(self.sources.clone(), from, ahead, prepare)
    }

    /// What the sources are called, for people.
    pub fn name(&self) -> String {
        let names = self.sources.iter().map(|source| name::text(source.root().as_os_str()));
        names.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_empty_source_among_others_is_counted_and_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [empty, full] = ["empty", "full"].map(|name| folder.path().join(name));
        fs::create_dir(&empty).unwrap();
        fs::create_dir(&full).unwrap();
        fs::write(full.join("a.png"), "1").unwrap();
        let missing = folder.path().join("missing.png");
        let sources = [&empty, &full, &missing].map(|path| Source::as_given(path));
        let listing = Listing::of(sources.into()).unwrap();
        assert_eq!((listing.pictures, listing.empty), (2, 1));
    }

    #[test]
    fn another_list_of_files_has_another_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let sources = vec![Source::new(folder.path()).unwrap()];
        let error = Listing::of(sources).unwrap_err().to_string();
        assert!(error.contains("holds no picture"), "{error}");
        let fingerprint = || Listing::of(vec![Source::new(folder.path()).unwrap()]).unwrap().sha256;
        fs::write(folder.path().join("a.png"), "1").unwrap();
        let one = fingerprint();
        assert_eq!(one, fingerprint());
        fs::write(folder.path().join("a.png"), "12").unwrap();
        let longer = fingerprint();
        fs::rename(folder.path().join("a.png"), folder.path().join("b.png")).unwrap();
        assert!(one != longer && longer != fingerprint() && one != fingerprint());
    }
}

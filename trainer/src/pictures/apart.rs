//! The pictures of a listing one by one, to be looked at in any order.

use std::ops::ControlFlow;

use anyhow::{Result, bail};

use super::found::Location;
use super::listing::Listing;
use super::source::Source;
use crate::failure::WrongCall;

/// Pictures by their numbers. Of each only its name is held.
pub struct Apart {
    sources: Vec<Source>,
    sha256: String,
    /// In which source each is, and its name.
    pictures: Vec<(usize, String)>,
}

impl Apart {
    /// The pictures of a listing.
    ///
    /// # Errors
    /// One in a .tar file, which is only read from its beginning; a folder that changed since it was
    /// listed, or that cannot be read.
    pub fn of(listing: &Listing) -> Result<Self> {
        let mut pictures = Vec::new();
        for (number, source) in listing.sources().iter().enumerate() {
            source.walk(&mut |found| match found.location {
                Location::Shard(_) => Err(WrongCall(format!(
                    "{} lies in a .tar file, which is read from its beginning only, and pictures are \
                     drawn in an order here: unpack it, or `pellucid record` what a layer answers",
                    found.name
                ))
                .into()),
                Location::File(_) | Location::Broken(_) => {
                    pictures.push((number, found.name));
                    Ok(ControlFlow::Continue(()))
                }
            })?;
        }
        if pictures.len() as u64 != listing.pictures {
            let (first, later) = (listing.pictures, pictures.len());
            bail!("{} held {first} pictures at first and {later} later", listing.name());
        }
        let (sources, sha256) = (listing.sources().to_vec(), listing.sha256.clone());
        Ok(Self { sources, sha256, pictures })
    }

    /// What they are called, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pictures.iter().map(|(_, name)| name.as_str())
    }

    /// Some of them, by number, as a listing of their own in this order.
    ///
    /// # Panics
    /// There is no picture of such a number.
    pub fn drawn(&self, numbers: &[u64]) -> Listing {
        let alone = |&number: &u64| {
            let (source, name) = &self.pictures[number as usize];
            self.sources[*source].alone(name)
        };
        Listing::drawn(numbers.iter().map(alone).collect(), &self.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listing: &Listing) -> Vec<String> {
        let mut names = Vec::new();
        for decoded in listing.decode_ahead(0, 2, Ok) {
            let decoded = decoded.unwrap();
            assert!(decoded.picture.is_ok(), "{}", decoded.name);
            names.push(decoded.name);
        }
        names
    }

    #[test]
    fn pictures_come_in_the_order_that_is_asked_for_and_are_called_as_before() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/1.png", "a/2.png", "b/3.png"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            image::RgbImage::new(4, 4).save(path).unwrap();
        }
        let alone = folder.path().join("a/2.png");
        let sources = vec![Source::new(folder.path()).unwrap(), Source::as_given(&alone)];
        let listing = Listing::of(sources).unwrap();
        let apart = Apart::of(&listing).unwrap();
        let all = names(&listing);
        assert_eq!(apart.names().collect::<Vec<_>>(), all);
        let drawn = apart.drawn(&[3, 0, 2, 0]);
        assert_eq!(names(&drawn), [3, 0, 2, 0].map(|number: usize| all[number].clone()));
        assert_eq!(drawn.pictures, 4);
    }

    #[test]
    fn pictures_in_a_shard_have_no_other_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut shard =
            tar::Builder::new(std::fs::File::create(folder.path().join("some.tar")).unwrap());
        let picture = folder.path().join("1.png");
        image::RgbImage::new(4, 4).save(&picture).unwrap();
        shard.append_path_with_name(&picture, "2.png").unwrap();
        shard.finish().unwrap();
        let listing = Listing::of(vec![Source::new(folder.path()).unwrap()]).unwrap();
        let error = Apart::of(&listing).err().unwrap();
        assert!(error.is::<WrongCall>());
        assert!(error.to_string().contains("some.tar/2.png lies in a .tar file"), "{error}");
    }
}

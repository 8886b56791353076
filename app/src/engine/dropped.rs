//! Bundles that came as .zip files, and where they are until the engine ends.

use std::cell::RefCell;
use std::rc::Rc;

use shared::format::archive::Archive;

use crate::protocol::{Failure, FailureKind};

/// How the address of a bundle in memory begins.
const SCHEME: &str = "dropped:";

/// How many bundles that came as files are held: the one on view, and the one that may follow it.
const HELD: usize = 2;

/// The newest bundles that came as files, still packed. The first is at `dropped:1/bundle.json`.
#[derive(Default)]
pub struct Dropped(RefCell<Vec<(usize, Rc<Archive>)>>);

impl Dropped {
    /// The bundle at an address; nothing for addresses of other kinds.
    ///
    /// # Errors
    /// An address that no bundle here has: an earlier engine's.
    pub fn find(&self, bundle_url: &str) -> Option<Result<Rc<Archive>, Failure>> {
        let rest = bundle_url.strip_prefix(SCHEME)?;
        let number: Option<usize> =
            rest.strip_suffix("/bundle.json").and_then(|number| number.parse().ok());
        let archives = self.0.borrow();
        let found = archives.iter().find(|(known, _)| Some(*known) == number);
        let found = found.map(|(_, archive)| archive.clone());
        Some(found.ok_or_else(|| {
            Failure::new(
                FailureKind::NotReady,
                "This bundle is not here any more.",
                format!("It came as a file, and {bundle_url} is none that this engine was given."),
                "Open the file again.",
            )
        }))
    }

    /// Keeps a bundle and gives its address. The same file a second time takes no more room.
    pub fn add(&self, archive: Archive) -> String {
        let mut archives = self.0.borrow_mut();
        let known = archives.iter().position(|(_, known)| known.bytes() == archive.bytes());
        // The newest last.
        let newest = match known {
            Some(place) => archives.remove(place),
            None => {
                (archives.iter().map(|(number, _)| *number).max().unwrap_or(0) + 1, archive.into())
            }
        };
        let number = newest.0;
        archives.push(newest);
        if HELD < archives.len() {
            archives.remove(0);
        }
        format!("{SCHEME}{number}/bundle.json")
    }
}

//! Where pictures come from: a folder walked to the bottom, and tar shards in it.
//!
//! Nothing is held but the names of the folder that is being walked, so a source may be larger
//! than memory. The order is always the same, which makes a picture's place in it its number.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::progress::{Progress, Unit};
use crate::{cache, images, interrupt};

/// The largest picture file that is read out of a shard, in bytes.
const LARGEST_IN_SHARD: u64 = 256 << 20;

/// A folder of pictures, or a single tar shard.
#[derive(Clone, Debug)]
pub struct Source {
    root: PathBuf,
}

/// What can be said of a source without decoding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// How many pictures there are.
    pub pictures: u64,
    /// SHA-256 of all names and sizes in their order, hexadecimal.
    pub fingerprint: String,
}

/// A picture that was come across, not read yet.
pub struct Found<'a> {
    /// Relative to the source, with `/` between folders: `n02088364/beagle.jpg`, or
    /// `train-000.tar/n02088364/beagle.jpg` inside a shard.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    place: Place<'a>,
}

enum Place<'a> {
    File(PathBuf),
    Shard(&'a mut dyn Read),
    /// A shard that ends before its end, and what is wrong with it.
    Broken(String),
}

/// A picture file, or where it lies.
pub enum Content {
    /// A file of its own.
    File(PathBuf),
    /// Taken out of a shard.
    Bytes(Vec<u8>),
    /// It cannot be had, and why.
    Broken(String),
}

impl Found<'_> {
    /// Takes the picture out of its shard. Errors become part of the content: the rest of the
    /// source can still be walked.
    pub fn content(self) -> Content {
        match self.place {
            Place::File(path) => Content::File(path),
            Place::Broken(reason) => Content::Broken(reason),
            Place::Shard(_) if LARGEST_IN_SHARD < self.size => {
                Content::Broken(format!("{} bytes are more than a picture has", self.size))
            }
            Place::Shard(reader) => {
                let mut bytes = Vec::new();
                match reader.take(self.size).read_to_end(&mut bytes) {
                    Ok(length) if length as u64 == self.size => Content::Bytes(bytes),
                    Ok(length) => Content::Broken(format!(
                        "the shard ends after {length} of this file's {} bytes",
                        self.size
                    )),
                    Err(error) => Content::Broken(error.to_string()),
                }
            }
        }
    }
}

/// What is done with each picture come across.
type Visit<'a> = &'a mut dyn FnMut(Found<'_>) -> Result<ControlFlow<()>>;

impl Source {
    /// A folder, or a file that ends in `.tar`.
    ///
    /// # Errors
    /// There is nothing of that name, or it is another kind of file.
    pub fn new(root: &Path) -> Result<Self> {
        if root.is_dir() || is_shard(root) {
            return Ok(Self { root: root.to_owned() });
        }
        let what =
            if root.exists() { "is neither a folder nor a .tar file" } else { "is not there" };
        bail!("--images {}: it {what}", root.display())
    }

    /// Where it lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Hands every picture to `visit`, in order, until that says to stop. Links to folders are not
    /// followed: they can lead round in circles.
    pub fn walk(&self, visit: Visit<'_>) -> Result<()> {
        let walked = if self.root.is_dir() {
            walk_folder(&self.root, "", visit)
        } else {
            walk_shard(&self.root, "", visit)
        };
        walked.map(|_| ())
    }

    /// The contents of some pictures, by name. Only the shards that hold any are opened.
    pub fn fetch(&self, names: &BTreeSet<&str>) -> Result<BTreeMap<String, Content>> {
        let mut contents = BTreeMap::new();
        let mut shards = BTreeSet::new();
        for &name in names {
            let mut folders = name.match_indices('/').map(|(end, _)| &name[..end]);
            let shard = if is_shard(&self.root) {
                Some("")
            } else {
                folders.find(|folder| is_shard(&self.root.join(folder)))
            };
            match shard {
                Some(shard) => {
                    shards.insert(shard);
                }
                None => {
                    contents.insert(name.to_owned(), Content::File(self.root.join(name)));
                }
            }
        }
        for shard in shards {
            let path = if shard.is_empty() { self.root.clone() } else { self.root.join(shard) };
            walk_shard(&path, shard, &mut |found| {
                if names.contains(found.name.as_str()) {
                    contents.insert(found.name.clone(), found.content());
                }
                Ok(ControlFlow::Continue(()))
            })
            .map(|_| ())?;
        }
        Ok(contents)
    }

    /// Counts the pictures and fingerprints their names and sizes.
    ///
    /// # Errors
    /// A folder that cannot be read, or a source without pictures.
    pub fn list(&self) -> Result<Listing> {
        let mut progress = Progress::new("looking for pictures", None, Unit::Count("pictures"));
        let mut hasher = Sha256::new();
        let mut pictures = 0;
        self.walk(&mut |found| {
            interrupt::check()?;
            hasher.update(found.name.as_bytes());
            hasher.update([0]);
            hasher.update(found.size.to_le_bytes());
            pictures += 1;
            progress.advance(1);
            Ok(ControlFlow::Continue(()))
        })?;
        progress.clear();
        if pictures == 0 {
            let endings = images::ENDINGS.join(", ");
            bail!("{} holds no picture ({endings}; also in .tar files)", self.root.display());
        }
        Ok(Listing { pictures, fingerprint: cache::hex(&hasher.finalize()) })
    }
}

fn walk_folder(folder: &Path, prefix: &str, visit: Visit<'_>) -> Result<ControlFlow<()>> {
    let reading = || format!("reading the folder {}", folder.display());
    let entries = fs::read_dir(folder).with_context(reading)?;
    let mut names = entries
        .map(|entry| Ok(entry?.file_name()))
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(reading)?;
    names.sort();
    for name in names {
        let path = folder.join(&name);
        let name = format!("{prefix}{}", name.to_string_lossy());
        let flow = if path.is_dir() {
            if path.is_symlink() {
                continue;
            }
            walk_folder(&path, &format!("{name}/"), visit)?
        } else if is_shard(&path) {
            walk_shard(&path, &name, visit)?
        } else if images::is_picture(&path) {
            // A file that goes away meanwhile is missed when it is read.
            let size = path.metadata().map_or(0, |metadata| metadata.len());
            visit(Found { name, size, place: Place::File(path) })?
        } else {
            continue;
        };
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// `shard` is the name that pictures in it are put under; none if the shard is all there is.
fn walk_shard(path: &Path, shard: &str, visit: Visit<'_>) -> Result<ControlFlow<()>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut archive = tar::Archive::new(file);
    let broken = |error: std::io::Error| Found {
        name: if shard.is_empty() { path.display().to_string() } else { shard.to_owned() },
        size: 0,
        place: Place::Broken(format!("the shard is damaged: {error}")),
    };
    let entries = match archive.entries_with_seek() {
        Ok(entries) => entries,
        Err(error) => return visit(broken(error)),
    };
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            // Behind a damaged header nothing can be found.
            Err(error) => return visit(broken(error)),
        };
        let inner = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let inner = inner.trim_start_matches("./");
        if !entry.header().entry_type().is_file() || !images::has_picture_ending(Path::new(inner)) {
            continue;
        }
        let name = if shard.is_empty() { inner.to_owned() } else { format!("{shard}/{inner}") };
        let size = entry.size();
        let flow = visit(Found { name, size, place: Place::Shard(&mut entry) })?;
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn is_shard(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ending.eq_ignore_ascii_case("tar") && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    /// Names, and contents as text.
    fn walked(root: &Path) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let source = Source::new(root).unwrap();
        source
            .walk(&mut |found| {
                let name = found.name.clone();
                let content = match found.content() {
                    Content::File(path) => fs::read_to_string(path).unwrap(),
                    Content::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
                    Content::Broken(reason) => reason,
                };
                all.push((name, content));
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        all
    }

    #[test]
    fn folders_and_shards_are_walked_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        for (name, text) in [("c.png", "3"), ("b/x.JPG", "2"), ("notes.txt", "no")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let shard = tar_of(&[("./n1/a.jpg", b"0"), ("n1/a.cls", b"7"), ("z.webp", b"1")]);
        fs::write(folder.path().join("a.tar"), &shard).unwrap();
        let expected =
            [("a.tar/n1/a.jpg", "0"), ("a.tar/z.webp", "1"), ("b/x.JPG", "2"), ("c.png", "3")];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(walked(folder.path()), expected);
        assert_eq!(walked(&folder.path().join("a.tar"))[0].0, "n1/a.jpg");
    }

    #[test]
    fn pictures_are_fetched_by_the_names_they_were_found_under() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("b/x.jpg"), "2").unwrap();
        fs::write(folder.path().join("b/a.tar"), tar_of(&[("n/a.jpg", b"0"), ("b.jpg", b"1")]))
            .unwrap();
        let fetched = |root: &Path, name: &str| {
            let contents = Source::new(root).unwrap().fetch(&BTreeSet::from([name])).unwrap();
            match contents.into_iter().next() {
                Some((found, Content::File(path))) => Some((found, fs::read(path).unwrap())),
                Some((found, Content::Bytes(bytes))) => Some((found, bytes)),
                _ => None,
            }
        };
        let shard = folder.path().join("b/a.tar");
        for (root, name, bytes) in [
            (folder.path(), "b/x.jpg", b"2"),
            (folder.path(), "b/a.tar/n/a.jpg", b"0"),
            (shard.as_path(), "b.jpg", b"1"),
        ] {
            assert_eq!(fetched(root, name), Some((name.to_owned(), bytes.to_vec())), "{name}");
        }
        assert_eq!(fetched(&shard, "c.jpg"), None);
    }

    #[test]
    fn a_shard_that_was_cut_off_gives_what_it_has_and_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let shard = tar_of(&[("a.jpg", &[b'a'; 700]), ("b.jpg", &[b'b'; 700])]);
        fs::write(folder.path().join("cut.tar"), &shard[..512 + 1024 + 512 + 100]).unwrap();
        let found = walked(folder.path());
        assert_eq!(found[0], ("cut.tar/a.jpg".to_owned(), "a".repeat(700)));
        assert!(found[1].1.contains("100 of this file's 700 bytes"), "{}", found[1].1);
    }

    #[test]
    fn a_file_that_is_no_archive_is_one_broken_picture_and_not_the_end() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.tar"), [b'x'; 2048]).unwrap();
        fs::write(folder.path().join("b.png"), "fine").unwrap();
        let found = walked(folder.path());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, "a.tar");
        assert!(found[0].1.contains("damaged"), "{}", found[0].1);
    }

    #[test]
    fn another_list_of_files_has_another_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let fingerprint = || Source::new(folder.path()).unwrap().list().unwrap().fingerprint;
        fs::write(folder.path().join("a.png"), "1").unwrap();
        let one = fingerprint();
        assert_eq!(one, fingerprint());
        fs::write(folder.path().join("a.png"), "12").unwrap();
        let longer = fingerprint();
        fs::rename(folder.path().join("a.png"), folder.path().join("b.png")).unwrap();
        assert!(one != longer && longer != fingerprint() && one != fingerprint());
    }

    #[test]
    fn a_source_without_pictures_or_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Source::new(folder.path()).unwrap().list().unwrap_err().to_string();
        assert!(error.contains("holds no picture"), "{error}");
        let error = Source::new(&folder.path().join("nowhere")).unwrap_err().to_string();
        assert!(error.contains("nowhere") && error.contains("not there"), "{error}");
    }
}

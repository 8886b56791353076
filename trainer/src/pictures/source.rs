//! Where pictures come from: files, folders walked to the bottom, and tar shards in them.
//!
//! Nothing is held but the names of the folder that is being walked, so a source may be larger
//! than memory. The order is always the same, which makes a picture's place in it its number.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::folder::Walk;
use super::found::{Content, Found, Location, Visit};
use super::left_out::LeftOut;
use super::{name, shard};

/// A folder of pictures, a tar shard, or a file.
#[derive(Clone, Debug)]
pub struct Source {
    root: PathBuf,
    /// Before every name; the name itself of a file that is a picture alone.
    prefix: String,
    is_alone: bool,
    without: Vec<PathBuf>,
}

impl Source {
    /// A folder or a shard, its pictures named relative to it.
    ///
    /// # Errors
    /// There is nothing of that name, or it is another kind of file.
    pub fn new(root: &Path) -> Result<Self> {
        if root.is_dir() || shard::is_shard(root) {
            let (root, prefix) = (root.to_owned(), String::new());
            return Ok(Self { root, prefix, is_alone: false, without: Vec::new() });
        }
        let what =
            if root.exists() { "is neither a folder nor a .tar file" } else { "is not there" };
        bail!("{}: it {what}", name::text(root.as_os_str()))
    }

    /// A file, folder or shard as somebody names it, with that name before those of its pictures.
    /// What is not there becomes a picture that cannot be read.
    pub fn as_given(path: &Path) -> Self {
        let mut prefix = name::text(path.as_os_str());
        let is_alone = !path.is_dir() && !shard::is_shard(path);
        if !is_alone && !prefix.ends_with('/') {
            prefix.push('/');
        }
        Self { root: path.to_owned(), prefix, is_alone, without: Vec::new() }
    }

    /// The same without a folder in it, such as one that results are written to.
    pub fn without(mut self, folder: &Path) -> Self {
        self.without.extend(folder.canonicalize());
        self
    }

    /// One picture of it as a source of its own, by the name that it has here.
    pub fn alone(&self, full: &str) -> Self {
        let root = match self.is_alone {
            true => self.root.clone(),
            false => {
                name::path(&self.root, full.strip_prefix(self.prefix.as_str()).unwrap_or(full))
            }
        };
        Self { root, prefix: full.to_owned(), is_alone: true, without: Vec::new() }
    }

    /// Where it lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Hands every picture to `visit`, in order, until that says to stop. Links to folders are
    /// followed, but not in circles.
    pub fn walk(&self, visit: Visit<'_>) -> Result<()> {
        self.walk_past(&mut LeftOut::default(), visit).map(drop)
    }

    /// The same, which also notes what it passes by.
    pub(super) fn walk_past(
        &self,
        left_out: &mut LeftOut,
        visit: Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        if self.is_alone {
            let size = self.root.metadata().map_or(0, |metadata| metadata.len());
            let location = Location::File(self.root.clone());
            visit(Found { name: self.prefix.clone(), size, location })
        } else if shard::is_shard(&self.root) {
            shard::walk(&self.root, &self.prefix, left_out, visit)
        } else {
            Walk::new(&self.without, left_out).folder(&self.root, &self.prefix, visit)
        }
    }

    /// The contents of some pictures, by name. Only the shards that hold any are opened.
    pub fn fetch(&self, names: &BTreeSet<&str>) -> Result<BTreeMap<String, Content>> {
        let mut contents = BTreeMap::new();
        let mut shards = BTreeSet::new();
        for &full in names {
            let short = full.strip_prefix(self.prefix.as_str()).unwrap_or(full);
            let mut folders = short.match_indices('/').map(|(end, _)| &short[..end]);
            let shard = if shard::is_shard(&self.root) {
                Some("")
            } else {
                folders.find(|folder| shard::is_shard(&name::path(&self.root, folder)))
            };
            match shard {
                Some(shard) => {
                    shards.insert(shard);
                }
                None => {
                    let file = name::path(&self.root, short);
                    contents.insert(full.to_owned(), Content::File(file));
                }
            }
        }
        for shard in shards {
            let (path, prefix) = match shard {
                "" => (self.root.clone(), self.prefix.clone()),
                shard => (name::path(&self.root, shard), format!("{}{shard}/", self.prefix)),
            };
            shard::walk(&path, &prefix, &mut LeftOut::default(), &mut |found| {
                if names.contains(found.name.as_str()) {
                    contents.insert(found.name.clone(), found.content());
                }
                Ok(ControlFlow::Continue(()))
            })
            .map(drop)?;
        }
        Ok(contents)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
    fn pictures_are_named_as_their_source_was_given() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.png"), "1").unwrap();
        fs::write(folder.path().join("b.tar"), tar_of(&[("n/a.jpg", b"0")])).unwrap();
        for (given, expected) in
            [("", vec!["a.png", "b.tar/n/a.jpg"]), ("a.png", vec![""]), ("b.tar", vec!["n/a.jpg"])]
        {
            let given = folder.path().join(given);
            let expected: Vec<_> =
                expected.iter().map(|name| given.join(name).display().to_string()).collect();
            let mut names = Vec::new();
            let walked = Source::as_given(&given).walk(&mut |found| {
                names.push(found.name);
                Ok(ControlFlow::Continue(()))
            });
            assert!(walked.is_ok());
            let expected: Vec<_> =
                expected.iter().map(|name| name.trim_end_matches('/').to_owned()).collect();
            assert_eq!(names, expected);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_whose_name_is_no_text_is_fetched_by_what_it_is_called() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(std::ffi::OsStr::from_bytes(b"K\xe4se.jpg"));
        fs::write(&path, "0").unwrap();
        let source = Source::new(folder.path()).unwrap();
        let contents = source.fetch(&BTreeSet::from(["K\\xe4se.jpg"])).unwrap();
        let Some(Content::File(found)) = contents.into_values().next() else { panic!("none") };
        assert_eq!(found, path);
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
    fn a_source_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Source::new(&folder.path().join("nowhere")).unwrap_err().to_string();
        assert!(error.contains("nowhere") && error.contains("not there"), "{error}");
    }
}

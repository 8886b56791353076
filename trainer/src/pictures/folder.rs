//! Folders walked to the bottom, in the order of names.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::decode::has_picture_ending;
use super::found::{Found, Location, Visit};
use super::left_out::{LeftOut, Why, is_hidden};
use super::{name, shard};

/// A walk on its way.
pub struct Walk<'a> {
    without: &'a [PathBuf],
    left_out: &'a mut LeftOut,
    /// The folders around what is walked, without links: a folder among them is not walked again.
    around: Vec<PathBuf>,
}

impl<'a> Walk<'a> {
    /// Past some folders, which have no links in their paths.
    pub fn new(without: &'a [PathBuf], left_out: &'a mut LeftOut) -> Self {
        Self { without, left_out, around: Vec::new() }
    }

    /// Walks a folder; `prefix` stands before the names in it.
    ///
    /// # Errors
    /// It cannot be read. A folder inside that cannot is one broken picture.
    pub fn folder(
        &mut self,
        folder: &Path,
        prefix: &str,
        visit: Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        let reading = || format!("reading the folder {}", name::text(folder.as_os_str()));
        let opened = opened(folder).with_context(reading)?;
        self.entries(folder, prefix, opened, visit)
    }

    fn entries(
        &mut self,
        folder: &Path,
        prefix: &str,
        (place, names): Opened,
        visit: Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        self.around.push(place);
        for entry in names {
            if self.entry(folder, &entry, prefix, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.around.pop();
        Ok(ControlFlow::Continue(()))
    }

    fn entry(
        &mut self,
        folder: &Path,
        entry: &OsString,
        prefix: &str,
        visit: Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        let path = folder.join(entry);
        let name = format!("{prefix}{}", name::text(entry));
        let metadata = path.metadata();
        let is_folder = metadata.as_ref().is_ok_and(Metadata::is_dir);
        if !is_folder && !has_picture_ending(&path) && !shard::has_ending(&name) {
            return Ok(ControlFlow::Continue(()));
        }
        if is_hidden(entry.as_encoded_bytes()) {
            self.left_out.add(Why::Hidden, &name);
            return Ok(ControlFlow::Continue(()));
        }
        match metadata {
            Ok(metadata) if metadata.is_dir() => self.inner(&path, name, visit),
            Ok(metadata) if !metadata.is_file() => Ok(ControlFlow::Continue(())),
            Ok(_) if shard::has_ending(&name) => {
                shard::walk(&path, &format!("{name}/"), self.left_out, visit)
            }
            Ok(metadata) => {
                visit(Found { name, size: metadata.len(), location: Location::File(path) })
            }
            Err(error) => visit(broken(name, &error)),
        }
    }

    fn inner(&mut self, path: &Path, name: String, visit: Visit<'_>) -> Result<ControlFlow<()>> {
        let opened = match opened(path) {
            Ok(opened) => opened,
            Err(error) => return visit(broken(name, &error)),
        };
        // Also one around the folder that was named: nobody asked for what else lies in there.
        if self.around.iter().any(|around| around.starts_with(&opened.0)) {
            self.left_out.add(Why::Circle, &name);
        } else if self.without.contains(&opened.0) {
            self.left_out.add(Why::Results, &name);
        } else {
            return self.entries(path, &format!("{name}/"), opened, visit);
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Where a folder is without links, and the names in it, in order.
type Opened = (PathBuf, Vec<OsString>);

fn opened(folder: &Path) -> io::Result<Opened> {
    let entries = fs::read_dir(folder)?;
    let mut names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok((folder.canonicalize()?, names))
}

fn broken(name: String, error: &io::Error) -> Found<'static> {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "it is a link that leads nowhere".to_owned(),
        _ => error.to_string(),
    };
    Found { name, size: 0, location: Location::Broken(reason) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names found, those broken with a mark, and what was left out.
    fn walked(folder: &Path, without: &[PathBuf]) -> (Vec<String>, Vec<String>) {
        let (mut found, mut left_out) = (Vec::new(), LeftOut::default());
        let flow = Walk::new(without, &mut left_out).folder(folder, "", &mut |picture| {
            let mark = if matches!(picture.location, Location::Broken(_)) { " broken" } else { "" };
            found.push(format!("{}{mark}", picture.name));
            Ok(ControlFlow::Continue(()))
        });
        assert!(flow.unwrap().is_continue());
        (found, left_out.lines().collect())
    }

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn folders_are_walked_to_the_bottom_in_the_order_of_names() {
        let folder = folder_with(&["c.PNG", "a.jpg", "notes.txt", "b/z.webp", "b/y.jfif"]);
        fs::create_dir(folder.path().join("empty.jpg")).unwrap();
        let (found, left_out) = walked(folder.path(), &[]);
        assert_eq!(found, ["a.jpg", "b/y.jfif", "b/z.webp", "c.PNG"]);
        assert!(left_out.is_empty(), "{left_out:?}");
    }

    #[test]
    fn what_systems_and_editors_keep_is_left_out_and_said_once() {
        let hidden = ["._a.jpg", ".ipynb_checkpoints/a-checkpoint.png", "b/__MACOSX/a.jpg"];
        let folder = folder_with(&[&["a.jpg", ".gitignore"], &hidden[..]].concat());
        let (found, left_out) = walked(folder.path(), &[]);
        assert_eq!(found, ["a.jpg"]);
        assert_eq!(left_out.len(), 1);
        assert!(left_out[0].contains("._a.jpg and 2 more"), "{left_out:?}");
    }

    #[test]
    fn the_folder_of_results_is_left_out_whatever_it_is_called() {
        let folder = folder_with(&["a.jpg", "found/conv2d0.png", "found/deep/1.png"]);
        let without = folder.path().join("found").canonicalize().unwrap();
        let (found, left_out) = walked(folder.path(), &[without]);
        assert_eq!(found, ["a.jpg"]);
        assert_eq!(left_out, ["left out: found (results go there)"]);
    }

    #[cfg(unix)]
    #[test]
    fn linked_folders_are_followed_but_not_in_circles() {
        use std::os::unix::fs::symlink;
        let folder = folder_with(&["a/1.jpg"]);
        let elsewhere = folder_with(&["2.jpg", "deep/3.jpg"]);
        symlink(elsewhere.path(), folder.path().join("b")).unwrap();
        symlink("a", folder.path().join("c")).unwrap();
        symlink(folder.path(), elsewhere.path().join("deep/round")).unwrap();
        symlink("..", folder.path().join("up")).unwrap();
        symlink("nowhere.jpg", folder.path().join("d.jpg")).unwrap();
        let (found, left_out) = walked(folder.path(), &[]);
        assert_eq!(found, ["a/1.jpg", "b/2.jpg", "b/deep/3.jpg", "c/1.jpg", "d.jpg broken"]);
        assert_eq!(left_out.len(), 1);
        assert!(
            left_out[0].starts_with("left out: b/deep/round and 1 more (a link"),
            "{left_out:?}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn files_whose_names_are_no_text_are_found() {
        use std::os::unix::ffi::OsStrExt;
        let folder = folder_with(&["a.jpg"]);
        let name = std::ffi::OsStr::from_bytes(b"K\xe4se.jpg");
        fs::write(folder.path().join(name), "").unwrap();
        assert_eq!(walked(folder.path(), &[]).0, ["K\\xe4se.jpg", "a.jpg"]);
    }
}

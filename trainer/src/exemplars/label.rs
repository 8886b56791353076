//! What a picture is called, as far as its place tells.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use shared::classes;

use crate::bundle::gallery;
use crate::hash;
use crate::pictures::shard;

/// What is needed of a picture's entry in a gallery's list.
#[derive(Deserialize)]
struct Titled {
    file: String,
    title: String,
}

/// Labels by place.
#[derive(Debug, Default)]
pub struct Labels {
    /// By file.
    titles: HashMap<String, String>,
    /// By WordNet identifier.
    classes: HashMap<String, String>,
    /// Of the list the titles come from, if there is one.
    sha256: Option<String>,
}

impl Labels {
    /// By class and folder alone.
    pub fn by_place() -> Self {
        let classes = classes::imagenet().into_iter().map(|label| (label.wnid, label.name));
        Self { classes: classes.collect(), ..Self::default() }
    }

    /// For the pictures of a folder, which may have a `gallery.json`.
    ///
    /// # Errors
    /// A `gallery.json` that cannot be read.
    pub fn of(root: &Path) -> Result<Self> {
        let path = root.join(gallery::LIST);
        let mut labels = Self::by_place();
        if path.is_file() {
            let reading = || format!("reading {}", path.display());
            let bytes = gallery::read_text(&path)?;
            let entries: Vec<Titled> = serde_json::from_slice(&bytes).with_context(reading)?;
            labels.titles = entries.into_iter().map(|entry| (entry.file, entry.title)).collect();
            labels.sha256 = Some(hash::sha256(&bytes));
        }
        Ok(labels)
    }

    /// Of the list that the titles come from, hexadecimal, if there is one.
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// A picture's title in the gallery; else the class whose WordNet identifier its folder, or its
    /// name up to an underscore, is; else its folder's name, empty where there is none.
    pub fn label(&self, file: &str) -> String {
        if let Some(title) = self.titles.get(file) {
            return title.clone();
        }
        let (folders, name) = file.rsplit_once('/').unwrap_or(("", file));
        let folder = folders.rsplit('/').next().unwrap_or_default();
        // A shard is no class, but may be called like one.
        let stem = shard::stem(folder);
        let prefix = name.split_once('_').map_or("", |(prefix, _)| prefix);
        let class =
            [stem.unwrap_or(folder), prefix].into_iter().find_map(|wnid| self.classes.get(wnid));
        class.cloned().unwrap_or_else(|| match stem {
            Some(_) => String::new(),
            None => folder.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn folders_and_identifiers_tell_what_a_picture_shows() {
        let labels = Labels::of(Path::new("nowhere")).unwrap();
        for (file, label) in [
            ("n02123394/Persian_cat.jpg", "Persian cat"),
            ("val/n02123394/1.jpg", "Persian cat"),
            ("shard.tar/n02123394_17.JPEG", "Persian cat"),
            ("shard.tar/17.jpg", ""),
            ("train.tar.gz/n02123394.tar/1.jpg", "Persian cat"),
            ("holidays/beach_1.jpg", "holidays"),
            ("cat.jpg", ""),
        ] {
            assert_eq!(labels.label(file), label, "{file}");
        }
    }

    #[test]
    fn a_gallery_names_its_pictures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(gallery::LIST);
        fs::write(&path, r#"[{"file": "animals/1.jpg", "title": "Red panda", "author": "A"}]"#)
            .unwrap();
        let labels = Labels::of(folder.path()).unwrap();
        assert_eq!(labels.label("animals/1.jpg"), "Red panda");
        assert_eq!(labels.label("animals/2.jpg"), "animals");
        let with_mark = [b"\xef\xbb\xbf", fs::read(&path).unwrap().as_slice()].concat();
        fs::write(&path, with_mark).unwrap();
        assert_eq!(Labels::of(folder.path()).unwrap().label("animals/1.jpg"), "Red panda");
        fs::write(&path, "{}").unwrap();
        let error = format!("{:#}", Labels::of(folder.path()).unwrap_err());
        assert!(error.contains("gallery.json"), "{error}");
    }
}

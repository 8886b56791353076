//! Some of somebody's own pictures, as the gallery of a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use shared::format::credits::{self, Credit};
use shared::format::png;
use shared::image::{Picture, Resampling};
use shared::preprocess::{Preprocessing, Resize};

use crate::bundle::gallery::{LIST, SIDE};
use crate::exemplars::label::Labels;
use crate::pictures::decode;
use crate::pictures::found::Content;
use crate::pictures::source::Source;
use crate::progress::{Counted, Progress};
use crate::{interrupt, output};

/// Of the draw.
const SEED: u64 = 0;

/// The longest title or name of a file that is told, in characters.
const LONGEST: usize = 120;

/// The category of a picture whose place tells none.
const UNTOLD: &str = "pictures";

/// What is cut out of which pictures.
pub struct Cutting<'a> {
    /// Where the pictures are.
    pub sources: &'a [Source],
    /// What they are called.
    pub labels: &'a Labels,
    /// What a network sees of a picture.
    pub preprocessing: &'a Preprocessing,
    /// The most that are taken.
    pub most: usize,
    /// Where to.
    pub folder: &'a Path,
}

/// A picture by its number, with its name and the number of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Numbered {
    number: u64,
    name: String,
    source: usize,
}

impl Cutting<'_> {
    /// Fills the folder, unless it is full already, with pictures that can be read.
    ///
    /// # Errors
    /// A picture that went away, a full disk, or Ctrl-C.
    pub fn run(&self, readable: &BTreeSet<u64>) -> Result<()> {
        let list = self.folder.join(LIST);
        if list.is_file() {
            eprintln!("{}: there already", list.display());
            return Ok(());
        }
        let chosen = choose(self.listed(readable)?, self.most);
        let contents = self.contents(&chosen)?;
        let progress =
            Progress::new("gallery", Some(chosen.len() as u64), Counted::Things("pictures"));
        let progress = Mutex::new(progress);
        let credits = chosen.par_iter().zip(contents).map(|(picture, content)| {
            interrupt::check()?;
            let seen = self.square(&decode::content(&picture.name, content)?);
            let file = format!("{:06}.png", picture.number);
            let bytes = png::encode(SIDE, SIDE, &seen.to_rgb8(), &[])?;
            output::write_whole(&self.folder.join(&file), |out| Ok(out.write_all(&bytes)?))?;
            progress.lock().unwrap_or_else(PoisonError::into_inner).advance(1);
            Ok(self.credit(file, &picture.name))
        });
        let credits = credits.collect::<Result<Vec<Credit>>>()?;
        progress.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
        // Last: where it is, the pictures are too.
        let text = credits::to_json(&credits)?;
        output::write_whole(&list, |out| Ok(out.write_all(text.as_bytes())?))
    }

    fn listed(&self, readable: &BTreeSet<u64>) -> Result<Vec<Numbered>> {
        let (mut listed, mut number) = (Vec::new(), 0);
        for (source, walked) in self.sources.iter().enumerate() {
            walked.walk(&mut |found| {
                if readable.contains(&number) {
                    listed.push(Numbered { number, name: found.name, source });
                }
                number += 1;
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(listed)
    }

    /// The files of some pictures, in their order.
    fn contents(&self, chosen: &[Numbered]) -> Result<Vec<Content>> {
        let mut contents = Vec::new();
        for (number, source) in self.sources.iter().enumerate() {
            let own = chosen.iter().filter(|picture| picture.source == number);
            let names: BTreeSet<&str> = own.map(|picture| picture.name.as_str()).collect();
            contents.push(source.fetch(&names)?);
        }
        let content = |picture: &Numbered| {
            let found = contents[picture.source].remove(&picture.name);
            found.unwrap_or_else(|| Content::Broken("it went away".to_owned()))
        };
        Ok(chosen.iter().map(content).collect())
    }

    /// What the network sees and a little around it, so that it sees the same of this.
    fn square(&self, picture: &Picture) -> Picture {
        let side = picture.width().min(picture.height());
        match self.preprocessing.resize {
            Resize::ShorterSide(_) => {
                picture.center_crop(side, side).resize(SIDE, SIDE, Resampling::Lanczos)
            }
            Resize::BothSides(_) => picture.resize(SIDE, SIDE, Resampling::Lanczos),
        }
    }

    fn credit(&self, file: String, name: &str) -> Credit {
        let label = self.labels.label(name);
        let shortened = |text: &str| text.chars().take(LONGEST).collect::<String>();
        let end: String = name.chars().rev().take(LONGEST).collect();
        Credit {
            file,
            title: shortened(&title(name, &label)),
            category: shortened(if label.is_empty() { UNTOLD } else { &label }),
            kinds: Vec::new(),
            author: "from your own folder".to_owned(),
            licence: "not for publishing".to_owned(),
            // What it means that nobody gave a licence.
            licence_url: "https://choosealicense.com/no-permission/".to_owned(),
            source: end.chars().rev().collect(),
            changes: match self.preprocessing.resize {
                Resize::ShorterSide(_) => "cut to the middle square, scaled",
                Resize::BothSides(_) => "squeezed into a square",
            }
            .to_owned(),
            origin: None,
            note: Some("this bundle is for the machine that it was made on".to_owned()),
        }
    }
}

/// So many pictures, from each folder as many as from every other where it has them, in the order of
/// their numbers.
fn choose(pictures: Vec<Numbered>, most: usize) -> Vec<Numbered> {
    let mut folders: BTreeMap<String, Vec<Numbered>> = BTreeMap::new();
    for picture in pictures {
        let folder = picture.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder.to_owned()).or_default().push(picture);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut folders: Vec<Vec<Numbered>> = folders.into_values().collect();
    folders.shuffle(&mut rng);
    folders.iter_mut().for_each(|folder| folder.shuffle(&mut rng));
    let mut chosen = Vec::new();
    while chosen.len() < most && folders.iter().any(|folder| !folder.is_empty()) {
        let round = folders.iter_mut().filter_map(Vec::pop);
        chosen.extend(round.take(most - chosen.len()));
    }
    chosen.sort_by_key(|picture| picture.number);
    chosen
}

/// A picture's name without folder, ending and underscores; a class in the place of its WordNet
/// identifier.
fn title(name: &str, label: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let is_wnid = |word: &str| {
        word.strip_prefix('n')
            .is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let words = stem.split('_').filter(|word| !word.is_empty());
    let words = words.map(|word| if is_wnid(word) && !label.is_empty() { label } else { word });
    let title = words.collect::<Vec<_>>().join(" ");
    if title.is_empty() { UNTOLD.to_owned() } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures(folders: &[(&str, usize)]) -> Vec<Numbered> {
        let of = |(folder, count): &(&str, usize)| {
            let folder = (*folder).to_owned();
            (0..*count).map(move |place| format!("{folder}/{place}.jpg"))
        };
        let names = folders.iter().flat_map(of).enumerate();
        names.map(|(number, name)| Numbered { number: number as u64, name, source: 0 }).collect()
    }

    #[test]
    fn every_folder_gives_as_many_pictures_as_the_others_and_a_small_one_all() {
        let all = pictures(&[("a", 100), ("b", 100), ("c", 2)]);
        let chosen = choose(all.clone(), 22);
        let of = |folder: &str| chosen.iter().filter(|one| one.name.starts_with(folder)).count();
        assert_eq!((of("a/"), of("b/"), of("c/")), (10, 10, 2));
        assert!(chosen.is_sorted_by_key(|picture| picture.number));
        assert_eq!(chosen, choose(all.clone(), 22));
        assert_eq!(choose(all.clone(), 1000), all);
        assert_eq!(choose(all, 1).len(), 1);
    }

    #[test]
    fn a_title_is_what_a_file_is_called() {
        for (name, label, expected) in [
            ("cats/grey_cat.jpg", "cats", "grey cat"),
            ("n01440764/n01440764_10026.JPEG", "tench", "tench 10026"),
            ("IMG-7.png", "", "IMG-7"),
            ("n01440764_7.jpg", "", "n01440764 7"),
            ("_.png", "", "pictures"),
        ] {
            assert_eq!(title(name, label), expected);
        }
    }
}

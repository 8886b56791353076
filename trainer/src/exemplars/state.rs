//! A pass that is not finished, in a file beside its results.
//!
//! A line of JSON says what it is of and how far it is; behind it the pictures that are exemplars
//! of some unit, and what was seen of each layer (see [`super::bytes`]).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::bytes::{Reader, Writer};
use super::job::Job;
use super::tally::LayerTally;
use super::top::Seen;
use crate::output;

/// Goes up when the bytes change their meaning.
const VERSION: u32 = 2;

/// Everything a pass knows.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// What it is of.
    pub job: Job,
    /// Pictures that are done, readable or not: those that come first in the source.
    pub done: u64,
    /// How many of them could not be read.
    pub unreadable: u64,
    /// In the order of the command.
    pub layers: Vec<LayerTally>,
}

/// The line of JSON.
#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    job: Job,
    done: u64,
    unreadable: u64,
    /// Names and numbers of channels.
    layers: Vec<(String, usize)>,
}

/// What lies where a state may lie.
#[derive(Debug, PartialEq)]
pub enum Saved {
    /// Nothing.
    Nothing,
    /// Something that cannot be gone on from: damaged, or of another version.
    Damaged,
    /// A state.
    State(State),
}

/// Where the state of a pass into this folder lies.
pub fn path(folder: &Path) -> PathBuf {
    folder.join(".exemplars.state")
}

impl State {
    /// Before the first picture.
    pub fn new(job: Job, layers: &[(String, usize)]) -> Self {
        let tally = |(name, channels): &(String, usize)| LayerTally::new(name, *channels, job.top);
        let layers = layers.iter().map(tally).collect();
        Self { job, done: 0, unreadable: 0, layers }
    }

    /// Writes it, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        let head = Head {
            version: VERSION,
            job: self.job.clone(),
            done: self.done,
            unreadable: self.unreadable,
            layers: self
                .layers
                .iter()
                .map(|tally| (tally.layer.clone(), tally.units.len()))
                .collect(),
        };
        let mut out = Writer::default();
        let pictures = self.pictures();
        out.number(pictures.len() as u64);
        for picture in pictures.values() {
            out.number(picture.number);
            out.text(&picture.file);
            out.text(&picture.label);
        }
        self.layers.iter().for_each(|tally| tally.write(&mut out));
        let body = out.into_bytes();
        output::write_whole(path, |file| {
            serde_json::to_writer(&mut *file, &head)?;
            file.write_all(b"\n")?;
            Ok(file.write_all(&body)?)
        })
    }

    /// Reads what lies at `path`.
    ///
    /// # Errors
    /// Something lies there that cannot be read now, and would be lost if it were written over.
    pub fn load(path: &Path) -> Result<Saved> {
        match fs::read(path) {
            Ok(bytes) => Ok(Self::from_bytes(&bytes).map_or(Saved::Damaged, Saved::State)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Saved::Nothing),
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let line = bytes.iter().position(|&byte| byte == b'\n')?;
        let head: Head = serde_json::from_slice(&bytes[..line]).ok()?;
        if head.version != VERSION || head.job.pictures < head.done || head.done < head.unreadable {
            return None;
        }
        let mut from = Reader::new(&bytes[line + 1..]);
        let mut pictures = BTreeMap::new();
        for _ in 0..from.number()? {
            let number = from.below(head.done)?;
            let picture = Seen { number, file: from.text()?, label: from.text()? };
            pictures.insert(number, Arc::new(picture));
        }
        let layers = head
            .layers
            .iter()
            .map(|(name, channels)| {
                LayerTally::read(&mut from, *channels, head.job.top, &pictures)
                    .filter(|tally| tally.layer == *name)
            })
            .collect::<Option<_>>()?;
        let whole = from.is_empty();
        let Head { job, done, unreadable, .. } = head;
        whole.then_some(Self { job, done, unreadable, layers })
    }

    /// Pictures that are exemplars of some unit.
    fn pictures(&self) -> BTreeMap<u64, Arc<Seen>> {
        let units = self.layers.iter().flat_map(|tally| &tally.units);
        units
            .flat_map(|unit| unit.top.best())
            .map(|exemplar| (exemplar.picture.number, exemplar.picture.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use shared::format::exemplars::Statistic;

    use super::super::tally::Batch;
    use super::*;

    fn state() -> State {
        let job = Job {
            model: "googlenet".to_owned(),
            model_sha256: "aa".to_owned(),
            statistic: Statistic::Mean,
            top: 2,
            pictures: 5,
            pictures_sha256: "bb".to_owned(),
            titles_sha256: String::new(),
        };
        let mut state = State::new(job, &[("mixed4a".to_owned(), 3), ("mixed4b".to_owned(), 1)]);
        let seen =
            |number| Seen { number, file: format!("a/{number}.jpg"), label: "ä".to_owned() };
        let pictures: Vec<_> = (0..4).map(|number| Arc::new(seen(number))).collect();
        for layer in &mut state.layers {
            let count = 4 * layer.units.len() * 4;
            let values: Vec<f32> = (0..count).map(|value| (value * 7 % 11) as f32).collect();
            let batch = Batch { values: &values, pictures: &pictures, positions: [2, 2] };
            layer.add(batch, Statistic::Mean).unwrap();
        }
        (state.done, state.unreadable) = (5, 1);
        state
    }

    #[test]
    fn a_state_survives_its_file_and_a_damaged_one_is_told_from_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path());
        assert_eq!(State::load(&path).unwrap(), Saved::Nothing);
        state().save(&path).unwrap();
        assert_eq!(State::load(&path).unwrap(), Saved::State(state()));

        let bytes = fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            assert_eq!(State::from_bytes(&bytes[..length]), None, "{length} bytes");
        }
        assert_eq!(State::from_bytes(&[&bytes[..], b"x"].concat()), None);
        let other = String::from_utf8_lossy(&bytes).replace("\"version\":2", "\"version\":3");
        fs::write(&path, other).unwrap();
        assert_eq!(State::load(&path).unwrap(), Saved::Damaged);
        // A disk that answers with an error has lost nothing yet.
        let error = format!("{:#}", State::load(folder.path()).unwrap_err());
        assert!(error.starts_with("reading "), "{error}");
    }
}

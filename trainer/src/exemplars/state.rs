//! What a pass that is not finished knows, and its way through a checkpoint.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::tally::LayerTally;
use crate::checkpoint::{self, Checkpoint};
use crate::job::Job;

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

/// How far a pass is; what it has seen of its layers is the checkpoint's body, as CBOR.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct HowFar {
    done: u64,
    unreadable: u64,
}

/// Where the state of a pass into this folder lies.
pub fn path(folder: &Path) -> PathBuf {
    folder.join(".exemplars.state")
}

impl State {
    /// Before the first picture; of each layer its name and number of channels.
    pub fn new(job: Job, layers: &[(String, usize)], top: usize) -> Self {
        let tally = |(name, channels): &(String, usize)| LayerTally::new(name, *channels, top);
        Self { job, done: 0, unreadable: 0, layers: layers.iter().map(tally).collect() }
    }

    /// Writes it, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut body = Vec::new();
        ciborium::into_writer(&self.layers, &mut body).context("writing down what was seen")?;
        let progress = HowFar { done: self.done, unreadable: self.unreadable };
        checkpoint::save(path, &self.job, &progress, &[&body])
    }
}

impl TryFrom<Checkpoint<HowFar>> for State {
    type Error = anyhow::Error;

    fn try_from(checkpoint: Checkpoint<HowFar>) -> Result<Self> {
        let Checkpoint { job, progress: HowFar { done, unreadable }, body } = checkpoint;
        let layers = ciborium::from_reader(&*body).context("reading what was seen")?;
        Ok(Self { job, done, unreadable, layers })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tally::{By, Maps};
    use super::super::top::Shown;
    use super::*;
    use crate::checkpoint::Left;

    #[test]
    fn a_state_survives_its_file() {
        let job = Job::new("exemplars", "googlenet", "aa");
        let layers = [("mixed4a".to_owned(), 3), ("mixed4b".to_owned(), 1)];
        let mut state = State::new(job.clone(), &layers, 2);
        let shown =
            |number| Shown { number, file: format!("a/{number}.jpg"), label: "ä".to_owned() };
        let pictures: Vec<_> = (0..4).map(|number| Arc::new(shown(number))).collect();
        for layer in &mut state.layers {
            let count = 4 * layer.units.len() * 4;
            let values: Vec<f32> = (0..count).map(|value| (value * 7 % 11) as f32 - 1.1).collect();
            let maps = Maps { values: &values, pictures: &pictures, positions: [2, 2] };
            layer.add(maps, By::Mean).unwrap();
        }
        (state.done, state.unreadable) = (5, 1);

        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path());
        state.save(&path).unwrap();
        let Left::Ours(found) = checkpoint::find(&path, &job).unwrap() else { panic!("lost") };
        assert_eq!(State::try_from(found).unwrap(), state);
    }
}

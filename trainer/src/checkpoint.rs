//! A long job's state in a file, from which it goes on after Ctrl-C or a kill.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `PELLUCKP` |
//! | 4 | version, 1, little-endian as all numbers |
//! | 32 | SHA-256 of everything behind it |
//! | 8 | length of the head |
//! | | the head: JSON with the [`Job`] and how far it is |
//! | | the body, as the job writes it: what it has found so far |

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::job::Job;
use crate::output;

const MAGIC: &[u8; 8] = b"PELLUCKP";

/// Goes up when the bytes change their meaning.
const VERSION: u32 = 1;

/// A killed job loses at most this much work, or what is done in so many times the time that saving
/// takes, where that is more.
const BETWEEN: Duration = Duration::from_secs(10);
const TIMES: u32 = 20;

/// A state that was saved.
#[derive(Debug, PartialEq)]
pub struct Checkpoint<P> {
    /// What it is of.
    pub job: Job,
    /// How far it is, and what else is small enough to be read by people.
    pub progress: P,
    /// Everything else.
    pub body: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head<J, P> {
    job: J,
    progress: P,
}

/// What an earlier run left where a job's state lies.
#[derive(Debug, PartialEq)]
pub enum Left<P> {
    /// Nothing.
    Nothing,
    /// Something that no job can go on from, and why: "is damaged".
    Unusable(&'static str),
    /// The state of another job, and in what that differs.
    OfAnother(String),
    /// The state of this job.
    Ours(Checkpoint<P>),
}

/// Writes a job's state, whole or not at all; its body comes in pieces.
pub fn save(path: &Path, job: &Job, progress: &impl Serialize, body: &[&[u8]]) -> Result<()> {
    let head = serde_json::to_vec(&Head { job, progress })?;
    let length = (head.len() as u64).to_le_bytes();
    let pieces = [&length, head.as_slice()].into_iter().chain(body.iter().copied());
    let mut hasher = Sha256::new();
    pieces.clone().for_each(|piece| hasher.update(piece));
    output::write_whole(path, |out| {
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&hasher.finalize())?;
        pieces.clone().try_for_each(|piece| Ok(out.write_all(piece)?))
    })
}

/// Looks for a state of `job` at `path`.
///
/// # Errors
/// Something lies there that cannot be read now, and would be lost if it were written over.
pub fn find<P: DeserializeOwned>(path: &Path, job: &Job) -> Result<Left<P>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Left::Nothing),
        bytes => bytes.with_context(|| format!("reading {}", path.display()))?,
    };
    let (head, body) = match parts(&bytes) {
        Ok(parts) => parts,
        Err(why) => return Ok(Left::Unusable(why)),
    };
    // The job first: of another one the progress may be of another kind.
    let Ok(Head { job: there, progress }) =
        serde_json::from_slice::<Head<Job, serde_json::Value>>(head)
    else {
        return Ok(Left::Unusable("is of another version of this program"));
    };
    if let Some(difference) = job.difference(&there) {
        return Ok(Left::OfAnother(difference));
    }
    Ok(match serde_json::from_value(progress) {
        Ok(progress) => Left::Ours(Checkpoint { job: there, progress, body: body.to_vec() }),
        Err(_) => Left::Unusable("is of another version of this program"),
    })
}

/// Head and body of a checkpoint that is whole.
fn parts(bytes: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("is no state of this version of the program")?;
    let (version, rest) = rest.split_first_chunk().ok_or("is damaged")?;
    if u32::from_le_bytes(*version) != VERSION {
        return Err("is of another version of this program");
    }
    let (hash, rest) = rest.split_at_checked(32).ok_or("is damaged")?;
    if Sha256::digest(rest).as_slice() != hash {
        return Err("is damaged");
    }
    let (length, rest) = rest.split_first_chunk().ok_or("is damaged")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok();
    length.and_then(|length| rest.split_at_checked(length)).ok_or("is damaged")
}

/// When a state is saved: at intervals so long that saving takes little of the time.
pub struct Saving {
    due: Instant,
}

impl Saving {
    /// The first time at once, so that a folder that cannot be written to is found out.
    pub fn from_now() -> Self {
        Self { due: Instant::now() }
    }

    /// The first time after an interval: what is done before leaves nothing.
    pub fn from_later() -> Self {
        Self { due: Instant::now() + BETWEEN }
    }

    /// Whether it is time.
    pub fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    /// Saves.
    pub fn run(&mut self, save: impl FnOnce() -> Result<()>) -> Result<()> {
        let begin = Instant::now();
        save()?;
        self.due = Instant::now() + BETWEEN.max(TIMES * begin.elapsed());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job::new("exemplars", "googlenet", "aa")
    }

    fn saved() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".exemplars.state");
        save(&path, &job(), &7, &[b"bo", b"dy"]).unwrap();
        (folder, path)
    }

    #[test]
    fn what_was_saved_is_found_again() {
        let (_folder, path) = saved();
        let expected = Checkpoint { job: job(), progress: 7, body: b"body".to_vec() };
        assert_eq!(find(&path, &job()).unwrap(), Left::Ours(expected));
        assert_eq!(find::<u64>(&path.with_extension("no"), &job()).unwrap(), Left::Nothing);
    }

    #[test]
    fn the_bytes_are_as_they_are_described() {
        let (_folder, path) = saved();
        let head =
            br#"{"job":{"verb":"exemplars","model":"googlenet","model_sha256":"aa"},"progress":7}"#;
        let rest = [&(head.len() as u64).to_le_bytes(), head.as_slice(), b"body"].concat();
        let bytes = [b"PELLUCKP\x01\0\0\0", Sha256::digest(&rest).as_slice(), &rest].concat();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn the_state_of_another_job_is_told_by_what_differs_whatever_it_holds() {
        let (_folder, path) = saved();
        let other = Job::new("exemplars", "inception-v1", "aa");
        let said = "model googlenet, not inception-v1".to_owned();
        assert_eq!(find::<Vec<String>>(&path, &other).unwrap(), Left::OfAnother(said));
    }

    #[test]
    fn whatever_byte_is_damaged_or_missing_is_found_out() {
        let (_folder, path) = saved();
        let whole = fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 4;
            for bytes in [&damaged, &whole[..place]] {
                fs::write(&path, bytes).unwrap();
                let found = find::<u64>(&path, &job()).unwrap();
                assert!(matches!(found, Left::Unusable(_)), "{place}: {found:?}");
            }
        }
    }

    #[test]
    fn states_of_other_versions_are_said_to_be_that() {
        let (_folder, path) = saved();
        let mut later = fs::read(&path).unwrap();
        later[8] = 9;
        for bytes in [later.as_slice(), b"{\"version\":2,\"done\":3}\n\0\0"] {
            fs::write(&path, bytes).unwrap();
            let Left::Unusable(why) = find::<u64>(&path, &job()).unwrap() else { panic!("usable") };
            assert!(why.contains("version of th"), "{why}");
        }
        let (_folder, path) = saved();
        let found = find::<Vec<String>>(&path, &job()).unwrap();
        assert_eq!(found, Left::Unusable("is of another version of this program"));
    }
}

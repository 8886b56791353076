//! A store written as saev's shards.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use shared::format::shards::Description;
use shared::format::shards::saev::{METADATA, Metadata, SHARDS, data_name, list};

use super::{Origin, Store};
use crate::failure::WrongCall;
use crate::progress::{Counted, Progress};
use crate::{interrupt, output};

/// Writes a whole store as protocol 2.1 into a folder below `out`, and returns that: its name is what
/// saev expects. Examples that could not be read are left out.
///
/// # Errors
/// The store is not whole, or has what saev has no words for; a file cannot be written.
pub fn write(store: &Store, out: &Path) -> Result<PathBuf> {
    let Origin::Pellucid(named) = store.origin() else {
        return Err(WrongCall("--to-saev: these are saev's shards already".to_owned()).into());
    };
    let missing = store.missing();
    if let Some(first) = missing.first() {
        let count: u64 = missing.iter().map(|run| run.end - run.start).sum();
        bail!(
            "{count} of {} shards are missing, from {}: record them first",
            store.layout().shards(),
            first.start
        );
    }
    let layout = store.layout().clone();
    let examples = store.examples().count() as u64;
    if examples == 0 {
        bail!("none of the store's pictures could be read");
    }
    let description = Description { named: *named.clone(), layout };
    let metadata = Metadata::of(&description, examples)?;
    let theirs = metadata.layout();
    let folder = out.join("saev").join("shards").join(metadata.hash()?);
    let [ours] = description.layout.arrays.as_slice() else { bail!("there are several arrays") };
    if 1 < ours.extra {
        eprintln!("left out: {} register tokens of each layer", ours.extra - 1);
    }
    // What lies between the class token and the places.
    let registers = ours.channels * ours.extra.min(1)..ours.channels * ours.extra;

    let mut progress = Progress::new("saev", Some(examples), Counted::Things("pictures"));
    let mut numbers = store.examples();
    for shard in 0..theirs.shards() {
        let count = theirs.shard_examples(shard);
        output::write_whole(&folder.join(data_name(shard)), |out| {
            for _ in count.clone() {
                interrupt::check()?;
                let example = numbers.next().context("the store became smaller")?;
                for layer in 0..ours.layers.len() {
                    let tokens = store.tokens([0, layer], example)?;
                    let mut tokens = tokens.context("the store has changed")?;
                    tokens.drain(registers.clone());
                    write_numbers(out, &tokens)?;
                }
                progress.advance(1);
            }
            // Every file of saev's is as long as a full one.
            let rest = theirs.examples_per_shard - (count.end - count.start);
            let zeros = vec![0; theirs.example_bytes(0)];
            (0..rest).try_for_each(|_| Ok(out.write_all(&zeros)?))
        })?;
    }
    progress.clear();
    put(&folder.join(SHARDS), &serde_json::to_vec_pretty(&list(&theirs))?)?;
    // Last: saev takes a folder that has it for whole.
    put(&folder.join(METADATA), &serde_json::to_vec_pretty(&metadata)?)?;
    Ok(folder)
}

fn write_numbers(out: &mut dyn Write, numbers: &[f32]) -> Result<()> {
    let mut bytes = Vec::with_capacity(4 * numbers.len());
    numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    Ok(out.write_all(&bytes)?)
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    output::write_whole(path, |out| Ok(out.write_all(bytes)?))
}

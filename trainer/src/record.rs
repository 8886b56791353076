//! What layers answer to pictures, kept on disk: one pass, in shards that are finished one by one.
//!
//! Pictures are decoded, the network computes, and shards are written at the same time.

pub mod partition;
pub mod tokens;
pub mod writer;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use shared::burn::tensor::Device;
use shared::format::shards::{Array, Description, Dtype, Layout, Named, Record, Titled, TokenKind};
use shared::image::Picture;
use shared::tap::{LayerId, LayerInfo};

use crate::activations::{Batch, Ended, Numbered, Walk};
use crate::exemplars::label::Labels;
use crate::failure::WrongCall;
use crate::hash;
use crate::job::{Data, Job};
use crate::model::LoadedModel;
use crate::pictures::listing::Listing;
use crate::shards::shelf::{SHARDS, STORE, Shelf};
use crate::shards::{description, finished, runs_without};
use partition::Partition;
use tokens::Answer;
use writer::{Rows, Writer};

/// Batches that wait for the disk at most.
const WAITING: usize = 2;

/// What is recorded.
pub struct Recording<'a> {
    /// The layers, canonical names.
    pub layers: &'a [LayerInfo],
    /// Of which pictures.
    pub listing: &'a Listing,
    /// What they are called.
    pub labels: &'a Labels,
    /// Which tokens are kept.
    pub tokens: TokenKind,
    /// How numbers are stored.
    pub dtype: Dtype,
    /// Pictures in a shard.
    pub examples_per_shard: u64,
    /// Which part of the shards.
    pub partition: Partition,
    /// Pictures computed together.
    pub batch: usize,
    /// Where to.
    pub shelf: &'a dyn Shelf,
}

/// What is in a store after a run.
#[derive(Debug)]
pub struct Recorded {
    /// What it is.
    pub description: Description,
    /// The shards of this run's part, all of them.
    pub records: Vec<Record>,
    /// How many shards are there, whoever recorded them.
    pub there: u64,
}

impl Recording<'_> {
    /// Records what an earlier run of the same job has not recorded of this part.
    ///
    /// # Errors
    /// The store is that of another job, a layer has no such tokens, a value has no room in the
    /// numbers that are stored, the disk is full, or Ctrl-C was pressed.
    pub fn run(&self, loaded: &LoadedModel, device: &Device) -> Result<Recorded> {
        let taps = self.taps(loaded)?;
        let arrays = self.arrays(loaded, device, &taps)?;
        let (description, store_sha256) = self.agree(loaded, arrays)?;
        let store = (store_sha256.as_str(), &description.layout);
        let share = self.partition.of(description.layout.shards());
        let mut records = self.finished(store, share.clone())?;
        let missing = runs_without(share.clone(), records.keys().copied());
        // Of whole shards too: a kill comes between a file's new name and the end of the old.
        self.shelf.tidy(share)?;
        if missing.is_empty() {
            eprintln!("{}: there already", self.shelf.name());
        } else {
            let columns = Columns::of(&description.layout, &taps, loaded)?;
            let (ended, written) = self.record(store, &missing, &columns, loaded, device)?;
            records.extend(written.into_iter().map(|record| (record.shard, record)));
            ended.whole()?;
        }
        let files = self.shelf.list(SHARDS)?;
        let there = files.keys().filter_map(|name| shared::format::shards::shard_of_record(name));
        let there = there.filter(|shard| *shard < description.layout.shards()).count() as u64;
        Ok(Recorded { description, records: records.into_values().collect(), there })
    }

    fn taps(&self, loaded: &LoadedModel) -> Result<Vec<LayerId>> {
        let info = loaded.model.info();
        let taps = self.layers.iter().map(|layer| info.layer_id(&layer.name));
        Ok(taps.collect::<shared::Result<_>>()?)
    }

    /// Which arrays there are: what the layers answer to a black picture tells their shapes.
    fn arrays(
        &self,
        loaded: &LoadedModel,
        device: &Device,
        taps: &[LayerId],
    ) -> Result<Vec<Array>> {
        let side = loaded.model.info().preprocessing.crop;
        let black = Picture::from_planes(side, side, vec![0.0; 3 * side * side])?;
        let mut activations = loaded.activations([&black], taps, device)?;
        let mut arrays: Vec<Array> = Vec::new();
        for (layer, &tap) in self.layers.iter().zip(taps) {
            let answer = Answer::take(&mut activations, tap)?;
            let array = answer.array(self.tokens).map_err(|reason| {
                let kind = self.tokens.name();
                WrongCall(format!("--tokens {kind} of {}: {reason}", layer.name))
            })?;
            let same = arrays.iter_mut().find(|known| {
                let shape = |array: &Array| (array.channels, array.extra, array.grid);
                shape(known) == shape(&array)
            });
            match same {
                Some(known) => known.layers.push(layer.name.clone()),
                None => arrays.push(Array { layers: vec![layer.name.clone()], ..array }),
            }
        }
        Ok(arrays)
    }

    /// The description of the store, which is written if there is none, and its SHA-256.
    fn agree(&self, loaded: &LoadedModel, arrays: Vec<Array>) -> Result<(Description, String)> {
        let info = loaded.model.info();
        let named = Named {
            model: info.name.to_owned(),
            weights_sha256: loaded.sha256.clone(),
            preprocessing: info.preprocessing.clone(),
            pictures_sha256: self.listing.sha256.clone(),
            titles_sha256: self.labels.sha256().map(str::to_owned),
        };
        let layout = Layout {
            examples: self.listing.pictures,
            tokens: self.tokens,
            dtype: self.dtype,
            examples_per_shard: self.examples_per_shard,
            arrays,
        };
        layout.check().map_err(|reason| WrongCall(format!("--shard-size: the store {reason}")))?;
        let ours = Description { named, layout };
        let bytes = ours.to_json()?.into_bytes();
        if self.shelf.create(STORE, &bytes)? {
            return Ok((ours, hash::sha256(&bytes)));
        }
        let (theirs, sha256) = description(self.shelf)?;
        if let Some(difference) = job(&ours)?.difference(&job(&theirs)?) {
            return Err(WrongCall(format!(
                "{} holds activations of another job ({difference}): go on with that job's command, \
                 or choose another --out",
                self.shelf.name()
            ))
            .into());
        }
        Ok((theirs, sha256))
    }

    /// The records of the shards of this part that are there and whole.
    fn finished(&self, store: (&str, &Layout), share: Range<u64>) -> Result<BTreeMap<u64, Record>> {
        let files = self.shelf.list(SHARDS)?;
        let mut records = BTreeMap::new();
        for shard in share {
            match finished(self.shelf, &files, store, shard) {
                Ok(None) => {}
                Ok(Some(record)) => {
                    records.insert(shard, record);
                }
                Err(error) => {
                    eprintln!("shard {shard} is not whole ({error:#}): recording it anew")
                }
            }
        }
        Ok(records)
    }

    /// Records runs of shards; the records of those that were finished.
    fn record(
        &self,
        (store_sha256, layout): (&str, &Layout),
        missing: &[Range<u64>],
        columns: &Columns,
        loaded: &LoadedModel,
        device: &Device,
    ) -> Result<(Ended, Vec<Record>)> {
        let (name, taps, batch) = (Some("record"), columns.taps.as_slice(), self.batch);
        let walk = Walk { name, loaded, device, taps, batch, piece: layout.examples_per_shard };
        let writer = Writer { shelf: self.shelf, layout, store_sha256 };
        thread::scope(|scope| {
            let (give, take) = sync_channel(WAITING);
            let writing = scope.spawn(move || writer.run(take));
            let walked = self.walk(&walk, missing, layout, columns, &give);
            drop(give);
            let written = writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // Where writing failed, that is why the walk ended.
            let written = written?;
            Ok((walked?, written))
        })
    }

    fn walk(
        &self,
        walk: &Walk<'_>,
        missing: &[Range<u64>],
        layout: &Layout,
        columns: &Columns,
        give: &SyncSender<Rows>,
    ) -> Result<Ended> {
        for run in missing {
            let start = layout.shard_examples(run.start).start;
            let end = layout.shard_examples(run.end - 1).end;
            let ended = walk.run(self.listing, start..end, |_, batch| {
                let rows = self.rows(layout, columns, batch)?;
                give.send(rows).map_err(|_| anyhow!("writing has ended"))
            })?;
            if ended == Ended::Stopped {
                return Ok(ended);
            }
        }
        Ok(Ended::Whole)
    }

    /// A batch as it is stored.
    fn rows(&self, layout: &Layout, columns: &Columns, mut batch: Batch) -> Result<Rows> {
        // Those that could be read, by their place in the batch, and the others, in order.
        let read = batch.pictures.iter().enumerate().map(|(place, picture)| (picture, Some(place)));
        let others = batch.unreadable.iter().map(|picture| (picture, None));
        let mut all: Vec<(Numbered, Option<usize>)> =
            read.chain(others).map(|(picture, place)| (picture.clone(), place)).collect();
        all.sort_by_key(|(picture, _)| picture.number);
        let mut arrays = Vec::new();
        for (number, array) in layout.arrays.iter().enumerate() {
            let mut answers = Vec::new();
            if !batch.pictures.is_empty() {
                for tap in &columns.by_array[number] {
                    answers.push(Answer::take(&mut batch.activations, *tap)?);
                }
            }
            let mut bytes = Vec::with_capacity(all.len() * layout.example_bytes(number));
            let mut tokens = Vec::with_capacity(array.layer_numbers());
            for (picture, place) in &all {
                let Some(place) = *place else {
                    self.dtype.encode_nothing(array.example_numbers(), &mut bytes);
                    continue;
                };
                for (layer, answer) in array.layers.iter().zip(&answers) {
                    tokens.clear();
                    answer.append(place, self.tokens, &mut tokens);
                    if tokens.len() != array.layer_numbers() {
                        bail!("{layer} has another shape on {} than before", picture.name);
                    }
                    let stored = self.dtype.encode(&tokens, &mut bytes);
                    stored.map_err(|value| self.no_room(layer, &picture.name, value))?;
                }
            }
            arrays.push(bytes);
        }
        let shard = all.first().map(|(first, _)| first.number / layout.examples_per_shard);
        let titled = |(picture, _): (Numbered, _)| {
            let label = self.labels.label(&picture.name);
            Titled { file: picture.name, label }
        };
        Ok(Rows {
            shard: shard.context("a batch without pictures")?,
            arrays,
            unreadable: batch.unreadable.iter().map(|picture| picture.number).collect(),
            pictures: all.into_iter().map(titled).collect(),
        })
    }

    fn no_room(&self, layer: &str, picture: &str, value: f32) -> anyhow::Error {
        match value.is_finite() {
            true => anyhow!(
                "{layer} gave {value:e} on {picture}, which {} has no room for: choose --dtype bf16 \
                 or f32, and another --out",
                self.dtype.name()
            ),
            false => anyhow!(
                "{layer} gave values that are not finite on {picture}: are the weights damaged?"
            ),
        }
    }
}

/// Which layers of the network are in which array.
struct Columns {
    by_array: Vec<Vec<LayerId>>,
    taps: Vec<LayerId>,
}

impl Columns {
    fn of(layout: &Layout, taps: &[LayerId], loaded: &LoadedModel) -> Result<Self> {
        let info = loaded.model.info();
        let of = |array: &Array| array.layers.iter().map(|name| info.layer_id(name)).collect();
        let by_array = layout.arrays.iter().map(of).collect::<shared::Result<_>>()?;
        Ok(Self { by_array, taps: taps.to_vec() })
    }
}

/// What a store depends on, as other long jobs say it.
fn job(store: &Description) -> Result<Job> {
    let Description { named, layout } = store;
    let data = Data {
        kind: "pictures".to_owned(),
        count: layout.examples,
        sha256: named.pictures_sha256.clone(),
    };
    let layers: Vec<&str> = layout.layers().collect();
    Job::new("record", &named.model, &named.weights_sha256)
        .over(data)
        .asset("titles of the pictures", named.titles_sha256.as_deref())
        .option("layers", &layers.join(" "))?
        .option("--tokens", &layout.tokens)?
        .option("--dtype", &layout.dtype)?
        .option("--shard-size", &layout.examples_per_shard)?
        .option("preprocessing", &named.preprocessing)?
        .option("shapes", &layout.arrays)
}

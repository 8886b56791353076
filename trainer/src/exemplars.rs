//! Which pictures excite the units of some layers most, and how their activations are distributed:
//! one pass over a folder of any size, which goes on where it stopped.

pub mod bytes;
pub mod channels;
pub mod heat;
pub mod job;
pub mod label;
mod part;
pub mod record;
pub mod sheet;
pub mod sketch;
pub mod state;
pub mod tally;
pub mod top;

use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use shared::burn::tensor::{Device, Tensor};
use shared::format::exemplars::{QUANTILES, Statistic};
use shared::image::Picture;
use shared::tap::LayerInfo;

use crate::failure::WrongCall;
use crate::interrupt;
use crate::model::LoadedModel;
use crate::pictures::ahead::decode_ahead;
use crate::pictures::source::{self, Source};
use crate::progress::{Progress, Unit};
use job::Job;
use label::Labels;
pub use part::{Wanted, bundle_part, reference};
use record::Record;
use state::{Saved, State};
use tally::Batch;
use top::Seen;

/// A killed run loses at most this much work.
const BETWEEN_STATES: Duration = Duration::from_secs(10);

/// What is looked for.
pub struct Search<'a> {
    /// The layers, canonical names.
    pub layers: &'a [LayerInfo],
    /// Where the pictures are.
    pub source: &'a Source,
    /// What pictures are ranked by.
    pub statistic: Statistic,
    /// How many exemplars a unit has at most.
    pub top: usize,
    /// Pictures computed together.
    pub batch: usize,
    /// Where the results go.
    pub out: &'a Path,
}

impl Search<'_> {
    /// Makes what an earlier run of the same job has not made, and returns the records of all
    /// layers, in their order.
    ///
    /// # Errors
    /// The folder has the state of another job, no picture could be read, or Ctrl-C was pressed.
    pub fn run(&self, loaded: &LoadedModel, device: &Device) -> Result<Vec<Record>> {
        let labels = Labels::of(self.source.root())?;
        let listing = source::list(slice::from_ref(self.source))?;
        let job = Job {
            model: loaded.model.info().name.to_owned(),
            model_sha256: loaded.sha256.clone(),
            statistic: self.statistic,
            top: self.top,
            pictures: listing.pictures,
            pictures_sha256: listing.fingerprint,
            titles_sha256: labels.sha256().to_owned(),
        };
        let missing: Vec<&LayerInfo> =
            self.layers.iter().filter(|layer| self.finished(layer, &job).is_none()).collect();
        if missing.is_empty() {
            let json = record::json_path(self.out, &self.layers[0].name);
            let more = match self.layers.len() {
                1 => String::new(),
                layers => format!(" and {} more", layers - 1),
            };
            eprintln!("{}{more}: there already", json.display());
            self.remove_leftover(&job)?;
        } else {
            let mut state = self.begin(job.clone(), &missing)?;
            self.pass(&mut state, &labels, loaded, device)?;
            for tally in &state.layers {
                record::write(self.out, &Record::new(&state, tally), tally)?;
            }
            let path = state::path(self.out);
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
        self.layers
            .iter()
            .map(|layer| self.finished(layer, &job).context("a result is not as it was written"))
            .collect()
    }

    /// The record of a layer that an earlier run of the same job has finished.
    fn finished(&self, layer: &LayerInfo, job: &Job) -> Option<Record> {
        let record = Record::read(self.out, &layer.name).ok()?;
        let same = record.job == *job
            && record.layer == layer.name
            && record.units.len() == layer.channels
            && record.units.iter().all(|unit| unit.quantiles.len() == QUANTILES.len())
            && record.positions.iter().all(|&side| 0 < side)
            && record.has_heat(self.out);
        same.then_some(record)
    }

    /// Removes the state of a run that was killed when it had written its last result.
    fn remove_leftover(&self, job: &Job) -> Result<()> {
        let path = state::path(self.out);
        let asked = |layer: &str| self.layers.iter().any(|known| known.name == layer);
        match State::load(&path)? {
            Saved::State(state)
                if state.job == *job && state.layers.iter().all(|tally| asked(&tally.layer)) =>
            {
                fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// The state to go on from: an earlier run's, or that before the first picture.
    fn begin(&self, job: Job, missing: &[&LayerInfo]) -> Result<State> {
        let path = state::path(self.out);
        let name = path.display();
        let mend = format!("go on with that job's command, choose another --out, or remove {name}");
        match State::load(&path)? {
            Saved::State(state) => {
                let difference = job.difference(&state.job);
                if !difference.is_empty() {
                    let reason = format!("{name} is the state of another job ({difference})");
                    return Err(WrongCall(format!("{reason}: {mend}")).into());
                }
                let layers: Vec<&str> =
                    state.layers.iter().map(|tally| tally.layer.as_str()).collect();
                let covers = |layer: &&LayerInfo| layers.contains(&layer.name.as_str());
                if !missing.iter().all(covers) {
                    let layers = layers.join(", ");
                    let reason = format!("{name} is the state of a job on other layers ({layers})");
                    return Err(WrongCall(format!("{reason}: {mend}")).into());
                }
                eprintln!("going on: {} of {} pictures are done", state.done, job.pictures);
                return Ok(state);
            }
            Saved::Damaged => eprintln!("{name} cannot be read: starting anew"),
            Saved::Nothing => {}
        }
        for layer in missing {
            if let Ok(record) = Record::read(self.out, &layer.name) {
                let json = record::json_path(self.out, &layer.name);
                let difference = job.difference(&record.job);
                eprintln!("{} is of another job ({difference}): replacing it", json.display());
            }
        }
        let layers: Vec<_> =
            missing.iter().map(|layer| (layer.name.clone(), layer.channels)).collect();
        Ok(State::new(job, &layers))
    }

    /// Looks at every picture that is not done, saving the state now and then and at the end.
    ///
    /// The network computes a batch while the one before it is tallied.
    fn pass(
        &self,
        state: &mut State,
        labels: &Labels,
        loaded: &LoadedModel,
        device: &Device,
    ) -> Result<()> {
        let taps: Vec<String> = state.layers.iter().map(|tally| tally.layer.clone()).collect();
        let from = state.done;
        let (give, take) = sync_channel(0);
        thread::scope(|scope| {
            let network =
                scope.spawn(move || self.compute(from, &taps, labels, loaded, device, &give));
            self.tally(state, take)?;
            network.join().unwrap_or_else(|panic| resume_unwind(panic))
        })?;
        interrupt::check()?;
        let total = state.job.pictures;
        if state.done != total {
            let source = self.source.root().display();
            bail!(
                "{source} held {total} pictures at first and {} later: did it change?",
                state.done
            );
        }
        if state.unreadable == total {
            bail!("none of the {total} pictures could be read");
        }
        Ok(())
    }

    /// Runs the network over every picture from number `from`, until nobody takes the results or
    /// Ctrl-C is pressed.
    fn compute(
        &self,
        from: u64,
        taps: &[String],
        labels: &Labels,
        loaded: &LoadedModel,
        device: &Device,
        results: &SyncSender<Computed>,
    ) -> Result<()> {
        let taps: Vec<&str> = taps.iter().map(String::as_str).collect();
        let preprocessing = loaded.model.info().preprocessing.clone();
        let prepare = move |picture: Picture| {
            let crop = preprocessing.classification_crop(&picture);
            if (crop.width(), crop.height()) == (preprocessing.crop, preprocessing.crop) {
                return Ok(crop);
            }
            bail!("{}x{} pixels are too few to crop", picture.width(), picture.height())
        };
        let mut ahead = decode_ahead(vec![self.source.clone()], from, self.batch, prepare);
        let mut done = from;
        while !interrupt::requested() {
            let before = done;
            let mut crops = Vec::new();
            let mut pictures = Vec::new();
            let mut skipped = Vec::new();
            while crops.len() < self.batch {
                let Some(decoded) = ahead.next() else { break };
                let decoded = decoded?;
                match decoded.picture {
                    Ok(crop) => {
                        crops.push(crop);
                        let (file, label) = (decoded.name.clone(), labels.label(&decoded.name));
                        pictures.push(Arc::new(Seen { number: done, file, label }));
                    }
                    Err(error) => skipped.push(error),
                }
                done += 1;
            }
            if done == before {
                break;
            }
            let mut layers = Vec::new();
            if !crops.is_empty() {
                let mut activations = loaded.activations(&crops, &taps, device)?;
                for &tap in &taps {
                    let caught = activations.0.remove(tap);
                    layers.push(caught.with_context(|| format!("{tap} was not caught"))?);
                }
            }
            if results.send(Computed { done, pictures, skipped, layers }).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Takes in what the network computes, as it comes.
    fn tally(&self, state: &mut State, results: Receiver<Computed>) -> Result<()> {
        let what = Unit::Count("pictures");
        let total = state.job.pictures;
        let mut progress = Progress::resumed("exemplars", state.done, Some(total), what);
        let mut saving = Saving::new();
        for Computed { done, pictures, skipped, layers } in results {
            for error in &skipped {
                progress.note(&format!("skipped: {error:#}"));
            }
            for (tally, caught) in state.layers.iter_mut().zip(layers) {
                let [_, _, rows, columns] = caught.dims();
                let values = pollster::block_on(shared::device::read(caught))?;
                let positions = [rows, columns];
                let batch = Batch { values: &values, pictures: &pictures, positions };
                if tally.add(batch, state.job.statistic).is_err() {
                    bail!(
                        "{} gave values that are not finite on some of {} to {}: \
                         are the weights damaged?",
                        tally.layer,
                        pictures.first().map_or("", |picture| &picture.file),
                        pictures.last().map_or("", |picture| &picture.file)
                    );
                }
            }
            progress.advance(done - state.done);
            state.unreadable += skipped.len() as u64;
            state.done = done;
            if saving.is_due() {
                self.save(state)?;
                saving.done();
            }
        }
        progress.finish();
        self.save(state)
    }

    fn save(&self, state: &State) -> Result<()> {
        state.save(&state::path(self.out))
    }
}

/// A batch that went through the network.
struct Computed {
    /// Pictures of the source that are done with it, from the first.
    done: u64,
    /// Those of the batch.
    pictures: Vec<Arc<Seen>>,
    /// Why others before its end are not in it.
    skipped: Vec<anyhow::Error>,
    /// `[pictures, channels, rows, columns]` of each layer, in the order of the taps; none where
    /// there are no pictures.
    layers: Vec<Tensor<4>>,
}

/// When the state is saved: after the first batch, so that a folder that cannot be written to is
/// found out at once, then at intervals so long that saving takes little of the time.
struct Saving {
    due: Instant,
}

impl Saving {
    fn new() -> Self {
        Self { due: Instant::now() }
    }

    fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    fn done(&mut self) {
        self.due = Instant::now() + BETWEEN_STATES;
    }
}

//! Which pictures excite the units of some layers most, and how their activations are distributed:
//! one pass over a folder of any size, which goes on where it stopped.

pub mod channels;
pub mod heat;
pub mod label;
mod part;
pub mod report;
pub mod sheet;
pub mod sketch;
pub mod state;
pub mod tally;
pub mod top;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use shared::burn::tensor::Device;
use shared::format::exemplars::{QUANTILES, Statistic};
use shared::preprocess::Preprocessing;
use shared::readout::{Derived, Looked};
use shared::tap::{LayerId, LayerInfo};

use crate::activations::{Batch, Numbered, ONE_PIECE, Walk};
use crate::checkpoint::{self, Left, Saving};
use crate::failure::WrongCall;
use crate::job::Job;
use crate::model::LoadedModel;
use crate::pictures::listing::Listing;
use crate::pictures::source::Source;
use label::Labels;
pub use part::{Wanted, bundle_part, reference};
use report::LayerReport;
use state::State;
use tally::{By, Maps};
use top::Shown;

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

/// Rows and columns that a layer has on a picture: every stage rounds so that they are its input's
/// side over its stride, rounded up.
pub fn positions(layer: &LayerInfo, preprocessing: &Preprocessing) -> [usize; 2] {
    [layer.grid.stride().map_or(1, |stride| preprocessing.crop.div_ceil(stride)); 2]
}

impl Search<'_> {
    /// Makes what an earlier run of the same job has not made, and returns the reports of all
    /// layers, in their order.
    ///
    /// # Errors
    /// A layer lacks what pictures are to be ranked by, the folder has the state of another job, no picture could be read, or Ctrl-C was pressed.
    pub fn run(&self, loaded: &LoadedModel, device: &Device) -> Result<Vec<LayerReport>> {
        for layer in self.layers {
            self.statistic.check(layer, positions(layer, &loaded.model.info().preprocessing))?;
        }
        let labels = Labels::of(self.source.root())?;
        let listing = Listing::of(vec![self.source.clone()])?;
        let asked =
            |derived: &&Derived| self.layers.iter().any(|layer| layer.name == derived.info.name);
        let job = Job::new("exemplars", loaded.model.info().name, &loaded.sha256)
            .over(listing.data())
            .asset("titles of the pictures", labels.sha256())
            .option("--statistic", &self.statistic)?
            .option("--top", &self.top)?;
        let job = loaded
            .readouts
            .values()
            .filter(asked)
            .fold(job, |job, derived| job.asset(&derived.info.name, Some(&derived.sha256)));
        let missing: Vec<&LayerInfo> =
            self.layers.iter().filter(|layer| self.finished(layer, &job).is_none()).collect();
        if missing.is_empty() {
            let json = report::json_path(self.out, &self.layers[0].name);
            let more = match self.layers.len() {
                1 => String::new(),
                layers => format!(" and {} more", layers - 1),
            };
            eprintln!("{}{more}: there already", json.display());
            self.remove_leftover(&job)?;
        } else {
            let mut state = self.begin(job.clone(), &missing)?;
            self.pass(&mut state, &listing, &labels, loaded, device)?;
            for tally in &state.layers {
                let report = LayerReport::new(&state, tally, self.statistic);
                report::write(self.out, &report, tally)?;
            }
            let path = state::path(self.out);
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
        self.layers
            .iter()
            .map(|layer| self.finished(layer, &job).context("a result is not as it was written"))
            .collect()
    }

    /// The report of a layer that an earlier run of the same job has finished.
    fn finished(&self, layer: &LayerInfo, job: &Job) -> Option<LayerReport> {
        let report = LayerReport::read(self.out, &layer.name).ok()?;
        let same = report.job == *job
            && report.layer == layer.name
            && report.units.len() == layer.channels
            && report.units.iter().all(|unit| unit.quantiles.len() == QUANTILES.len())
            && report.positions.iter().all(|&side| 0 < side)
            && report.has_heat(self.out);
        same.then_some(report)
    }

    /// Removes the state of a run that was killed when it had written its last result.
    fn remove_leftover(&self, job: &Job) -> Result<()> {
        let path = state::path(self.out);
        let asked = |layer: &str| self.layers.iter().any(|known| known.name == layer);
        if let Left::Ours(checkpoint) = checkpoint::find(&path, job)?
            && let Ok(state) = State::try_from(checkpoint)
            && state.layers.iter().all(|tally| asked(&tally.layer))
        {
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
        Ok(())
    }

    /// The state to go on from: an earlier run's, or that before the first picture.
    fn begin(&self, job: Job, missing: &[&LayerInfo]) -> Result<State> {
        let path = state::path(self.out);
        let name = path.display();
        let mend = format!("go on with that job's command, choose another --out, or remove {name}");
        let anew = |why: &str| eprintln!("{name} {why}: starting anew");
        match checkpoint::find(&path, &job)? {
            Left::Ours(checkpoint) => match State::try_from(checkpoint) {
                Ok(state) => {
                    let layers: Vec<_> = state.layers.iter().map(|tally| &tally.layer).collect();
                    if !missing.iter().all(|layer| layers.contains(&&layer.name)) {
                        let layers = layers.into_iter().cloned().collect::<Vec<_>>().join(", ");
                        let reason = format!("is the state of a job on other layers ({layers})");
                        return Err(WrongCall(format!("{name} {reason}: {mend}")).into());
                    }
                    let of = job.data.as_ref().map_or(0, |data| data.count);
                    eprintln!("going on: {} of {of} pictures are done", state.done);
                    return Ok(state);
                }
                Err(error) => anew(&format!("cannot be read ({error:#})")),
            },
            Left::OfAnother(difference) => {
                let reason = format!("{name} is the state of another job ({difference})");
                return Err(WrongCall(format!("{reason}: {mend}")).into());
            }
            Left::Unusable(why) => anew(why),
            Left::Nothing => {}
        }
        for layer in missing {
            if let Ok(report) = LayerReport::read(self.out, &layer.name) {
                let json = report::json_path(self.out, &layer.name);
                let difference = job.difference(&report.job).unwrap_or("not finished".to_owned());
                eprintln!("{} is of another job ({difference}): replacing it", json.display());
            }
        }
        let layers: Vec<_> =
            missing.iter().map(|layer| (layer.name.clone(), layer.channels)).collect();
        Ok(State::new(job, &layers, self.top))
    }

    /// Looks at every picture that is not done, saving the state now and then and at the end.
    fn pass(
        &self,
        state: &mut State,
        listing: &Listing,
        labels: &Labels,
        loaded: &LoadedModel,
        device: &Device,
    ) -> Result<()> {
        let path = state::path(self.out);
        let info = loaded.model.info();
        let looked = state
            .layers
            .iter()
            .map(|tally| Looked::find(info.name, &info.layers, &loaded.readouts, &tally.layer));
        let looked: Vec<Looked> = looked.collect::<shared::Result<_>>()?;
        let mut taps: Vec<LayerId> = looked.iter().map(Looked::tap).collect();
        taps.sort_unstable();
        taps.dedup();
        let (name, taps, batch, piece) =
            (Some("exemplars"), taps.as_slice(), self.batch, ONE_PIECE);
        let walk = Walk { name, loaded, device, taps, batch, piece };
        let mut saving = Saving::from_now();
        let ended = walk.run(listing, state.done..listing.pictures, |_, batch| {
            self.tally(state, &looked, batch, labels)?;
            if saving.is_due() {
                saving.run(|| state.save(&path))?;
            }
            Ok(())
        })?;
        state.save(&path)?;
        ended.whole()?;
        if state.unreadable == listing.pictures {
            bail!("none of the {} pictures could be read", listing.pictures);
        }
        Ok(())
    }

    /// Takes in what the network answered to a batch.
    fn tally(
        &self,
        state: &mut State,
        looked: &[Looked],
        batch: Batch,
        labels: &Labels,
    ) -> Result<()> {
        let shown = |Numbered { number, name }: &Numbered| {
            let (file, label) = (name.clone(), labels.label(name));
            Arc::new(Shown { number: *number, file, label })
        };
        let pictures: Vec<Arc<Shown>> = batch.pictures.iter().map(shown).collect();
        if !pictures.is_empty() {
            for (tally, looked) in state.layers.iter_mut().zip(looked) {
                let token = self.statistic.token().map(|number| batch.token(looked, number));
                let token = token.transpose()?;
                let (values, [.., rows, columns]) = batch.places(looked)?;
                let positions = [rows, columns];
                let maps = Maps { values: &values, pictures: &pictures, positions };
                let by = match (&token, self.statistic.position(positions)) {
                    (Some(values), _) => By::Given(values),
                    (None, Some(position)) => By::Position(position),
                    (None, None) if self.statistic == Statistic::Max => By::Max,
                    (None, None) => By::Mean,
                };
                if tally.add(maps, by).is_err() {
                    bail!(
                        "{} gave values that are not finite on some of {} to {}: \
                         are the weights damaged?",
                        tally.layer,
                        pictures.first().map_or("", |picture| &picture.file),
                        pictures.last().map_or("", |picture| &picture.file)
                    );
                }
            }
        }
        state.unreadable += batch.unreadable.len() as u64;
        state.done = batch.done;
        Ok(())
    }
}

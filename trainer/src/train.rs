//! Dictionaries trained on a store or on pictures, side by side on one stream of activations.
//!
//! A folder a run: the dictionary as SAELens keeps one, and `log.jsonl` with a line now and then.

pub mod live;
pub mod recipe;
pub mod report;
mod state;
pub mod stream;
pub mod supply;
pub mod sweep;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use shared::burn::tensor::Device;
use shared::format::dictionary::Made;
use shared::readout::dictionary::Dictionary;
use shared::readout::dictionary::training::{Training, scale, variance};
use shared::weights::Precision;

use crate::checkpoint::{self, Left, Saving};
use crate::failure::WrongCall;
use crate::figure::chart::{Axis, Chart, Marks};
use crate::job::{Data, Job};
use crate::progress::{Counted, Progress};
use crate::record::partition::Partition;
use crate::{dictionary, interrupt};
use report::{LOG, Line, Lines, table};
use state::{Running, State};
use stream::{Batch, Stream};
use supply::Supply;
use sweep::Run;

/// The figure of all runs, in their folder.
pub const FIGURE: &str = "training.png";

/// Batches that are read ahead.
const AHEAD: usize = 2;

/// Lines of a run's log, about.
const LINES: u64 = 200;

/// Activations that the scale is measured on, and that latents begin as, at least.
const SAMPLE: usize = 1 << 14;

/// Batches whose classes are counted.
const COUNTED: usize = 32;

/// Of the order in which activations come, which all runs share.
const ORDER: u64 = 0;

/// Which runs on which activations.
pub struct Sweep<'a> {
    /// What they are trained on.
    pub supply: &'a dyn Supply,
    /// What they are, all of them.
    pub runs: &'a [Run],
    /// Which of them are trained here.
    pub partition: Partition,
    /// Where to.
    pub out: &'a Path,
    /// What trains them, sharing each batch; the processor where there is none.
    pub devices: &'a [Device],
    /// Bytes of activations that are drawn from at a time.
    pub buffer: u64,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Trained {
    /// What it is.
    pub run: Run,
    /// Where its dictionary is.
    pub folder: PathBuf,
    /// The last line of its log; nothing if it was trained before.
    pub last: Result<Option<Line>, String>,
}

/// What runs side by side have in common.
#[derive(Clone, Debug, PartialEq)]
struct Alike {
    layer: String,
    batch: usize,
    steps: u64,
    scaled: bool,
}

impl Sweep<'_> {
    /// Trains what of this part is not there yet; what was begun goes on where it was.
    ///
    /// # Errors
    /// A run that cannot be, a store that cannot be read, a full disk, or Ctrl-C. A run that left the
    /// finite numbers ends alone, and says so in what came of it.
    pub fn run(&self) -> Result<Vec<Trained>> {
        let mut groups: Vec<(Alike, Vec<&Run>)> = Vec::new();
        let share = self.partition.of(self.runs.len() as u64);
        let share = &self.runs[share.start as usize..share.end as usize];
        for run in share {
            let alike = self.alike(run)?;
            match groups.iter_mut().find(|(known, _)| *known == alike) {
                Some((_, runs)) => runs.push(run),
                None => groups.push((alike, vec![run])),
            }
        }
        let mut found = BTreeMap::new();
        for (alike, runs) in &groups {
            for trained in self.side_by_side(alike, runs)? {
                found.insert(trained.run.name.clone(), trained);
            }
        }
        self.draw()?;
        Ok(share.iter().filter_map(|run| found.remove(&run.name)).collect())
    }

    /// Draws how the runs' errors fell, those of other parts too.
    fn draw(&self) -> Result<()> {
        let mut curves = Vec::new();
        for run in self.runs {
            let lines = report::read(&self.out.join(&run.name).join(LOG));
            // The first steps would leave no room for the others.
            let points = lines.iter().skip(lines.len() / 20).filter_map(|line| {
                let error = line.normalized_mse.log10();
                error.is_finite().then_some([line.activations as f64 / 1e6, error])
            });
            let points = points.collect::<Vec<_>>();
            if !points.is_empty() {
                curves.push((points, run.name.clone()));
            }
        }
        let numbers = |axis: usize| {
            curves.iter().flat_map(move |(curve, _)| curve.iter().map(move |point| point[axis]))
        };
        let chart = Chart {
            title: "Training".to_owned(),
            subtitle: "Of single batches.".to_owned(),
            across: Axis::over("million activations", numbers(0)),
            up: Axis::over("log10 of normalized MSE", numbers(1)),
            marks: Marks::Lines(curves.clone()),
        };
        chart.write(&self.out.join(FIGURE))
    }

    fn alike(&self, run: &Run) -> Result<Alike> {
        let recipe = &run.recipe;
        let layer = match &recipe.layer {
            Some(layer) => layer.clone(),
            None => match self.supply.layers().as_slice() {
                [only] => (*only).to_owned(),
                several => {
                    let (name, layers) = (self.supply.name(), several.join(", "));
                    let wrong = format!("{name} has {layers}: choose with --set layer=NAME");
                    return Err(WrongCall(wrong).into());
                }
            },
        };
        let stream = Stream::new(self.supply, &layer, self.buffer, ORDER)?;
        // Before anything begins: one that cannot be would stop the others half-way.
        let config = recipe.config(stream.channels());
        config.map_err(|error| WrongCall(format!("{}: {error:#}", run.name)))?;
        Ok(Alike { layer, batch: recipe.batch, steps: recipe.steps(), scaled: recipe.scaled })
    }

    fn side_by_side(&self, alike: &Alike, runs: &[&Run]) -> Result<Vec<Trained>> {
        let stream = Stream::new(self.supply, &alike.layer, self.buffer, ORDER)?;
        let (there, missing): (Vec<&Run>, Vec<&Run>) =
            runs.iter().partition(|run| self.is_there(run, alike));
        let there = there.into_iter().map(|run| self.trained(run, Ok(None)));
        let mut trained: Vec<Trained> = there.collect();
        if missing.is_empty() {
            return Ok(trained);
        }
        self.say(&stream, alike)?;
        let mut state = self.begin(alike, &stream, &missing)?;
        state.move_to(self.devices)?;
        let mut lines = Lines::open(self.out, &state)?;
        let stopped = self.steps(&stream, alike, &mut state, &mut lines)?;
        state.save(&self.state())?;
        if stopped {
            interrupt::check()?;
        }
        for Running { run, training, .. } in &state.running {
            self.write(run, training, alike, state.scale)?;
            trained.push(self.trained(run, Ok(lines.last(&run.name))));
        }
        trained.extend(state.failed.iter().map(|(run, why)| self.trained(run, Err(why.clone()))));
        let path = self.state();
        fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        Ok(trained)
    }

    /// Where the state of this part lies.
    fn state(&self) -> PathBuf {
        state::path(self.out, self.partition)
    }

    fn trained(&self, run: &Run, last: Result<Option<Line>, String>) -> Trained {
        Trained { run: run.clone(), folder: self.out.join(&run.name), last }
    }

    /// Says what is drawn from how many.
    fn say(&self, stream: &Stream<'_>, alike: &Alike) -> Result<()> {
        let (count, mixed) = (stream.activations(), stream.mixed());
        let examples = count / stream.tokens() as u64;
        let how = if mixed as u64 == examples {
            "all of them shuffled".to_owned()
        } else {
            format!("shuffled within {mixed} of {examples} pictures at a time")
        };
        eprintln!("{}: {count} activations of {} channels, {how}", alike.layer, stream.channels());
        if let Some([of_batch, of_all]) = stream.entropy(alike.batch, COUNTED)? {
            eprintln!("classes: {of_batch:.3} bits in a batch, {of_all:.3} in all");
        }
        Ok(())
    }

    /// The state to go on from: an earlier call's, or that before the first step.
    fn begin(&self, alike: &Alike, stream: &Stream<'_>, missing: &[&Run]) -> Result<State> {
        let job = self.job(alike)?;
        let path = self.state();
        let name = path.display();
        let mend = format!("go on with that job's command, choose another --out, or remove {name}");
        let anew = |why: &str| eprintln!("{name} {why}: starting anew");
        match checkpoint::find(&path, &job)? {
            Left::Nothing => {}
            Left::Unusable(why) => anew(why),
            Left::OfAnother(difference) => {
                let reason = format!("{name} is the state of another job ({difference})");
                return Err(WrongCall(format!("{reason}: {mend}")).into());
            }
            Left::Ours(checkpoint) => match State::restored(checkpoint, stream.channels()) {
                Err(error) => anew(&format!("cannot be read ({error:#})")),
                Ok(state) => {
                    let failed = state.failed.iter().map(|(run, _)| run);
                    let known: Vec<&Run> =
                        state.running.iter().map(|running| &running.run).chain(failed).collect();
                    if let Some(other) = missing.iter().find(|run| !known.contains(run)) {
                        let reason = format!("{name} is the state of runs without {}", other.name);
                        return Err(WrongCall(format!("{reason}: {mend}")).into());
                    }
                    eprintln!("going on: {} of {} steps are done", state.step, alike.steps);
                    return Ok(state);
                }
            },
        }
        let channels = stream.channels();
        let mut configs = Vec::new();
        for run in missing {
            configs.push(run.recipe.config(channels)?);
        }
        let latents = configs.iter().map(|config| config.latents);
        let points = missing.iter().filter_map(|run| run.recipe.options(channels).archetypal);
        let most = latents.chain(points.map(|wanted| wanted.points)).max().unwrap_or(0);
        let count = (most.max(SAMPLE) as u64).min(stream.activations());
        let mut sample = stream.sample(count as usize)?;
        let scale = match alike.scaled {
            true => scale(&sample, channels).context(
                "activations are all zero, or not finite: are they those of a damaged network?",
            )?,
            false => 1.0,
        };
        sample.iter_mut().for_each(|value| *value *= scale);
        let mut running = Vec::new();
        for (&run, config) in missing.iter().zip(configs) {
            let Run { recipe, .. } = run;
            let (options, steps) = (recipe.options(channels), recipe.steps());
            let training = Training::new(config, options, steps, recipe.seed, &sample)?;
            running.push(Running { run: run.clone(), training, on_devices: None });
        }
        Ok(State { job, step: 0, scale, running, failed: Vec::new() })
    }

    fn job(&self, alike: &Alike) -> Result<Job> {
        let [model, weights] = self.supply.made_with();
        let count = self.supply.examples().len() as u64;
        let data =
            Data { kind: "pictures".to_owned(), count, sha256: self.supply.sha256().to_owned() };
        Job::new("train", model, weights)
            .over(data)
            .option("layer", &alike.layer)?
            .option("batch", &alike.batch)?
            .option("steps", &alike.steps)?
            .option("scaled", &alike.scaled)?
            .option("--buffer", &self.buffer)
    }

    /// Whether the dictionary of a run is there, of the same recipe and store.
    fn is_there(&self, run: &Run, alike: &Alike) -> bool {
        let found = dictionary::open(&self.out.join(&run.name));
        let (Ok(found), Ok(recipe)) = (found, run.recipe.to_json()) else { return false };
        let Made { recipe: there, store_sha256, layer, .. } = found.made;
        there == recipe && store_sha256 == self.supply.sha256() && layer == alike.layer
    }

    fn write(&self, run: &Run, training: &Training, alike: &Alike, scale: f32) -> Result<()> {
        let [model, weights] = self.supply.made_with();
        let made = Made {
            model: model.to_owned(),
            weights_sha256: weights.to_owned(),
            layer: alike.layer.clone(),
            tokens: self.supply.kind().to_owned(),
            scale,
            seed: run.recipe.seed,
            recipe: run.recipe.to_json()?,
            examples: training.step * alike.batch as u64,
            store_sha256: self.supply.sha256().to_owned(),
            prefixes: training.config.prefixes.clone(),
        };
        let dictionary = Dictionary::of(training, scale).context(run.name.clone())?;
        dictionary::write(&self.out.join(&run.name), &dictionary, &made, Precision::F32)
    }

    /// Makes all steps that are left; whether it was stopped.
    fn steps(
        &self,
        stream: &Stream<'_>,
        alike: &Alike,
        state: &mut State,
        lines: &mut Lines,
    ) -> Result<bool> {
        let left = alike.steps.saturating_sub(state.step);
        let mut batches = stream.batches(state.step * alike.batch as u64, alike.batch);
        thread::scope(|scope| {
            let (give, take) = sync_channel(AHEAD);
            scope.spawn(move || {
                for _ in 0..left {
                    let batch = batches.batch();
                    let failed = batch.is_err();
                    // Nobody listens any more once steps have ended.
                    if give.send(batch).is_err() || failed {
                        return;
                    }
                }
            });
            self.work(take, alike, state, lines, stream.channels())
        })
    }

    fn work(
        &self,
        batches: Receiver<Result<Batch>>,
        alike: &Alike,
        state: &mut State,
        lines: &mut Lines,
        channels: usize,
    ) -> Result<bool> {
        let path = self.state();
        let every = (alike.steps / LINES).max(1);
        let mut saving = Saving::from_now();
        let mut progress =
            Progress::resumed("train", state.step, Some(alike.steps), Counted::Things("steps"));
        let (began, before) = (Instant::now(), state.step);
        for batch in batches {
            if interrupt::requested() {
                return Ok(true);
            }
            if saving.is_due() {
                saving.run(|| state.save(&path))?;
            }
            let mut values = batch?.values;
            values.iter_mut().for_each(|value| *value *= state.scale);
            let variance = variance(&values, channels);
            state.step += 1;
            let tells = state.step.is_multiple_of(every) || state.step == alike.steps;
            let done = (state.step - before) * alike.batch as u64;
            let rate = done as f64 / began.elapsed().as_secs_f64();
            let mut failed = Vec::new();
            for (place, running) in state.running.iter_mut().enumerate() {
                match running.step(&values) {
                    Ok(report) if tells => {
                        let training = &running.training;
                        let line = Line::new(training, &report, variance, alike.batch, rate);
                        lines.add(&running.run.name, line)?;
                    }
                    Ok(_) => {}
                    Err(error @ shared::Error::NotFinite { .. }) => {
                        failed.push((place, error.to_string()));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            for (place, why) in failed.into_iter().rev() {
                let run = state.running.remove(place).run;
                progress.note(&format!("{}: {why}", run.name));
                state.failed.push((run, why));
            }
            if tells {
                progress.table(&table(lines));
            }
            progress.advance(1);
            if state.running.is_empty() {
                break;
            }
        }
        progress.finish();
        Ok(false)
    }
}

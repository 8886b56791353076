//! One task from noise to finished pictures, in files, going on where an earlier run stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use shared::burn::tensor::Device;
use shared::format::recipe::{encode_png, recipe_from_png};
use shared::visualize::Dream;
use shared::visualize::snapshot::Snapshot;

use super::plan::{Plan, Task, activation};
use super::report::{Report, Stage, recipe};
use crate::checkpoint::{self, Checkpoint, Left, Saving};
use crate::job::Job;
use crate::model::LoadedModel;
use crate::progress::Progress;
use crate::{interrupt, output};

/// A task with the folder its files lie in.
pub struct Climb<'a> {
    /// What to climb.
    pub task: &'a Task,
    /// What it is part of.
    pub plan: &'a Plan,
    /// Where its files lie.
    pub folder: &'a Path,
    /// What its files are called, without ending.
    pub stem: &'a str,
    /// Only this one of the batch is written; all of them if `None`.
    pub only: Option<usize>,
}

/// What a half-done climb has seen. Its checkpoint's body is the dream's snapshot.
#[derive(Default, Serialize, Deserialize)]
struct Climbed {
    losses: Vec<f32>,
    stages: Vec<Stage>,
}

impl Climb<'_> {
    /// The JSON beside the picture.
    pub fn report_path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.stem))
    }

    fn state_path(&self) -> PathBuf {
        self.folder.join(format!(".{}.state", self.stem))
    }

    /// Names of the pictures kept at a step: `mixed4a_11.png` when it is the last,
    /// `mixed4a_11_step64.png` before, `mixed4a_11_b2.png` for the third of a batch.
    fn files(&self, step: usize) -> Vec<String> {
        let at = if step == self.task.steps { String::new() } else { format!("_step{step}") };
        let batch = self.task.settings.batch;
        self.kept()
            .map(|index| {
                let of = if batch == 1 || self.only.is_some() {
                    String::new()
                } else {
                    format!("_b{index}")
                };
                format!("{}{at}{of}.png", self.stem)
            })
            .collect()
    }

    /// Which of the batch are written.
    fn kept(&self) -> impl Iterator<Item = usize> {
        let all = 0..self.task.settings.batch;
        all.filter(|index| self.only.is_none_or(|only| only == *index))
    }

    /// The report of a finished climb whose pictures all lie there, made by the same recipe.
    pub fn finished(&self) -> Option<Report> {
        let report = Report::of_job(&self.report_path(), &self.job().ok()?)?;
        report.stages.iter().all(|stage| self.has_pictures(stage)).then_some(report)
    }

    fn has_pictures(&self, stage: &Stage) -> bool {
        let recipes = self.kept().map(|index| recipe(self.task, self.plan, stage.step, index));
        stage.files == self.files(stage.step)
            && stage.files.iter().zip(recipes).all(|(file, wanted)| {
                let bytes = fs::read(self.folder.join(file)).ok();
                let found = bytes.and_then(|bytes| recipe_from_png(&bytes).ok().flatten());
                found == Some(wanted)
            })
    }

    /// What it depends on.
    fn job(&self) -> Result<Job> {
        self.report(Climbed::default(), Vec::new()).job(&self.task.stages())
    }

    /// Steps that an earlier run has made and kept.
    pub fn steps_done(&self) -> usize {
        match self.finished() {
            Some(_) => self.task.steps,
            None => self.saved().ok().flatten().map_or(0, |(climbed, _)| climbed.losses.len()),
        }
    }

    /// The state an earlier run left behind, if it belongs to this job and its pictures are there.
    ///
    /// # Errors
    /// Something else lies in its place.
    fn saved(&self) -> Result<Option<(Climbed, Snapshot)>> {
        let Checkpoint { progress, body, .. } =
            match checkpoint::find::<Climbed>(&self.state_path(), &self.job()?)? {
                Left::Nothing => return Ok(None),
                Left::Unusable(why) => bail!(why),
                Left::OfAnother(difference) => {
                    bail!("is the state of another job ({difference})")
                }
                Left::Ours(checkpoint) => checkpoint,
            };
        let snapshot = Snapshot::from_bytes(&body)?;
        let is_whole = progress.losses.len() == snapshot.step
            && snapshot.step < self.task.steps
            && progress.stages.iter().all(|stage| self.has_pictures(stage));
        Ok(is_whole.then_some((progress, snapshot)))
    }

    /// Climbs to the end and writes everything, unless that was done before.
    pub fn run(
        &self,
        loaded: &LoadedModel,
        device: &Device,
        progress: &Mutex<Progress>,
    ) -> Result<Report> {
        if let Some(report) = self.finished() {
            return Ok(report);
        }
        let progress = || progress.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dream = Dream::new(
            loaded.model.clone(),
            self.task.objective.clone(),
            loaded.context(),
            self.task.settings.clone(),
            self.task.seed,
            device,
        )?;
        let mut climbed = Climbed::default();
        match self.saved() {
            Ok(Some((saved, snapshot))) => {
                dream.restore(&snapshot)?;
                climbed = saved;
            }
            Ok(None) => {}
            Err(why) => {
                let path = self.state_path();
                progress().note(&format!("{} {why:#}: starting anew", path.display()));
            }
        }
        let wanted = self.task.stages();
        let mut terms = Vec::new();
        let mut saving = Saving::from_later();
        while climbed.losses.len() < self.task.steps {
            if interrupt::requested() || saving.is_due() {
                saving.run(|| self.save(&dream, &climbed))?;
                interrupt::check()?;
            }
            climbed.losses.push(pollster::block_on(dream.step())?.loss);
            progress().advance(1);
            if wanted.contains(&climbed.losses.len()) {
                let (stage, values) = self.keep(&dream, climbed.losses.len())?;
                climbed.stages.push(stage);
                terms = values;
            }
        }
        let report = self.report(climbed, terms);
        report.write(&self.report_path())?;
        self.forget()?;
        Ok(report)
    }

    /// Writes the pictures of the step just made.
    fn keep(&self, dream: &Dream, step: usize) -> Result<(Stage, Vec<(String, f32)>)> {
        let files = self.files(step);
        let pictures = pollster::block_on(dream.images())?;
        for (index, file) in self.kept().zip(&files) {
            let picture = pictures.get(index).context("the batch has too few pictures")?;
            let bytes = encode_png(picture, Some(&recipe(self.task, self.plan, step, index)))?;
            output::write_whole(&self.folder.join(file), |out| Ok(out.write_all(&bytes)?))?;
        }
        let terms = pollster::block_on(dream.evaluate())?.terms;
        let activation = activation(&self.task.objective, &terms);
        Ok((Stage { step, activation, files }, terms))
    }

    fn report(&self, climbed: Climbed, terms: Vec<(String, f32)>) -> Report {
        let Climbed { losses, stages } = climbed;
        Report {
            objective: self.task.objective.to_string(),
            seed: self.task.seed,
            steps: self.task.steps,
            losses,
            activation: activation(&self.task.objective, &terms),
            settings: self.task.settings.clone(),
            model_sha256: self.plan.model_sha256.clone(),
            readouts: self.task.readouts.clone(),
            model: self.plan.model.clone(),
            version: self.plan.version.clone(),
            terms,
            stages,
            against: None,
        }
    }

    fn save(&self, dream: &Dream, climbed: &Climbed) -> Result<()> {
        if climbed.losses.is_empty() {
            return Ok(());
        }
        let snapshot = pollster::block_on(dream.snapshot())?.to_bytes()?;
        checkpoint::save(&self.state_path(), &self.job()?, climbed, &[&snapshot])
    }

    /// Removes the state, which a finished climb no longer needs.
    fn forget(&self) -> Result<()> {
        remove(&self.state_path())
    }

    /// Removes everything that [`Climb::run`] wrote.
    pub fn remove_files(&self) -> Result<()> {
        for step in self.task.stages() {
            for file in self.files(step) {
                remove(&self.folder.join(file))?;
            }
        }
        remove(&self.report_path())?;
        self.forget()
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

//! The numbers behind a picture: the JSON beside it. A stable interface, scripts read it.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use shared::format::recipe::Recipe;
use shared::readout::Recorded;
use shared::visualize::Settings;

use super::plan::{Plan, Task};
use crate::job::Job;
use crate::output;

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// As printed, with its penalties.
    pub objective: String,
    /// For the noise it started from and every transform after.
    pub seed: u64,
    /// Steps made.
    pub steps: usize,
    /// What was minimised, at each step: the objective with its transforms, negated.
    pub losses: Vec<f32>,
    /// The objective's value on the finished picture without transforms, penalties left out;
    /// of a batch the mean.
    pub activation: f32,
    /// Size, parameterisation, transforms, ...
    pub settings: Settings,
    /// Of the weights file, hexadecimal.
    pub model_sha256: String,
    /// The readouts that the objective depends on.
    #[serde(default, skip_serializing_if = "Recorded::is_empty")]
    pub readouts: Recorded,
    /// `googlenet`.
    pub model: String,
    /// Version of the program that made it.
    pub version: String,
    /// Each term's value on the finished picture, before its weight.
    pub terms: Vec<(String, f32)>,
    /// Pictures kept, the finished one last.
    pub stages: Vec<Stage>,
    /// The photograph that comes nearest, if a folder was searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}

/// A picture on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Steps made until then.
    pub step: usize,
    /// As [`Report::activation`], of the picture at that step.
    pub activation: f32,
    /// Names of the files beside this one, one for each of the batch.
    pub files: Vec<String>,
}

/// What photographs reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// As given.
    pub folder: String,
    /// Photographs looked at.
    pub pictures: usize,
    /// The highest activation among them.
    pub best: f32,
    /// Which one, relative to the folder.
    pub file: String,
}

impl Report {
    /// What it depends on, if pictures are kept at these steps.
    pub fn job(&self, stages: &[usize]) -> Result<Job> {
        let job = Job::new("visualize", &self.model, &self.model_sha256);
        let with = |job: Job, (name, sha256): (&String, &String)| job.asset(name, Some(sha256));
        self.readouts
            .iter()
            .fold(job, with)
            .options(&self.settings)?
            .option("version", &self.version)?
            .option("objective", &self.objective)?
            .option("seed", &self.seed)?
            .option("steps", &self.steps)?
            .option("pictures at steps", &stages)
    }

    /// The report in a file, if there is a readable one that came of this very job.
    pub fn of_job(path: &Path, job: &Job) -> Option<Self> {
        let report: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let stages: Vec<usize> = report.stages.iter().map(|stage| stage.step).collect();
        (report.job(&stages).ok()? == *job).then_some(report)
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_json(path, self)
    }
}

/// Writes a value as JSON, whole or not at all.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    output::write_whole(path, |out| {
        serde_json::to_writer(&mut *out, value)?;
        Ok(out.write_all(b"\n")?)
    })
}

/// What makes one picture of a task again.
pub fn recipe(task: &Task, plan: &Plan, step: usize, batch_index: usize) -> Recipe {
    Recipe {
        version: plan.version.clone(),
        model: plan.model.clone(),
        model_sha256: plan.model_sha256.clone(),
        objective: task.objective.to_string(),
        settings: task.settings.clone(),
        seed: task.seed,
        step,
        batch_index,
        readouts: task.readouts.clone(),
    }
}

//! What runs are told of: a line of JSON now and then, and a table of where they are.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use shared::readout::dictionary::training::{Report, Training};

use super::state::State;
use crate::output;

/// The file of a run's lines.
pub const LOG: &str = "log.jsonl";

/// A run at a step, of that step's batch. A stable interface: scripts read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Steps made.
    pub step: u64,
    /// Activations seen.
    pub activations: u64,
    /// What training makes small.
    pub loss: f64,
    /// Squared error over that of the batch's mean: 0 is perfect.
    pub normalized_mse: f64,
    /// Latents of an activation.
    pub l0: f64,
    /// Sum of an activation's latents.
    pub l1: f64,
    /// What brings latents back.
    pub auxiliary: f64,
    /// Part of the latents that are dead.
    pub dead_share: f64,
    /// The step's.
    pub learning_rate: f32,
    /// Before it is shortened.
    pub gradient_norm: f64,
    /// Since the program began, all runs side by side.
    pub activations_per_second: f64,
}

impl Line {
    /// After a step.
    pub fn new(
        training: &Training,
        report: &Report,
        variance: f64,
        batch: usize,
        rate: f64,
    ) -> Self {
        let losses = &report.losses;
        Self {
            step: training.step,
            activations: training.step * batch as u64,
            loss: losses.total,
            normalized_mse: report.normalized_mse(variance),
            l0: losses.l0,
            l1: losses.l1,
            auxiliary: losses.auxiliary,
            dead_share: report.dead as f64 / training.config.latents as f64,
            learning_rate: report.learning_rate,
            gradient_norm: report.gradient_norm,
            activations_per_second: rate.round(),
        }
    }
}

/// The logs of runs side by side.
pub struct Lines {
    logs: BTreeMap<String, (PathBuf, File, Option<Line>)>,
}

impl Lines {
    /// Opens them; what a killed run wrote beyond its state goes.
    pub fn open(out: &Path, state: &State) -> Result<Self> {
        let mut logs = BTreeMap::new();
        for running in &state.running {
            let name = &running.run.name;
            let path = out.join(name).join(LOG);
            let mut kept = read(&path);
            kept.retain(|line| line.step <= state.step);
            let last = kept.last().cloned();
            output::write_whole(&path, |file| {
                kept.iter().try_for_each(|line| Ok(writeln!(file, "{}", text(line)?)?))
            })?;
            let file = OpenOptions::new().append(true).open(&path);
            let file = file.with_context(|| format!("opening {}", path.display()))?;
            logs.insert(name.clone(), (path, file, last));
        }
        Ok(Self { logs })
    }

    /// Adds a line to a run's.
    pub fn add(&mut self, run: &str, line: Line) -> Result<()> {
        let Some((path, file, last)) = self.logs.get_mut(run) else { return Ok(()) };
        writeln!(file, "{}", text(&line)?)
            .with_context(|| format!("writing {}", path.display()))?;
        *last = Some(line);
        Ok(())
    }

    /// The last line of a run.
    pub fn last(&self, run: &str) -> Option<Line> {
        self.logs.get(run)?.2.clone()
    }
}

fn text(line: &Line) -> Result<String> {
    Ok(serde_json::to_string(line)?)
}

/// The lines of a log; one that was cut off, and what is behind it, counts for nothing.
pub fn read(path: &Path) -> Vec<Line> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
}

/// All runs, a line each, under a heading.
pub fn table(lines: &Lines) -> String {
    let width = lines.logs.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let heading = format!("{:width$} {:>10} {:>8} {:>8} {:>6}", "", "loss", "nmse", "L0", "dead");
    let rows = lines.logs.iter().filter_map(|(name, (_, _, last))| {
        let Line { loss, normalized_mse, l0, dead_share, .. } = last.as_ref()?;
        let dead = 100.0 * dead_share;
        Some(format!("{name:width$} {loss:>10.4} {normalized_mse:>8.4} {l0:>8.2} {dead:>5.1}%"))
    });
    std::iter::once(heading).chain(rows).collect::<Vec<_>>().join("\n")
}

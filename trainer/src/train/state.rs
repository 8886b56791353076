//! Runs half-way, and their way through a checkpoint.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use shared::burn::tensor::Device;
use shared::readout::dictionary::Parameters;
use shared::readout::dictionary::archetypes::{Archetypal, Archetypes, Trained};
use shared::readout::dictionary::on_devices::OnDevices;
use shared::readout::dictionary::precision::Precision;
use shared::readout::dictionary::training::{Report, Training};

use super::sweep::Run;
use crate::checkpoint::{self, Checkpoint};
use crate::failure::WrongCall;
use crate::job::Job;
use crate::record::partition::Partition;

/// A run half-way.
#[derive(Clone, Debug)]
pub struct Running {
    /// What it is.
    pub run: Run,
    /// How far it is.
    pub training: Training,
    /// What of it is not on the processor.
    pub on_devices: Option<OnDevices>,
}

impl Running {
    /// A step, wherever it is.
    ///
    /// # Errors
    /// Numbers that are not finite, or what befell a device.
    pub fn step(&mut self, examples: &[f32]) -> shared::Result<Report> {
        match &mut self.on_devices {
            Some(away) => pollster::block_on(away.step(&mut self.training, examples)),
            None => self.training.step(examples),
        }
    }
}

/// Everything that runs side by side know.
#[derive(Clone, Debug)]
pub struct State {
    /// What they have in common.
    pub job: Job,
    /// Steps that are done.
    pub step: u64,
    /// What activations are multiplied by.
    pub scale: f32,
    /// Those that go on.
    pub running: Vec<Running>,
    /// Those that do not, and why.
    pub failed: Vec<(Run, String)>,
}

/// What of it people can read; the numbers are the checkpoint's body.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct HowFar {
    step: u64,
    scale: f32,
    runs: Vec<Run>,
    thresholds: Vec<f32>,
    failed: Vec<(Run, String)>,
}

/// Where the state of this part of the runs into a folder lies: other parts may be trained meanwhile.
pub fn path(folder: &Path, partition: Partition) -> PathBuf {
    match partition {
        Partition::WHOLE => folder.join(".train.state"),
        part => folder.join(format!(".train-{}.state", part.to_string().replace('/', "-of-"))),
    }
}

impl State {
    /// Trains on these devices; on the processor where there is none.
    ///
    /// # Errors
    /// A device cannot do what a run asks for.
    pub fn move_to(&mut self, devices: &[Device]) -> Result<()> {
        for Running { run, training, on_devices } in &mut self.running {
            if !devices.is_empty() {
                let moved = OnDevices::new(training, devices.to_vec());
                *on_devices = Some(moved.with_context(|| run.name.clone())?);
            } else if training.options.precision != Precision::Single {
                let wrong = format!("{}: the processor trains in f32 only; see --device", run.name);
                return Err(WrongCall(wrong).into());
            }
        }
        Ok(())
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// A disk that is full, or what befell a device.
    pub fn save(&mut self, path: &Path) -> Result<()> {
        for Running { training, on_devices, .. } in &mut self.running {
            if let Some(away) = on_devices {
                pollster::block_on(away.fetch(training))?;
            }
        }
        let running = self.running.iter();
        let progress = HowFar {
            step: self.step,
            scale: self.scale,
            runs: running.clone().map(|running| running.run.clone()).collect(),
            thresholds: running.clone().map(|running| running.training.threshold).collect(),
            failed: self.failed.clone(),
        };
        let pieces: Vec<&[u8]> = running.flat_map(|running| pieces(&running.training)).collect();
        checkpoint::save(path, &self.job, &progress, &pieces)
    }

    /// What a checkpoint has, of activations so wide.
    ///
    /// # Errors
    /// It is not that of these runs.
    pub fn restored(checkpoint: Checkpoint<HowFar>, channels: usize) -> Result<Self> {
        let Checkpoint { job, progress, body } = checkpoint;
        let HowFar { step, scale, runs, thresholds, failed } = progress;
        let mut rest = body.as_slice();
        let mut running = Vec::new();
        for (run, threshold) in runs.into_iter().zip(thresholds) {
            let config = run.recipe.config(channels)?;
            let zeros = || Parameters::zeros(&config);
            let options = run.recipe.options(channels);
            let archetypes = options.archetypal.map(|Archetypal { points, relaxation }| {
                let zeros = || Trained::zeros(config.latents, points, channels);
                Archetypes {
                    most: relaxation,
                    points: vec![0.0; points * channels],
                    trained: zeros(),
                    moments: [zeros(), zeros()],
                }
            });
            let mut training = Training {
                options,
                steps: run.recipe.steps(),
                parameters: zeros(),
                moments: [zeros(), zeros()],
                archetypes,
                seed: run.recipe.seed,
                step,
                silent: vec![0; config.latents],
                threshold,
                config,
            };
            let Training { parameters, moments: [first, second], silent, .. } = &mut training;
            let arrays = [parameters, first, second].into_iter().flat_map(Parameters::all_mut);
            arrays.into_iter().try_for_each(|values| read(&mut rest, values))?;
            read(&mut rest, silent)?;
            if let Some(archetypes) = &mut training.archetypes {
                let Archetypes { points, trained, moments: [first, second], .. } = archetypes;
                read(&mut rest, points)?;
                let arrays = [trained, first, second].into_iter().flat_map(Trained::all_mut);
                arrays.into_iter().try_for_each(|values| read(&mut rest, values))?;
            }
            running.push(Running { run, training, on_devices: None });
        }
        Ok(Self { job, step, scale, running, failed })
    }
}

fn pieces(training: &Training) -> impl Iterator<Item = &[u8]> {
    let Training { parameters, moments: [first, second], silent, archetypes, .. } = training;
    let arrays = [parameters, first, second].into_iter().flat_map(Parameters::all);
    let of_archetypes = archetypes.iter().flat_map(|archetypes| {
        let Archetypes { points, trained, moments: [first, second], .. } = archetypes;
        let arrays = [trained, first, second].into_iter().flat_map(Trained::all);
        [points.as_slice()].into_iter().chain(arrays)
    });
    arrays
        .map(bytemuck::cast_slice)
        .chain([bytemuck::cast_slice(silent)])
        .chain(of_archetypes.map(bytemuck::cast_slice))
}

/// The next numbers.
fn read<T: bytemuck::Pod>(rest: &mut &[u8], values: &mut [T]) -> Result<()> {
    let bytes = bytemuck::cast_slice_mut::<T, u8>(values);
    let (front, behind) = rest.split_at_checked(bytes.len()).context("it is too short")?;
    bytes.copy_from_slice(front);
    *rest = behind;
    Ok(())
}

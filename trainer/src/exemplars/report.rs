//! What is known of a layer in the end: `LAYER.json` and `LAYER.heat`. The JSON is a stable
//! interface, scripts read it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use shared::format::exemplars::Statistic;

use super::heat;
use super::state::State;
use super::tally::{LayerTally, UnitTally};
use crate::job::Job;
use crate::output;

/// What excites the units of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// Its canonical name.
    pub layer: String,
    /// What pictures are ranked by.
    pub statistic: Statistic,
    /// How many pictures were looked at.
    pub images: u64,
    /// How many could not be read.
    pub unreadable: u64,
    /// Rows and columns of positions on a picture.
    pub positions: [usize; 2],
    /// Rows and columns of a heat map.
    pub heat: [usize; 2],
    /// What the results depend on.
    pub job: Job,
    /// One for each channel.
    pub units: Vec<UnitReport>,
}

/// What excites a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitReport {
    /// `mixed4a:11`.
    pub unit: String,
    /// Best first.
    pub top: Vec<ExemplarReport>,
    /// Activations below which the shares in [`shared::format::exemplars::QUANTILES`] lie.
    pub quantiles: Vec<f32>,
    /// As [`super::sketch::Sketch::histogram`].
    pub histogram: Vec<u32>,
    /// The share of activations that are exactly zero, 0..=1.
    pub zero_share: f64,
}

/// A picture that excites a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExemplarReport {
    /// Relative to the folder of pictures.
    pub file: String,
    /// Its statistic.
    pub value: f32,
    /// Where the largest activation is.
    pub row: usize,
    /// Where the largest activation is.
    pub column: usize,
    /// What it shows; may be empty.
    pub label: String,
}

/// Where a layer's report lies.
pub fn json_path(folder: &Path, layer: &str) -> PathBuf {
    folder.join(format!("{layer}.json"))
}

/// Where a layer's heat maps lie.
pub fn heat_path(folder: &Path, layer: &str) -> PathBuf {
    folder.join(format!("{layer}.heat"))
}

impl LayerReport {
    /// Of a layer, when all pictures are done.
    pub fn new(state: &State, tally: &LayerTally, statistic: Statistic) -> Self {
        let units = tally.units.iter().enumerate();
        Self {
            layer: tally.layer.clone(),
            statistic,
            images: state.done - state.unreadable,
            unreadable: state.unreadable,
            positions: tally.positions,
            heat: heat::size(tally.positions),
            job: state.job.clone(),
            units: units.map(|(channel, unit)| unit_report(&tally.layer, channel, unit)).collect(),
        }
    }

    /// Reads a layer's report.
    pub fn read(folder: &Path, layer: &str) -> Result<Self> {
        let path = json_path(folder, layer);
        let reading = || format!("reading {}", path.display());
        serde_json::from_slice(&fs::read(&path).with_context(reading)?).with_context(reading)
    }

    /// Bytes of the heat maps.
    pub fn heat_length(&self) -> usize {
        let exemplars: usize = self.units.iter().map(|unit| unit.top.len()).sum();
        exemplars * self.heat[0] * self.heat[1]
    }

    /// Whether the heat maps lie beside the report.
    pub fn has_heat(&self, folder: &Path) -> bool {
        let length = heat_path(folder, &self.layer).metadata().map(|metadata| metadata.len());
        length.is_ok_and(|length| length == self.heat_length() as u64)
    }
}

/// Writes a layer's heat maps and then its report, which says that the layer is finished.
pub fn write(folder: &Path, report: &LayerReport, tally: &LayerTally) -> Result<()> {
    output::write_whole(&heat_path(folder, &report.layer), |out| {
        for unit in &tally.units {
            let maps = unit.top.best().iter().map(|exemplar| exemplar.heat.as_slice());
            out.write_all(&heat::quantize(maps))?;
        }
        Ok(())
    })?;
    output::write_whole(&json_path(folder, &report.layer), |out| {
        serde_json::to_writer(&mut *out, report)?;
        Ok(out.write_all(b"\n")?)
    })
}

fn unit_report(layer: &str, channel: usize, unit: &UnitTally) -> UnitReport {
    let exemplars = unit.top.best().iter();
    UnitReport {
        unit: format!("{layer}:{channel}"),
        top: exemplars
            .map(|exemplar| ExemplarReport {
                file: exemplar.picture.file.clone(),
                value: exemplar.value,
                row: exemplar.row,
                column: exemplar.column,
                label: exemplar.picture.label.clone(),
            })
            .collect(),
        quantiles: unit.sketch.quantiles().to_vec(),
        histogram: unit.sketch.histogram().to_vec(),
        zero_share: unit.sketch.zero_share(),
    }
}

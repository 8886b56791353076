//! The published figure type: a row of exemplars for each unit, its activation under each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;
use serde::Serialize;
use shared::format::exemplars::Statistic;
use shared::format::png::{self, Text};
use shared::image::Picture;
use shared::models::ModelInfo;

use super::report::{ExemplarReport, LayerReport, UnitReport};
use crate::figure::{Cell, Figure, Row};
use crate::output;
use crate::pictures::decode;
use crate::pictures::source::Source;
use crate::visualize::sheet::number;

/// Units on a page.
const ROWS: usize = 20;

/// Pictures in a row.
const COLUMNS: usize = 10;

/// The shortest side of the square that marks the largest activation, in pixels.
const SMALLEST_MARK: usize = 16;

/// What a page says of itself in its PNG file, to be known again.
const KEYWORD: &str = "pellucid-exemplars";

/// What a page shows.
#[derive(Serialize)]
struct Content<'a> {
    version: &'static str,
    layer: &'a str,
    channels: &'a [usize],
    /// The fingerprint of what the exemplars depend on.
    job: String,
}

/// Draws the figure of a layer, a page for every `ROWS` channels, and returns its files. Pages
/// that lie there already are left as they are.
pub fn draw(
    folder: &Path,
    report: &LayerReport,
    channels: &[usize],
    source: &Source,
    info: &ModelInfo,
) -> Result<Vec<PathBuf>> {
    let pages: Vec<&[usize]> = channels.chunks(ROWS).collect();
    let mut files = Vec::new();
    for (place, channels) in pages.iter().enumerate() {
        let stem = match pages.len() {
            1 => report.layer.clone(),
            _ => format!("{}-{}", report.layer, place + 1),
        };
        let path = folder.join(format!("{stem}.png"));
        let content = serde_json::to_string(&Content {
            version: env!("CARGO_PKG_VERSION"),
            layer: &report.layer,
            channels,
            job: report.job.fingerprint()?,
        })?;
        if !shows(&path, &content) {
            let of = if pages.len() == 1 { None } else { Some((place + 1, pages.len())) };
            let canvas = figure(report, channels, of, source, info)?.draw()?;
            let texts = [Text { keyword: KEYWORD, text: &content }];
            let bytes = png::encode(canvas.width(), canvas.height(), canvas.rgb(), &texts)?;
            output::write_whole(&path, |out| Ok(out.write_all(&bytes)?))?;
        }
        files.push(path);
    }
    Ok(files)
}

fn shows(path: &Path, content: &str) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    png::text(&bytes, KEYWORD).is_ok_and(|text| text.as_deref() == Some(content))
}

fn figure(
    report: &LayerReport,
    channels: &[usize],
    page: Option<(usize, usize)>,
    source: &Source,
    info: &ModelInfo,
) -> Result<Figure> {
    let units: Vec<&UnitReport> = channels
        .iter()
        .map(|&channel| report.units.get(channel).context("a channel is missing"))
        .collect::<Result<_>>()?;
    let files = units.iter().flat_map(|unit| shown(unit));
    let photographs = photographs(files.map(|exemplar| &exemplar.file), source, info)?;
    let rows = units.iter().map(|unit| {
        let cells = shown(unit).iter().map(|exemplar| {
            let picture = photographs.get(&exemplar.file);
            let picture = picture.with_context(|| format!("{} is not there", exemplar.file))?;
            cell(picture, exemplar, report.positions)
        });
        Ok(Row { heading: heading(unit), cells: cells.collect::<Result<_>>()? })
    });
    let [high, wide] = report.positions;
    let what = match report.statistic {
        Statistic::Mean => format!("its mean activation over {high}x{wide} positions"),
        Statistic::Max => format!("its largest activation over {high}x{wide} positions"),
        Statistic::At(_) => format!("its activation {}", report.statistic.words()),
    };
    let among = match report.statistic {
        Statistic::Mean | Statistic::Max => String::new(),
        Statistic::At(_) => format!(" of {high}x{wide} positions"),
    };
    let page = page.map_or(String::new(), |(page, of)| format!(", page {page} of {of}"));
    let folder = source.root().file_name().unwrap_or_default().to_string_lossy();
    Ok(Figure {
        title: format!("{}, {}: what excites its units{page}", info.title, report.layer),
        subtitle: format!(
            "Under each picture: {what}. The square marks the largest activation{among}. Best of {} pictures of {folder}.",
            report.images
        ),
        columns: Vec::new(),
        rows: rows.collect::<Result<_>>()?,
    })
}

/// The exemplars that a row has room for.
fn shown(unit: &UnitReport) -> &[ExemplarReport] {
    &unit.top[..unit.top.len().min(COLUMNS)]
}

/// Pictures by name, as the network saw them.
fn photographs<'a>(
    files: impl Iterator<Item = &'a String>,
    source: &Source,
    info: &ModelInfo,
) -> Result<BTreeMap<String, Picture>> {
    let names: BTreeSet<&str> = files.map(String::as_str).collect();
    source
        .fetch(&names)?
        .into_par_iter()
        .map(|(name, content)| {
            let picture = decode::content(&name, content)?;
            Ok((name, info.preprocessing.classification_crop(&picture)))
        })
        .collect()
}

fn heading(unit: &UnitReport) -> String {
    let UnitReport { unit: name, quantiles, zero_share, .. } = unit;
    // The quantile of 99 %, and the largest.
    let (high, largest) = (quantiles[quantiles.len() - 2], quantiles[quantiles.len() - 1]);
    if unit.top.is_empty() {
        return format!("{name}   zero everywhere");
    }
    format!(
        "{name}   zero at {:.0} % of all positions, 99 % below {}, largest {}",
        100.0 * zero_share,
        number(high),
        number(largest)
    )
}

fn cell(picture: &Picture, exemplar: &ExemplarReport, positions: [usize; 2]) -> Result<Cell> {
    // The first of a class's synonyms.
    let label = exemplar.label.split(',').next().unwrap_or_default().to_owned();
    Ok(Cell {
        picture: marked(picture, exemplar, positions)?,
        label: number(exemplar.value),
        notes: if label.is_empty() { Vec::new() } else { vec![label] },
    })
}

/// A square around the largest activation, white within a black line, so that it shows on anything.
fn marked(picture: &Picture, exemplar: &ExemplarReport, positions: [usize; 2]) -> Result<Picture> {
    let (width, height) = (picture.width(), picture.height());
    let [rows, columns] = positions;
    if positions == [1, 1] {
        return Ok(picture.clone());
    }
    let extent = |place: usize, of: usize, length: usize| {
        let half = (length / of).max(SMALLEST_MARK) / 2;
        let middle = (2 * place + 1) * length / (2 * of);
        (middle.saturating_sub(half), (middle + half).min(length) - 1)
    };
    let (left, right) = extent(exemplar.column, columns, width);
    let (top, bottom) = extent(exemplar.row, rows, height);
    let mut bytes = picture.to_rgb8();
    for row in top..=bottom {
        for column in left..=right {
            let inside = (row - top).min(bottom - row).min(column - left).min(right - column);
            let level = match inside {
                0 | 3 => 0,
                1 | 2 => 255,
                _ => continue,
            };
            bytes[3 * (row * width + column)..][..3].fill(level);
        }
    }
    Ok(Picture::from_rgb8(width, height, &bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_where_the_largest_activation_is() {
        let grey = Picture::from_rgb8(224, 224, &[128; 224 * 224 * 3]).unwrap();
        let exemplar = |row, column| ExemplarReport {
            file: String::new(),
            value: 1.0,
            row,
            column,
            label: String::new(),
        };
        for (positions, row, column, [top, left]) in [
            ([14, 14], 0, 0, [0, 0]),
            ([14, 14], 13, 2, [208, 32]),
            ([7, 7], 3, 6, [96, 192]),
            // Positions closer than the mark is wide: around their middle.
            ([56, 56], 10, 20, [34, 74]),
        ] {
            let bytes = marked(&grey, &exemplar(row, column), positions).unwrap().to_rgb8();
            let changed: Vec<usize> = (0..224 * 224).filter(|at| bytes[3 * at] != 128).collect();
            let rows = changed.iter().map(|at| at / 224);
            let columns = changed.iter().map(|at| at % 224);
            assert_eq!((rows.clone().min(), columns.clone().min()), (Some(top), Some(left)));
            let side = (224 / positions[0]).max(SMALLEST_MARK);
            assert_eq!(rows.max(), Some(top + side - 1));
            assert_eq!(columns.max(), Some(left + side - 1));
        }
        assert_eq!(marked(&grey, &exemplar(0, 0), [1, 1]).unwrap(), grey);
    }
}

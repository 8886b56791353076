//! Finished pictures laid out on one sheet.

use std::path::Path;

use anyhow::{Context as _, Result};
use shared::image::Picture;
use shared::tap::LayerInfo;
use shared::visualize::Settings;
use shared::visualize::objective::{Channel, Measure, Objective};
use shared::visualize::settings::Parameterization;

use super::plan::{Plan, Task};
use super::report::{Report, Stage};
use crate::figure::canvas::Canvas;
use crate::figure::{Cell, Figure, Row, rows_of};
use crate::model::LoadedModel;
use crate::pictures::decode;

/// Draws a plan's sheet from the pictures in `folder`.
///
/// One picture a task makes a grid; a comparison makes a column for each value of its first
/// setting; snapshots and batches make a row for each climb.
pub fn draw(
    plan: &Plan,
    reports: &[Report],
    folder: &Path,
    loaded: &LoadedModel,
) -> Result<Canvas> {
    let sheet = plan.sheet.as_ref().context("the plan has no sheet")?;
    let several = |task: &Task| 1 < task.stages().len() || 1 < task.settings.batch;
    let pairs = || plan.tasks.iter().zip(reports);
    let (columns, rows) = if plan.tasks.iter().any(several) {
        let rows = pairs().map(|(task, report)| climb_rows(task, report, folder, loaded));
        (Vec::new(), rows.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    } else if plan.tasks.iter().any(|task| !task.variant.is_empty()) {
        let columns = compared(&plan.tasks).iter().map(|task| variant(&task.variant[..1]));
        (columns.collect(), comparison_rows(plan, reports, folder, loaded)?)
    } else {
        let cells = pairs().map(|(task, report)| {
            let label = task.objective.about().to_string();
            let class = class_label(&task.objective, loaded);
            let notes = class.into_iter().chain([activation(last(report)?)]);
            Ok(Cell { picture: picture(report, folder)?, label, notes: notes.collect() })
        });
        (Vec::new(), rows_of(sheet.columns, cells.collect::<Result<_>>()?))
    };
    let subtitle = subtitle(plan);
    Figure { title: sheet.title.clone(), subtitle, columns, rows }.draw()
}

/// A row for each of a climb's batch, with a cell for each picture kept.
fn climb_rows(
    task: &Task,
    report: &Report,
    folder: &Path,
    loaded: &LoadedModel,
) -> Result<Vec<Row>> {
    let heading = heading(task, &task.variant, loaded);
    let read = |file: &String| decode::read(&folder.join(file));
    if report.stages.len() == 1 {
        let stage = last(report)?;
        let cells = stage.files.iter().enumerate().map(|(index, file)| {
            let notes = vec![format!("{} of {}", index + 1, stage.files.len())];
            Ok(Cell { picture: read(file)?, label: String::new(), notes })
        });
        let heading = format!("{heading}, mean {}", activation(stage));
        return Ok(vec![Row { heading, cells: cells.collect::<Result<_>>()? }]);
    }
    (0..last(report)?.files.len())
        .map(|index| {
            let cells = report.stages.iter().map(|stage| {
                let notes = vec![format!("{} steps", stage.step), activation(stage)];
                let file = stage.files.get(index).context("a batch lacks a picture")?;
                Ok(Cell { picture: read(file)?, label: String::new(), notes })
            });
            let heading = if index == 0 { heading.clone() } else { String::new() };
            Ok(Row { heading, cells: cells.collect::<Result<_>>()? })
        })
        .collect()
}

/// The first tasks, up to where the first setting's values begin anew.
fn compared(tasks: &[Task]) -> &[Task] {
    let apart =
        |task: &Task| (task.objective.about(), task.variant.iter().skip(1).cloned().collect());
    let first: Option<(Objective, Vec<_>)> = tasks.first().map(apart);
    let width = tasks.iter().take_while(|task| Some(apart(task)) == first).count();
    &tasks[..width]
}

fn comparison_rows(
    plan: &Plan,
    reports: &[Report],
    folder: &Path,
    loaded: &LoadedModel,
) -> Result<Vec<Row>> {
    let width = compared(&plan.tasks).len().max(1);
    let rows = plan.tasks.chunks(width).zip(reports.chunks(width));
    rows.map(|(tasks, reports)| {
        let cells = reports.iter().map(|report| {
            let notes = vec![activation(last(report)?)];
            Ok(Cell { picture: picture(report, folder)?, label: String::new(), notes })
        });
        let first = tasks.first().context("a comparison lacks a row")?;
        let heading = heading(first, first.variant.get(1..).unwrap_or_default(), loaded);
        Ok(Row { heading, cells: cells.collect::<Result<_>>()? })
    })
    .collect()
}

fn heading(task: &Task, apart: &[(String, String)], loaded: &LoadedModel) -> String {
    let objective = Some(task.objective.about().to_string());
    let class = class_label(&task.objective, loaded);
    let apart = (!apart.is_empty()).then(|| variant(apart));
    objective.into_iter().chain(class).chain(apart).collect::<Vec<_>>().join(" · ")
}

/// What sets a task apart in a comparison: `decorrelate no, lr 0.1`.
pub fn variant(settings: &[(String, String)]) -> String {
    let each = settings.iter().map(|(key, value)| format!("{key} {value}"));
    each.collect::<Vec<_>>().join(", ")
}

/// The name of the class, for an objective that is one logit.
fn class_label(objective: &Objective, loaded: &LoadedModel) -> Option<String> {
    let about = objective.about();
    let [term] = about.terms.as_slice() else { return None };
    match &term.measure {
        Measure::Unit { layer, channel: Channel::Index(class), .. } => {
            let is_class = loaded.model.info().layer(layer).is_ok_and(LayerInfo::is_classes);
            loaded.labels.get(*class).filter(|_| is_class).cloned()
        }
        _ => None,
    }
}

fn last(report: &Report) -> Result<&Stage> {
    report.stages.last().context("a report holds no pictures")
}

fn picture(report: &Report, folder: &Path) -> Result<Picture> {
    let file = last(report)?.files.first().context("a report holds no pictures")?;
    decode::read(&folder.join(file))
}

fn activation(stage: &Stage) -> String {
    format!("activation {}", number(stage.activation))
}

/// Four digits that count.
pub fn number(value: f32) -> String {
    match value.abs() {
        1000.0.. => format!("{value:.0}"),
        100.0.. => format!("{value:.1}"),
        10.0.. => format!("{value:.2}"),
        0.1.. => format!("{value:.3}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.2e}"),
    }
}

/// How all pictures were made; what differs between them is left out.
fn subtitle(plan: &Plan) -> String {
    let tasks = &plan.tasks;
    let setting = |say: fn(&Settings) -> String| common(tasks, |task| say(&task.settings));
    let parts = [
        Some(plan.model.clone()),
        setting(|settings| format!("{}×{} px", settings.width, settings.height)),
        common(tasks, |task| format!("{} steps", task.steps)),
        setting(|settings| match settings.parameterization {
            Parameterization::Pyramid => format!("pyramid with decay {}", settings.decay),
            other => other.name().to_owned(),
        }),
        setting(|settings| {
            let colors = if settings.decorrelate { "decorrelated" } else { "plain" };
            format!("{colors} colours")
        }),
        setting(|settings| format!("transforms {}", settings.transforms)),
        setting(|settings| format!("learning rate {}", settings.learning_rate)),
        setting(|settings| match (settings.views, settings.noise) {
            (1, 0.0) => String::new(),
            (1, noise) => format!("noise {noise}"),
            (views, noise) => format!("{views} views with noise {noise}"),
        }),
        common(tasks, |task| format!("seed {}", task.seed)),
        common(tasks, |task| task.objective.penalties().map(|terms| terms.to_string()))
            .flatten()
            .map(|terms| format!("penalties {terms}")),
        plan.model_sha256.get(..8).map(|hash| format!("weights {hash}…")),
    ];
    let said = parts.into_iter().flatten().filter(|part| !part.is_empty());
    said.collect::<Vec<_>>().join(" · ")
}

/// What is said of every task alike; `None` where they differ.
fn common<T: PartialEq>(tasks: &[Task], say: impl Fn(&Task) -> T) -> Option<T> {
    let mut said = tasks.iter().map(say);
    let first = said.next()?;
    said.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use shared::visualize::Making;

    use super::super::compare::Comparison;
    use super::super::plan::Wish;
    use super::*;

    fn tasks(comparison: &str) -> Vec<Task> {
        let comparison: Comparison = comparison.parse().unwrap();
        let wishes = ["mixed4a:1", "mixed4a:2"].map(|text| Wish {
            objective: text.parse().unwrap(),
            making: Making::default(),
            variant: Vec::new(),
        });
        let wishes = wishes.iter().flat_map(|wish| comparison.spread(wish).unwrap());
        wishes.map(|wish| wish.task(Vec::new()).unwrap()).collect()
    }

    #[test]
    fn what_is_compared_is_not_in_the_subtitle() {
        let plan = Plan {
            version: String::new(),
            model: "googlenet".to_owned(),
            model_sha256: "0123456789".to_owned(),
            directions_sha256: None,
            tasks: tasks("lr=0.05,0.1"),
            sheet: None,
        };
        assert_eq!(
            subtitle(&plan),
            "googlenet · 128×128 px · 512 steps · fourier · decorrelated colours · \
             transforms standard · seed 0 · weights 01234567…"
        );
    }

    #[test]
    fn a_row_ends_where_the_first_setting_begins_anew() {
        assert_eq!(compared(&tasks("lr=0.05,0.1,0.2")).len(), 3);
        assert_eq!(compared(&tasks("tv=0,0.1")).len(), 2);
    }

    #[test]
    fn numbers_keep_the_digits_that_count() {
        let numbers = [1234.6, 123.46, 12.346, 1.2346, 0.0123, 0.0].map(number);
        assert_eq!(numbers, ["1235", "123.5", "12.35", "1.235", "1.23e-2", "0"]);
    }
}

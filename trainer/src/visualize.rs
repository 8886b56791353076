//! Objectives to picture files: lists that go on where they stopped, and the sheets made of them.

pub mod against;
pub mod climb;
pub mod compare;
pub mod directions;
pub mod plan;
pub mod readouts;
pub mod report;
pub mod sheet;
pub mod shorthand;
pub mod side_by_side;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use anyhow::{Context as _, Result, bail};
use shared::Error;
use shared::burn::tensor::Device;
use shared::format::png::{self, Text};
use shared::models::ModelInfo;
use shared::visualize::score::{Context, Score};

use crate::failure::WrongCall;
use crate::model::LoadedModel;
use crate::progress::{Counted, Progress};
use crate::{interrupt, output};
use climb::Climb;
use plan::Plan;
use report::Report;

/// Where pictures go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// One PNG file: a picture or a sheet of them.
    File(PathBuf),
    /// A PNG file for each picture.
    Folder(PathBuf),
}

impl Out {
    /// A folder if it is one, or is written like one: with a slash at its end or without ending.
    pub fn new(path: &Path) -> Result<Self> {
        let slash = path.as_os_str().to_string_lossy().ends_with(['/', '\\']);
        if slash || path.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        match path.extension() {
            None => Ok(Self::Folder(path.to_owned())),
            Some(ending) if ending.eq_ignore_ascii_case("png") => Ok(Self::File(path.to_owned())),
            Some(_) => {
                let reason = "it must be a file that ends in .png, or a folder";
                Err(WrongCall(format!("--out {}: {reason}", path.display())).into())
            }
        }
    }
}

/// What was made of one task.
#[derive(Clone, Debug)]
pub struct Made {
    /// The finished picture's file, or the sheet it is on.
    pub file: PathBuf,
    /// The numbers behind it.
    pub report: Report,
}

/// What came of a plan.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// In the order of the plan.
    pub made: Vec<Made>,
    /// Photographs to compare with that could not be read.
    pub unreadable: usize,
}

/// A plan, and where its results go.
pub struct Visualize<'a> {
    /// What is to be made.
    pub plan: &'a Plan,
    /// Where it goes. One picture in a [`Out::File`] needs a plan of one task and one stage.
    pub out: &'a Out,
    /// Only this one of each batch is written; all of them if `None`.
    pub only: Option<usize>,
    /// Photographs to hold the activations against.
    pub against: Option<&'a Path>,
}

/// Checks every objective against the model, before anything is computed.
fn resolve(plan: &Plan, info: &ModelInfo, context: &Context) -> Result<()> {
    for task in &plan.tasks {
        Score::resolve(&task.objective, info, context)
            .with_context(|| format!("objective {}", task.objective))?;
    }
    Ok(())
}

impl Visualize<'_> {
    /// Makes everything that an earlier run of the same job has not made.
    ///
    /// # Errors
    /// A climb that left the finite numbers is named, the others are finished first.
    pub fn run(&self, loaded: &LoadedModel, device: &Device) -> Result<Outcome> {
        self.plan.validate()?;
        resolve(self.plan, loaded.model.info(), &loaded.context())?;
        let mut made = match (self.out, &self.plan.sheet) {
            (Out::File(path), Some(_)) => self.sheet(path, loaded, device)?,
            (Out::File(path), None) => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let folder = path.parent().unwrap_or(Path::new(""));
                self.pictures(folder, &[stem], loaded, device)?
            }
            (Out::Folder(folder), _) => {
                self.pictures(folder, &self.plan.stems(), loaded, device)?
            }
        };
        let unreadable = match self.against {
            Some(folder) => self.compare_with_photographs(&mut made, folder, loaded, device)?,
            None => 0,
        };
        Ok(Outcome { made, unreadable })
    }

    /// A picture file a task, and its numbers beside.
    fn pictures(
        &self,
        folder: &Path,
        stems: &[String],
        loaded: &LoadedModel,
        device: &Device,
    ) -> Result<Vec<Made>> {
        let climbs: Vec<Climb<'_>> = self
            .plan
            .tasks
            .iter()
            .zip(stems)
            .map(|(task, stem)| Climb { task, plan: self.plan, folder, stem, only: self.only })
            .collect();
        let total: usize = self.plan.tasks.iter().map(|task| task.steps).sum();
        let done: usize = climbs.iter().map(Climb::steps_done).sum();
        if 0 < done {
            eprintln!("going on: {done} of {total} steps are there already");
        }
        let progress = Progress::resumed(
            "visualize",
            done as u64,
            Some(total as u64),
            Counted::Things("steps"),
        );
        let progress = Mutex::new(progress);
        let reports = side_by_side::run(
            &climbs,
            self.at_once(device),
            |climb| {
                climb.run(loaded, device, &progress).map_err(|error| {
                    let objective = &climb.task.objective;
                    if left_the_finite(&error) {
                        let progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
                        progress.note(&format!("{objective}: {error:#}"));
                        error
                    } else if interrupt::requested() {
                        error
                    } else {
                        error.context(format!("making {objective}"))
                    }
                })
            },
            |error| !left_the_finite(error),
        )?;
        progress.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
        let mut made = Vec::new();
        let mut failed = Vec::new();
        for (climb, report) in climbs.iter().zip(reports) {
            let Ok(report) = report else {
                failed.push(climb.task.objective.to_string());
                continue;
            };
            let files = report.stages.last().map(|stage| stage.files.as_slice());
            let file = files.and_then(<[String]>::first).context("no picture was kept")?;
            made.push(Made { file: folder.join(file), report });
        }
        if !failed.is_empty() {
            bail!("{} of {} failed: {}", failed.len(), climbs.len(), failed.join(", "));
        }
        Ok(made)
    }

    /// How many climbs go on at the same time. A GPU takes one after the other anyway.
    fn at_once(&self, device: &Device) -> usize {
        if *device != shared::device::cpu() {
            return 1;
        }
        let settings = self.plan.tasks.iter().map(|task| &task.settings);
        let pixels = settings.map(|settings| settings.width * settings.height * settings.batch);
        side_by_side::at_once(self.plan.tasks.len(), pixels.max().unwrap_or(0))
    }

    /// All pictures on one sheet, and all numbers beside. The pictures wait in a folder beside
    /// until the last is there.
    fn sheet(&self, path: &Path, loaded: &LoadedModel, device: &Device) -> Result<Vec<Made>> {
        let in_sheet = |report| Made { file: path.to_owned(), report };
        if let Some(reports) = self.finished_sheet(path) {
            eprintln!("{} is there already", path.display());
            return Ok(reports.into_iter().map(in_sheet).collect());
        }
        let mut parts = path.as_os_str().to_owned();
        parts.push(".parts");
        let parts = PathBuf::from(parts);
        let stems = self.plan.stems();
        let made = self.pictures(&parts, &stems, loaded, device)?;
        let reports: Vec<Report> = made.into_iter().map(|made| made.report).collect();
        let canvas = sheet::draw(self.plan, &reports, &parts, loaded)?;
        let text = serde_json::to_string(self.plan)?;
        let texts = [Text { keyword: plan::KEYWORD, text: &text }];
        let bytes = png::encode(canvas.width(), canvas.height(), canvas.rgb(), &texts)?;
        // The picture last: it is what says that the job is done.
        report::write_json(&json_beside(path), &reports)?;
        output::write_whole(path, |out| Ok(out.write_all(&bytes)?))?;
        for (task, stem) in self.plan.tasks.iter().zip(&stems) {
            Climb { task, plan: self.plan, folder: &parts, stem, only: self.only }
                .remove_files()?;
        }
        match fs::remove_dir(&parts) {
            // Somebody keeps files of their own in there.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            removed => removed.with_context(|| format!("removing {}", parts.display()))?,
        }
        Ok(reports.into_iter().map(in_sheet).collect())
    }

    fn finished_sheet(&self, path: &Path) -> Option<Vec<Report>> {
        let plan = plan_from_png(&fs::read(path).ok()?).ok()??;
        let reports: Vec<Report> =
            serde_json::from_slice(&fs::read(json_beside(path)).ok()?).ok()?;
        (plan == *self.plan && reports.len() == plan.tasks.len()).then_some(reports)
    }

    /// Adds to each report the photograph that comes nearest, and writes it again. Returns how many
    /// photographs could not be read.
    fn compare_with_photographs(
        &self,
        made: &mut [Made],
        folder: &Path,
        loaded: &LoadedModel,
        device: &Device,
    ) -> Result<usize> {
        let objectives: Vec<_> =
            self.plan.tasks.iter().map(|task| task.objective.clone()).collect();
        let (best, unreadable) = against::best_photographs(loaded, &objectives, folder, device)?;
        for (made, best) in made.iter_mut().zip(best) {
            made.report.against = Some(best);
        }
        match (self.out, &self.plan.sheet) {
            (Out::File(path), Some(_)) => {
                let reports: Vec<&Report> = made.iter().map(|made| &made.report).collect();
                report::write_json(&json_beside(path), &reports)?;
            }
            (Out::File(path), None) => {
                for made in made {
                    made.report.write(&json_beside(path))?;
                }
            }
            (Out::Folder(folder), _) => {
                for (made, stem) in made.iter().zip(self.plan.stems()) {
                    made.report.write(&folder.join(format!("{stem}.json")))?;
                }
            }
        }
        Ok(unreadable)
    }
}

/// The plan in a sheet's PNG file, validated; `None` for a picture that carries none.
pub fn plan_from_png(bytes: &[u8]) -> Result<Option<Plan>> {
    let Some(text) = png::text(bytes, plan::KEYWORD)? else {
        return Ok(None);
    };
    let plan: Plan = serde_json::from_str(&text).context("the figure's plan")?;
    plan.validate()?;
    Ok(Some(plan))
}

/// `grid.json` beside `grid.png`.
fn json_beside(path: &Path) -> PathBuf {
    path.with_extension("json")
}

fn left_the_finite(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<Error>(), Some(Error::NotFinite { .. }))
}

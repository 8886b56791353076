//! What is to be made: plain data, written into figures so that they can be made again.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use shared::Error;
use shared::readout::Recorded;
use shared::visualize::objective::{Objective, Term};
use shared::visualize::{Making, Setting, Settings};

use crate::failure::WrongCall;

/// Keyword of the PNG text chunk that holds a figure's plan.
pub const KEYWORD: &str = "pellucid-figure";

/// More pictures do not go on one sheet. A folder takes any number.
pub const MOST_ON_A_SHEET: usize = 1000;

/// Nor do more pixels: a sheet is put together in memory, at 15 bytes a pixel.
pub const MOST_PIXELS_ON_A_SHEET: usize = 100_000_000;

/// A list of pictures, and the sheet they go on if there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of the program that made it.
    pub version: String,
    /// `googlenet`.
    pub model: String,
    /// Of the weights file, hexadecimal.
    pub model_sha256: String,
    /// In older figures: SHA-256 of the file that all directions came from, hexadecimal. Tasks
    /// record their readouts since.
    #[serde(default, skip_serializing)]
    pub directions_sha256: Option<String>,
    /// Objective by objective; of a comparison, the values of its first setting vary fastest.
    pub tasks: Vec<Task>,
    /// How they are laid out on one sheet; `None` for one file a picture.
    pub sheet: Option<Sheet>,
}

/// A climb, and when it is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// With its penalties.
    pub objective: Objective,
    /// Size, parameterisation, transforms, ...
    pub settings: Settings,
    /// For the noise it starts from and every transform after.
    pub seed: u64,
    /// Where it ends.
    pub steps: usize,
    /// Steps on the way whose pictures are kept too.
    pub snapshots: Vec<usize>,
    /// In a comparison, what sets it apart: settings and values as typed.
    pub variant: Vec<(String, String)>,
    /// The readouts that the objective depends on.
    #[serde(default, skip_serializing_if = "Recorded::is_empty")]
    pub readouts: Recorded,
}

/// A titled page of pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// On top.
    pub title: String,
    /// Pictures side by side, where nothing else decides it.
    pub columns: usize,
}

impl Plan {
    /// Refuses what cannot be made, naming it.
    pub fn validate(&self) -> Result<()> {
        if self.tasks.is_empty() {
            return Err(
                WrongCall("there is no objective; say one, as in mixed4a:11".to_owned()).into()
            );
        }
        for task in &self.tasks {
            task.validate()?;
        }
        let Some(sheet) = &self.sheet else { return Ok(()) };
        let wrong = |name, found: usize, expected: String| {
            Err(Error::Setting { name, found: found.to_string(), expected }.into())
        };
        if !(1..=100).contains(&sheet.columns) {
            return wrong("columns", sheet.columns, "1 to 100".to_owned());
        }
        let count: usize =
            self.tasks.iter().map(|task| task.stages().len() * task.settings.batch).sum();
        if MOST_ON_A_SHEET < count {
            let expected = format!("at most {MOST_ON_A_SHEET}; into a folder any number goes");
            return wrong("the number of pictures on one sheet", count, expected);
        }
        let pixels: usize = self
            .tasks
            .iter()
            .map(|task| {
                let Settings { width, height, batch, .. } = task.settings;
                task.stages().len() * batch * width * height
            })
            .sum();
        if MOST_PIXELS_ON_A_SHEET < pixels {
            let expected =
                format!("at most {MOST_PIXELS_ON_A_SHEET}; into a folder any number goes");
            return wrong("the number of pixels on one sheet", pixels, expected);
        }
        Ok(())
    }

    /// A file name for each task, without ending; no two are alike, also where case is ignored.
    pub fn stems(&self) -> Vec<String> {
        let mut taken = BTreeSet::new();
        self.tasks
            .iter()
            .map(|task| {
                let stem = task.stem();
                let numbered = (2..).map(|number| format!("{stem}-{number}"));
                let free = std::iter::once(stem.clone())
                    .chain(numbered)
                    .find(|name| !taken.contains(&name.to_lowercase()))
                    .unwrap_or(stem);
                taken.insert(free.to_lowercase());
                free
            })
            .collect()
    }
}

impl Task {
    fn validate(&self) -> Result<()> {
        self.settings.validate()?;
        // It bounds what a file from elsewhere can ask for.
        Setting::of("steps")?.printed(&self.steps.to_string())?;
        if let Some(step) = self.snapshots.iter().find(|&&step| step == 0 || self.steps < step) {
            let (found, expected) =
                (step.to_string(), format!("1 to the last step, {}", self.steps));
            return Err(Error::Setting { name: "a snapshot", found, expected }.into());
        }
        Ok(())
    }

    /// Steps whose pictures are kept, ascending; the last step always is.
    pub fn stages(&self) -> Vec<usize> {
        let all: BTreeSet<usize> = self.snapshots.iter().copied().chain([self.steps]).collect();
        all.into_iter().collect()
    }

    /// `mixed4a_11`, `logits_543`; other objectives with their special letters replaced.
    fn stem(&self) -> String {
        let mut name = stem(&self.objective.about().to_string());
        for (key, value) in &self.variant {
            name.push_str(&format!("__{}", stem(&format!("{key}-{value}"))));
        }
        name
    }
}

/// Longest file name made of an objective, in bytes; file systems allow 255 with all endings.
const LONGEST_STEM: usize = 120;

fn stem(text: &str) -> String {
    let kept = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let mut stem = String::new();
    for letter in text.chars() {
        let letter = if kept(letter) { letter } else { '_' };
        if letter != '_' || !stem.ends_with('_') {
            stem.push(letter);
        }
    }
    stem.truncate(LONGEST_STEM);
    let stem = stem.trim_matches(['_', '.', '-']);
    if stem.is_empty() { "picture".to_owned() } else { stem.to_owned() }
}

/// The activation part of an objective's value, from its terms' values in order.
pub fn activation(objective: &Objective, values: &[(String, f32)]) -> f32 {
    let looks_at_network = |term: &Term| term.measure.layer().is_some();
    let only_penalties = !objective.terms.iter().any(looks_at_network);
    objective
        .terms
        .iter()
        .zip(values)
        .filter(|(term, _)| only_penalties || looks_at_network(term))
        .map(|(term, (_, value))| term.weight * f64::from(*value))
        .sum::<f64>() as f32
}

/// A climb that is wanted, before its penalties are part of its objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Without penalties.
    pub objective: Objective,
    /// How it is made.
    pub making: Making,
    /// In a comparison, what sets it apart: settings and values as typed.
    pub variant: Vec<(String, String)>,
}

impl Wish {
    /// The task, with the steps whose pictures are kept too.
    ///
    /// # Errors
    /// Diversity where there is nothing to be told apart.
    pub fn task(self, snapshots: Vec<usize>) -> Result<Task> {
        let Self { objective, making, variant } = self;
        if making.diversity != 0.0 {
            let wrong = |reason: &str| Err(WrongCall(format!("--diversity{reason}")).into());
            if making.settings.batch < 2 {
                return wrong(" needs --batch of at least 2: one picture is like no other");
            }
            if objective.layers().is_empty() {
                return wrong(&format!(": {objective} names no layer to tell pictures apart by"));
            }
        }
        let objective = making.penalized(objective);
        let Making { settings, seed, steps, .. } = making;
        let readouts = Recorded::new();
        Ok(Task { objective, settings, seed, steps, snapshots, variant, readouts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(objective: &str) -> Task {
        Task {
            objective: objective.parse().unwrap(),
            settings: Settings::default(),
            seed: 3,
            steps: 512,
            snapshots: Vec::new(),
            variant: Vec::new(),
            readouts: Recorded::new(),
        }
    }

    fn plan(objectives: &[&str]) -> Plan {
        Plan {
            version: "0.1.0".to_owned(),
            model: "googlenet".to_owned(),
            model_sha256: "00".repeat(32),
            directions_sha256: None,
            tasks: objectives.iter().map(|text| task(text)).collect(),
            sheet: Some(Sheet { title: "Some".to_owned(), columns: 5 }),
        }
    }

    #[test]
    fn files_are_called_after_their_units() {
        let stems = plan(&[
            "mixed4a:11",
            "logits:543",
            "mixed4a:11@center",
            "logits:\"dumbbell\"",
            "inception_4a/output:3",
            "mixed4a:11 + 0.5*mixed4b:3 - 1e-3*tv",
        ])
        .stems();
        assert_eq!(
            stems,
            [
                "mixed4a_11",
                "logits_543",
                "mixed4a_11_center",
                "logits_dumbbell",
                "inception_4a_output_3",
                "mixed4a_11_0.5_mixed4b_3",
            ]
        );
    }

    #[test]
    fn no_two_files_have_the_same_name_whatever_the_case() {
        let stems = plan(&["mixed4a:1", "mixed4a:1 - 0.1*tv", "Mixed4a:1"]).stems();
        assert_eq!(stems, ["mixed4a_1", "mixed4a_1-2", "Mixed4a_1-3"]);
    }

    #[test]
    fn a_name_never_leaves_its_folder_nor_grows_without_end() {
        for text in ["../../etc/passwd", "..", "a/b\\c", &"x".repeat(5000)] {
            let stem = stem(text);
            assert!(!stem.contains(['/', '\\']) && !stem.starts_with('.'), "{stem}");
            assert!((1..=LONGEST_STEM).contains(&stem.len()));
        }
    }

    #[test]
    fn a_plan_survives_its_text() {
        let mut plan = plan(&["mixed4a:11 - 1e-3*tv"]);
        plan.tasks[0].variant = vec![("lr".to_owned(), "0.1".to_owned())];
        plan.tasks[0].readouts = [("mixed4a/{stripes}".to_owned(), "0f".repeat(32))].into();
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }

    #[test]
    fn penalties_are_no_part_of_the_activation() {
        let objective: Objective = "2*mixed4a:11 - 0.5*tv - mixed4b:1".parse().unwrap();
        let values = [("a".to_owned(), 10.0), ("tv".to_owned(), 100.0), ("b".to_owned(), 3.0)];
        assert_eq!(activation(&objective, &values), 17.0);
    }

    #[test]
    fn an_objective_of_penalties_alone_is_about_them() {
        let objective: Objective = "-tv".parse().unwrap();
        assert_eq!(activation(&objective, &[("tv".to_owned(), 4.0)]), -4.0);
    }

    #[test]
    fn a_wish_becomes_a_task_less_its_penalties() {
        let wish = |text: &str, batch: usize| {
            let mut making = Making { tv: 0.001, l2: 0.5, diversity: 100.0, ..Making::default() };
            making.settings.batch = batch;
            Wish { objective: text.parse().unwrap(), making, variant: Vec::new() }
        };
        let task = wish("mixed4a:11", 2).task(vec![64]).unwrap();
        let expected = "mixed4a:11 - 1e-3*tv - 0.5*l2 - 100*similar(mixed4a)".parse().unwrap();
        assert_eq!((task.objective, task.snapshots), (expected, vec![64]));
        let error = wish("mixed4a:11", 1).task(Vec::new()).unwrap_err().to_string();
        assert!(error.starts_with("--diversity needs --batch of at least 2"), "{error}");
        let error = wish("tv", 2).task(Vec::new()).unwrap_err().to_string();
        assert!(error.contains("tv names no layer"), "{error}");
    }

    #[test]
    fn snapshots_end_with_the_last_step() {
        let task = Task { snapshots: vec![256, 64, 64], ..task("mixed4a:11") };
        assert_eq!(task.stages(), [64, 256, 512]);
    }

    #[test]
    fn what_cannot_be_made_is_refused_by_name() {
        let mut endless = plan(&["mixed4a:11"]);
        endless.tasks[0].steps = 1_000_001;
        assert!(endless.validate().unwrap_err().to_string().starts_with("steps is"));
        let mut late = plan(&["mixed4a:11"]);
        late.tasks[0].snapshots = vec![513];
        assert!(late.validate().unwrap_err().to_string().starts_with("a snapshot is 513"));
        let mut crowded = plan(&["mixed4a:11"]);
        crowded.tasks = vec![crowded.tasks[0].clone(); MOST_ON_A_SHEET + 1];
        assert!(crowded.validate().unwrap_err().to_string().contains("pictures on one sheet"));
        crowded.tasks.truncate(50);
        for task in &mut crowded.tasks {
            task.settings = Settings::square(2048);
        }
        assert!(crowded.validate().unwrap_err().to_string().contains("pixels on one sheet"));
        crowded.sheet = None;
        assert!(crowded.validate().is_ok());
    }
}

//! Which readouts a plan depends on, held against those that its recipe was made with.

use anyhow::{Context as _, Result};
use shared::Error;
use shared::models::ModelInfo;
use shared::readout::{Derived, Readouts};
use shared::visualize::score::{Context, Score, ScoreError};

use super::plan::Plan;
use crate::failure::WrongCall;

/// Names told of those that a file has instead.
const TOLD: usize = 5;

/// Checks every objective against the model, and notes in every task which readouts it depends on.
///
/// Those of a recipe must be the same, or another picture would pass for the one it records; where
/// an older recipe does not tell, that is said.
///
/// # Errors
/// An objective that does not fit, a readout that is missing or is not the recipe's.
pub fn note(plan: &mut Plan, info: &ModelInfo, here: &Context, is_recipe: bool) -> Result<()> {
    let of_all = plan.directions_sha256.take();
    for task in &mut plan.tasks {
        let recorded = std::mem::take(&mut task.readouts);
        let wanted = |name: &str| recorded.get(name).or(of_all.as_ref()).map(String::as_str);
        let is_here = |name: &str| here.readouts.values().any(|derived| derived.info.name == name);
        if let Some(name) = recorded.keys().find(|name| !is_here(name)) {
            return Err(WrongCall(missing(name, wanted(name), &here.readouts)).into());
        }
        let score = match Score::resolve(&task.objective, info, here) {
            Err(Error::Score(ScoreError::UnknownDirection { layer, name, .. })) if is_recipe => {
                let name = format!("{layer}/{{{name}}}");
                return Err(WrongCall(missing(&name, wanted(&name), &here.readouts)).into());
            }
            score => score.with_context(|| format!("objective {}", task.objective))?,
        };
        task.readouts = score.readouts();
        for (name, found) in &task.readouts {
            match wanted(name) {
                Some(wanted) if wanted != found => {
                    let said = format!(
                        "the recipe was made with another {name}: from a file with SHA-256 \
                         {wanted}, not {found}"
                    );
                    return Err(WrongCall(said).into());
                }
                None if is_recipe => eprintln!(
                    "warning: the recipe does not record the file of {name}; if it was another \
                     than this one (SHA-256 {found}), the picture will differ"
                ),
                _ => {}
            }
        }
    }
    Ok(())
}

/// What is to be said of a readout that no file here has.
fn missing(name: &str, wanted: Option<&str>, here: &Readouts) -> String {
    let from = match wanted {
        Some(wanted) => format!("from a file with SHA-256 {wanted}"),
        None => "and does not record from which file".to_owned(),
    };
    let found = match here.values().next() {
        None => "give it with --directions FILE or --dictionary FOLDER".to_owned(),
        Some(Derived { sha256, .. }) => {
            let names = here.values().map(|derived| derived.info.name.as_str());
            let mut told = names.take(TOLD).collect::<Vec<_>>().join(", ");
            if TOLD < here.len() {
                told.push_str(&format!(" and {} more", here.len() - TOLD));
            }
            format!("the file that was given (SHA-256 {sha256}) has {told}")
        }
    };
    format!("the recipe needs {name}, {from}; {found}")
}

#[cfg(test)]
mod tests {
    use shared::readout::Recorded;
    use shared::readout::directions::direction;
    use shared::visualize::Settings;

    use super::super::plan::Task;
    use super::*;

    fn info() -> ModelInfo {
        shared::models::info("googlenet").unwrap()
    }

    fn plan(objective: &str, readouts: Recorded) -> Plan {
        let task = Task {
            objective: objective.parse().unwrap(),
            settings: Settings::default(),
            seed: 3,
            steps: 4,
            snapshots: Vec::new(),
            variant: Vec::new(),
            readouts,
        };
        Plan {
            version: "0.1.0".to_owned(),
            model: "googlenet".to_owned(),
            model_sha256: "00".repeat(32),
            directions_sha256: None,
            tasks: vec![task],
            sheet: None,
        }
    }

    /// A file of directions in mixed4c.
    fn file(names: &[&str], sha256: &str) -> Context {
        let info = info();
        let id = info.layer_id("mixed4c").unwrap();
        let parent = (id, info.at(id));
        let of = |name: &&str| {
            let direction = direction(parent, name, vec![0.5; 512], sha256).unwrap();
            (("mixed4c".to_owned(), (*name).to_owned()), direction)
        };
        Context { labels: Vec::new(), readouts: names.iter().map(of).collect() }
    }

    fn stripes(sha256: &str) -> Recorded {
        [("mixed4c/{stripes}".to_owned(), sha256.to_owned())].into()
    }

    fn refused(plan: &Plan, here: &Context) -> String {
        let error = note(&mut plan.clone(), &info(), here, true).unwrap_err();
        assert!(error.is::<WrongCall>(), "{error:#}");
        error.to_string()
    }

    #[test]
    fn a_task_notes_what_it_depends_on_and_nothing_else() {
        let here = file(&["stripes", "dots"], "aa");
        for (objective, readouts) in [
            ("inception_4c/output/{stripes} - mixed4a:1", stripes("aa")),
            ("mixed4a:1", Recorded::new()),
        ] {
            let mut plan = plan(objective, Recorded::new());
            note(&mut plan, &info(), &here, false).unwrap();
            assert_eq!(plan.tasks[0].readouts, readouts);
        }
    }

    #[test]
    fn the_same_file_is_welcome_and_one_that_was_not_recorded_is_taken() {
        let here = file(&["stripes", "dots"], "aa");
        for recorded in [stripes("aa"), Recorded::new()] {
            let mut plan = plan("mixed4c/{stripes}", recorded);
            note(&mut plan, &info(), &here, true).unwrap();
            assert_eq!(plan.tasks[0].readouts, stripes("aa"));
        }
    }

    #[test]
    fn another_file_is_refused_with_both_hashes() {
        let here = file(&["stripes"], "aa");
        let expected = "the recipe was made with another mixed4c/{stripes}: from a file with \
            SHA-256 bb, not aa";
        assert_eq!(refused(&plan("mixed4c/{stripes}", stripes("bb")), &here), expected);
        let older = Plan {
            directions_sha256: Some("bb".to_owned()),
            ..plan("mixed4c/{stripes}", Recorded::new())
        };
        assert_eq!(refused(&older, &here), expected);
    }

    #[test]
    fn a_missing_one_is_named_with_its_file_and_with_what_there_is() {
        let needs = plan("mixed4c/{stripes}", stripes("bb"));
        assert_eq!(
            refused(&needs, &Context::default()),
            "the recipe needs mixed4c/{stripes}, from a file with SHA-256 bb; give it with \
             --directions FILE or --dictionary FOLDER"
        );
        assert_eq!(
            refused(&needs, &file(&["dots", "a", "b", "c", "d", "e", "f"], "aa")),
            "the recipe needs mixed4c/{stripes}, from a file with SHA-256 bb; the file that was \
             given (SHA-256 aa) has mixed4c/{a}, mixed4c/{b}, mixed4c/{c}, mixed4c/{d}, \
             mixed4c/{dots} and 2 more"
        );
        assert_eq!(
            refused(&plan("mixed4c/{stripes}", Recorded::new()), &Context::default()),
            "the recipe needs mixed4c/{stripes}, and does not record from which file; give it \
             with --directions FILE or --dictionary FOLDER"
        );
    }
}

//! A sweep: tables of lists that multiply out to runs, each with a name.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use toml::{Table, Value};

use super::recipe::Recipe;
use crate::failure::WrongCall;

/// The most runs of a sweep.
const RUNS_LIMIT: usize = 10_000;

/// A run of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What differs from the others: `k-32_seed-1`. Also the name of its folder.
    pub name: String,
    /// What it is.
    pub recipe: Recipe,
}

/// The text of a sweep with what was given beside it, `key=value`, multiplied out; `seeds` of each.
///
/// # Errors
/// What is no TOML, a key that is not known, a value of another kind.
pub fn runs(file: Option<&Path>, given: &[String], seeds: u64) -> Result<Vec<Run>> {
    let mut table = match file {
        Some(path) => read(path)?,
        None => Table::new(),
    };
    for text in given {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            WrongCall(format!("--set {text}: expected KEY=VALUE, such as k=32 or k=[16,32]"))
        })?;
        table.insert(key.trim().to_owned(), parsed(value.trim()));
    }
    if seeds == 0 {
        return Err(WrongCall("--seeds is 0; it must be at least 1".to_owned()).into());
    }
    if !table.contains_key("seed") {
        let seeds = (0..seeds as i64).map(Value::Integer).collect();
        table.insert("seed".to_owned(), Value::Array(seeds));
    }
    multiplied(&table).map_err(|error| WrongCall(format!("{error:#}")).into())
}

fn read(path: &Path) -> Result<Table> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let table = text.parse::<Table>();
    table.map_err(|error| WrongCall(format!("{} is no sweep: {error}", path.display())).into())
}

/// A value of TOML, several with commas between them, or else a text that stands for itself.
fn parsed(text: &str) -> Value {
    let table = format!("value = {text}").parse::<Table>().ok();
    match table.and_then(|mut table| table.remove("value")) {
        Some(value) => value,
        None if text.contains(',') => {
            Value::Array(text.split(',').map(|part| parsed(part.trim())).collect())
        }
        None => Value::String(text.to_owned()),
    }
}

fn multiplied(table: &Table) -> Result<Vec<Run>> {
    let mut all = vec![Table::new()];
    for (key, value) in table {
        // Prefixes are a list of their own: a list of these multiplies out.
        let several = match value {
            Value::Array(values) if key != "prefixes" => values.clone(),
            Value::Array(values) if values.iter().any(Value::is_array) => values.clone(),
            value => vec![value.clone()],
        };
        if several.is_empty() {
            bail!("{key} is an empty list");
        }
        if RUNS_LIMIT < all.len().saturating_mul(several.len()) {
            bail!("the sweep has more than {RUNS_LIMIT} runs");
        }
        let with = |table: &Table, value: &Value| {
            let mut table = table.clone();
            table.insert(key.clone(), value.clone());
            table
        };
        all = all.iter().flat_map(|table| several.iter().map(|value| with(table, value))).collect();
    }
    let recipes = all.into_iter().map(|table| {
        Table::try_into::<Recipe>(table).map_err(|error| anyhow::anyhow!("{}", error.message()))
    });
    let recipes = recipes.collect::<Result<Vec<_>>>()?;
    named(recipes)
}

fn named(recipes: Vec<Recipe>) -> Result<Vec<Run>> {
    let fields = recipes.iter().map(Recipe::to_json).collect::<Result<Vec<Json>>>()?;
    let keys: Vec<&String> =
        fields.first().and_then(Json::as_object).into_iter().flat_map(|all| all.keys()).collect();
    let differs = |key: &&&String| fields.iter().any(|other| other[**key] != fields[0][**key]);
    // A seed is always told, so that a second one may be added.
    let told: Vec<_> =
        keys.iter().filter(|key| **key == "seed" || differs(key)).map(|key| key.as_str()).collect();
    let mut names = BTreeSet::new();
    let mut runs = Vec::new();
    for (recipe, fields) in recipes.into_iter().zip(&fields) {
        let parts: Vec<String> =
            told.iter().map(|key| format!("{key}-{}", plain(&fields[*key]))).collect();
        let name = parts.join("_");
        if !names.insert(name.clone()) {
            bail!("two runs are the same: {name}");
        }
        runs.push(Run { name, recipe });
    }
    Ok(runs)
}

/// A value in letters that a folder's name may have.
fn plain(value: &Json) -> String {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Null => "default".to_owned(),
        value => value.to_string(),
    };
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '+');
    let letters = text.trim_matches(['[', ']']).chars();
    letters.map(|letter| if fits(letter) { letter } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::recipe::Kind;
    use super::*;

    fn of(text: &str, seeds: u64) -> Result<Vec<Run>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.toml");
        std::fs::write(&path, text).unwrap();
        runs(Some(&path), &[], seeds)
    }

    #[test]
    fn lists_multiply_out_and_two_seeds_are_trained_of_each() {
        let runs = of("kind = ['topk', 'batch-topk']\nk = [16, 32]\nbatch = 512", 2).unwrap();
        let names: Vec<_> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names.len(), 8);
        assert_eq!(names[0], "k-16_kind-topk_seed-0");
        assert_eq!(names[7], "k-32_kind-batch-topk_seed-1");
        let last = &runs[7].recipe;
        let expected =
            Recipe { kind: Kind::BatchTopk, k: 32, batch: 512, seed: 1, ..Recipe::default() };
        assert_eq!(*last, expected);
    }

    #[test]
    fn prefixes_are_one_value_and_a_list_of_them_several() {
        let count = |text: &str| of(text, 1).unwrap().len();
        assert_eq!(count("prefixes = [16, 64]"), 1);
        assert_eq!(count("prefixes = [[16, 64], [32]]"), 2);
    }

    #[test]
    fn what_is_given_on_the_command_line_takes_the_place_of_the_files() {
        let given = ["k=4, 8", "kind=relu", "layer = blocks.10"].map(str::to_owned);
        let runs = runs(None, &given, 1).unwrap();
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[0].name, "k-4_seed-0");
        let rates = ["learning_rate=0.0004,0.001".to_owned()];
        assert_eq!(super::runs(None, &rates, 1).unwrap()[0].name, "learning_rate-0.0004_seed-0");
        assert_eq!(runs[1].recipe.kind, Kind::Relu);
        assert_eq!(runs[1].recipe.layer.as_deref(), Some("blocks.10"));
    }

    #[test]
    fn what_is_wrong_with_a_sweep_is_named() {
        for (text, said) in [
            ("kk = 3", "unknown field `kk`"),
            ("kind = 'top'", "unknown variant `top`"),
            ("k = 'many'", "invalid type"),
            ("k = []", "k is an empty list"),
            ("k = [1, 1]", "two runs are the same"),
            ("k = ", "is no sweep"),
        ] {
            let error = of(text, 1).unwrap_err();
            assert!(error.is::<WrongCall>());
            assert!(error.to_string().contains(said), "{text}: {error}");
        }
        assert!(runs(None, &["k".to_owned()], 1).unwrap_err().to_string().contains("KEY=VALUE"));
    }
}

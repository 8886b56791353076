//! `pellucid visualize`: objectives to pictures.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use shared::format::recipe::recipe_from_png;
use shared::models::{self, ModelInfo};
use shared::visualize::{Making, Objective, Preset, score};

use super::arguments::{DeviceArgs, DictionaryArgs, WeightsArgs};
use super::setting_flags::SettingFlags;
use crate::failure::WrongCall;
use crate::model::LoadedModel;
use crate::visualize::compare::Comparison;
use crate::visualize::plan::{Plan, Sheet, Task, Wish};
use crate::visualize::report::Report;
use crate::visualize::sheet::{number, variant};
use crate::visualize::shorthand::expand;
use crate::visualize::{Made, Out, Outcome, Visualize, directions, plan_from_png, readouts};
use crate::weights::Weights;
use crate::{device, labels, naming, output};

/// Pictures side by side on a sheet, as in the published figures.
const COLUMNS: usize = 5;

/// What to make pictures of, and how.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "pellucid visualize [OPTIONS] [MODEL] <OBJECTIVE>... --out <PATH>\n       \
    pellucid visualize [OPTIONS] --recipe <FILE> --out <PATH>"
)]
#[command(after_help = "Examples:\n  \
    pellucid visualize block12:3 --out dream.png\n  \
    pellucid visualize googlenet mixed4a:0..10 --size 128 --steps 512 --out grid.png\n  \
    pellucid visualize googlenet mixed4a:11 logits:543 --out dreams/\n  \
    pellucid visualize vit-tiny-patch16-224 blocks.6:11 blocks.10:7@cls logits:980 --out dreams/\n  \
    pellucid visualize googlenet mixed4a:11 --compare parameterization=pixel,fourier \\\n      \
    --compare decorrelate=yes,no --out compared.png\n  \
    pellucid visualize googlenet mixed4a:11 --batch 4 --diversity 1e2 --out four.png\n  \
    pellucid visualize googlenet 'mixed4c/{stripes}' --directions mine.safetensors --out stripes.png\n  \
    pellucid visualize --recipe dreams/mixed4a_11.png --out again.png\n\n\
    A first word that is a model's name is the model; otherwise it is the one that is built in,\n\
    efficientnet-lite0. A run that was stopped goes on where it was with the same command.")]
pub struct Args {
    /// What to climb: mixed4a:11, mixed4a:11@center, blocks.10:7@cls, logits:"dumbbell", mixed4d,
    /// weighted sums of these; mixed4a:0..10 stands for ten. The model's name may come first
    #[arg(required_unless_present = "recipe", value_name = "OBJECTIVE")]
    words: Vec<String>,

    #[command(flatten)]
    weights: WeightsArgs,

    /// A PNG file (several pictures become a titled sheet) or a folder/ (a file for each)
    #[arg(long, short, value_name = "PATH")]
    out: PathBuf,

    /// How it is made: object (things in natural colours), scene (things in their surroundings),
    /// texture (patterns that fill the picture) or classic (Lucid's settings). By default what suits
    /// each objective; every setting below overrides it
    #[arg(long, value_name = "NAME")]
    preset: Option<Preset>,

    #[command(flatten)]
    settings: SettingFlags,

    /// Steps on the way whose pictures are kept too: 64,256
    #[arg(long, value_delimiter = ',', value_name = "STEPS")]
    snapshots: Vec<usize>,

    /// One setting in several values, side by side; may be repeated. Any of the settings above by
    /// its name, also decorrelate=yes,no
    #[arg(long, value_name = "SETTING=A,B")]
    compare: Vec<String>,

    /// Make a picture or sheet again from the recipe in its PNG file
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["preset", "snapshots", "compare", "columns", "title"]
    )]
    recipe: Option<PathBuf>,

    /// Directions to climb as LAYER/{NAME}: a safetensors file whose tensors are called LAYER/NAME
    /// and hold a value a channel
    #[arg(long, value_name = "FILE")]
    directions: Option<PathBuf>,

    #[command(flatten)]
    dictionaries: DictionaryArgs,

    /// Pictures side by side on a sheet
    #[arg(long, value_name = "N")]
    columns: Option<usize>,

    /// On top of a sheet
    #[arg(long)]
    title: Option<String>,

    /// Also print the highest activation that any photograph in this folder reaches
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,

    /// JSON instead of text
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    device: DeviceArgs,
}

/// A stable interface: scripts read it.
#[derive(Serialize)]
struct Printed<'a> {
    file: String,
    #[serde(flatten)]
    report: &'a Report,
}

/// Makes the pictures, and prints a line for each.
pub fn run(args: Args) -> Result<()> {
    let out = Out::new(&args.out)?;
    let (mut plan, only) = match &args.recipe {
        Some(recipe) => from_recipe(recipe, &out)?,
        None => (args.plan(&out)?, None),
    };
    plan.validate()?;
    // Before the weights are read: a wrong objective is answered at once.
    let info = models::info(&plan.model)?;
    let weights = args.weights.weights.as_deref();
    let labels = match weights {
        Some(path) => labels::beside(&info, &Weights::File(path.to_owned())),
        None => labels::known(&info),
    };
    let device = device::open(args.device.device.into())?;
    let mut readouts = args.dictionaries.readouts(&info, &device)?;
    if let Some(file) = &args.directions {
        readouts.extend(directions::read(file, &info)?);
    }
    let context = score::Context { labels, readouts };
    readouts::note(&mut plan, &info, &context, args.recipe.is_some())?;

    let loaded = LoadedModel::load(&plan.model, weights, &device)?;
    let loaded = LoadedModel { readouts: context.readouts, ..loaded };
    adopt(&mut plan, &loaded);
    let visualize = Visualize { plan: &plan, out: &out, only, against: args.against.as_deref() };
    let Outcome { made, unreadable } = visualize.run(&loaded, &device)?;
    print(&made, &plan.tasks, args.json)?;
    if 0 < unreadable {
        bail!("{unreadable} photographs could not be read and were skipped; the rest is done");
    }
    Ok(())
}

fn print(made: &[Made], tasks: &[Task], as_json: bool) -> Result<()> {
    if as_json {
        let printed = made
            .iter()
            .map(|Made { file, report }| Printed { file: file.display().to_string(), report });
        return output::json(&printed.collect::<Vec<_>>());
    }
    made.iter().zip(tasks).try_for_each(|(made, task)| output::line(&text(made, task)))
}

/// From here on the plan speaks of this program and these weights.
fn adopt(plan: &mut Plan, loaded: &LoadedModel) {
    let version = env!("CARGO_PKG_VERSION");
    if !plan.model_sha256.is_empty() && plan.model_sha256 != loaded.sha256 {
        eprintln!(
            "warning: the recipe was made with other weights ({}) than {} ({}); the picture will differ",
            plan.model_sha256, loaded.weights, loaded.sha256
        );
    }
    if plan.version != version {
        eprintln!(
            "warning: the recipe was made by version {}, this is {version}; the picture may differ",
            plan.version
        );
    }
    plan.model_sha256.clone_from(&loaded.sha256);
    version.clone_into(&mut plan.version);
}

fn text(Made { file, report }: &Made, task: &Task) -> String {
    let mut text = report.objective.clone();
    if !task.variant.is_empty() {
        text.push_str(&format!("  {}", variant(&task.variant)));
    }
    text.push_str(&format!("  activation {}", number(report.activation)));
    if let Some(against) = &report.against {
        let ratio = report.activation / against.best;
        let best = number(against.best);
        text.push_str(&format!("  best photograph {best} ({}), {ratio:.1} times", against.file));
    }
    format!("{text}  {}", file.display())
}

impl Args {
    fn plan(&self, out: &Out) -> Result<Plan> {
        let comparisons =
            self.compare.iter().map(|text| text.parse()).collect::<Result<Vec<Comparison>, _>>()?;
        let named = naming::split_layers(&self.words)?;
        let info = models::info(named.model)?;
        let mut wishes = Vec::new();
        for text in named.rest {
            for objective in expand(text)? {
                let making = self.making(&objective, &info)?;
                wishes.push(Wish { objective, making, variant: Vec::new() });
            }
        }
        // The last first, so that the first varies fastest: it becomes the columns.
        for comparison in comparisons.iter().rev() {
            let spread: Result<Vec<_>> =
                wishes.iter().map(|wish| comparison.spread(wish)).collect();
            wishes = spread?.into_iter().flatten().collect();
        }
        let tasks = wishes.into_iter().map(|wish| wish.task(self.snapshots.clone()));
        let tasks = tasks.collect::<Result<Vec<_>>>()?;
        let model = named.model.to_owned();
        let single = |task: &Task| task.stages().len() == 1 && task.settings.batch == 1;
        let plain = self.title.is_none()
            && self.columns.is_none()
            && matches!(tasks.as_slice(), [task] if single(task));
        let sheet = match out {
            Out::File(_) if !plain => Some(Sheet {
                title: match &self.title {
                    Some(title) => title.clone(),
                    None => title(info.title, &tasks),
                },
                columns: self.columns.unwrap_or(COLUMNS),
            }),
            _ => None,
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let model_sha256 = String::new();
        Ok(Plan { version, model, model_sha256, directions_sha256: None, tasks, sheet })
    }

    /// The preset's settings, and what is typed in their place.
    fn making(&self, objective: &Objective, info: &ModelInfo) -> Result<Making> {
        let preset = self.preset.unwrap_or_else(|| Preset::of(objective, &info.layers));
        let mut making = preset.making();
        self.settings.change(&mut making)?;
        Ok(making)
    }
}

/// `GoogLeNet, mixed4a: 10 channels`, or what the objectives have in common.
fn title(model: &str, tasks: &[Task]) -> String {
    let mut objectives: Vec<String> = tasks.iter().map(|task| task.objective.to_string()).collect();
    objectives.dedup();
    let mut layers: Vec<_> =
        tasks.iter().map(|task| task.objective.layers().first().copied()).collect();
    layers.dedup();
    match (objectives.as_slice(), layers.as_slice()) {
        ([one], _) => format!("{model}: {one}"),
        (some, [Some(layer)]) => format!("{model}: {} units of {layer}", some.len()),
        (some, _) => format!("{model}: {} objectives", some.len()),
    }
}

/// The plan that makes a PNG file again, and which of its batch it shows.
fn from_recipe(path: &Path, out: &Out) -> Result<(Plan, Option<usize>)> {
    let reading = || format!("reading the recipe in {}", path.display());
    let bytes = fs::read(path).with_context(reading)?;
    if let Some(mut plan) = plan_from_png(&bytes).with_context(reading)? {
        if matches!(out, Out::Folder(_)) {
            plan.sheet = None;
        }
        return Ok((plan, None));
    }
    let recipe = recipe_from_png(&bytes).with_context(reading)?.ok_or_else(|| {
        let reason = "carries no recipe; pictures lose it in most programs that save them anew";
        WrongCall(format!("--recipe {}: the file {reason}", path.display()))
    })?;
    let objective = recipe.objective.parse().map_err(shared::Error::from).with_context(reading)?;
    let task = Task {
        objective,
        settings: recipe.settings,
        seed: recipe.seed,
        steps: recipe.step,
        snapshots: Vec::new(),
        variant: Vec::new(),
        readouts: recipe.readouts,
    };
    let plan = Plan {
        version: recipe.version,
        model: recipe.model,
        model_sha256: recipe.model_sha256,
        directions_sha256: None,
        tasks: vec![task],
        sheet: None,
    };
    Ok((plan, Some(recipe.batch_index)))
}

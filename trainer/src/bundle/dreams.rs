//! What units look for: folders of pictures from `pellucid visualize` to a layer's sheets.

mod thumbnail;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use jpeg_encoder::SamplingFactor;
use shared::format::bundle::Dreams;
use shared::format::recipe::{Recipe, recipe_from_png};
use shared::models::ModelInfo;
use shared::visualize::objective::{Channel, Measure, Objective};

use super::dictionaries::Shipped;
use super::files::Files;
use super::sheets::Layout;
use crate::pictures::decode;
use crate::pictures::found::Content;
use crate::pictures::listing::Listing;
use crate::pictures::source::Source;

/// Sheets of about 1.3 MB: 256 units.
///
/// Dreams change colour from pixel to pixel, so their colours are kept at full resolution.
const LAYOUT: Layout =
    Layout { side: 96, columns: 16, rows: 16, quality: 80, colors: SamplingFactor::F_1_1 };

/// A picture of what one unit looks for.
#[derive(Debug)]
struct Dream {
    file: PathBuf,
    unit: usize,
    penalties: String,
    recipe: Recipe,
}

/// Every layer that the folders hold pictures of, by its canonical name, in no order that matters.
pub fn gather(
    folders: &[PathBuf],
    info: &ModelInfo,
    dictionaries: &BTreeMap<String, Shipped>,
    files: &mut Files,
) -> Result<BTreeMap<String, Dreams>> {
    let mut layers: BTreeMap<String, Vec<Dream>> = BTreeMap::new();
    for file in files_in(folders)? {
        let (layer, dream) =
            read(&file, info, dictionaries).with_context(|| file.display().to_string())?;
        layers.entry(layer).or_default().push(dream);
    }
    let mut gathered = BTreeMap::new();
    for (layer, mut dreams) in layers {
        dreams.sort_by_key(|dream| dream.unit);
        refuse_doubles(&layer, &dreams)?;
        refuse_an_odd_one(&layer, &dreams)?;
        let pictures = dreams.iter().map(|dream| {
            let picture = decode::read(&dream.file)?;
            Ok(thumbnail::of(&picture, LAYOUT.side)?)
        });
        let sprites = LAYOUT.lay_out(&format!("{layer}/dreams-"), pictures, files)?;
        let Some(Dream { penalties, recipe, .. }) = dreams.first() else { continue };
        gathered.insert(
            layer,
            Dreams {
                units: ranges(dreams.iter().map(|dream| dream.unit)),
                sprites,
                settings: recipe.settings.clone(),
                steps: recipe.step,
                seed: recipe.seed,
                penalties: penalties.clone(),
            },
        );
    }
    Ok(gathered)
}

/// Every picture under the folders, each a file of its own.
fn files_in(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let sources: Vec<_> = folders.iter().map(|folder| Source::as_given(folder)).collect();
    let mut files = Vec::new();
    if sources.is_empty() {
        return Ok(files);
    }
    Listing::of(sources.clone())?;
    for source in sources {
        source.walk(&mut |found| {
            let name = found.name.clone();
            match found.content() {
                Content::File(file) => files.push(file),
                Content::Bytes(_) => {
                    bail!("{name}: expected a file of its own, not one in a shard")
                }
                Content::Broken(reason) => bail!("{name}: {reason}"),
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(files)
}

/// The layer a picture belongs to, and what is known of it without decoding it.
fn read(
    file: &Path,
    info: &ModelInfo,
    dictionaries: &BTreeMap<String, Shipped>,
) -> Result<(String, Dream)> {
    let recipe = recipe_from_png(&fs::read(file)?)?
        .context("carries no recipe: expected a picture made by `pellucid visualize`")?;
    if recipe.model != info.name {
        bail!("shows what {} looks for, this bundle is {}'s", recipe.model, info.name);
    }
    if recipe.settings.width != recipe.settings.height {
        bail!("is {}x{} pixels, expected a square", recipe.settings.width, recipe.settings.height);
    }
    let (layer, unit, penalties) = unit_of(&recipe.objective)?;
    let layer = info.layer(&layer)?;
    if layer.channels <= unit {
        bail!("shows unit {unit} of {}, which has {}", layer.name, layer.channels);
    }
    if let Some(shipped) = dictionaries.get(&layer.name)
        && recipe.readouts.get(&layer.name) != Some(&shipped.sha256)
    {
        bail!("shows a latent of another dictionary than --dictionary names");
    }
    let dream = Dream { file: file.to_owned(), unit, penalties, recipe };
    Ok((layer.name.clone(), dream))
}

/// `mixed4a:11 - 1e-3*tv` as layer, unit and what follows.
fn unit_of(objective: &str) -> Result<(String, usize, String)> {
    let unlike = || format!("its objective is {objective}, expected LAYER:UNIT and penalties");
    let parsed: Objective = objective.parse().with_context(unlike)?;
    let (first, rest) = parsed.terms.split_first().with_context(unlike)?;
    let Measure::Unit { layer, channel: Channel::Index(unit), place: None } = &first.measure else {
        bail!(unlike());
    };
    if first.weight != 1.0 || rest.iter().any(|term| term.measure.layer().is_some()) {
        bail!(unlike());
    }
    let printed = parsed.to_string();
    let penalties = printed.strip_prefix(&first.measure.to_string()).with_context(unlike)?;
    Ok((layer.clone(), *unit, penalties.to_owned()))
}

fn refuse_doubles(layer: &str, dreams: &[Dream]) -> Result<()> {
    for pair in dreams.windows(2) {
        if let [one, other] = pair
            && one.unit == other.unit
        {
            bail!(
                "{} and {} both show unit {} of {layer}, expected one picture a unit",
                one.file.display(),
                other.file.display(),
                one.unit
            );
        }
    }
    Ok(())
}

/// Pictures side by side on a wall must be comparable: made alike, by the same network.
fn refuse_an_odd_one(layer: &str, dreams: &[Dream]) -> Result<()> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for dream in dreams {
        let making = making(dream);
        match kinds.iter_mut().find(|kind| kind.making == making) {
            Some(kind) => kind.count += 1,
            None => kinds.push(Kind { making, count: 1, first: dream }),
        }
    }
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    let [usual, odd, ..] = kinds.as_slice() else { return Ok(()) };
    let both = usual.making.iter().zip(&odd.making);
    let differences = both.filter(|(usual, odd)| usual != odd);
    let said: Vec<_> = differences
        .map(|((name, usual), (_, odd))| format!("{name} {odd}, expected {usual}"))
        .collect();
    bail!(
        "{} was made otherwise than other dreams of {layer}: {}",
        odd.first.file.display(),
        said.join("; ")
    )
}

/// Dreams that were made alike.
struct Kind<'a> {
    making: Vec<(&'static str, String)>,
    count: usize,
    first: &'a Dream,
}

/// What all dreams of a layer have in common.
fn making(dream: &Dream) -> Vec<(&'static str, String)> {
    let Recipe { model_sha256, settings, seed, step, .. } = &dream.recipe;
    vec![
        ("weights", model_sha256.clone()),
        ("steps", step.to_string()),
        ("seed", seed.to_string()),
        ("penalties", format!("{:?}", dream.penalties.trim())),
        ("settings", serde_json::to_string(settings).unwrap_or_default()),
    ]
}

/// Ascending numbers as ranges `[from, to)`.
fn ranges(units: impl Iterator<Item = usize>) -> Vec<[usize; 2]> {
    let mut ranges: Vec<[usize; 2]> = Vec::new();
    for unit in units {
        match ranges.last_mut() {
            Some([_, to]) if *to == unit => *to += 1,
            _ => ranges.push([unit, unit + 1]),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use shared::format::recipe::encode_png;
    use shared::image::Picture;
    use shared::models;
    use shared::visualize::Settings;

    use super::*;

    fn recipe(objective: &str) -> Recipe {
        Recipe {
            version: "0.1.0".to_owned(),
            model: "googlenet".to_owned(),
            model_sha256: "0f".repeat(32),
            objective: objective.to_owned(),
            settings: Settings::square(96),
            seed: 7,
            step: 64,
            batch_index: 0,
            readouts: BTreeMap::new(),
        }
    }

    fn gather_these(recipes: &[Recipe]) -> Result<BTreeMap<String, Dreams>> {
        let folder = tempfile::tempdir().unwrap();
        for (number, recipe) in recipes.iter().enumerate() {
            let Settings { width, height, .. } = recipe.settings;
            let picture = Picture::from_planes(width, height, vec![0.5; 3 * width * height]);
            let bytes = encode_png(&picture.unwrap(), Some(recipe)).unwrap();
            fs::write(folder.path().join(format!("{number}.png")), bytes).unwrap();
        }
        let info = models::info("googlenet").unwrap();
        gather(&[folder.path().to_owned()], &info, &BTreeMap::new(), &mut Files::default())
    }

    #[test]
    fn units_are_grouped_by_layer_and_put_in_order_whatever_their_files_are_called() {
        let objectives = ["mixed4a:12", "mixed4d:3", "inception_4a/output:2", "mixed4a:11"];
        let layers = gather_these(&objectives.map(recipe)).unwrap();
        assert_eq!(layers.keys().collect::<Vec<_>>(), ["mixed4a", "mixed4d"]);
        let dreams = &layers["mixed4a"];
        assert_eq!(dreams.units, [[2, 3], [11, 13]]);
        assert_eq!((dreams.steps, dreams.seed, dreams.penalties.as_str()), (64, 7, ""));
        assert_eq!(dreams.sprites.sheets[0].path, "mixed4a/dreams-0.jpg");
    }

    #[test]
    fn what_follows_the_unit_is_its_penalties() {
        let layers = gather_these(&[recipe("mixed4a:0 - 0.001*tv - l2")]).unwrap();
        assert_eq!(layers["mixed4a"].penalties, " - 1e-3*tv - l2");
        assert_eq!(unit_of("mixed4a:3").unwrap(), ("mixed4a".to_owned(), 3, String::new()));
    }

    #[test]
    fn an_objective_that_is_no_unit_of_its_own_is_refused() {
        for objective in [
            "mixed4a",
            "2*mixed4a:1",
            "mixed4a:1@center",
            "mixed4a:1 + mixed4a:2",
            "logits:\"dumbbell\"",
            "-tv",
        ] {
            let error = format!("{:#}", gather_these(&[recipe(objective)]).unwrap_err());
            assert!(error.contains("0.png") && error.contains("LAYER:UNIT"), "{error}");
        }
    }

    #[test]
    fn the_odd_one_is_named_with_what_is_odd() {
        let usual = || recipe("mixed4a:1");
        let tilted = Settings { decorrelate: false, ..Settings::square(96) };
        let odd = [
            (Recipe { step: 65, ..usual() }, "steps 65, expected 64"),
            (Recipe { seed: 8, ..usual() }, "seed 8, expected 7"),
            (Recipe { model_sha256: "aa".repeat(32), ..usual() }, "weights aaaa"),
            (Recipe { settings: tilted, ..usual() }, "settings"),
            (recipe("mixed4a:1 - tv"), "penalties \"- tv\", expected \"\""),
        ];
        for (odd, named) in odd {
            let recipes = [odd, recipe("mixed4a:2"), recipe("mixed4a:3")];
            let error = gather_these(&recipes).unwrap_err().to_string();
            assert!(error.contains("0.png") && error.contains(named), "{named}: {error}");
        }
    }

    #[test]
    fn pictures_that_do_not_belong_are_refused_by_name() {
        let oblong = Settings { height: 64, ..Settings::square(96) };
        for (recipe, named) in [
            (Recipe { model: "inception-v1".to_owned(), ..recipe("mixed4a:1") }, "inception-v1"),
            (recipe("mixed4a:512"), "unit 512"),
            (recipe("mixed9a:1"), "mixed9a"),
            (Recipe { settings: oblong, ..recipe("mixed4a:1") }, "96x64"),
        ] {
            let error = format!("{:#}", gather_these(&[recipe]).unwrap_err());
            assert!(error.contains("0.png") && error.contains(named), "{named}: {error}");
        }
        let twice = gather_these(&[recipe("mixed4a:1"), recipe("mixed4a:1")]).unwrap_err();
        assert!(twice.to_string().contains("both show unit 1 of mixed4a"), "{twice}");
    }

    #[test]
    fn a_picture_without_a_recipe_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        image::RgbImage::new(96, 96).save(folder.path().join("found.png")).unwrap();
        let info = models::info("googlenet").unwrap();
        let folders = [folder.path().to_owned()];
        let error = gather(&folders, &info, &BTreeMap::new(), &mut Files::default()).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("found.png") && error.contains("no recipe"), "{error}");
    }
}

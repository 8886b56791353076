//! A layer's results as the part of a bundle.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use shared::format::exemplars::{
    BARS, Exemplar, Exemplars, QUANTILES, Reference, UnitExemplars, Whole,
};

use super::report::{ExemplarReport, LayerReport, UnitReport, heat_path, json_path};

/// What exemplars must be of to go into a bundle.
pub struct Wanted<'a> {
    /// The bundle's model.
    pub model: &'a str,
    /// Files of its gallery in order, relative to the gallery's folder, with `/`.
    pub gallery: &'a [String],
    /// The fingerprint of the gallery's folder, where there is one:
    /// [`crate::pictures::listing::Listing::sha256`].
    pub pictures_sha256: Option<&'a str>,
    /// Of the dictionary whose latents they are of, where they are of latents.
    pub dictionary_sha256: Option<&'a str>,
}

/// The exemplars of a layer with their heat maps, from the results in `folder`, each picture as its
/// number in the gallery.
///
/// # Errors
/// Results that are missing or damaged, of another model or other pictures, or an exemplar that is
/// not in the gallery, by name.
pub fn bundle_part(folder: &Path, layer: &str, wanted: &Wanted<'_>) -> Result<Whole> {
    let report = LayerReport::read(folder, layer)?;
    let path = json_path(folder, layer);
    let within = || format!("in {}", path.display());
    let Wanted { model, gallery, pictures_sha256, dictionary_sha256 } = *wanted;
    if report.job.model != model {
        bail!("{} is of {}, not of {model}", path.display(), report.job.model);
    }
    let chosen_from = report.job.data.as_ref().map(|data| data.sha256.as_str());
    if pictures_sha256.is_some() && pictures_sha256 != chosen_from {
        bail!(
            "{} was chosen from other pictures than those of --gallery, or they changed since: \
             run `pellucid exemplars` on these",
            path.display()
        );
    }
    if let Some(wanted) = dictionary_sha256
        && report.job.assets.get(&report.layer).is_none_or(|found| found != wanted)
    {
        bail!("{} is of another dictionary than --dictionary names", path.display());
    }
    let numbers: HashMap<&str, usize> =
        gallery.iter().enumerate().map(|(number, file)| (file.as_str(), number)).collect();
    let units = report.units.iter().map(|unit| unit_exemplars(unit, &numbers));
    let units = units.collect::<Result<Vec<_>>>().with_context(within)?;

    let path = heat_path(folder, layer);
    let heat = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let expected = report.heat_length();
    if heat.len() != expected {
        bail!("{} has {} bytes, expected {expected}", path.display(), heat.len());
    }
    let mut rest = heat.as_slice();
    let maps = units.iter().map(|unit| {
        let (maps, behind) = rest.split_at(unit.top.len() * report.heat[0] * report.heat[1]);
        rest = behind;
        maps.to_vec()
    });
    Ok(Whole {
        statistic: report.statistic,
        pictures: usize::try_from(report.images).with_context(within)?,
        positions: report.positions,
        heat: report.heat,
        reference: None,
        maps: maps.collect(),
        units,
    })
}

/// How much the pictures that the results in `folder` are of excite the units of a layer, whose
/// exemplars in the bundle are `exemplars`, of `model`.
///
/// # Errors
/// Results that cannot be read, or are of another model, statistic or number of units.
pub fn reference(
    folder: &Path,
    layer: &str,
    exemplars: &Exemplars,
    model: &str,
) -> Result<Reference> {
    let Exemplars { statistic, units, .. } = *exemplars;
    let report = LayerReport::read(folder, layer)?;
    let path = json_path(folder, layer);
    if report.job.model != model {
        bail!("{} is of {}, not of {model}", path.display(), report.job.model);
    }
    if report.statistic != statistic {
        bail!("{} and the exemplars were not chosen by the same --statistic", path.display());
    }
    if report.units.len() != units {
        bail!("{} has {} units, {layer} has {units}", path.display(), report.units.len());
    }
    let best = |unit: &UnitReport| unit.top.first().map_or(0.0, |exemplar| exemplar.value);
    Ok(Reference {
        pictures: usize::try_from(report.images)?,
        best: report.units.iter().map(best).collect(),
    })
}

fn unit_exemplars(unit: &UnitReport, numbers: &HashMap<&str, usize>) -> Result<UnitExemplars> {
    let exemplar = |exemplar: &ExemplarReport| {
        let Some(&picture) = numbers.get(exemplar.file.as_str()) else {
            bail!("{}: the exemplar {:?} is not in the gallery", unit.unit, exemplar.file);
        };
        let ExemplarReport { value, row, column, .. } = *exemplar;
        Ok(Exemplar { picture, value, row, column })
    };
    let histogram: Option<Vec<u16>> =
        unit.histogram.iter().map(|&bar| u16::try_from(bar).ok()).collect();
    let counted = |what: &str, expected: usize| {
        format!("{}: its {what} is damaged, expected {expected} numbers", unit.unit)
    };
    Ok(UnitExemplars {
        top: unit.top.iter().map(exemplar).collect::<Result<_>>()?,
        quantiles: <[f32; QUANTILES.len()]>::try_from(unit.quantiles.as_slice())
            .with_context(|| counted("list of quantiles", QUANTILES.len()))?,
        histogram: histogram
            .and_then(|bars| bars.try_into().ok())
            .with_context(|| counted("histogram", BARS))?,
        zero_share: unit.zero_share as f32,
        elsewhere: None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::format::bundle::Part;
    use shared::format::exemplars::Statistic;

    use super::super::report;
    use super::super::state::State;
    use super::super::tally::{By, Maps};
    use super::super::top::Shown;
    use super::*;
    use crate::job::{Data, Job};

    /// Results of three channels and four pictures.
    fn results() -> tempfile::TempDir {
        let data = Data { kind: "pictures".to_owned(), count: 4, sha256: "bb".to_owned() };
        let job = Job::new("exemplars", "googlenet", "aa").over(data);
        let mut state = State::new(job, &[("mixed4a".to_owned(), 3)], 2);
        let shown =
            |number| Shown { number, file: format!("a/{number}.jpg"), label: String::new() };
        let pictures: Vec<_> = (0..4).map(|number| Arc::new(shown(number))).collect();
        let values: Vec<f32> = (0..4 * 3 * 8 * 8).map(|value| (value * 7 % 97) as f32).collect();
        let maps = Maps { values: &values, pictures: &pictures, positions: [8, 8] };
        state.layers[0].add(maps, By::Max).unwrap();
        state.done = 4;
        let folder = tempfile::tempdir().unwrap();
        let layer = LayerReport::new(&state, &state.layers[0], Statistic::Max);
        report::write(folder.path(), &layer, &state.layers[0]).unwrap();
        folder
    }

    fn gallery() -> Vec<String> {
        [2, 0, 9, 3, 1].map(|number| format!("a/{number}.jpg")).into()
    }

    fn wanted(gallery: &[String]) -> Wanted<'_> {
        Wanted { model: "googlenet", gallery, pictures_sha256: Some("bb"), dictionary_sha256: None }
    }

    fn part(folder: &Path) -> Whole {
        bundle_part(folder, "mixed4a", &wanted(&gallery())).unwrap()
    }

    /// What a bundle would say of it.
    fn described(whole: &Whole) -> Exemplars {
        whole.write(|_, page, bytes| Part::of(&page.to_string(), &bytes))
    }

    #[test]
    fn a_part_points_at_the_gallery_and_has_a_heat_map_for_each_exemplar() {
        let folder = results();
        let whole = part(folder.path());
        let report = LayerReport::read(folder.path(), "mixed4a").unwrap();
        assert_eq!(whole.heat, [7, 7]);
        assert!(whole.maps.iter().all(|maps| maps.len() == 2 * 49));
        for (unit, there) in whole.units.iter().zip(&report.units) {
            for (exemplar, there) in unit.top.iter().zip(&there.top) {
                assert_eq!(gallery()[exemplar.picture], there.file);
                assert_eq!((exemplar.value, exemplar.row), (there.value, there.row));
            }
        }
        assert!(whole.maps.iter().all(|maps| maps.iter().max() == Some(&255)));
    }

    #[test]
    fn a_reference_is_the_best_value_of_each_unit() {
        let folder = results();
        let whole = part(folder.path());
        let reference =
            reference(folder.path(), "mixed4a", &described(&whole), "googlenet").unwrap();
        assert_eq!(reference.pictures, 4);
        let best = whole.units.iter().map(|unit| unit.top[0].value);
        assert_eq!(reference.best, best.collect::<Vec<_>>());
    }

    #[test]
    fn a_reference_of_something_else_is_refused() {
        let folder = results();
        let exemplars = described(&part(folder.path()));
        let told = |exemplars: &Exemplars, model| {
            format!("{:#}", reference(folder.path(), "mixed4a", exemplars, model).unwrap_err())
        };
        assert!(told(&exemplars, "inception-v1").contains("is of googlenet, not of inception-v1"));
        let mean = Exemplars { statistic: Statistic::Mean, ..exemplars.clone() };
        assert!(told(&mean, "googlenet").contains("--statistic"));
        let fewer = Exemplars { units: 2, ..exemplars };
        assert!(told(&fewer, "googlenet").contains("has 3 units, mixed4a has 2"));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let folder = results();
        let told = |layer, wanted: Wanted<'_>| {
            format!("{:#}", bundle_part(folder.path(), layer, &wanted).unwrap_err())
        };
        let gallery = gallery();
        assert!(told("mixed4b", wanted(&gallery)).contains("mixed4b.json"));
        let twin = Wanted { model: "googlenet-torchvision", ..wanted(&gallery) };
        assert!(told("mixed4a", twin).contains("mixed4a.json is of googlenet, not of"));
        let changed = Wanted { pictures_sha256: Some("cc"), ..wanted(&gallery) };
        assert!(told("mixed4a", changed).contains("other pictures"));
        let missing = told("mixed4a", wanted(&gallery[..1]));
        assert!(
            missing.contains("mixed4a:") && missing.contains("not in the gallery"),
            "{missing}"
        );
        fs::write(heat_path(folder.path(), "mixed4a"), [0; 7]).unwrap();
        let short = told("mixed4a", wanted(&gallery));
        assert!(short.contains("7 bytes, expected 294"), "{short}");
    }
}

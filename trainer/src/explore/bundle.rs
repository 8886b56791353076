//! The bundle of an exploration, and that of a dictionary alone.

use std::path::{Path, PathBuf};

use anyhow::Result;
use shared::models;

use crate::bundle::{self, Existing, INDEX, Ingredients, WeightsFrom};
use crate::dictionary::{self, Opened};
use crate::failure::WrongCall;
use crate::weights::Weights;

/// How many folders a dictionary lies below its exploration's.
const DEPTH: usize = 2;

/// What goes into an exploration's bundle.
pub struct Gathering<'a> {
    /// The model's name, which is the bundle's.
    pub model: &'a str,
    /// Its weights.
    pub weights: &'a Weights,
    /// The folder of pictures.
    pub gallery: &'a Path,
    /// Those that excite latents most.
    pub exemplars: &'a Path,
    /// What some look for.
    pub dreams: &'a Path,
    /// `LAYER/NAME=FOLDER`
    pub dictionary: String,
    /// `LAYER/NAME`, which the page leads with.
    pub layer: &'a str,
    /// The layer itself, which comes next.
    pub parent: &'a str,
    /// Latents that are dreamed.
    pub dreamed: &'a [usize],
}

impl Gathering<'_> {
    /// Writes the bundle into a folder of bundles, and their list, unless it is there.
    ///
    /// # Errors
    /// As [`bundle::export`].
    pub fn run(self, bundles: &Path) -> Result<()> {
        let target = bundles.join(self.model);
        if self.is_there(bundles, &target) {
            eprintln!("{}: there already", target.display());
            return Ok(());
        }
        let has_dreams = !self.dreamed.is_empty();
        let ingredients = Ingredients {
            model: Some(self.model.to_owned()),
            weights: WeightsFrom::Given { weights: self.weights.clone(), precision: None },
            gallery: Some(self.gallery.to_owned()),
            exemplars: Some(self.exemplars.to_owned()),
            dreams: has_dreams.then(|| self.dreams.to_owned()).into_iter().collect(),
            dictionaries: vec![self.dictionary],
            layers: [self.layer, self.parent].map(str::to_owned).into(),
            ..Ingredients::default()
        };
        bundle::export(&ingredients, &target)?;
        bundle::list(bundles)?;
        Ok(())
    }

    /// All else that is in it is the same in every run of one exploration.
    fn is_there(&self, bundles: &Path, target: &Path) -> bool {
        let Ok(existing) = Existing::open(target) else { return false };
        let Some(layer) = existing.bundle.layer(self.layer) else { return false };
        let is_dreamed = |latent: &usize| {
            layer.dreams.as_ref().is_some_and(|dreams| dreams.picture(*latent).is_some())
        };
        bundles.join(INDEX).is_file() && self.dreamed.iter().all(is_dreamed)
    }
}

/// The folder of bundles of the exploration that a dictionary comes from, if it does and the bundle
/// there brings this one, and what its latents are called there.
pub fn bundles_of(opened: &Opened) -> Option<(PathBuf, String)> {
    let folder = opened.folder.canonicalize().ok()?;
    let bundles = folder.ancestors().nth(DEPTH)?.join("bundles");
    let files = opened.as_saelens().ok()?;
    let existing = Existing::open(&bundles.join(&opened.made.model)).ok()?;
    let layer = existing.bundle.layers.iter().find(|layer| {
        let parts = layer.dictionary.as_ref();
        parts.is_some_and(|parts| {
            parts.weights.check(&files.weights).is_ok()
                && parts.config.check(files.config.as_bytes()).is_ok()
        })
    })?;
    bundles.join(INDEX).is_file().then(|| (bundles, layer.name.clone()))
}

/// Writes a bundle of a dictionary alone into a folder beside its files: no pictures, but all that
/// the page computes itself. The folder of bundles, and what its latents are called.
///
/// # Errors
/// A dictionary that does not say of which network it is; as [`bundle::export`].
pub fn make_bundle(opened: &Opened, weights: Option<&Path>) -> Result<(PathBuf, String)> {
    let (folder, model) = (opened.folder.display(), opened.made.model.as_str());
    if model.is_empty() {
        let wrong = format!(
            "{folder} does not say of which network it is: `pellucid export \
             --model NAME --dictionary LAYER/NAME={folder} --out BUNDLE` makes a bundle of it"
        );
        return Err(WrongCall(wrong).into());
    }
    let info = models::info(model)?;
    let name = dictionary::usual_name(opened.dictionary.config().latents);
    let layer = format!("{}/{name}", opened.made.layer);
    let bundles = opened.folder.join("bundles");
    let weights = Weights::find(info.name, weights)?;
    let ingredients = Ingredients {
        model: Some(info.name.to_owned()),
        weights: WeightsFrom::Given { weights, precision: None },
        dictionaries: vec![format!("{layer}={folder}")],
        ..Ingredients::default()
    };
    bundle::export(&ingredients, &bundles.join(info.name))?;
    bundle::list(&bundles)?;
    Ok((bundles, layer))
}

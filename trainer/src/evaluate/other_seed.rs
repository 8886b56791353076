//! The same dictionary of another seed, and how much of a dictionary it finds again.

use std::fs;
use std::path::PathBuf;

use super::stability::partners;
use super::worth::{Evaluation, Latent};
use crate::dictionary::{self, Opened};

/// What comes before a seed in the names of `pellucid train`'s folders.
const SEED: &str = "seed-";

/// Whether a dictionary differs from another in its seed alone.
pub fn is_other_seed(one: &Opened, other: &Opened) -> bool {
    let recipe = |opened: &Opened| {
        let mut recipe = opened.made.recipe.clone();
        recipe.as_object_mut()?.remove("seed")?;
        Some((recipe, opened.made.store_sha256.clone(), opened.made.layer.clone()))
    };
    one.made.seed != other.made.seed && recipe(one).is_some() && recipe(one) == recipe(other)
}

/// The same dictionary of another seed, where its folder lies beside this one's.
pub fn beside(one: &Opened) -> Option<Opened> {
    let folder = fs::canonicalize(&one.folder).ok()?;
    let (alike, _) = folder.file_name()?.to_str()?.rsplit_once(SEED)?;
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder.parent()?).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    let is_alike = |other: &PathBuf| {
        let name = other.file_name().and_then(|name| name.to_str()?.rsplit_once(SEED));
        *other != folder && name.is_some_and(|(name, _)| name == alike)
    };
    let mut others = folders.into_iter().filter(is_alike);
    others.find_map(|other| dictionary::open(&other).ok().filter(|other| is_other_seed(one, other)))
}

/// Notes each latent's partner in the other, and how alike they are.
pub fn note(one: &Opened, other: &Opened, evaluation: &mut Evaluation, latents: &mut [Latent]) {
    let found = partners(&one.dictionary, &other.dictionary);
    for (latent, (partner, cosine)) in
        latents.iter_mut().zip(found.partners.iter().zip(&found.cosines))
    {
        (latent.partner, latent.stability) = (Some(*partner), Some(f64::from(*cosine)));
    }
    let sum: f64 = found.cosines.iter().map(|cosine| f64::from(*cosine)).sum();
    evaluation.stability = Some(sum / latents.len() as f64);
}

//! What was made beforehand: the gallery, and layer by layer dictionaries, exemplars and dreams.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use shared::format::bundle::{Dreams, Gallery, Layer, Sprites};
use shared::format::credits::{self, Credit};
use shared::format::exemplars::{Kind, Whole};
use shared::models::ModelInfo;

use super::dictionaries::{self, Shipped};
use super::existing::Existing;
use super::files::Files;
use super::ingredients::Ingredients;
use super::{dreams, gallery};
use crate::exemplars::{self, Wanted};
use crate::failure::WrongCall;
use crate::pictures::listing::Listing;
use crate::pictures::source::Source;

/// Where layers come from.
pub struct Layers<'a> {
    /// What is to be made.
    pub ingredients: &'a Ingredients,
    /// The model the layers are of.
    pub info: &'a ModelInfo,
    /// A bundle to take everything else from.
    pub from: Option<&'a Existing>,
    /// Where the bundle goes.
    pub target: &'a Path,
}

/// The gallery's pictures, and their names in order.
struct Photographs {
    gallery: Gallery,
    names: Vec<String>,
    /// Of the folder they come from; none where they come from a bundle.
    fingerprint: Option<String>,
}

impl Photographs {
    fn new(gallery: Gallery, credits: Vec<Credit>, fingerprint: Option<String>) -> Self {
        let names = credits.into_iter().map(|credit| credit.file).collect();
        Self { gallery, names, fingerprint }
    }
}

impl Layers<'_> {
    /// Gathers what was made for this bundle, and from another one whatever was not.
    pub fn gather(&self, files: &mut Files) -> Result<(Option<Gallery>, Vec<Layer>)> {
        let given = &self.ingredients.dictionaries;
        let shipped = dictionaries::gather(given, self.from, self.info)?;
        let known = self.known(&shipped)?;
        let wanted = wanted(&self.ingredients.layers, &known)?;
        let photographs = self.photographs(files)?;
        let names = photographs.as_ref().map_or(&[][..], |photographs| &photographs.names);
        let mut made = dreams::gather(&self.ingredients.dreams, &known, &shipped, files)?;
        let mut layers = Vec::new();
        for name in self.in_order(&wanted, &known) {
            let dictionary = shipped.get(name);
            // Of other latents than these nothing is kept.
            let stays = |layer: &&Layer| match (&layer.dictionary, dictionary) {
                (Some(files), Some(shipped)) => shipped.is(files),
                (None, Some(_)) => false,
                (_, None) => true,
            };
            let old =
                self.from.and_then(|from| Some((from, from.bundle.layer(name).filter(stays)?)));
            let mut layer = Layer::new(name);
            layer.latents = match dictionary {
                Some(shipped) => Some(shipped.layer.channels),
                None => old.and_then(|(_, layer)| layer.latents),
            };
            layer.dictionary = dictionary.map(|shipped| shipped.add(files));
            layer.worth = dictionary.and_then(|shipped| shipped.add_worth(files));
            if let (None, Some((from, Layer { worth: Some(worth), .. }))) = (&layer.worth, old) {
                worth.records.iter().try_for_each(|part| from.take(part, files).map(drop))?;
                layer.worth = Some(worth.clone());
            }
            layer.dreams = match (made.remove(name), old) {
                (Some(dreams), _) => Some(dreams),
                (None, Some((from, Layer { dreams: Some(dreams), .. }))) => {
                    Some(kept_dreams(from, dreams, files)?)
                }
                _ => None,
            };
            let is_wanted = wanted.is_empty() || wanted.contains(&name);
            let folder = self.ingredients.exemplars.as_deref().filter(|_| is_wanted);
            if let Some(folder) = folder.filter(|folder| has_exemplars(folder, name)) {
                self.add_exemplars(folder, photographs.as_ref(), dictionary, &mut layer, files)?;
            } else if let Some((from, old)) = old {
                self.keep_exemplars(from, old, names, &mut layer, files)?;
            }
            self.add_reference(&mut layer, names.len(), files)?;
            if layer.dreams.is_some() || layer.exemplars.is_some() || layer.dictionary.is_some() {
                layers.push(layer);
            }
        }
        self.refuse_missing(&wanted, &layers)?;
        Ok((photographs.map(|photographs| photographs.gallery), layers))
    }

    /// The model with the layers of its dictionaries, and of what else is read out of its layers in
    /// the bundle it is made from, each behind its own.
    fn known(&self, shipped: &BTreeMap<String, Shipped>) -> Result<ModelInfo> {
        let mut known = self.info.clone();
        let mut latents: Vec<_> = shipped.values().map(|shipped| shipped.layer.clone()).collect();
        for old in self.from.iter().flat_map(|from| &from.bundle.layers) {
            if old.latents.is_some() && !shipped.contains_key(&old.name) {
                latents.push(old.info(self.info)?);
            }
        }
        for layer in latents {
            let parent = layer.name.rsplit_once('/').map_or("", |(parent, _)| parent);
            let behind = known.layer_id(parent)?.0 + 1;
            known.layers.insert(behind, layer);
        }
        Ok(known)
    }

    /// Every layer that is known: those wanted first, then those of the bundle it is made from in
    /// its order, then the rest in the model's.
    fn in_order<'a>(&'a self, wanted: &[&'a str], known: &'a ModelInfo) -> Vec<&'a str> {
        let old = self.from.iter().flat_map(|from| &from.bundle.layers);
        let old = old.map(|layer| layer.name.as_str());
        let all = known.layers.iter().map(|layer| layer.name.as_str());
        let mut names: Vec<&str> = Vec::new();
        for name in wanted.iter().copied().chain(old).chain(all) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn photographs(&self, files: &mut Files) -> Result<Option<Photographs>> {
        if let Some(folder) = &self.ingredients.gallery {
            let (gallery, credits) = gallery::gather(folder, files)?;
            let fingerprint = self.ingredients.exemplars.as_ref().map(|exemplars| {
                // They may lie among the photographs, as may what is written now.
                let source = Source::new(folder)?.without(exemplars).without(self.target);
                Ok::<_, anyhow::Error>(Listing::of(vec![source])?.sha256)
            });
            return Ok(Some(Photographs::new(gallery, credits, fingerprint.transpose()?)));
        }
        let Some((from, gallery)) =
            self.from.and_then(|from| Some((from, from.bundle.gallery.as_ref()?)))
        else {
            return Ok(None);
        };
        let credits = credits_of(from, gallery)?;
        from.take(&gallery.credits, files)?;
        keep_sheets(from, &gallery.sprites, files)?;
        Ok(Some(Photographs::new(gallery.clone(), credits, None)))
    }

    fn add_exemplars(
        &self,
        folder: &Path,
        photographs: Option<&Photographs>,
        dictionary: Option<&Shipped>,
        layer: &mut Layer,
        files: &mut Files,
    ) -> Result<()> {
        let Some(photographs) = photographs else {
            let reason = "--exemplars needs the photographs they were chosen from: --gallery DIR";
            return Err(WrongCall(reason.to_owned()).into());
        };
        let wanted = Wanted {
            model: self.info.name,
            gallery: &photographs.names,
            pictures_sha256: photographs.fingerprint.as_deref(),
            dictionary_sha256: dictionary.map(|shipped| shipped.sha256.as_str()),
        };
        let whole = exemplars::bundle_part(folder, &layer.name, &wanted).with_context(|| {
            format!("taking {}'s exemplars from {}", layer.name, folder.display())
        })?;
        add_tables(&whole, layer, files);
        Ok(())
    }

    fn keep_exemplars(
        &self,
        from: &Existing,
        old: &Layer,
        names: &[String],
        layer: &mut Layer,
        files: &mut Files,
    ) -> Result<()> {
        let Some(exemplars) = &old.exemplars else { return Ok(()) };
        // They say which pictures by number: another gallery would show others under it.
        let old_gallery = from.bundle.gallery.as_ref().context("exemplars without a gallery")?;
        if self.ingredients.gallery.is_some() {
            let old_credits = credits_of(from, old_gallery)?;
            if !old_credits.iter().map(|credit| &credit.file).eq(names) {
                bail!(
                    "{}'s exemplars in --from were chosen from other photographs than those of \
                     --gallery; give --exemplars that were chosen from these",
                    layer.name
                );
            }
        }
        exemplars.parts().try_for_each(|part| from.take(part, files).map(drop))?;
        layer.exemplars = Some(exemplars.clone());
        Ok(())
    }

    /// Adds to a layer's exemplars what the pictures of `--reference` reach, if it was measured.
    fn add_reference(&self, layer: &mut Layer, n_pictures: usize, files: &mut Files) -> Result<()> {
        let folder = self.ingredients.reference.as_deref();
        let Some(folder) = folder.filter(|folder| has_exemplars(folder, &layer.name)) else {
            return Ok(());
        };
        let Some(exemplars) = &layer.exemplars else { return Ok(()) };
        let whole = Whole::read(exemplars, n_pictures, |part| {
            let bytes = files.get(&part.path).map(<[u8]>::to_vec);
            bytes.with_context(|| format!("{} was not gathered", part.path))
        })?;
        let reference = exemplars::reference(folder, &layer.name, exemplars, self.info.name);
        let reference = reference.with_context(|| {
            format!("measuring {}'s exemplars by {}", layer.name, folder.display())
        })?;
        add_tables(&whole.measured_by(reference), layer, files);
        Ok(())
    }

    /// Refuses layers and folders that were named and hold nothing.
    fn refuse_missing(&self, wanted: &[&str], layers: &[Layer]) -> Result<()> {
        if let Some(missing) =
            wanted.iter().find(|name| !layers.iter().any(|layer| layer.name == **name))
        {
            bail!("--layers names {missing}, but neither dreams nor exemplars of it were given");
        }
        if let Some(folder) = &self.ingredients.reference
            && !layers
                .iter()
                .any(|layer| layer.exemplars.is_some() && has_exemplars(folder, &layer.name))
        {
            bail!(
                "--reference {} holds no LAYER.json for a layer with exemplars; `pellucid exemplars` makes it",
                folder.display()
            );
        }
        let taken = |layer: &&Layer| wanted.is_empty() || wanted.contains(&layer.name.as_str());
        if let Some(folder) = &self.ingredients.exemplars
            && !layers.iter().filter(taken).any(|layer| has_exemplars(folder, &layer.name))
        {
            let which = if wanted.is_empty() { "any layer" } else { "a layer of --layers" };
            bail!(
                "--exemplars {} holds no LAYER.json for {which}; `pellucid exemplars` makes it",
                folder.display()
            );
        }
        Ok(())
    }
}

/// The canonical names of `--layers`.
fn wanted<'a>(names: &[String], known: &'a ModelInfo) -> Result<Vec<&'a str>> {
    names.iter().map(|name| Ok(known.layer(name)?.name.as_str())).collect()
}

/// Writes a layer's exemplars into its folder.
fn add_tables(whole: &Whole, layer: &mut Layer, files: &mut Files) {
    let name = layer.name.clone();
    layer.exemplars = Some(whole.write(|kind, page, bytes| {
        let table = match kind {
            Kind::Exemplars => "exemplars",
            Kind::Heat => "heat",
        };
        files.add(&format!("{name}/{table}-{page}.bin"), bytes)
    }));
}

fn has_exemplars(folder: &Path, layer: &str) -> bool {
    folder.join(format!("{layer}.json")).is_file()
}

fn credits_of(from: &Existing, gallery: &Gallery) -> Result<Vec<Credit>> {
    let bytes = from.read(&gallery.credits)?;
    Ok(credits::from_json(&bytes, gallery.sprites.count)?)
}

fn kept_dreams(from: &Existing, dreams: &Dreams, files: &mut Files) -> Result<Dreams> {
    keep_sheets(from, &dreams.sprites, files)?;
    Ok(dreams.clone())
}

fn keep_sheets(from: &Existing, sprites: &Sprites, files: &mut Files) -> Result<()> {
    sprites.sheets.iter().try_for_each(|sheet| from.take(sheet, files).map(drop))
}

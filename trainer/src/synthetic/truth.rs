//! The truth beside a store: what its activations were drawn from, as safetensors.
//!
//! `truth.safetensors` has the features, and `truth/000000.safetensors` which of them make up the
//! activations of a shard; docs/dictionaries.md says what is in them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use shared::readout::dictionary::codes::{Codes, Use};

use super::design::Design;
use super::features::Features;
use crate::hash;

/// The file of the features, beside a store's description.
pub const TRUTH: &str = "truth.safetensors";

/// Where in its header the design is.
const DESIGN: &str = "design";

/// The file of what makes up the activations of a shard.
pub fn uses_path(shard: u64) -> String {
    format!("truth/{shard:06}.safetensors")
}

/// Features as a file.
pub fn features_file(design: &Design, features: &Features) -> Result<Vec<u8>> {
    let parents: Vec<i32> =
        features.parents().iter().map(|parent| parent.map_or(-1, |parent| parent as i32)).collect();
    let (count, channels, rank) = (design.features, design.channels, design.rank);
    let tensors = [
        ("bias", vec![channels], features.bias.as_slice()),
        ("causes", vec![count, rank], &features.causes),
        ("deviations", vec![count], &features.deviations),
        ("directions", vec![count, channels], &features.directions),
        ("frequencies", vec![count], &features.frequencies),
        ("means", vec![count], &features.means),
        ("unhindered", vec![count], &features.unhindered),
    ];
    let mut views = vec![("parents", TensorView::new(Dtype::I32, vec![count], bytes(&parents))?)];
    for (name, shape, values) in tensors {
        views.push((name, TensorView::new(Dtype::F32, shape, bytes(values))?));
    }
    let header = HashMap::from([(DESIGN.to_owned(), serde_json::to_string(design)?)]);
    Ok(serialize(views, Some(header))?)
}

/// What makes up the activations of a shard, as a file.
pub fn uses_file(codes: &Codes) -> Result<Vec<u8>> {
    let ends: Vec<i32> = codes.ends.iter().map(|end| *end as i32).collect();
    let features: Vec<i32> = codes.uses.iter().map(|used| used.latent as i32).collect();
    let values: Vec<f32> = codes.uses.iter().map(|used| used.pre).collect();
    let count = codes.uses.len();
    let views = [
        ("ends", TensorView::new(Dtype::I32, vec![ends.len()], bytes(&ends))?),
        ("features", TensorView::new(Dtype::I32, vec![count], bytes(&features))?),
        ("values", TensorView::new(Dtype::F32, vec![count], bytes(&values))?),
    ];
    Ok(serialize(views, None)?)
}

fn bytes<T: bytemuck::NoUninit>(values: &[T]) -> &[u8] {
    bytemuck::cast_slice(values)
}

/// The truth of a store, opened.
#[derive(Clone, Debug)]
pub struct Truth {
    folder: PathBuf,
    /// Unit vectors, `[features, channels]`.
    pub directions: Vec<f32>,
    /// How many features there are.
    pub features: usize,
}

impl Truth {
    /// The truth beside a store in a folder, if there is one. `sha256` is what the store says of it.
    ///
    /// # Errors
    /// The file is damaged, or another store's.
    pub fn beside(folder: &Path, sha256: &str) -> Result<Option<Self>> {
        let path = folder.join(TRUTH);
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        if hash::sha256(&bytes) != sha256 {
            bail!("{} is not what this store was drawn from", path.display());
        }
        let within = || format!("in {}", path.display());
        let tensors = SafeTensors::deserialize(&bytes).with_context(within)?;
        let directions = tensors.tensor("directions").with_context(within)?;
        let &[features, _] = directions.shape() else {
            bail!("{}: directions have no two axes", path.display());
        };
        let directions = singles(&tensors, "directions").with_context(within)?;
        Ok(Some(Self { folder: folder.to_owned(), directions, features }))
    }

    /// What makes up the activations of a shard, as features and their values.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn uses(&self, shard: u64) -> Result<Codes> {
        let path = self.folder.join(uses_path(shard));
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let read = || {
            let tensors = SafeTensors::deserialize(&bytes)?;
            let ends = integers(&tensors, "ends")?;
            let features = integers(&tensors, "features")?;
            let values = singles(&tensors, "values")?;
            let is_there = features.iter().all(|feature| (*feature as usize) < self.features);
            let is_whole =
                ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == features.len();
            if !is_there || !is_whole || features.len() != values.len() {
                bail!("its features, values and ends do not go together");
            }
            let uses = features.into_iter().zip(values);
            let uses = uses.map(|(latent, pre)| Use { latent, pre }).collect();
            Ok(Codes {
                ends: ends.into_iter().map(|end| end as usize).collect(),
                uses,
                ..Codes::default()
            })
        };
        read().with_context(|| format!("in {}", path.display()))
    }
}

fn singles(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>> {
    Ok(words(tensors, name, Dtype::F32)?.map(f32::from_le_bytes).collect())
}

/// Negative ones are beyond every number of features.
fn integers(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<u32>> {
    Ok(words(tensors, name, Dtype::I32)?.map(u32::from_le_bytes).collect())
}

fn words<'a>(
    tensors: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
) -> Result<impl Iterator<Item = [u8; 4]> + use<'a>> {
    let tensor = tensors.tensor(name)?;
    if tensor.dtype() != dtype {
        bail!("{name} is {:?}, expected {dtype:?}", tensor.dtype());
    }
    let (words, _) = tensor.data().as_chunks::<4>();
    Ok(words.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_read_as_they_were_written_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let design = Design { features: 5, channels: 3, trees: 1, ..Design::default() };
        let file = features_file(&design, &Features::new(&design)).unwrap();
        fs::write(folder.path().join(TRUTH), &file).unwrap();
        let truth = Truth::beside(folder.path(), &hash::sha256(&file)).unwrap().unwrap();
        assert_eq!((truth.features, truth.directions.len()), (5, 15));
        assert!(Truth::beside(folder.path(), "").unwrap_err().to_string().contains("is not what"));
        let mut codes = Codes::default();
        codes.push([Use { latent: 1, pre: 2.5 }, Use { latent: 4, pre: 0.5 }]);
        codes.push([]);
        fs::create_dir(folder.path().join("truth")).unwrap();
        let path = folder.path().join(uses_path(0));
        fs::write(&path, uses_file(&codes).unwrap()).unwrap();
        assert_eq!(truth.uses(0).unwrap(), codes);
        codes.uses[1].latent = 5;
        fs::write(&path, uses_file(&codes).unwrap()).unwrap();
        let error = format!("{:#}", truth.uses(0).unwrap_err());
        assert!(error.contains("do not go together"), "{error}");
    }
}

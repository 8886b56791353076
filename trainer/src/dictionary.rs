//! Dictionaries in folders: found, opened, named.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use shared::burn::tensor::Device;
use shared::format::dictionary::foreign::{
    self, DICTIONARY_LEARNING, DICTIONARY_LEARNING_CONFIG, SPARSIFY,
};
use shared::format::dictionary::saev::{self, SAEV};
use shared::format::dictionary::{self as format, CONFIG, Files, Made, WEIGHTS, read};
use shared::models::ModelInfo;
use shared::readout::dictionary::Dictionary;
use shared::readout::{Derived, Readouts};
use shared::tap::{LayerId, LayerInfo};
use shared::weights::Precision;

use crate::failure::WrongCall;
use crate::{hash, output};

/// A dictionary from its folder.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Where it was.
    pub folder: PathBuf,
    /// The dictionary.
    pub dictionary: Dictionary,
    /// What is known of it.
    pub made: Made,
    /// Whether its decoder's bias is taken off before the encoder is not known: an older one of
    /// saev's.
    pub is_doubtful: bool,
    /// Of its files, the numbers' first, hexadecimal.
    pub sha256: String,
}

impl Opened {
    /// The two files as SAELens keeps them: its own where they are, byte for byte.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn as_saelens(&self) -> Result<Files> {
        let paths = [CONFIG, WEIGHTS].map(|name| self.folder.join(name));
        if paths.iter().all(|path| path.is_file()) {
            let [config, weights] = paths;
            let reading = |path: &Path| format!("reading {}", path.display());
            let config = fs::read_to_string(&config).with_context(|| reading(&config))?;
            let weights = fs::read(&weights).with_context(|| reading(&weights))?;
            // Another may lie beside the file that this one came from.
            if format::sha256(config.as_bytes(), &weights) == self.sha256 {
                return Ok(Files { config, weights });
            }
        }
        Ok(format::write(&self.dictionary, &self.made, Precision::F32)?)
    }
}

/// Where what was measured of the dictionary at a path lies: beside its file, or in its folder.
pub fn folder(path: &Path) -> &Path {
    match path.parent() {
        _ if !path.is_file() => path,
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Opens the dictionary in a folder, or one of its files: one that was trained here, of SAELens,
/// saev, sparsify, dictionary_learning, or a file of OpenAI's sparse_autoencoder; or in the .zip file
/// that the page saves.
///
/// # Errors
/// Name the file, and what in it is none.
pub fn open(path: &Path) -> Result<Opened> {
    let reading =
        |path: &Path| fs::read(path).with_context(|| format!("reading {}", path.display()));
    let folder = folder(path);
    if path.extension().is_some_and(|extension| extension == "zip") {
        let within = || format!("in {}", path.display());
        let Files { config, weights } = Files::unpacked(&reading(path)?).with_context(within)?;
        let (dictionary, made) = read(config.as_bytes(), &weights).with_context(within)?;
        let sha256 = format::sha256(config.as_bytes(), &weights);
        let folder = folder.to_owned();
        return Ok(Opened { folder, dictionary, made, is_doubtful: false, sha256 });
    }
    let file = |name: &str| reading(&folder.join(name));
    let has = |name: &str| folder.join(name).is_file();
    let within = || format!("in {}", folder.display());
    let mut is_doubtful = false;
    let (bytes, (dictionary, made)) = if has(CONFIG) && has(WEIGHTS) {
        let (config, weights) = (file(CONFIG)?, file(WEIGHTS)?);
        let found = read(&config, &weights).with_context(within)?;
        ([weights, config].concat(), found)
    } else {
        let (bytes, dictionary) = if has(SAEV) {
            let bytes = file(SAEV)?;
            let found = saev::read(&bytes).with_context(within)?;
            is_doubtful = found.is_doubtful;
            (bytes, found.dictionary)
        } else if has(SPARSIFY) {
            let (config, weights) = (file(CONFIG)?, file(SPARSIFY)?);
            let dictionary = foreign::sparsify(&config, &weights).with_context(within)?;
            ([weights, config].concat(), dictionary)
        } else if has(DICTIONARY_LEARNING) {
            let (config, weights) = (file(DICTIONARY_LEARNING_CONFIG)?, file(DICTIONARY_LEARNING)?);
            let dictionary =
                foreign::dictionary_learning(&config, &weights).with_context(within)?;
            ([weights, config].concat(), dictionary)
        } else if path.is_file() {
            let bytes = reading(path)?;
            let dictionary = foreign::openai(&bytes).with_context(|| path.display().to_string())?;
            (bytes, dictionary)
        } else {
            let known = [WEIGHTS, SAEV, SPARSIFY, DICTIONARY_LEARNING].join(", ");
            let wrong = format!("{} has no dictionary: none of {known}", folder.display());
            return Err(WrongCall(wrong).into());
        };
        (bytes, (dictionary, Made::default()))
    };
    let sha256 = hash::sha256(&bytes);
    Ok(Opened { folder: folder.to_owned(), dictionary, made, is_doubtful, sha256 })
}

/// The folders of dictionaries at a path: itself, or those right below it, in the order of names.
///
/// # Errors
/// There is none.
pub fn find(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() || is_dictionary(path) {
        return Ok(vec![path.to_owned()]);
    }
    let reading = || format!("reading {}", path.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(path).with_context(reading)? {
        let folder = entry.with_context(reading)?.path();
        if is_dictionary(&folder) {
            found.push(folder);
        }
    }
    found.sort();
    if found.is_empty() {
        let path = path.display();
        let wrong = format!("{path} has no dictionary, and no folder with one");
        return Err(WrongCall(wrong).into());
    }
    Ok(found)
}

fn is_dictionary(folder: &Path) -> bool {
    [WEIGHTS, SAEV, SPARSIFY, DICTIONARY_LEARNING].iter().any(|name| folder.join(name).is_file())
}

/// A dictionary as a layer of the network.
#[derive(Clone, Debug)]
pub struct Named {
    /// What can be said of its latents: `blocks.10/sae-3k`.
    pub layer: LayerInfo,
    /// The layer that it takes apart.
    pub parent: LayerId,
    /// What it is called there: `sae-3k`.
    pub name: String,
    /// The dictionary.
    pub opened: Opened,
}

/// The dictionary that `--dictionary` names, `FOLDER`, `NAME=FOLDER` or `LAYER/NAME=FOLDER`.
///
/// # Errors
/// It is none, or not of this network.
pub fn named(given: &str, info: &ModelInfo) -> Result<Named> {
    let (name, path) = match given.split_once('=') {
        Some((name, path)) => (Some(name), path),
        None => (None, given),
    };
    let (layer, name) = match name.and_then(|name| name.rsplit_once('/')) {
        Some((layer, name)) => (Some(layer), Some(name)),
        None => (None, name),
    };
    let opened = open(Path::new(path))?;
    let wrong = |reason: String| WrongCall(format!("{}: {reason}", opened.folder.display()));
    let layer = layer.unwrap_or(&opened.made.layer);
    if layer.is_empty() {
        let mend = "it does not say of which layer it is: name it LAYER/NAME=FOLDER";
        return Err(wrong(mend.to_owned()).into());
    }
    let id = info.layer_id(layer).map_err(|error| wrong(error.to_string()))?;
    let parent = info.at(id);
    let config = opened.dictionary.config();
    let (channels, expected) = (config.channels, parent.channels);
    if channels != expected {
        let reason = format!("it takes {channels} channels; {} has {expected}", parent.name);
        return Err(wrong(reason).into());
    }
    let name = name.map_or_else(|| usual_name(config.latents), str::to_owned);
    if name.is_empty() || name.contains(['/', ':', '@', '{', '}', ' ']) {
        return Err(wrong(format!("{name:?} is no name for a dictionary")).into());
    }
    let layer = parent.of_latents(&name, config.latents);
    Ok(Named { layer, parent: id, name, opened })
}

/// The same as what a network's layers are looked up in.
///
/// # Errors
/// As [`named`].
pub fn readouts(given: &str, info: &ModelInfo, device: &Device) -> Result<Readouts> {
    let Named { parent, name, opened, .. } = named(given, info)?;
    let at = info.at(parent);
    let derived = Derived::new((parent, at), &name, opened.dictionary.on(device), &opened.sha256);
    Ok([((at.name.clone(), name), derived)].into())
}

/// `sae-3k` of 3,072 latents.
pub fn usual_name(latents: usize) -> String {
    match latents {
        latents if latents.is_multiple_of(1024) => format!("sae-{}k", latents / 1024),
        latents => format!("sae-{latents}"),
    }
}

/// Writes a dictionary as SAELens keeps one into a folder.
///
/// # Errors
/// Numbers that do not fit, a full disk.
pub fn write(
    folder: &Path,
    dictionary: &Dictionary,
    made: &Made,
    precision: Precision,
) -> Result<()> {
    let files = format::write(dictionary, made, precision)?;
    // The smaller file last: where it is, the other is too.
    output::write_whole(&folder.join(WEIGHTS), |out| Ok(out.write_all(&files.weights)?))?;
    output::write_whole(&folder.join(CONFIG), |out| Ok(out.write_all(files.config.as_bytes())?))
}

/// Writes a dictionary as saev keeps one into a folder; the file.
///
/// # Errors
/// Saev has none of its kind.
pub fn write_saev(opened: &Opened, folder: &Path) -> Result<PathBuf> {
    let bytes =
        saev::write(&opened.dictionary).context(WrongCall(opened.folder.display().to_string()))?;
    let path = folder.join(SAEV);
    output::write_whole(&path, |out| Ok(out.write_all(&bytes)?))?;
    Ok(path)
}

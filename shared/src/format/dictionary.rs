//! A dictionary as SAELens 6 keeps one: `cfg.json` beside `sae_weights.safetensors`.
//!
//! That is our own format too, so that what is trained here opens there as it is. What else is known
//! of a dictionary stands in `metadata.pellucid`, which others pass over. `docs/dictionaries.md` says
//! what is in it.

pub mod foreign;
pub mod saev;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{json_text, parse_json};
use super::field::Field;
use super::part;
use super::zip::{self, Zip};
use crate::readout::dictionary::{
    Activation, Config, Dictionary, Normalization, Parameters, Pursuit,
};
use crate::weights::{
    NamedTensor, NamedTensors, Precision, StoredTensors, from_safetensors, to_safetensors,
};
use crate::{Error, Result};

/// The file that says what it is.
pub const CONFIG: &str = "cfg.json";

/// The file of its numbers.
pub const WEIGHTS: &str = "sae_weights.safetensors";

/// The largest `cfg.json`, in bytes.
pub const CONFIG_LIMIT: usize = 1 << 20;

/// The version of SAELens whose fields are written.
const SAE_LENS: &str = "6.49.2";

/// The architecture of what is encoded greedily.
const MATCHING_PURSUIT: &str = "matching_pursuit";

/// SAELens's own, where a file does not say how short is short enough.
const USUAL_RESIDUAL: f32 = 1e-2;

/// The most channels and latents.
const CHANNELS_LIMIT: u64 = 1 << 20;
const LATENTS_LIMIT: u64 = 1 << 24;

/// Whose activations a dictionary takes apart, and how it was made; what is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Made {
    /// The model's name in the registry.
    pub model: String,
    /// Of its weights file, hexadecimal.
    pub weights_sha256: String,
    /// The layer's canonical name.
    pub layer: String,
    /// Which tokens it was trained on: `patches`.
    pub tokens: String,
    /// What activations were multiplied by in training. The numbers here are for activations as the
    /// layer gives them.
    pub scale: f32,
    /// Of the draw that it began with.
    pub seed: u64,
    /// How it was trained: everything that was chosen, by name.
    pub recipe: Value,
    /// Activations that it was trained on.
    pub examples: u64,
    /// Of the store's description, hexadecimal.
    pub store_sha256: String,
    /// Ends of the prefixes that reconstruct on their own (Matryoshka), ascending.
    pub prefixes: Vec<usize>,
}

/// The two files' bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Files {
    /// Of [`CONFIG`].
    pub config: String,
    /// Of [`WEIGHTS`].
    pub weights: Vec<u8>,
}

/// Of a dictionary's two files, the numbers' first, hexadecimal: by this, recipes name it.
pub fn sha256(config: &[u8], weights: &[u8]) -> String {
    part::sha256(&[weights, config].concat())
}

impl Files {
    /// Both in one .zip archive: unpacked it is the folder that SAELens reads.
    ///
    /// # Errors
    /// There is no room for them.
    pub fn packed(&self) -> Result<Vec<u8>> {
        let config = self.config.as_bytes();
        zip::stored(&[(CONFIG.to_owned(), config), (WEIGHTS.to_owned(), &self.weights)])
    }

    /// From such an archive, in whichever of its folders they are. It is untrusted.
    ///
    /// # Errors
    /// It is no archive, or one of them is missing, damaged or too large.
    pub fn unpacked(archive: &[u8]) -> Result<Self> {
        let zip = Zip::open(archive)?;
        let entries = zip.entries()?;
        let file = |wanted: &str| {
            let is_it = |name: &str| name.rsplit('/').next() == Some(wanted);
            let found = entries.iter().find(|(name, _)| is_it(name));
            let (name, entry) = found.ok_or_else(|| Error::Format {
                what: wanted.to_owned(),
                reason: "is not in the archive".to_owned(),
            })?;
            Ok::<_, Error>(zip.unpack(name, *entry)?.into_owned())
        };
        let config = String::from_utf8(file(CONFIG)?).map_err(|_| Error::Format {
            what: CONFIG.to_owned(),
            reason: "is no text".to_owned(),
        })?;
        Ok(Self { config, weights: file(WEIGHTS)? })
    }
}

/// Writes a dictionary with so many bits of a number.
///
/// # Errors
/// Numbers that the file has no room for.
pub fn write(dictionary: &Dictionary, made: &Made, precision: Precision) -> Result<Files> {
    let &Config { channels, latents, activation, centred, .. } = dictionary.config();
    let numbers = dictionary.parameters();
    let mut tensors = NamedTensors::new();
    let mut put = |name: &str, shape: &[usize], values: Vec<f32>| {
        tensors.insert(name.to_owned(), NamedTensor { shape: shape.to_vec(), values });
    };
    let gated = matches!(activation, Activation::Gated { .. });
    put("W_dec", &[latents, channels], numbers.decoder.clone());
    put("b_dec", &[channels], numbers.decoder_bias.clone());
    // What encodes greedily has no encoder of its own.
    if dictionary.pursuit().is_none() {
        put("W_enc", &[channels, latents], turned(&numbers.encoder, channels));
        let bias = if gated { "b_gate" } else { "b_enc" };
        put(bias, &[latents], numbers.encoder_bias.clone());
    }
    for (name, values) in [
        ("threshold", &numbers.threshold),
        ("r_mag", &numbers.magnitude_scale),
        ("b_mag", &numbers.magnitude_bias),
    ] {
        if !values.is_empty() {
            put(name, &[latents], values.clone());
        }
    }
    let architecture = match activation {
        _ if dictionary.pursuit().is_some() => MATCHING_PURSUIT,
        Activation::Relu { .. } => "standard",
        Activation::TopK { .. } => "topk",
        Activation::JumpRelu { .. } | Activation::BatchTopK { .. } => "jumprelu",
        Activation::Gated { .. } => "gated",
    };
    let mut config = json!({
        "architecture": architecture,
        "d_in": channels,
        "d_sae": latents,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": centred,
        "normalize_activations": normalization_name(dictionary.normalization()),
        "reshape_activations": "none",
        "metadata": {
            "sae_lens_version": SAE_LENS,
            "model_name": made.model,
            "hook_name": made.layer,
            "pellucid": made,
        },
    });
    if let Activation::TopK { k } = activation {
        config["k"] = json!(k);
        config["rescale_acts_by_decoder_norm"] = json!(false);
    }
    if let Some(Pursuit { rounds, residual, until_repeated }) = dictionary.pursuit() {
        config["max_iterations"] = json!(rounds);
        config["residual_threshold"] = json!(residual);
        config["stop_on_duplicate_support"] = json!(until_repeated);
    }
    let weights = to_safetensors(&tensors, precision, &BTreeMap::new())?;
    Ok(Files { config: json_text(CONFIG, &config)?, weights })
}

/// Reads a dictionary, and what is known of it. The files are untrusted.
///
/// # Errors
/// Name the field or the tensor: one that is missing or of another shape, an architecture that is
/// not known here, activations that are normalized in a way that the file does not tell.
pub fn read(config: &[u8], weights: &[u8]) -> Result<(Dictionary, Made)> {
    let value = parse_json(CONFIG, config, CONFIG_LIMIT)?;
    let root = Field::root(CONFIG, &value);
    let channels = root.get("d_in")?.positive(CHANNELS_LIMIT)?;
    let latents = root.get("d_sae")?.positive(LATENTS_LIMIT)?;
    let normalization = match root.optional("normalize_activations")? {
        Some(field) => normalization(&field)?,
        None => Normalization::None,
    };
    let centred = root.optional("apply_b_dec_to_input")?.map(|field| field.parsed()).transpose()?;
    let mut tensors = from_safetensors(weights)?;
    let mut numbers = Parameters {
        decoder: take(&mut tensors, "W_dec", &[latents, channels])?,
        decoder_bias: take(&mut tensors, "b_dec", &[channels])?,
        ..Parameters::default()
    };
    let architecture = root.get("architecture")?;
    let mut pursuit = None;
    let activation = match architecture.text()? {
        "standard" => Activation::Relu { l1: 0.0, by_norm: false },
        "topk" => {
            let k = root.get("k")?.positive(latents as u64)?;
            if let Some(field) = root.optional("rescale_acts_by_decoder_norm")?
                && field.parsed()?
            {
                return Err(field.wrong("is true; SAELens writes it only while training"));
            }
            Activation::TopK { k }
        }
        "jumprelu" => {
            numbers.threshold = match tensors.shape("threshold") {
                Some(_) => take(&mut tensors, "threshold", &[latents])?,
                // Before 6.48.
                None => {
                    let logarithms = take(&mut tensors, "log_threshold", &[latents])?;
                    logarithms.into_iter().map(f32::exp).collect()
                }
            };
            Activation::jump()
        }
        "gated" => {
            numbers.magnitude_scale = take(&mut tensors, "r_mag", &[latents])?;
            numbers.magnitude_bias = take(&mut tensors, "b_mag", &[latents])?;
            Activation::Gated { l1: 0.0 }
        }
        MATCHING_PURSUIT => {
            pursuit = Some(pursuit_of(&root, channels)?);
            // SAELens adds the bias only where it was taken off.
            if centred == Some(false) {
                numbers.decoder_bias.fill(0.0);
            }
            Activation::Relu { l1: 0.0, by_norm: false }
        }
        other => {
            let known = "standard, topk, jumprelu, gated and matching_pursuit";
            return Err(architecture.wrong(format!("is {other:?}; there are {known}")));
        }
    };
    if pursuit.is_some() {
        numbers.encoder.clone_from(&numbers.decoder);
        numbers.encoder_bias = vec![0.0; latents];
    } else {
        numbers.encoder = turned(&take(&mut tensors, "W_enc", &[channels, latents])?, latents);
        let bias = if matches!(activation, Activation::Gated { .. }) { "b_gate" } else { "b_enc" };
        numbers.encoder_bias = take(&mut tensors, bias, &[latents])?;
    }
    let mut about = Made::default();
    if let Some(metadata) = root.optional("metadata")? {
        for (key, text) in [("model_name", &mut about.model), ("hook_name", &mut about.layer)] {
            if let Some(field) = metadata.optional(key)? {
                text.push_str(field.text()?);
            }
        }
        if let Some(ours) = metadata.optional("pellucid")? {
            about = ours.parsed()?;
        }
    }
    let prefixes = match about.prefixes.as_slice() {
        [] => vec![latents],
        prefixes => prefixes.to_vec(),
    };
    let centred = centred.unwrap_or(true);
    let config = Config { channels, latents, activation, centred, prefixes, revival: None };
    let wrong =
        |error: Error| Error::Format { what: WEIGHTS.to_owned(), reason: error.to_string() };
    let dictionary = Dictionary::new(config, numbers).map_err(wrong)?;
    let dictionary = dictionary.with_normalization(normalization);
    let dictionary = match pursuit {
        Some(pursuit) => dictionary.with_pursuit(pursuit),
        None => dictionary,
    };
    Ok((dictionary, about))
}

/// What `normalize_activations` calls what is done to examples.
fn normalization_name(normalization: Normalization) -> &'static str {
    match normalization {
        Normalization::None => "none",
        Normalization::Layer => "layer_norm",
        Normalization::Length => "constant_norm_rescale",
    }
}

fn normalization(field: &Field<'_>) -> Result<Normalization> {
    let name = field.text()?;
    let mut known = Normalization::ALL.into_iter();
    if let Some(normalization) = known.find(|known| normalization_name(*known) == name) {
        return Ok(normalization);
    }
    let reason = match name {
        "expected_average_only_in" | "covariance_whitening" => {
            "what activations were multiplied by is not in the file: fold it in with SAELens first"
        }
        _ => "there are none, layer_norm and constant_norm_rescale",
    };
    Err(field.wrong(format!("is {name:?}; {reason}")))
}

fn pursuit_of(root: &Field<'_>, channels: usize) -> Result<Pursuit> {
    let rounds = root.optional("max_iterations")?.map(|field| field.positive(LATENTS_LIMIT));
    let residual = root.optional("residual_threshold")?.map(|field| field.float());
    let repeated = root.optional("stop_on_duplicate_support")?.map(|field| field.parsed());
    Ok(Pursuit {
        // As many as SAELens makes at most.
        rounds: rounds.transpose()?.unwrap_or(channels),
        residual: residual.transpose()?.unwrap_or(USUAL_RESIDUAL),
        until_repeated: repeated.transpose()?.unwrap_or(true),
    })
}

fn take(tensors: &mut StoredTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
    tensors.take(name, shape).map_err(|error| Error::Format {
        what: "the dictionary's numbers".to_owned(),
        reason: error.to_string(),
    })
}

fn made(
    what: &str,
    channels: usize,
    latents: usize,
    activation: Activation,
    centred: bool,
    numbers: Parameters,
) -> Result<Dictionary> {
    let prefixes = vec![latents];
    let config = Config { channels, latents, activation, centred, prefixes, revival: None };
    let wrong = |error: Error| Error::Format { what: what.to_owned(), reason: error.to_string() };
    Dictionary::new(config, numbers).map_err(wrong)
}

/// `[rows, columns]` as `[columns, rows]`.
fn turned(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary(activation: Activation) -> Dictionary {
        let (channels, latents) = (3, 5);
        let prefixes = vec![2, latents];
        let config =
            Config { channels, latents, activation, centred: true, prefixes, revival: None };
        let mut parameters = Parameters::zeros(&config);
        let mut number = 0.0;
        for values in parameters.all_mut() {
            values.iter_mut().for_each(|value| {
                number += 0.25;
                *value = number;
            });
        }
        Dictionary::new(config, parameters).unwrap()
    }

    fn made() -> Made {
        Made {
            model: "vit-tiny-patch16-224".to_owned(),
            layer: "blocks.10".to_owned(),
            scale: 0.5,
            recipe: json!({"k": 2}),
            prefixes: vec![2, 5],
            ..Made::default()
        }
    }

    #[test]
    fn every_kind_is_read_as_it_was_written() {
        for activation in [
            Activation::Relu { l1: 0.0, by_norm: false },
            Activation::TopK { k: 2 },
            Activation::jump(),
            Activation::Gated { l1: 0.0 },
        ] {
            for normalization in Normalization::ALL {
                let dictionary = dictionary(activation).with_normalization(normalization);
                let files = write(&dictionary, &made(), Precision::F32).unwrap();
                let found = read(files.config.as_bytes(), &files.weights).unwrap();
                assert_eq!(found, (dictionary, made()));
            }
        }
        let pursuit = Pursuit { rounds: 3, residual: 0.5, until_repeated: false };
        let pursuing = dictionary(Activation::TopK { k: 2 }).with_pursuit(pursuit);
        let files = write(&pursuing, &made(), Precision::F32).unwrap();
        assert_eq!(read(files.config.as_bytes(), &files.weights).unwrap().0, pursuing);
    }

    #[test]
    fn a_file_of_saelens_alone_is_read_and_logarithms_of_thresholds_are_too() {
        let config = r#"{"architecture": "jumprelu", "d_in": 1, "d_sae": 2, "k": null,
            "apply_b_dec_to_input": false, "normalize_activations": "none", "new": [1],
            "metadata": {"model_name": "clip", "hook_name": "blocks.1", "other": {}}}"#;
        let tensor = |shape: &[usize], values: &[f32]| NamedTensor {
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let tensors = NamedTensors::from([
            ("W_enc".to_owned(), tensor(&[1, 2], &[1.0, -1.0])),
            ("b_enc".to_owned(), tensor(&[2], &[0.0, 0.0])),
            ("W_dec".to_owned(), tensor(&[2, 1], &[1.0, -1.0])),
            ("b_dec".to_owned(), tensor(&[1], &[0.5])),
            ("log_threshold".to_owned(), tensor(&[2], &[0.0, 1.0])),
        ]);
        let weights = to_safetensors(&tensors, Precision::F32, &BTreeMap::new()).unwrap();
        let (dictionary, made) = read(config.as_bytes(), &weights).unwrap();
        assert_eq!((made.model.as_str(), made.layer.as_str()), ("clip", "blocks.1"));
        assert_eq!(dictionary.parameters().threshold, [1.0, 1.0_f32.exp()]);
        // 1 is not above the first threshold, 1.5 is; -3 is above the second.
        let found = dictionary.decode(&dictionary.codes(&[1.0, 1.5, -3.0]));
        assert_eq!(found, [0.5, 2.0, -2.5]);
    }

    #[test]
    fn damage_is_named_with_its_place() {
        let topk = dictionary(Activation::TopK { k: 2 });
        let files = write(&topk, &made(), Precision::F32).unwrap();
        let config: Value = serde_json::from_str(&files.config).unwrap();
        let with = |key: &str, value: Value| {
            let mut config = config.clone();
            config[key] = value;
            read(config.to_string().as_bytes(), &files.weights).unwrap_err().to_string()
        };
        for (key, value, said) in [
            ("architecture", json!("temporal"), "cfg.json: architecture"),
            ("d_sae", json!(0), "cfg.json: d_sae"),
            ("d_sae", json!(6), "W_dec has shape [5, 3], expected [6, 3]"),
            ("k", json!(6), "cfg.json: k"),
            ("normalize_activations", json!("expected_average_only_in"), "fold it in"),
            ("normalize_activations", json!("whatever"), "cfg.json: normalize_activations"),
            ("rescale_acts_by_decoder_norm", json!(true), "rescale_acts_by_decoder_norm"),
        ] {
            let error = with(key, value);
            assert!(error.contains(said), "{error}");
        }
        assert!(read(files.config.as_bytes(), &files.weights[..40]).is_err());
        assert!(read(b"{", &files.weights).is_err());
    }

    #[test]
    fn an_archive_holds_both_files_and_is_no_other() {
        let files = write(&dictionary(Activation::TopK { k: 2 }), &made(), Precision::F32).unwrap();
        let packed = files.packed().unwrap();
        assert_eq!(Files::unpacked(&packed).unwrap(), files);
        for end in [0, 10, packed.len() / 2, packed.len() - 1] {
            assert!(Files::unpacked(&packed[..end]).is_err(), "cut at {end}");
        }
        let mut damaged = packed;
        damaged[80] ^= 1;
        assert!(Files::unpacked(&damaged).is_err());
        let other = zip::stored(&[("folder/cfg.json".to_owned(), b"{}".as_slice())]).unwrap();
        let error = Files::unpacked(&other).unwrap_err().to_string();
        assert!(error.contains(WEIGHTS), "{error}");
    }
}
